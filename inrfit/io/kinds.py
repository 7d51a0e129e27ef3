"""What a kind of signal is to the rest of the package: one class to derive from; no kind is known here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Box, Domain
from inrfit.errors import InputError
from inrfit.io.config import ReadConfig
from inrfit.io.told import Told
from inrfit.rgb import rgb8
from inrfit.signal import Bands, Signal, SignalInfo, declared


class OtherKind(InputError):
    """A file that holds no signal of the kind it was taken for, but one of another.

    Attributes:
        kind: the other kind.
    """

    code = InputError.__name__  # type: ignore[assignment] (what it is to users)

    def __init__(self, message: str, *, kind: str) -> None:
        super().__init__(message, hint=f"--kind {kind} reads it")
        self.kind = kind


class SignalKind:
    """A reader and writer of one kind of signal; a line of the registry names it.

    Attributes:
        kind: name of the kind in the registry.
        suffixes: file suffixes of the kind, in lower case.
        written: those of them that are formats which are written.
        told: what is read of each format and what becomes of it, for the page on formats.
        words: words of `ReadConfig` that mean something for this kind.
        defaults: words of a fit that fill in what the user does not say, for example `{"cell": 512}`; see
            `defaults_for`.
        metrics: names of the metrics that `eval` takes when the user names none.
        shows_holes: whether samples that no region covers are transparent or white, and not `fill`.
        sparse: whether cells in which there is nothing are left out as a rule, so that they are no holes.
        extends: whether a part can be put beside a field of this kind.
    """

    kind: ClassVar[str] = ""
    suffixes: ClassVar[tuple[str, ...]] = ()
    written: ClassVar[tuple[str, ...]] = ()
    told: ClassVar[tuple[Told, ...]] = ()
    words: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[Mapping[str, object]] = {}
    metrics: ClassVar[tuple[str, ...]] = ("psnr",)
    shows_holes: ClassVar[bool] = False
    sparse: ClassVar[bool] = False
    extends: ClassVar[bool] = True

    def recognises(self, start: bytes) -> bool:
        """Tell whether the first bytes of a file look like this kind."""
        return False

    def read(self, source: Path | bytes, name: str, config: ReadConfig) -> Signal:
        """Read a file.

        Args:
            source: its path, or its bytes; not empty.
            name: what messages call it.
            config: how it is read.

        Raises:
            InputError: it cannot be read as this kind. OtherKind: as another, where that is known.
        """
        raise NotImplementedError

    def defaults_for(self, signal: Signal) -> Mapping[str, object]:
        """Return the words of a fit that fill in what the user does not say for a signal."""
        return self.defaults

    def reading(self, domain: Domain, info: SignalInfo) -> ReadConfig:
        """Return how a file is read as a signal like one that is known: the same kind, target and spacing."""
        return ReadConfig(kind=self.kind, nodata=declared(info))

    def from_array(self, array: NDArray[Any], config: ReadConfig) -> Signal:
        """Make a signal from an array.

        Raises:
            InputError: the array cannot be a signal of this kind.
        """
        raise InputError(f"an array cannot be read as {self.kind}", hint="give the path of a file")

    def encode(self, samples: Bands, suffix: str, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file piece by piece, of samples that come in bands.

        Args:
            samples: what to write.
            suffix: file suffix, which picks the format.
            name: what messages call the file.

        Raises:
            OutputError: the suffix is unknown, or its format cannot hold the samples; at the first piece.
        """
        raise NotImplementedError

    def check(self, info: SignalInfo, channels: int, suffix: str, name: str) -> None:
        """Refuse a format that cannot hold samples, before they are made; `colour` "" asks about the suffix alone.

        Raises:
            OutputError: the suffix is unknown, or its format cannot hold such samples.
        """

    def losses(self, info: SignalInfo, domain: Domain, channels: int, suffix: str) -> tuple[str, ...]:
        """Return what a file of a format does not keep of such samples though others would, in words for the user."""
        return ()

    def default_suffix(self, info: SignalInfo) -> str:
        """Return the suffix that decoded samples take when the user names none."""
        return info.suffix or self.suffixes[0]

    def transparent(
        self, values: NDArray[Any], info: SignalInfo, covered: NDArray[np.bool_], suffix: str
    ) -> tuple[NDArray[Any], SignalInfo] | None:
        """Return samples that are transparent where not covered; None when a file of this kind cannot hold that."""
        return None

    def views(self, domain: Domain) -> list[Box]:
        """Return the parts of a domain that a report shows side by side: by default the middle of all but two axes."""
        box = domain.box
        for axis in range(domain.dimensions - 2):
            box = box.middle(axis)
        return [box]

    def picture(self, samples: Bands) -> NDArray[np.uint8]:
        """Return a view as a picture [height, width, 3]: by default its last two axes.

        Pictures of two signals of one shape have one shape.
        """
        values = samples.array()
        shape = (1, 1, *values.shape[:-1])[-2:]
        return np.ascontiguousarray(rgb8(values.reshape(*shape, values.shape[-1]), samples.info))

    def describe(self, signal: Signal) -> str:
        """Return size and type of a signal in a few words, for example "768×512×3 uint8"."""
        sizes = "×".join(map(str, (*reversed(signal.domain.shape), signal.channels)))
        return f"{sizes} {signal.info.dtype}"
