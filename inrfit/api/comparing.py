"""Fields against their references, and against other codecs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inrfit import io
from inrfit.api.files import Source, load, read, reading, to_bytes
from inrfit.codec.chunks import EXIF, ICC, stored_size
from inrfit.codec.container import Reader
from inrfit.codec.source import Source as FileSource
from inrfit.compare import rivals
from inrfit.compare.comparison import compare
from inrfit.compare.pictures import codec
from inrfit.device import pick_device
from inrfit.errors import InputError, require
from inrfit.field import Field
from inrfit.meta.init import Init
from inrfit.metrics.bits import bpp, parts
from inrfit.registry import check
from inrfit.signal import Signal


def evaluate(
    source: FileSource | Field,
    reference: Source,
    *,
    metrics: Sequence[str] | None = None,
    against: Sequence[str] = (),
    init: Init | str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> dict[str, Any]:
    """Compare a decoded field with its reference.

    Samples that no region covers, as in a crop with holes, are not counted; SSIM, MS-SSIM and LSD, which look at
    neighbours, take them for equal.

    Args:
        source: a field or a `.inr` file.
        reference: the signal it should give back, of the same size, channels and sample type.
        metrics: names of the registry that are defined for the kind of signal; its usual ones when None.
        against: codecs that make files of the same picture, of 8 bits: "jpeg", "webp", "avif".
        init: see `load`.
        device, threads: where the decode runs.

    Returns:
        The metrics by name (None where one is not defined, for example MS-SSIM of a small image), "mse" with values
        on [0, 1], "range" (of the samples: the peak of "psnr"), "psnr_type" (with that of their type), "border_error",
        "region_psnr", "params", "samples", and "bytes", "bpp" and "parts" of the
        file, or of the file that a field given as an object would make (see `metrics.bits.parts`); of a clip also
        "frame_psnr" and "frame_ssim", one value for each frame. "against": by codec, its largest file of no more bytes
        and its smallest of no lower PSNR (see `compare.rivals.Rivals.beside`),
        where "set_aside", the bytes of its profile and its EXIF block, is not counted, as theirs have none.

    Raises:
        InputError: the sizes, channels or sample types differ, or the signal is no picture that codecs take.
        ConfigError: a metric or codec is not known, not defined for the kind of signal, or not there.
    """
    names = _codecs(against)
    field = _opened(source, init)
    original = read(reference, reading(field))
    others = rivals.of(field, original, names) if names else None
    found = _measured(source, field, original, metrics, device, threads)
    return {
        **found,
        "against": others.beside(found["bytes"] - found["set_aside"], _psnr(found)) if others else {},
    }


def rate_distortion(
    sources: Sequence[FileSource | Field],
    reference: Source,
    *,
    against: Sequence[str],
    metrics: Sequence[str] | None = None,
    init: Init | str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> dict[str, Any]:
    """Compare several files of one picture, of different sizes, with the curves of other codecs.

    >>> found = rate_distortion(["a.inr", "b.inr", "c.inr", "d.inr"], "photo.png", against=["jpeg"])  # doctest: +SKIP
    >>> found["bd"]["jpeg"]["rate"]  # percent; below 0 the files take fewer bytes  # doctest: +SKIP

    Args:
        sources: fields or `.inr` files; four at least for a BD-rate.
        reference: the picture that all of them should give back.
        against, metrics, init, device, threads: as for `evaluate`.

    Returns:
        "files": what `evaluate` returns of each; "curves": by codec, the "quality", "bytes" and "psnr" of its points;
        "bd": by codec, BD-rate and BD-PSNR (see `compare.rivals.Rivals.bd`).

    Raises:
        InputError, ConfigError: as for `evaluate`, or no codec is named, or the files are not all of one part.
    """
    names = _codecs(against)
    require(bool(names and sources), "there are no files, or no codec to compare them with", hint="name some")
    fields = [_opened(source, init) for source in sources]
    first = fields[0]
    for field in fields:
        if field.domain.box != first.domain.box:
            raise InputError(
                f"the files are of different parts of the picture: {first.domain.box} and {field.domain.box}",
                hint="give files of one part",
            )
    original = read(reference, reading(first))
    others = rivals.of(first, original, names)
    files, points = [], []
    for source, field in zip(sources, fields, strict=True):
        found = _measured(source, field, original, metrics, device, threads)
        points.append((found["bytes"] - found["set_aside"], _psnr(found)))
        files.append({**found, "against": others.beside(*points[-1])})
    return {
        "files": files,
        "curves": {name: [asdict(point) for point in curve] for name, curve in others.curves().items()},
        "bd": others.bd(points),
    }


def _codecs(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of picture codecs, each once.

    Raises:
        ConfigError: one is not known, or this Pillow was built without it.
    """
    for name in names:
        codec(check("picture-codec", name, option="--against"))
    return tuple(dict.fromkeys(names))


def _psnr(found: dict[str, Any]) -> float:
    """Return the PSNR in dB of what was measured as other codecs are measured, with the peak of the sample type."""
    return found["psnr_type"]


def _opened(source: FileSource | Field, init: Init | str | Path | None) -> Field:
    """Return a field, or that of a file; errors as for `load`."""
    return source if isinstance(source, Field) else load(source, init=init)


def _measured(
    source: FileSource | Field,
    field: Field,
    original: Signal,
    metrics: Sequence[str] | None,
    device: str,
    threads: int | None,
) -> dict[str, Any]:
    """Return what `evaluate` does of a file by itself."""
    wanted = io.kind_of(field.info.kind).metrics if metrics is None else metrics
    found = compare(field, original, wanted, pick_device(device, threads))
    with Reader(to_bytes(source) if isinstance(source, Field) else source) as reader:
        size, sizes = reader.size, reader.sizes()
        aside = sum(stored_size(tag, reader.ancillary[tag]) for tag in (ICC, EXIF) if tag in reader.ancillary)
    rate = {"bytes": size, "bpp": bpp(size, found["samples"]), "parts": parts(sizes), "set_aside": aside}
    return {**found, **rate}
