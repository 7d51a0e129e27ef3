"""The contract of a kind of signal, from the field on: crops, extensions, resumed fits, sizes, quality, holes and pictures."""

from __future__ import annotations

import itertools
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from inrfit import api, io
from inrfit.domain import Domain, Typed
from inrfit.errors import ConfigError, Interrupted
from inrfit.fitting import checkpoint
from inrfit.fitting.progress import Progress
from inrfit.io.config import ReadConfig
from inrfit.render.output import Output
from inrfit.signal import Bands, Signal


def crop_has_the_same_bits(file: bytes) -> None:
    """Check that a crop to all cells but the first of an axis decodes as they do in the whole."""
    field, others = api.load(file), (slice(None),) * (api.load(file).domain.dimensions - 1)
    part = api.load(api.crop(file, keep=(slice(1, None), *others)))
    assert 0 < len(part.partition) < len(field.partition), f"the crop has {len(part.partition)} regions"
    covered, window = part.covered(), part.domain.box.slices(field.domain.origin)
    assert np.array_equal(part.decode()[covered], field.decode()[window][covered]), "a crop decodes otherwise"
    assert part.domain.spacing == field.domain.spacing, f"a crop has the spacing {part.domain.spacing}"
    assert part.domain.offset == field.domain.offset, f"a crop has the offset {part.domain.offset}"


def ranges_are_typed(file: bytes) -> None:
    """Check that ends of ranges are seconds on axes of time, and whole samples on others."""
    domain = api.load(file).domain
    for axis, unit in enumerate(domain.units):
        if unit != "s":
            try:
                domain.end(axis, 1.5)
            except ConfigError as error:
                assert "no whole number of samples" in error.message, error.message
            else:
                raise AssertionError(f"a range ends at 1.5 on the axis {domain.axes[axis]}")
            continue
        first, last = domain.shape[axis] // 3, domain.shape[axis] - 1
        region: list[Any] = [(None, None)] * domain.dimensions
        region[axis] = Typed(first * domain.spacing[axis]), Typed(last * domain.spacing[axis])
        window = [slice(None)] * domain.dimensions
        window[axis] = slice(first, last)
        same = np.array_equal(api.decode(file, region=region), api.decode(file)[tuple(window)])
        assert same, f"seconds on the axis {domain.axes[axis]} decode to other samples"


def extension_keeps_the_old_part(file: bytes, more: bytes, side: str, new: Domain) -> None:
    """Check that an extension holds both parts, the old one bit for bit.

    Args:
        file: the old part.
        more: file of the new part.
        side: where it is put.
        new: domain of the new part.
    """
    old, both = api.load(file), api.load(api.to_bytes(api.extend(file, more, side=side, steps=2)))
    assert both.domain.size == old.domain.size + new.size, f"both parts have {both.domain.size} samples"
    place = old.domain.box.from_origin(both.domain.origin)
    assert np.array_equal(both.decode(region=place), old.decode()), "the old part decodes otherwise"
    assert both.domain.spacing == old.domain.spacing, f"both parts have the spacing {both.domain.spacing}"


def resumed_is_the_same(signal: Signal, file: bytes, **words: Any) -> None:
    """Check that an interrupted fit that goes on from its checkpoint gives the bytes of one that ran through."""
    plan, asked = api.plan(signal, **words), itertools.count()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.ckpt"
        hooks = Progress(
            stop=lambda: next(asked) == 2, save=lambda state: checkpoint.save(state, path, plan.identity())
        )
        try:
            api.run(plan, progress=hooks)
        except Interrupted:
            begin = checkpoint.load(path, plan.identity())
        else:
            raise AssertionError("the fit was asked to stop and did not")
        assert 0 < begin.step < begin.steps, f"the checkpoint is of step {begin.step} of {begin.steps}"
        assert api.to_bytes(api.run(plan, resume=begin)) == file, "the resumed fit has other bytes"


def threads_change_nothing(signal: Signal, **words: Any) -> None:
    """Check that fits and decodes are the same with one thread and with two."""
    asked: list[dict[str, Any]] = [{**words, "threads": number} for number in (1, 2)]
    one, two = (api.to_bytes(api.fit(signal, **each)) for each in asked)
    assert one == two, "two threads fit other bytes than one"
    same = np.array_equal(api.decode(one, threads=1), api.decode(one, threads=2))
    assert same, "two threads decode other samples than one"


