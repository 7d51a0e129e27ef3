"""Decoding a part of a file reads that part alone, and gives the bits of the whole; so does a crop."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make.data import textured

from inrfit import api
from inrfit.codec import excerpt
from inrfit.codec.chunks import CHECKSUM
from inrfit.codec.container import Reader
from inrfit.codec.write import dumps
from inrfit.errors import ConfigError, ContainerError
from inrfit.partitions import OUTSIDE
from inrfit.render.output import Output

OPTIONS = {
    "grid": {"grid": (4, 5)},
    "seg": {"partition": "seg", "heads": 6},
    "shared": {"grid": (4, 5), "encoding": "rff", "features": 4, "frame": "global"},
}
SCALES = [None, 3, 1.5, 0.5, 2 / 3]


class Counting:
    """A file with nothing but read, seek and tell, which notes what is read of it."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)
        self.read_bytes: list[int] = []
        self.seek, self.tell = self._file.seek, self._file.tell

    def read(self, count: int) -> bytes:
        start = self.tell()
        data = self._file.read(count)
        self.read_bytes += range(start, start + len(data))
        return data


@pytest.fixture(scope="module", params=OPTIONS)
def data(request) -> bytes:
    """A file of 48 x 60 samples in cells of 12 x 12, or in segments."""
    field = api.fit(textured(48, 60), steps=2, hidden_features=6, device="cpu", **OPTIONS[request.param])
    return dumps(field)


def shown_by(data: bytes, window: tuple[slice, ...]) -> list[int]:
    """The positions of the regions whose boxes have a sample in a window, the slow way."""
    with Reader(data) as reader:
        field = api.load(data)
    found = []
    for position, region in enumerate(field.partition.regions):
        filled = np.zeros(field.domain.shape, bool)
        filled[tuple(slice(a, b) for a, b in region.box)] = True
        if filled[window].any():
            found.append(position)
    assert len(reader.index.ids) == len(field.partition)
    return found


@pytest.mark.parametrize(
    "region", [((0, 12), (0, 12)), ((11, 13), (30, 31)), ((-1, None), (-1, None)), ((0, 48), (20, 28))]
)
def test_exactly_the_front_matter_and_the_regions_shown_are_read(data, region):
    file = Counting(data)
    decoded = api.decode(file, region=region, device="cpu")
    window = tuple(slice(*span) for span in region)
    assert np.array_equal(decoded, api.decode(data, device="cpu")[window])
    needed = shown_by(data, window)
    with Reader(data) as reader:
        sizes = [length + CHECKSUM for length in reader.index.lengths]
        starts = np.cumsum([reader.front_size, *sizes])
        expected = [*range(reader.front_size)]
        for position in needed:
            expected += range(starts[position], starts[position] + sizes[position])
    assert file.read_bytes == expected
    assert len(needed) < len(sizes)


def test_scales_need_the_regions_of_the_samples_shown():
    """At a quarter of the size the window of one sample takes the mean of a whole cell and not of its neighbours."""
    data = dumps(api.fit(textured(32, 32), grid=(8, 8), steps=1, hidden_features=4, device="cpu"))
    with Reader(data) as reader:
        each = reader.index.lengths[0] + CHECKSUM
        for scale, regions in ((0.25, 1), (0.125, 4), (1, 1), (3, 1)):
            file = Counting(data)
            api.decode(file, region=((4, 8), (8, 12)), scale=scale, device="cpu")
            assert len(file.read_bytes) == reader.front_size + regions * each


def test_files_of_fsspec_are_read_in_part(data):
    fsspec = pytest.importorskip("fsspec")
    with fsspec.open("memory://photo.inr", "wb") as file:
        file.write(data)
    with fsspec.open("memory://photo.inr", "rb") as file:
        decoded = api.decode(file, region=((5, 20), (-7, None)), device="cpu")
        assert not file.closed
    assert np.array_equal(decoded, api.decode(data, device="cpu")[5:20, -7:])


def crop(data: bytes, ids: list[int]) -> bytes:
    field = api.load(data)
    if field.partition.kind == "labels":
        return api.crop(data, keep=",".join(map(str, ids)))
    columns = field.partition.grid[1]
    return api.crop(data, keep=[f"{number // columns},{number % columns}" for number in ids])


