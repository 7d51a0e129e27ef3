"""The experiments of Partition Matters at a size that shows nothing but that they run and count right."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inrfit.domain import image_domain
from inrfit.errors import InputError
from inrfit.partitions.labels import from_labels

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
MODULES = (
    "common",
    "tables",
    "partition_matters_images",
    "partition_matters_fit",
    "partition_matters_report",
)


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    """The scripts as modules, found as they find each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        found = {name.removeprefix("partition_matters_"): importlib.import_module(name) for name in MODULES}
        yield SimpleNamespace(main=importlib.import_module("partition_matters"), **found)


@pytest.fixture(scope="module")
def scale(bench: Any) -> Any:
    return replace(
        bench.main.SCALES["cpu"],
        name="tiny",
        pixels=600,
        half_pixels=700,
        images=2,
        head_images=1,
        heads=(1, 2, 4),
        steps={"sine": 6, "relu": 6},
        picture_steps=3,
        lrs=(1e-4, 1e-3),
    )


@pytest.fixture(scope="module")
def material(bench: Any, scale: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Three pictures of blocks with a little noise, so that there are segments to find."""
    folder = tmp_path_factory.mktemp("images")
    random = np.random.default_rng(5)
    for number in range(3):
        blocks = np.kron(random.integers(0, 256, (3, 4, 3)), np.ones((24, 24, 1)))
        noisy = np.clip(blocks + random.normal(0, 4, blocks.shape), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{number}.png")
    return bench.main.prepare(bench.main.image_paths(folder), scale)


def start(
    bench: Any, scale: Any, material: Any, path: Path, *, resume: bool = False, spread: Any = map
) -> Any:
    device = bench.common.device_for("cpu", threads=1)
    results = bench.main.Results(path, bench.main.header(scale, device, 1, material), resume=resume)
    return bench.main.Bench(scale=scale, material=material, device=device, results=results, spread=spread)


@pytest.fixture(scope="module")
def finished(bench: Any, scale: Any, material: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("results") / "tiny.json"
    bench.main.run(start(bench, scale, material, path))
    return path


@pytest.fixture
def data(finished: Path) -> dict[str, Any]:
    return json.loads(finished.read_text())


def test_every_row_is_there(bench: Any, data: dict[str, Any]) -> None:
    """2 images x (rates x networks x 5 methods), and so on."""
    rates = {(r["activation"], r["lr"]) for r in data["comparison"]}
    assert len(data["comparison"]) == 2 * len(rates) * len(bench.images.METHODS)
    assert {r["method"] for r in data["comparison"]} == {m.name for m in bench.images.METHODS}
    assert {a for a, _ in rates} == {"sine", "relu"}
    assert len(data["lr_search"]) == 2 * 2 * 3 + 2 * 2
    assert len(data["heads"]) == 2 * (1 + 2 * 2)
    assert len(data["coordinates"]) == 2 * len(rates) * 3
    sines = [lr for activation, lr in rates if activation == "sine"]
    assert len(data["pictures"]) == len(sines) * 3
    assert set(data["originals"]) == {row["image"] for row in data["pictures"]} == {"astronaut.png"}
    assert len(data["omega"]) == len(sines) * len(bench.images.METHODS)
    assert data["complete"] is True


def test_weights_match_and_curves_are_complete(data: dict[str, Any]) -> None:
    """Heads of two to four units cannot match closer than this; the real sizes have a test of their own."""
    for section, tolerance in (("comparison", 0.12), ("omega", 0.03), ("heads", 0.3)):
        for row in data[section]:
            alike = [r for r in data[section] if r["activation"] == row["activation"]]
            peers = [r["weights"] for r in alike if r.get("ratio") == row.get("ratio")]
            assert max(peers) <= (1 + tolerance) * min(peers), (section, peers)
            assert row["curve"]["step"][-1] == row["steps"] - 1
            assert row["curve"]["psnr"][-1] == row["psnr"]
            assert sum(row["areas"]) == row["pixels"]
            assert len(row["areas"]) == row["heads"]


def test_fewer_coefficients_than_values_give_a_floor_and_more_a_reason(data: dict[str, Any]) -> None:
    for row in [*data["comparison"], *data["heads"]]:
        exact = row["weights"] >= row["pixels"]
        assert (row["floor"]["psnr"] is None) == exact
        assert (row["floor"]["reason"] is not None) == exact
    assert any(row["floor"]["psnr"] is not None for row in data["heads"])


def test_summary_is_of_the_rows(data: dict[str, Any]) -> None:
    entry = next(
        e for e in data["summary"]["comparison"] if e["method"] == "PoS" and e["activation"] == "relu"
    )
    rows = [
        r["psnr"]
        for r in data["comparison"]
        if (r["method"], r["activation"], r["lr"]) == ("PoS", "relu", entry["lr"])
    ]
    assert entry["psnr"]["mean"] == pytest.approx(np.mean(rows), abs=1e-5)
    assert entry["psnr"]["std"] == pytest.approx(np.std(rows, ddof=1), abs=1e-3)
    assert entry["against_none"]["of"] == 2


def test_a_resumed_run_keeps_every_row(
    bench: Any, scale: Any, material: Any, finished: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.json"
    kept = json.loads(finished.read_text())
    kept["heads"] = kept["heads"][:4]
    again.write_text(json.dumps(kept))
    bench.main.run(start(bench, scale, material, again, resume=True))
    now = json.loads(again.read_text())
    assert now["comparison"] == kept["comparison"]
    assert len(now["heads"]) == 10
    other = replace(scale, pixels=301)
    with pytest.raises(InputError, match="other settings"):
        start(bench, other, material, again, resume=True)


def test_a_stopped_run_leaves_a_valid_file(bench: Any, scale: Any, material: Any, tmp_path: Path) -> None:
    """The second job of the comparison is never made."""
    path = tmp_path / "stopped.json"
    calls: list[int] = []

    def spread(function: Any, jobs: Any) -> Iterator[Any]:
        for job in jobs:
            calls.append(1)
            if len(calls) > 1:
                raise KeyboardInterrupt
            yield function(job)

    with pytest.raises(KeyboardInterrupt):
        bench.main.run(start(bench, scale, material, path, spread=spread))
    left = json.loads(path.read_text())
    assert left["complete"] is False
    assert len(left["lr_search"]) == 3
    assert "stopped before its end" in bench.tables.markdown(bench.report.tables(left))


def test_tables_name_every_method_and_where_they_come_from(bench: Any, data: dict[str, Any]) -> None:
    text = bench.tables.markdown(bench.report.tables(data))
    for method in bench.images.METHODS:
        assert f"| {method.name} |" in text
    assert data["provenance"]["date"] in text
    assert "scrambled" in text
    for line in text.splitlines():
        assert not line.startswith("|") or line.endswith("|")


def test_figures_are_written(bench: Any, data: dict[str, Any], tmp_path: Path) -> None:
    written = bench.report.figures(data, tmp_path)
    assert [p.name for p in written] == [
        f"partition_matters_{name}_tiny.png" for name in ("curves", "pictures", "heads", "coordinates")
    ]
    for path in written:
        with Image.open(path) as figure:
            assert min(figure.size) > 200


def test_the_papers_parameter_counts(bench: Any) -> None:
    """Table 1 of the paper."""
    for activation, counts in {"sine": (790_017, 793_604), "relu": (911_873, 926_404)}.items():
        widths = bench.fit.paper_widths(activation, (1, 4))
        assert tuple(bench.fit.count_weights(activation, widths[k], k) for k in (1, 4)) == counts


def test_weights_of_the_cpu_scale_match(bench: Any) -> None:
    """Within 2 % in the comparison, within 4 % where up to 16 heads share the weights of one."""
    cpu = bench.main.SCALES["cpu"]
    paper, half = bench.main.budget(cpu, "sine"), 0.5 * cpu.half_pixels
    relu = bench.main.budget(cpu, "relu")
    for activation, heads, wanted, tolerance in (
        ("sine", (1, 4), paper, 0.02),
        ("relu", (1, 4), relu, 0.02),
        ("sine", cpu.heads, paper, 0.04),
        ("sine", cpu.heads, half, 0.04),
    ):
        widths = bench.fit.matched_widths(activation, heads, wanted)
        counts = [bench.fit.count_weights(activation, width, number) for number, width in widths.items()]
        assert counts == pytest.approx([counts[0]] * len(heads), rel=tolerance)
        assert counts[0] == pytest.approx(wanted, rel=0.05)


def test_scrambled_is_what_the_released_coordinates_make(bench: Any) -> None:
    """Coordinate number n of a list made column by column is trained with pixel number n, row by row."""
    picture = np.arange(15).reshape(3, 5)
    columns, rows = np.meshgrid(np.arange(5), np.arange(3), indexing="ij")
    seen = np.zeros((3, 5), int)
    for x, y, value in zip(columns.ravel(), rows.ravel(), picture.ravel(), strict=True):
        seen[y, x] = value
    assert np.array_equal(bench.images.scrambled(picture), seen)
    square = np.arange(16).reshape(4, 4)
    assert np.array_equal(bench.images.scrambled(square), square.T)


def test_samples_on_zero_to_one_give_the_same_psnr_scale(bench: Any, material: Any) -> None:
    """An output of 0 is grey 127.5 on [-1, 1] and black on [0, 1]."""
    method = bench.images.METHODS[0]
    picture = material.compared[0]
    black = bench.images.unit_subject(picture, method)
    case = bench.fit.Case(activation="sine", method=method, width=8, lr=1e-9, steps=1)
    _, trace = bench.fit.fit_case(black, case, bench.common.device_for("cpu", threads=1))
    wanted = -10 * math.log10(np.mean((picture.values / 255) ** 2))
    assert trace.psnr[0] == pytest.approx(wanted, abs=2.0)


def test_prepared_pictures_come_back(bench: Any, material: Any, tmp_path: Path) -> None:
    material.save(tmp_path / "pictures.npz")
    back = bench.images.Material.load(tmp_path / "pictures.npz")
    assert [p.name for p in back.compared] == ["0.png", "1.png", "2.png"]
    for before, after in zip(material.half, back.half, strict=True):
        assert np.array_equal(before.values, after.values)
        assert set(before.segments) == set(after.segments) == {2, 4}
        assert all(np.array_equal(before.segments[k], after.segments[k]) for k in (2, 4))


def test_a_picture_with_too_few_segments_has_no_pos(bench: Any) -> None:
    plain = bench.images.Picture(name="plain", values=np.zeros((6, 6), np.uint8), segments={})
    pos = next(m for m in bench.images.METHODS if m.name == "PoS")
    assert plain.partition(pos) is None
    assert bench.images.scrambled_subject(plain, pos) is None


def test_errors_near_edges_and_away(bench: Any) -> None:
    picture = np.zeros((20, 20), np.uint8)
    picture[:, 10:] = 255
    decoded = picture.copy()
    decoded[:, 9] = 51
    found = bench.fit.edge_errors(picture, decoded)
    assert found["mse_flat"] == 0
    assert found["mse_edges"] == pytest.approx(0.04 / (found["near_edges"] * 20), rel=1e-3)
    assert bench.fit.edge_errors(np.zeros((5, 5), np.uint8), np.zeros((5, 5), np.uint8))["mse_edges"] is None


def test_absent_images_are_named_in_one_line(
    bench: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bench.common, "ROOT", tmp_path / "project")
    with pytest.raises(InputError, match="absent") as caught:
        bench.main.image_paths(None)
    assert "--images FOLDER" in (caught.value.hint or "")
    with pytest.raises(InputError, match="no folder with images"):
        bench.main.image_paths(tmp_path)


def test_json_holds_no_infinity(bench: Any, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "numbers.json"
    bench.common.write_json(path, {"a": [{"b": math.inf}, {"b": np.float32(2)}], "c": math.nan, "d": []})
    assert json.loads(path.read_text()) == {"a": [{"b": None}, {"b": 2.0}], "c": None, "d": []}
    assert bench.common.read_json(path)["c"] is None
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(InputError, match=r"broken\.json"):
        bench.common.read_json(tmp_path / "broken.json")


def test_label_maps_scramble_with_their_pixels(bench: Any, material: Any) -> None:
    """Every head keeps its pixels: only where they lie changes."""
    picture = material.compared[0]
    for method in bench.images.METHODS[:3]:
        subject = bench.images.scrambled_subject(picture, method)
        before = from_labels(image_domain(*picture.values.shape), picture.labels(method))
        for region, moved in zip(before.regions, subject.partition.regions, strict=True):
            here = np.sort(picture.values[tuple(region.points().T)])
            assert np.array_equal(here, np.sort(subject.values[tuple(moved.points().T)]))
