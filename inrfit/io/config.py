"""What the user chooses about reading and writing, as validated values."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from inrfit import texts
from inrfit.errors import require
from inrfit.words import Word, check

if TYPE_CHECKING:
    from inrfit.domain import Domain
    from inrfit.signal import SignalInfo

TARGETS = ("sdf", "occupancy")
"""What can be fitted of a shape."""

LEAST_RESOLUTION, MOST_RESOLUTION = 8, 2048
"""Fewest and most samples along the longest side of a shape."""


METADATA = Word(
    help="Leave out what tells of the source: the EXIF block, title, artist and so on. The colour profile stays."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteConfig:
    """What goes into a file beside the samples; the help of each word says what it is."""

    soundtrack: Annotated[
        bool,
        Word(help="Write the sound track of a clip, where it has one.", paired=True, old=("sound",)),
    ] = True
    metadata: Annotated[bool, METADATA] = True

    def kept(self, info: "SignalInfo") -> "SignalInfo":
        """Return what is written of what is known about the samples."""
        with_sound = info if self.soundtrack else replace(info, sound=None)
        return with_sound if self.metadata else with_sound.without_metadata()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadConfig:
    """How a file becomes a signal; the help of each word says what it is.

    Attributes:
        lattice: samples on which a shape is read, in place of those that its box and `resolution` give.
        range: also the peak of the PSNR. "auto" stands for "type" where a quarter of that range is used, else "data".
        nodata: "none" where no finite sample stands for no data; None goes by what the file declares, and by what lies
            far outside of all others.
        metadata: a colour profile is kept in any case.
    """

    kind: Annotated[
        str | None,
        Word(help="{names}; by default the suffix and the content decide.", metavar="KIND", names="signal"),
    ] = None
    sound: Annotated[
        str,
        Word(
            help="Sound track of a clip: fit (a field of its own, the default), copy (its bytes), or none.",
            metavar="HOW",
            choices=("fit", "copy", "none"),
            by_kind=True,
        ),
    ] = "fit"
    target: Annotated[
        str,
        Word(
            help="What is fitted of a shape: sdf (signed distance, the default) or occupancy.",
            metavar="WHAT",
            choices=TARGETS,
            by_kind=True,
        ),
    ] = "sdf"
    resolution: Annotated[
        int,
        Word(
            help="Samples along the longest side of a shape's lattice; {default} by default.",
            least=LEAST_RESOLUTION,
            most=MOST_RESOLUTION,
            unit="samples",
            hint="256 is the default; twice as many take about four times as long",
            by_kind=True,
        ),
    ] = 256
    lattice: "Domain | None" = None
    spacing: Annotated[
        tuple[float, ...] | None,
        Word(
            help="Units per sample of a volume, slowest axis first, or one number for all; 1 by default.",
            metavar="Z,Y,X",
            reads=texts.numbers("2.5,0.7,0.7"),
            by_kind=True,
        ),
    ] = None
    range: Annotated[
        str | tuple[float, ...],
        Word(
            help="Samples that are fitted, and the peak of the PSNR: of the sample type or of the data (type, data), or two "
            "numbers; by default that of the type where a quarter of it is used.",
            metavar="LOW:HIGH",
            reads=texts.ends,
            by_kind=True,
        ),
    ] = "auto"
    nodata: Annotated[
        str | float | None,
        Word(
            help="Sample that means no data and is not fitted, or none; by default what the file declares, and what lies "
            "far outside of all others.",
            metavar="VALUE",
            reads=texts.sample,
            by_kind=True,
        ),
    ] = None
    metadata: Annotated[bool, METADATA] = True

    def __post_init__(self) -> None:
        check(self)
        require(
            self.spacing is None
            or (0 < len(self.spacing) <= 8 and all(1e-30 < s < 1e30 for s in self.spacing)),
            f"--spacing {','.join(f'{s:g}' for s in self.spacing or ())} must be positive units per sample, one for each axis or one for all",
            hint="for example --spacing 2.5,0.7,0.7",
        )
        given = self.range
        require(
            given in ("auto", "type", "data") if isinstance(given, str) else _rises(given),
            f"--range {given if isinstance(given, str) else ':'.join(f'{end:g}' for end in given)} is not a range",
            hint="give auto, type, data, or the lowest and the highest sample, for example --range 0:4095",
        )
        require(
            self.nodata is None or self.nodata == "none" or isinstance(self.nodata, int | float),
            f"--nodata {self.nodata} is not a sample",
            hint="give the number that stands for no data, for example --nodata -9999, or none",
        )


def _rises(ends: tuple[float, ...]) -> bool:
    """Return whether two finite numbers go from a lower to a higher one."""
    return len(ends) == 2 and -1e38 < ends[0] < ends[1] < 1e38
