"""Files that were written once and are frozen: every later reader decodes the same integers and the same samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make.format import Stream, cut

from inrfit import api
from inrfit.codec.contents import coded, kept
from inrfit.models.coding import restored

HERE = Path(__file__).parent
FILES = sorted(path.stem for path in HERE.glob("*.npz"))
QUANTISED = [name for name in FILES if name not in ("float16", "float32-none", "bound-segments")]


def test_the_golden_files_are_here() -> None:
    assert FILES == [
        "bound-feature-grid",
        "bound-grid",
        "bound-segments",
        "composer-rff",
        "escapes",
        "feature-grid",
        "float16",
        "float32-none",
        "grid",
        "local-global",
        "segments",
    ]


@pytest.mark.parametrize("name", QUANTISED)
def test_integers_are_exactly_those_that_were_written(name: str) -> None:
    field = api.load(HERE / f"{name}.inr")
    numbers, items = kept(field)
    assert field.coding is not None
    with np.load(HERE / f"{name}.npz") as golden:
        assert set(golden) == {*coded(items), "samples"}
        for array in coded(items):
            found = restored(golden[array], field.coding.exponents[array])
            assert np.array_equal(numbers[array], found), array


@pytest.mark.parametrize("name", QUANTISED)
def test_a_second_reader_finds_the_same_integers(name: str) -> None:
    head, index, shared, parts = cut((HERE / f"{name}.inr").read_bytes())
    field = api.load(HERE / f"{name}.inr")
    _, items = kept(field)
    with np.load(HERE / f"{name}.npz") as golden:
        for local, payloads in ((False, [shared]), (True, parts)):
            trained = [item for item in items[local] if item.trained]
            fixed = sum(4 * int(np.prod(item.shape)) for item in items[local] if not item.trained)
            for group, payload in enumerate(payloads):
                mask = 4 + int.from_bytes(payload[:4], "little") if local and index[2] else 0
                stream = Stream(payload[mask + fixed :], head[11][1], head[11][2])
                for item in trained:
                    context = field.coding.contexts.get(item.name) if field.coding else None
                    if context:
                        found = stream.lattice(item.points, item.shape[1], context)
                    else:
                        found = stream.integers(int(np.prod(item.shape)))
                    assert found == golden[item.name][group].ravel().tolist(), item.name
                if trained:
                    stream.end()


@pytest.mark.parametrize("name", FILES)
def test_samples_are_those_that_were_decoded(name: str) -> None:
    with np.load(HERE / f"{name}.npz") as golden:
        samples = golden["samples"]
    found = api.load(HERE / f"{name}.inr").decode(device="cpu")
    assert found.dtype == samples.dtype
    assert np.abs(found.astype(int) - samples).max() <= 1  # where a sum lies on the edge of two numbers
    assert np.mean(found != samples) <= 0.002


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_read_and_written_is_the_same_but_for_the_writer(name: str) -> None:
    data = (HERE / f"{name}.inr").read_bytes()
    old, new = cut(data), cut(api.to_bytes(api.load(data)))
    old[0][9] = new[0][9] = ""
    if not name.startswith("bound"):  # before version 1.2
        new[1].pop()
    assert new == old


@pytest.mark.parametrize("bound", ["", "bound-"])
@pytest.mark.parametrize(("name", "keep"), [("grid", ["0,1", "1,2"]), ("segments", ["0", "2"])])
def test_a_crop_has_the_bytes_that_it_had(name: str, keep: list[str], bound: str) -> None:
    crop = (HERE / f"{bound}{name}.crop.inr").read_bytes()
    assert api.crop(HERE / f"{bound}{name}.inr", keep=keep) == crop
    assert len(cut(crop)[1]) == (7 if bound else 6)


def test_they_use_what_they_stand_for() -> None:
    """Escapes and several tables, masks, shared weights, and frequencies that are not trained."""
    head, _, shared, _ = cut((HERE / "escapes.inr").read_bytes())
    _, tables, choice = head[11]
    assert (len(tables), sum(choice)) == (3, 65536)
    with np.load(HERE / "escapes.npz") as golden:
        reach = max(sum(runs[::2]) for runs in tables)
        largest = max(np.abs(golden[name]).max() for name in golden if name != "samples")
        assert (largest == 2**31 - 1, np.abs(golden["weight0"]).max() > reach, shared) == (True, True, b"")
    assert cut((HERE / "local-global.inr").read_bytes())[2]
    assert cut((HERE / "composer-rff.inr").read_bytes())[0][1][7] == "rff"
    assert cut((HERE / "segments.inr").read_bytes())[1][2]