@pytest.mark.parametrize("scale", SCALES)
@settings(max_examples=8, deadline=None)
@given(choice=st.data())
def test_a_crop_decodes_to_the_window_of_the_whole_at_every_scale(data, scale, choice):
    """Cells of 12 samples stay whole samples at all of these scales; boxes of segments at the even ones."""
    whole = api.load(data)
    ids = [region.id for region in whole.partition.regions]
    kept = sorted(choice.draw(st.sets(st.sampled_from(ids), min_size=1)))
    part = api.load(crop(data, kept))
    box = part.domain.box
    factor = scale or 1
    ends = np.array(box) * factor
    if not np.allclose(ends, np.rint(ends)):
        return
    there = part.covered(Output(scale=scale))
    decoded = part.decode(scale=scale, device="cpu")
    expected = whole.decode(scale=scale, region=box, device="cpu")
    pure = there
    if factor < 1:  # a mean of samples kept and removed is that of those kept
        empty = part.partition.labels() == OUTSIDE
        pairs = zip(empty.shape, there.shape, strict=True)
        nearest = [((2 * np.arange(2 * m) + 1) * n - 1) // (4 * m) for n, m in pairs]
        holes = empty[np.ix_(*nearest)].reshape(there.shape[0], 2, there.shape[1], 2).any((1, 3))
        pure = there & ~holes
    assert np.array_equal(decoded[pure], expected[pure])


def test_select_is_what_load_gives_of_a_crop(data):
    whole = api.load(data)
    for positions in ([0], [1, 3], range(len(whole.partition))):
        selected = whole.select(positions)
        loaded = api.load(crop(data, [whole.partition.regions[p].id for p in positions]))
        for name in (
            "model",
            "frame",
            "info",
            "channels",
            "tile",
            "seed",
            "steps",
            "weight_type",
            "psnr",
            "mse",
        ):
            assert getattr(selected, name) == getattr(loaded, name), name
        assert selected.domain == loaded.domain
        assert selected.partition.edges == loaded.partition.edges
        for a, b in zip(selected.partition.regions, loaded.partition.regions, strict=True):
            assert (a.id, a.box, a.nominal, a.area) == (b.id, b.box, b.nominal, b.area)
        for name, weights in selected.weights.items():
            assert np.array_equal(weights, loaded.weights[name])
        assert np.array_equal(selected.decode(device="cpu"), loaded.decode(device="cpu"))


def test_a_region_of_a_crop_counts_from_the_first_sample_of_the_crop(data):
    part = api.crop(data, region=((13, 30), (25, 40)))
    decoded = api.decode(part, device="cpu")
    assert np.array_equal(api.decode(part, region=((0, 5), (-4, None)), device="cpu"), decoded[:5, -4:])
    height, width = api.load(part).domain.shape
    with pytest.raises(ConfigError, match=rf"which spans 0:{height},0:{width} \(y,x\)"):
        api.decode(part, region=((0, height + 1), (0, 1)))


def test_samples_in_no_region_have_the_fill():
    data = dumps(api.fit(textured(12, 12), grid=(2, 2), steps=1, hidden_features=4, device="cpu"))
    part = api.load(api.crop(data, keep=["0,0", "1,1"]))
    covered = part.covered()
    assert covered.tolist() == np.kron(np.eye(2, dtype=bool), np.ones((6, 6), bool)).tolist()
    for fill, sample in ((None, [0, 0, 0]), (7, [7, 7, 7]), ((1, 2, 255), [1, 2, 255])):
        decoded = part.decode(fill=fill, device="cpu")
        assert (decoded[~covered] == sample).all()
        assert np.array_equal(decoded[covered], part.decode(device="cpu")[covered])
    hole = api.decode(api.to_bytes(part), region=((0, 6), (6, 12)), fill=9, device="cpu")
    assert hole.shape == (6, 6, 3)
    assert (hole == 9).all()


@pytest.mark.parametrize(
    "fill", [-1, 256, 1.5, (1, 2), (1, 2, 3, 4), "reddish", np.nan, (1, 2, None), [[1, 2, 3]]]
)
def test_fills_that_are_no_sample_are_named(fill):
    field = api.fit(textured(6, 6), steps=1, hidden_features=4, device="cpu")
    with pytest.raises(ConfigError, match=r"fill .* (is not a|is no value of uint8) rgb sample"):
        field.decode(fill=fill)


def test_a_fill_for_the_colours_goes_with_full_alpha():
    field = api.fit(textured(4, 8, 4), grid=(1, 4), steps=1, hidden_features=4, device="cpu").select([0, 3])
    for fill, sample in (
        (None, [0] * 4),
        (9, [9, 9, 9, 255]),
        ((1, 2, 3), [1, 2, 3, 255]),
        ((1, 2, 3, 4), [1, 2, 3, 4]),
    ):
        assert field.decode(fill=fill, device="cpu")[0, 4].tolist() == sample


def broken(data: bytes, position: int) -> bytes:
    """The file with one wrong byte in a region."""
    with Reader(data) as reader:
        end = reader.front_size + sum(n + CHECKSUM for n in reader.index.lengths[: position + 1])
    return data[: end - 1] + bytes([data[end - 1] ^ 1]) + data[end:]


def test_damage_outside_the_window_does_not_matter(data):
    whole = api.decode(data, device="cpu")
    box = api.load(data).partition.regions[0].box
    inside = tuple((a, a + 1) for a, _ in box)
    window = tuple(slice(a, b) for a, b in inside)
    last = len(api.load(data).partition) - 1
    for damaged in (broken(data, last), data[:-5]):
        assert np.array_equal(api.decode(damaged, region=inside, device="cpu"), whole[window])
        for attempt in (api.load, api.decode):
            with pytest.raises(ContainerError, match=r"in region \d+: ") as caught:
                attempt(damaged)
            assert "--partial" in str(caught.value.hint)


def test_what_is_intact_decodes_without_what_is_not(data):
    whole = api.load(data)
    damaged = broken(broken(data, 1), 3)
    taken = excerpt.read(damaged, partial=True)
    assert [damage.position for damage in taken.damaged] == [1, 3]
    assert all(f"region {damage.id}" in damage.reason for damage in taken.damaged)
    assert taken.regions == len(whole.partition)
    assert taken.field.domain == whole.domain
    assert np.array_equal(taken.field.covered(), ~np.isin(whole.partition.labels(), [1, 3]))
    decoded = api.decode(damaged, partial=True, fill=255, device="cpu")
    assert np.array_equal(decoded[taken.field.covered()], whole.decode(device="cpu")[taken.field.covered()])
    assert (decoded[~taken.field.covered()] == 255).all()
    assert taken.field.mse == tuple(m for p, m in enumerate(whole.mse) if p not in (1, 3))
    assert api.load(api.to_bytes(taken.field)).psnr == pytest.approx(taken.field.psnr)


def test_a_file_of_damaged_regions_alone_is_an_error(data):
    with Reader(data) as reader:
        cut = data[: reader.front_size + 3]
    with pytest.raises(ContainerError, match=r"all \d+ regions that are needed are damaged"):
        api.load(cut, partial=True)
    with pytest.raises(ContainerError, match="cut off"):
        api.load(data[:40], partial=True)


def test_eval_counts_what_is_covered_only():
    picture = textured(16, 24)
    data = dumps(api.fit(picture, grid=(2, 3), steps=20, hidden_features=8, device="cpu"))
    part = api.crop(data, keep=["0,0", "1,1"])
    field, reference = api.load(part), picture[:16, :16].copy()
    covered = field.covered()
    error = np.square((field.decode(device="cpu").astype(float) - reference) / 255)[covered].mean()
    reference[~covered] = 77
    found = api.evaluate(part, reference, metrics=("psnr", "psnr-minmax", "ssim"), device="cpu")
    assert found["mse"] == pytest.approx(error)
    assert found["psnr"] == pytest.approx(-10 * np.log10(error))
    assert found["psnr"] == pytest.approx(field.psnr, abs=1e-3)
    assert found["samples"] == covered.sum() == 128
    assert found["bpp"] == 8 * len(part) / 128
    assert len(found["region_psnr"]) == 2
    reference[~covered] = 200
    assert api.evaluate(part, reference, metrics=("psnr", "psnr-minmax", "ssim"), device="cpu") == found
    assert api.info(part)["samples"] == 128
    assert api.info(part)["bpp"] == found["bpp"]


def test_errors_are_measured_on_what_is_covered():
    from inrfit.device import pick_device
    from inrfit.fitting.measure import with_errors

    picture = textured(16, 24)
    field = api.fit(picture, grid=(2, 3), steps=5, hidden_features=8, device="cpu")
    part = field.select([0, 4])
    signal = api.read(picture[:16, :16].copy())
    measured = with_errors(replace(part, mse=(), psnr=None), signal, pick_device("cpu", 1))
    assert measured.mse == part.mse
    assert measured.psnr == pytest.approx(
        part.psnr, abs=2e-3
    )  # that of a part is of errors as files round them


@pytest.mark.parametrize(
    ("name", "fill", "hole"),
    [("x.png", None, [0, 0, 0, 0]), ("x.bmp", None, [255] * 3), ("y.png", 5, [5] * 3)],
)
def test_a_written_decode_shows_its_holes(tmp_path, name, fill, hole):
    field = api.fit(textured(8, 8), grid=(2, 2), steps=1, hidden_features=4, device="cpu").select([0, 3])
    values = api.decode(field, tmp_path / name, fill=fill, device="cpu")
    assert values.shape == (8, 8, 3)
    written = api.read(tmp_path / name).dense()
    assert written[0, 7].tolist() == hole
    assert np.array_equal(written[:4, :4, :3], values[:4, :4])
