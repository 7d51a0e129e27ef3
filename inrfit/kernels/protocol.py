"""What every way to run a description offers, to fits and to decodes alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from inrfit.device import Device
    from inrfit.kernels.batch import Pulled, Sums, Tiles
    from inrfit.models.description import Description


class Kernel(Protocol):
    """A way to run a description; see `reference.Reference`.

    Tiles are laid out once, by `prepare`. A decode puts some of them `together` and asks for their `values`; a fit asks
    for `sums`, which are values, squared errors and gradients in one pass. Where the error of a value depends on values of
    other tiles, a fit asks for all `values`, and has a gradient for each of them pulled back in a second pass.

    Attributes:
        recorded: whether whole steps are to be recorded as CUDA graphs.
    """

    recorded: ClassVar[bool]

    @staticmethod
    def refuses(description: Description, device: Device) -> str | None:
        """Return why the kernel cannot run a description on a device; None when it can."""
        ...

    def prepare(self, tiles: Tiles) -> Any:
        """Return tiles as `values` takes them, a `Batch` as `sums` does too, to be kept where they are used again."""
        ...

    def sizes(self, points: int, axes: int) -> tuple[int, ...]:
        """Return how many tiles may be put together so that no value depends on its company, falling, the last 1.

        Args:
            points: of a tile.
            axes: of its coordinates.
        """
        ...

    def together(self, tiles: Sequence[Any], owner: Sequence[int]) -> Any:
        """Return prepared tiles as one, each with its group in the weights; there may be more behind them."""
        ...

    def values(self, weights: Mapping[str, Tensor], tiles: Any) -> Tensor:
        """Return the values [tile, channel, point] of prepared tiles, in memory that the thread's next call may use."""
        ...

    def pull(
        self, weights: Mapping[str, Tensor], tiles: Any, gradient: Tensor, *, moments: bool = False
    ) -> Pulled:
        """Return what a gradient for each value becomes as one of the trained stacks; from any thread.

        The values are found once more on the way. `sums` does the same with the gradient of squared errors.

        Args:
            weights: as for `values`.
            tiles: prepared, a batch or not.
            gradient: [tile, channel, point], 0 for padding; left as it is.
            moments: whether second moments are wanted too.
        """
        ...

    def sums(self, weights: Mapping[str, Tensor], batch: Any, *, moments: bool = False) -> Sums:
        """Return errors, gradients and, if asked for, second moments of a prepared batch; from any thread."""
        ...
