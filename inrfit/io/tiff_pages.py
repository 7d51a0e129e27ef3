"""Which page of a TIFF file is the picture: the whole one and no thumbnail, overview or mask; raw photos are refused."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from inrfit.errors import InputError

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffFrame, TiffPage

LOOKED_AT = 64
"""Most pages that are asked what they are."""

_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_SENSOR = (32803, 34892)  # photometric kinds: colour filter array, linear raw
_RAW_COMPRESSIONS = (
    32767,
    32769,
    32770,
    34713,
    65000,
    65535,
)  # of Sony, Epson, Samsung, Nikon, Kodak, Pentax
_LAYOUT = (*range(256, 280), 284, 292, 293, 317, 320, *range(322, 326), 330, 332, 338, 339, 347, 530)
"""Tags without which samples are read wrongly."""

_DNG_VERSION, _CFA_PATTERN = 50706, 33422


def raw_photo(kind: str, name: str) -> InputError:
    """Return the error for a file that holds what a sensor measured and not yet a picture."""
    return InputError(
        f"{name}: is a raw photo of a camera ({kind}), which is not a picture yet",
        hint="convert it to TIFF or PNG with a raw developer",
    )


def picture(file: TiffFile, name: str) -> tuple[TiffPage, tuple[str, ...]]:
    """Return the page to read, and notes on what else there is.

    It is the first page that is whole; where the first one is a thumbnail, the largest that is none.

    Raises:
        InputError: the file is a raw photo.
    """
    first, count = file.pages.first, len(file.pages)
    pages = [first, *_others(file, count)]
    own = [first, *_inside(first)]
    if any(_raw(page) for page in (*own, *pages)):
        raise raw_photo("DNG" if _DNG_VERSION in first.tags else "in a TIFF container", name)
    masks = sum(bool(_kind(page) & _MASK) for page in pages)
    reduced = sum(_kind(page) & (_REDUCED | _MASK) == _REDUCED for page in pages)
    notes = ("a mask of transparency was left out",) if masks else ()
    if _kind(first) & (_REDUCED | _MASK):
        whole = [page for page in (*own, *pages) if not _kind(page) & (_REDUCED | _MASK)]
        if not whole:
            return first, (
                *notes,
                "the picture is marked as a reduced one, such as a thumbnail; no other is there",
            )
        return max(whole, key=_size), (*notes, "the largest picture was read, not the reduced one before it")
    others = count - reduced - masks
    if others > 1:
        larger = max(pages, key=_size)
        more = (
            f"; another is larger, {larger.imagewidth}x{larger.imagelength}"
            if _size(larger) > _size(first)
            else ""
        )
        notes = (*notes, f"the first of {others} pages was read{more}")
    return first, notes


def check_whole(page: TiffPage, data: bytes) -> None:
    """Raise a ValueError where a tag on the layout is there and cannot be read; tifffile goes on without it."""
    big, order = page.parent.is_bigtiff, page.parent.byteorder
    head, letter, size = (8, "Q", 20) if big else (2, "H", 12)
    (count,) = struct.unpack_from(order + letter, data, page.offset)
    start, end = page.offset + head, page.offset + head + size * count
    if end > len(data):
        raise ValueError("its directory is cut off")
    for at in range(start, end, size):
        (tag,) = struct.unpack_from(order + "H", data, at)
        if tag in _LAYOUT and tag not in page.tags:
            raise ValueError(f"its tag {tag} is damaged")


def with_first(data: bytes, page: TiffPage) -> bytes:
    """Return a file whose first page is another of its pages, for libraries that read only the first."""
    big, order = page.parent.is_bigtiff, page.parent.byteorder
    at, letter = (8, "Q") if big else (4, "I")
    place = struct.pack(order + letter, page.offset)
    start = at + len(place)
    return data if data[at:start] == place else b"".join([data[:at], place, memoryview(data)[start:]])


def _others(file: TiffFile, count: int) -> list[TiffPage]:
    """Return the pages behind the first one, as far as they are looked at."""
    return _looked_at(file.pages.get(i) for i in range(1, count))


def _inside(page: TiffPage) -> list[TiffPage]:
    """Return the pages that a page points to as its own."""
    inside = page.pages
    return [] if inside is None else _looked_at(inside.get(i) for i in range(len(inside)))


def _looked_at(pages: Iterable[TiffPage | TiffFrame]) -> list[TiffPage]:
    """Return those of the first pages that have tags of their own."""
    from tifffile import TiffPage

    return [page for page in islice(pages, LOOKED_AT) if isinstance(page, TiffPage)]


def _kind(page: TiffPage) -> int:
    """Return what a page says it is, as bits."""
    found = int(page.subfiletype or 0)
    return found if found >= 0 else 0


def _size(page: TiffPage) -> int:
    """Return the pixels of a page."""
    return page.imagelength * page.imagewidth


def _raw(page: TiffPage) -> bool:
    """Tell whether a page holds samples of a sensor."""
    return (
        page.photometric in _SENSOR
        or page.compression in _RAW_COMPRESSIONS
        or _DNG_VERSION in page.tags
        or _CFA_PATTERN in page.tags
    )
