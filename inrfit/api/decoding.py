"""Fields become signals: what is decoded, what is written of it, and what is told of that; torch is not imported."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import numpy as np
from numpy.typing import NDArray

from inrfit import io
from inrfit.api.files import finder
from inrfit.codec import excerpt
from inrfit.codec.source import Source as FileSource
from inrfit.device import Device, pick_device
from inrfit.edit.soundtrack import heard
from inrfit.field import Field
from inrfit.io.config import WriteConfig
from inrfit.render.output import SHOW, Output
from inrfit.signal import Bands

if TYPE_CHECKING:
    from inrfit.meta.init import Init
    from inrfit.options import ShowWords


def decode(
    source: FileSource | Field,
    output: str | Path | None = None,
    *,
    partial: bool = False,
    init: Init | str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    precision: str = "float32",
    overwrite: bool = False,
    **words: Unpack[ShowWords],
) -> NDArray[np.generic]:
    """Decode a field to native samples [*shape, channel], and write them to `output` when it is given.

    Of a file, only the front matter and the regions that `region` shows are read. Samples that no region covers, as
    in a crop with holes, are `fill`; in an output without `fill` they are what the kind of signal takes for nothing, such
    as silence: of an image transparent, or white where its format has no transparency.

    Args:
        source: a field or a `.inr` file.
        output: file to write; its suffix picks the format.
        partial, init: see `load`.
        device, threads, precision: see `Field.decode`.
        overwrite: replace an existing output.
        words: `size`, `scale`, `region`, `fill` and `blend` as for `Field.decode`, where `fill` may also be the name of a
            colour; `rate`, samples or frames per second; `resolution`, samples along the longest side. `metadata` and
            `soundtrack` are False to leave out the EXIF block and the tags of the source, and the sound track of a clip.

    Raises:
        InputError, ContainerError: the source cannot be read, see `load`. ConfigError, DeviceError: a word or the device
            cannot work. OutputError: the output exists, or it cannot be written. FitError: see `Field.decode`.
    """
    said = SHOW.taken(words)
    shown = Output(**SHOW.of(Output, said))
    if isinstance(source, Field):
        field = source
    else:
        field = excerpt.read(source, shown, partial=partial, find=finder(source, init)).field
    picked = pick_device(device, threads, precision)
    made = field.bands(shown, picked)
    values = made.array()
    if output is not None:
        target, config = Path(output), WriteConfig(**SHOW.of(WriteConfig, said))
        again = Bands.of(values, made.domain, made.info)
        whole = written(field, again, shown, target.suffix, config, picked)
        io.write(whole.samples, target, overwrite=overwrite)
    return values


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Written:
    """What is written of an output, and what is told of it.

    Attributes:
        samples: as a file of the format can hold them, with what it says of them.
        uncovered: samples that no region covers.
        opaque: what these are, one number per channel; None where they are transparent, or there are none.
        told: lines for the user: what holes are where nobody said so, and what the file does not keep.
    """

    samples: Bands
    uncovered: int
    opaque: list[float] | None
    told: tuple[str, ...]


def written(
    field: Field, made: Bands, output: Output, suffix: str, config: WriteConfig, device: Device
) -> Written:
    """Return what is written of the samples of an output: its holes, its rate, its sound track and what is known of it.

    Args:
        field: what they are of.
        made: the samples, as `field.bands` gives them.
        output: what was wanted.
        suffix: format of the file.
        config: what goes into it beside the samples.
        device: where a sound track is decoded.
    """
    kind, holes = io.kind_of(field.info.kind), field.uncovered(output)
    opaque, told = None, list[str]()
    if holes and output.fill is None and kind.shows_holes:
        covered = field.covered(output)
        values, info, clear = io.with_holes(made.array(), field.info, covered, suffix)
        made = Bands.of(values, made.domain, info)
        opaque = None if clear else values[~covered][0].tolist()
    elif holes:
        opaque = output.filling(field.info, field.channels).tolist()
    if opaque is not None and output.fill is None and not kind.sparse:
        numbers = ", ".join(map("{:g}".format, opaque))
        white = f"white: {suffix} has no transparency" if kind.shows_holes else numbers
        told.append(f"samples that no region covers are {white} (see --fill)")
    made = replace(made, info=config.kept(made.info), domain=output.at_rate(made.domain))
    made = heard(made, device)
    told += kind.losses(made.info, made.domain, field.channels, suffix)
    return Written(samples=made, uncovered=holes, opaque=opaque, told=tuple(told))
