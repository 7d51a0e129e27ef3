"""Ways to run a description: `reference` is the plain one that every faster way is tested against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from inrfit.device import Device
    from inrfit.kernels.reference import Batch, Sums
    from inrfit.models.description import Description


class Kernel(Protocol):
    """A way to run a description; see `reference.Reference`.

    Attributes:
        recorded: whether whole steps are to be recorded as CUDA graphs.
    """

    recorded: ClassVar[bool]

    @staticmethod
    def refuses(description: Description, device: Device) -> str | None:
        """Return why the kernel cannot run a description on a device; None when it can."""
        ...

    def prepare(self, batch: Batch) -> Any:
        """Return a batch as `sums` takes it, to be kept where it is used again."""
        ...

    def sums(self, weights: Mapping[str, Tensor], batch: Any, *, moments: bool = False) -> Sums:
        """Return errors, gradients and, if asked for, second moments of a prepared batch; from any thread."""
        ...
