"""Image files to signals: one reader per format, upright samples with their profile and EXIF block."""

from __future__ import annotations

from inrfit.errors import InputError
from inrfit.io import eight_bit, exif, png, png_colour, pnm, tiff
from inrfit.io.arrays import read_npy, to_signal
from inrfit.io.formats import Format, avif_colours, is_deep_avif
from inrfit.io.libraries import guarded
from inrfit.signal import ArraySignal


def read(data: bytes, form: Format, name: str) -> ArraySignal:
    """Decode the bytes of a file whose format is known.

    Raises:
        InputError: the file is damaged, truncated or of a kind that is not read.
    """

    def damaged(reason: str) -> InputError:
        return InputError(
            f"{name}: cannot be read as {form.name} ({reason})",
            hint="the file is damaged or of a rare kind; get it again, or save it anew as PNG",
        )

    reader = {"PNG": _png, "TIFF": tiff.read, "PPM": _pnm, "NPY": read_npy}.get(form.name)
    with guarded(damaged):
        return reader(data, name) if reader else _other(data, form.name, name)


def _other(data: bytes, form: str, name: str) -> ArraySignal:
    """Read a format that Pillow gives as it is stored."""
    image = eight_bit.open_image(data, form, name)
    values, notes = eight_bit.samples(image, name)
    orientation, block, found = exif.split(image.info.get("exif"))
    narrowed = (
        ("its 10- or 12-bit samples were read as 8 bit",) if form == "AVIF" and is_deep_avif(data) else ()
    )
    colours = avif_colours(data) if form == "AVIF" else None
    return to_signal(
        exif.orient(values, orientation),
        name,
        icc=eight_bit.icc_profile(image),
        exif=block,
        tags={"cICP": f"{colours[0]} {colours[1]} 0 1"}
        if colours
        else None,  # decoded samples are RGB, full range
        notes=(*eight_bit.frames_note(image), *notes, *narrowed, *found),
    )


def _png(data: bytes, name: str) -> ArraySignal:
    """Read a PNG file. Pillow decodes every one, for its checks and for the chunks behind the samples."""
    chunks, damaged = png.split(data)
    depth, colour_type = png.layout(chunks)
    tags, bad = png_colour.tags(chunks)
    if wrong := (*damaged, *bad):  # Pillow would refuse the file for them
        data = png.join([(kind, body) for kind, body in chunks if kind.decode("latin-1") not in bad])
    image = eight_bit.open_image(data, "PNG", name, sample=max(1, depth // 8))
    orientation, block, notes = exif.split(image.info.get("exif"))
    if depth == 16:
        values = png.read_16_bit(chunks)
    else:
        if colour_type != 3:
            image.info.pop("transparency", None)  # left to with_transparent_colour
        values, _ = eight_bit.samples(image, name)
    return to_signal(
        exif.orient(png.with_transparent_colour(values, chunks), orientation),
        name,
        icc=eight_bit.icc_profile(image),
        exif=block,
        tags=tags,
        notes=(
            *eight_bit.frames_note(image),
            *notes,
            *(f"the {kind} chunk is damaged and was left out" for kind in wrong),
        ),
    )


def _pnm(data: bytes, name: str) -> ArraySignal:
    """Read a PBM, PGM or PPM file."""
    deep = pnm.read_deep(data, name)
    if deep is None:
        return _other(data, "PPM", name)
    values, white = deep
    return to_signal(values, name, high=white)
