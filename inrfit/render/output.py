"""What is asked of a field: at which size, of which part, and what is between its regions; torch is not imported."""

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from inrfit import texts
from inrfit.domain import Box, Domain, Typed
from inrfit.errors import ConfigError, require
from inrfit.io.config import WriteConfig
from inrfit.render.lattice import Lattice, lattice_of, touched
from inrfit.signal import INTEGER_RANGES, SignalInfo
from inrfit.words import Clash, Word, check, words_of

MOST_BLEND = 64
"""Samples beyond its border up to which a region can be blended: each costs one more ring of network evaluations."""

Slices = Sequence[tuple[float | None, float | None]]
"""A (start, stop) per axis, counted as in Python slices from the first sample of a signal; None for an open end.
Whole numbers, or `Typed` ones, which are seconds on an axis of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Samples that are wanted of a field; the help of each word says what it is.

    Attributes:
        size: samples per axis of the whole output, rows first; of a clip those of a frame may stand alone. The fitted
            size when None.
        rate: sets the samples of the axis of time, whatever sets those of the others.
        region: (start, stop) per axis, in samples of the field at its fitted size, counted as in slices: from 0 at
            its first sample, negative from the end, None for an open end; all of it when None.
        fill: value, one per channel, or the name of a colour, of samples that no region covers; that of the kind of
            signal when None, for an image the low end of the value range. A value for the colours alone goes with full
            alpha.
        blend: samples of the field on either side of a border over which the regions beside it are mixed, 0 to 64.
            With 0 every region gives what it gives alone.

    Raises:
        ConfigError: a value cannot be, or two set the size.
    """

    clashes: ClassVar = (
        Clash(words=("size", "scale", "resolution"), what="both set the output size"),
        Clash(words=("rate", "scale"), what="both set the output size"),
    )

    scale: Annotated[
        float | None,
        Word(
            help="Factor on the size of every axis. Not with --size.",
            above=0,
            below=10_000,
            hint="for example --scale 2, or 0.5 for half",
        ),
    ] = None
    size: Annotated[
        Sequence[int] | None,
        Word(
            help="Size of the whole output: width x height, samples of a sound, or x x y x z. Not with --scale.",
            metavar="WxH",
            reads=texts.size,
        ),
    ] = None
    rate: Annotated[
        float | None,
        Word(
            help="Samples per second of a sound, frames per second of a clip. Not with --scale.",
            flags=("--fps",),
            above=0,
            below=10**9,
            hint="for example --rate 44100 for a sound, or 25 for a clip",
        ),
    ] = None
    resolution: Annotated[
        int | None,
        Word(
            help="Samples along the longest side, such as 512 for a mesh. Not with --scale or --size.",
            least=2,
            most=4096,
            unit="samples",
            hint="for example --resolution 512",
        ),
    ] = None
    region: Annotated[
        Slices | None,
        Word(
            help="Only these: Y0:Y1,X0:X1 of an image, seconds T0:T1 of a sound, T0:T1,Y0:Y1,X0:X1 of a clip, "
            "Z0:Z1,Y0:Y1,X0:X1 of a volume or shape.",
            metavar="RANGES",
            reads=texts.region,
        ),
    ] = None
    fill: Annotated[
        float | Sequence[float] | str | None,
        Word(
            help="Samples that no region covers: a grey level, R,G,B, or a name or #rrggbb for 8 bit; "
            "transparent by default, or white where the format cannot.",
            metavar="COLOUR",
            reads=texts.colour,
        ),
    ] = None
    blend: Annotated[
        int,
        Word(
            allowed=f"a whole number of samples from 0 to {MOST_BLEND}",
            help=f"Mix neighbouring regions up to so many samples beyond their border, 0 (the default) to {MOST_BLEND}. "
            "For fits with --overlap, about as many as that; others get worse.",
            metavar="SAMPLES",
        ),
    ] = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "blend", _check_blend(self.blend))
        for name in ("size", "region", "fill"):
            if isinstance(value := getattr(self, name), np.ndarray):
                object.__setattr__(self, name, value.tolist())
        check(self)

    def lattice(self, domain: Domain, channels: int = 1) -> Lattice:
        """Lay the samples over a domain.

        Args:
            domain: of the field.
            channels: values per sample, for the limit on the size.

        Raises:
            ConfigError: a size that does not suit the axes, or a region that is empty or outside, or more samples than
                can be.
        """
        sizes = self.sizes(domain)
        box = domain.box if self.region is None else _sliced(domain, self.region)
        return lattice_of(domain, sizes, box, channels=channels)

    def sizes(self, domain: Domain) -> tuple[int, ...]:
        """Return the samples per axis of the whole output; errors as for `lattice`."""
        sizes = list(domain.shape)
        if self.size is not None:
            sizes = _given(self.size, domain)
        elif self.scale is not None:
            sizes = [max(1, round(n * float(self.scale))) for n in sizes]
        elif self.resolution is not None:
            sizes = [max(1, round(n * self.resolution / max(sizes))) for n in sizes]
        if self.rate is not None:
            require(
                domain.units[0] == "s",
                f"--rate is for axes of time, the file has the axes {', '.join(domain.axes)}",
                hint="give --size or --scale",
            )
            sizes[0] = max(1, round(domain.shape[0] * domain.spacing[0] * self.rate))
        return tuple(sizes)

    def at_rate(self, domain: Domain) -> Domain:
        """Return the domain of samples with just the rate that was asked for.

        The number of samples is a whole one, so that the time of a source divided among them gives nearly that rate: 44101
        in place of 44100 for 0.3 s, which some formats do not have.
        """
        if self.rate is None:
            return domain
        return replace(domain, spacing=(1 / self.rate, *domain.spacing[1:]))

    def touched(self, boxes: Iterable[Box], domain: Domain, channels: int = 1) -> list[int]:
        """Return the positions of the boxes of regions that the samples need, those blended into them included."""
        return touched(boxes, self.lattice(domain, channels), self.blend)

    def filling(self, info: SignalInfo, channels: int) -> NDArray[np.generic]:
        """Return the sample [channel] for places that no region covers.

        Raises:
            ConfigError: there are more or fewer numbers than channels, or the samples cannot hold them.
        """
        if self.fill is None:
            return np.full(channels, info.nothing, info.dtype)
        fill = self.fill
        if isinstance(fill, str):
            fill = texts.named(fill, info.dtype, info.colour, "--fill")
        low, high = info.value_range
        colours = channels - 1 if info.colour.endswith("-alpha") else channels
        try:
            given = np.atleast_1d(np.asarray(fill, np.float64))
        except (TypeError, ValueError):
            given = np.zeros(0)
        if given.shape == (1,):
            given = np.repeat(given, colours)
        if given.shape == (colours,) and colours < channels:
            given = np.append(given, high)
        integer = info.dtype in INTEGER_RANGES
        fits = given.shape == (channels,) and bool(((given >= low) & (given <= high)).all())
        if not fits or (integer and (given != np.rint(given)).any()):
            raise ConfigError(
                f"fill {self.fill} is not a {info.colour} sample",
                hint=f"give 1 or {colours} {'whole ' if integer else ''}numbers from {low:g} to {high:g}",
            )
        return given.astype(info.dtype)


