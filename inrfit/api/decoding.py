"""Fields become signals: what is decoded, what is written of it, and what is told of that; torch is not imported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inrfit import io
from inrfit.api.files import finder
from inrfit.codec import excerpt
from inrfit.codec.source import Source as FileSource
from inrfit.device import pick_device
from inrfit.edit.soundtrack import heard
from inrfit.field import Field
from inrfit.render.output import Output, Slices
from inrfit.signal import Bands

if TYPE_CHECKING:
    from inrfit.meta.init import Init


def decode(
    source: FileSource | Field,
    output: str | Path | None = None,
    *,
    size: Sequence[int] | None = None,
    scale: float | None = None,
    region: Slices | None = None,
    fill: float | Sequence[float] | None = None,
    blend: int = 0,
    partial: bool = False,
    metadata: bool = True,
    init: Init | str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    precision: str = "float32",
    overwrite: bool = False,
) -> NDArray[np.generic]:
    """Decode a field to native samples [*shape, channel], and write them to `output` when it is given.

    Of a file, only the front matter and the regions that `region` shows are read. Samples that no region covers, as
    in a crop with holes, are `fill`; in an output without `fill` they are what the kind of signal takes for nothing, such
    as silence: of an image transparent, or white where its format has no transparency.

    Args:
        source: a field or a `.inr` file.
        output: file to write; its suffix picks the format.
        size, scale, region, fill, blend, device, threads, precision: see `Field.decode`.
        partial, init: see `load`.
        metadata: write the EXIF block and the tags of the source, where `output` can hold them.
        overwrite: replace an existing output.
    """
    shown = Output(size=size, scale=scale, region=region, fill=fill, blend=blend)
    if isinstance(source, Field):
        field = source
    else:
        field = excerpt.read(source, shown, partial=partial, find=finder(source, init)).field
    picked = pick_device(device, threads, precision)
    made = field.bands(shown, picked)
    values = made.array()
    if output is not None:
        target, written = Path(output), values
        info = field.info if metadata else field.info.without_metadata()
        if fill is None and io.kind_of(info.kind).shows_holes:
            written, info, _ = io.with_holes(values, info, field.covered(shown), target.suffix)
        shown_as = heard(Bands.of(written, made.domain, info), picked)
        io.write(shown_as, target, overwrite=overwrite)
    return values
