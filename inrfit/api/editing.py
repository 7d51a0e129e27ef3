"""Files of parts of others, and mixtures of fields; torch is not imported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import overload

from inrfit.codec.container import Reader
from inrfit.codec.source import Source as FileSource
from inrfit.edit import interpolate as mixing
from inrfit.edit.crop import plan as plan_crop
from inrfit.edit.keep import Keep, selection
from inrfit.field import Field
from inrfit.io.files import atomic_write_blocks
from inrfit.render.output import Slices


@overload
def crop(
    source: FileSource,
    output: None = None,
    *,
    keep: Keep | None = None,
    region: Slices | None = None,
    snap: str = "out",
    overwrite: bool = False,
) -> bytes: ...


@overload
def crop(
    source: FileSource,
    output: str | Path,
    *,
    keep: Keep | None = None,
    region: Slices | None = None,
    snap: str = "out",
    overwrite: bool = False,
) -> int: ...


def crop(
    source: FileSource,
    output: str | Path | None = None,
    *,
    keep: Keep | None = None,
    region: Slices | None = None,
    snap: str = "out",
    overwrite: bool = False,
) -> bytes | int:
    """Make a smaller `.inr` file of some regions of another, without decoding or fitting.

    The regions kept are copied byte for byte and decode to the same samples as before; the file has the bytes of
    its front matter and of those regions. Its samples span the box around the regions kept; what lies between them
    is empty. Where regions go, the hash of the source and the tags of the EXIF block that could tell of them go too.

    >>> crop("photo.inr", "corner.inr", keep="0:2,0:2")  # doctest: +SKIP

    Args:
        source: the file. Of its regions only those kept are read, so that others may be damaged or cut off.
        output: file to write, region by region; None to get the bytes.
        keep: cells of a grid, slowest axis first, as "0:8,:4" or (slice(0, 8), slice(4)); those of one range of time
            as "1.5s:3s"; ids of segments, as "1,3" or
            (1, 3). Ranges and numbers mean what they do in Python and count from 0 at the first cell of this
            file; segments go by their ids, which stay the same. Of a list of strings the union is kept.
        region: in place of `keep`, samples of this file, slowest axis first, as ((0, 64), (32, None)); see `decode`.
        snap: regions that the border of `region` cuts are kept ("out"), dropped ("in") or an error ("error").
        overwrite: replace an existing output.

    Returns:
        The bytes of the file, or their number where `output` is given.

    Raises:
        InputError: there is no such file. ContainerError: it is damaged before its first region or in one that is
            kept. ConfigError: what to keep is not said, or is not there. OutputError: see `save`.
    """
    wanted = selection(keep, region, snap)
    with Reader(source, allow_truncated=True) as reader:
        cut = plan_crop(reader, wanted)
        if output is None:
            return b"".join(cut.blocks())
        atomic_write_blocks(Path(output), cut.blocks(), overwrite=overwrite)
        return cut.size


def interpolate(fields: Sequence[Field], shares: Sequence[float]) -> Field:
    """Return the field whose weights are a linear mix of those of others, as adapted to from one init.

    >>> interpolate([cat, dog], [0.5, 0.5])  # doctest: +SKIP

    Args:
        fields: of one model, partition, number of channels and size.
        shares: what each counts, together 1.

    Raises:
        ConfigError: the fields are not alike, or the shares do not add up to 1.
    """
    return mixing.interpolate(fields, shares)