def _check_blend(blend: int) -> int:
    """Return the samples over which neighbours are blended.

    Raises:
        ConfigError: it is not a whole number from 0 to `MOST_BLEND`.
    """
    try:
        samples = operator.index(blend)
    except TypeError:
        samples = -1
    if not 0 <= samples <= MOST_BLEND:
        raise ConfigError(
            f"--blend {blend!r} is not a whole number of samples from 0 to {MOST_BLEND}",
            hint="about the --overlap of the fit; 0 switches it off",
        )
    return samples


def _given(size: Sequence[int], domain: Domain) -> list[int]:
    """Return the samples per axis that are asked for; those of time are as fitted where only a frame's are."""
    try:
        sizes = [operator.index(n) for n in size]
    except TypeError:
        sizes = []
    require(
        min(sizes, default=0) > 0,
        f"output size {size} is not a positive whole number for each of the axes {', '.join(domain.axes)}",
        hint="for example (768, 1024), rows first",
    )
    count = len(sizes)
    if domain.units[0] == "s" and domain.units.count("s") == 1 and count == domain.dimensions - 1:
        sizes.insert(0, domain.shape[0])
    require(
        len(sizes) == domain.dimensions,
        f"--size {'x'.join(map(str, reversed(sizes)))} gives {count} number{'' if count == 1 else 's'}, the file has the "
        f"axes {', '.join(reversed(domain.axes))}",
        hint="give one number for each axis, in this order; in Python the other way round",
    )
    return sizes


def _sliced(domain: Domain, region: Slices) -> Box:
    """Return the source samples of a region that is counted from the first sample of the domain."""
    shape = domain.shape
    try:
        pairs = [tuple(_end(domain, axis, end) for end in (a, b)) for axis, (a, b) in enumerate(region)]
    except (TypeError, ValueError):
        raise ConfigError(
            f"region {region!r} is not one (start, stop) for each of the axes {', '.join(domain.axes)}",
            hint="for example ((0, 64), (32, 96)); None for an open end",
        ) from None
    if 0 < len(pairs) < len(shape) and len(shape) > 2:  # as for a crop, the last axes may be left out
        pairs += [(None, None)] * (len(shape) - len(pairs))
    spans = [
        (_counted(start or 0, n), n if stop is None else _counted(stop, n))
        for (start, stop), n in zip(pairs, shape, strict=False)
    ]
    inside = all(0 <= start < stop <= n for (start, stop), n in zip(spans, shape, strict=False))
    if len(pairs) != len(shape) or not inside:
        raise outside(domain, region)
    return Box((o + start, o + stop) for (start, stop), o in zip(spans, domain.origin, strict=True))


def outside(domain: Domain, region: Slices) -> ConfigError:
    """Return the refusal of a region, in the words of the user: in seconds where they typed seconds."""
    typed = any(isinstance(end, Typed) for pair in region for end in pair)
    wanted = ",".join(":".join("" if end is None else f"{end:.10g}" for end in pair) for pair in region)
    spans = [
        f"0:{n * spacing:.6g}s" if typed and unit == "s" else f"0:{n}"
        for n, spacing, unit in zip(domain.shape, domain.spacing, domain.units, strict=True)
    ]
    return ConfigError(
        f"region {wanted} is empty or outside the signal, which spans {','.join(spans)} ({','.join(domain.axes)})",
        hint="one range for each axis; it counts from the first sample of this file, negative numbers from the end",
    )


def _end(domain: Domain, axis: int, end: float | None) -> int | None:
    """Return an end of a range in samples; a TypeError says that it is none."""
    if isinstance(end, Typed):
        return domain.end(axis, end) if axis < domain.dimensions else 0
    return None if end is None else operator.index(end)  # pyright: ignore[reportArgumentType]


def _counted(end: int, length: int) -> int:
    """Return an end of a slice as a number from 0."""
    return end + length if end < 0 else end


WHOLE = Output()
"""All samples, at the fitted size."""

SHOW = words_of(Output, WriteConfig)
"""Words of a decode."""