def sizes_span_the_extent(file: bytes) -> None:
    """Check that decodes of twice and of half the size cover the same part of space, within the range of samples."""
    field = api.load(file)
    (low, high), shape = field.info.value_range, field.domain.shape
    for size in (tuple(2 * n for n in shape), tuple(max(1, n // 2) for n in shape)):
        made = field.bands(Output(size=size))
        values = made.array()
        assert values.shape == (*size, field.channels), f"a decode of the size {size} has {values.shape}"
        assert values.dtype == field.info.dtype, f"a decode has samples of {values.dtype}"
        assert low <= values.min() <= values.max() <= high, "a decode leaves the range of the samples"
        for (start, count, step), (old_start, old_count, old_step) in zip(
            ends(made.domain), ends(field.domain), strict=True
        ):
            assert math.isclose(count * step, old_count * old_step, rel_tol=1e-6), f"{size}: other extent"
            assert np.isclose(start - step / 2, old_start - old_step / 2, rtol=1e-6, atol=1e-12), (
                f"{size}: other edge"
            )


def ends(domain: Domain) -> list[tuple[float, int, float]]:
    """Return corner, number of samples and spacing of each axis."""
    return list(zip(domain.corner, domain.shape, domain.spacing, strict=True))


def quality_is_finite(file: bytes, data: bytes) -> Mapping[str, Any]:
    """Check that the metrics of a kind are numbers, or None where one is not defined; returns them."""
    found, field = api.evaluate(file, data), api.load(file)
    for name in (*io.kind_of(field.info.kind).metrics, "mse", "bpp"):
        assert name in found, f"{name} was not measured"
        assert found[name] is None or math.isfinite(found[name]), f"{name} is {found[name]}"
    assert abs(found["psnr"] - field.psnr) <= 1e-6, f"measured {found['psnr']} dB, the file says {field.psnr}"
    assert found["bytes"] == len(file), f"measured {found['bytes']} bytes of {len(file)}"
    assert len(found["region_psnr"]) == len(field.partition), "not every region was measured"
    return found


def holes_are_written(file: bytes, config: ReadConfig) -> None:
    """Check what is written of a crop with a hole: transparent or white where a kind shows holes, else its fill.

    Args:
        file: of three cells on its first axis at least.
        config: how what is written is read.
    """
    field = api.load(file)
    found, others = io.kind_of(field.info.kind), ",:" * (field.domain.dimensions - 1)
    cropped = api.crop(file, keep=[f"0{others}", f"2{others}"])
    part = api.load(cropped)
    holes = ~part.covered()
    assert holes.any(), "the crop has no hole"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("a" + found.default_suffix(field.info))
        values = api.decode(cropped, path)
        written = api.read(path, config).dense()
    same = np.array_equal(written[~holes][..., : part.channels], values[~holes])
    assert same, "beside the hole, what is written is not what is decoded"
    if not found.shows_holes:
        assert np.array_equal(written, values), "what is written is not what is decoded"
        fill = np.unique(written[holes]).tolist()
        assert fill == [field.info.nothing], f"holes are written as {fill}"


def pictures_have_one_shape(file: bytes, signal: Signal) -> None:
    """Check that a report's pictures of a signal and of its decode are of one size, and show boxes of the domain."""
    found, domain, decoded = io.kind_of(signal.info.kind), signal.domain, api.decode(file)
    boxes = found.views(domain)
    assert boxes, "a report shows nothing"
    for box in boxes:
        inside = all(o <= a < b <= d for (a, b), (o, d) in zip(box, domain.box, strict=True))
        assert inside, f"a report shows {box} of {domain.box}"
        source, made = (
            found.picture(Bands.of(values, domain, signal.info))
            for values in (signal.dense(box), decoded[box.slices(domain.origin)])
        )
        assert source.dtype == np.uint8, f"a picture is {source.dtype}"
        assert source.shape == made.shape, f"pictures have the shapes {source.shape} and {made.shape}"
        assert source.shape[2:] == (3,), f"a picture has the shape {source.shape}"
