"""`inrfit fit --batch`: the files of one at a time, failures that stop nothing, and `--effort`."""

from __future__ import annotations

from pathlib import Path

import pytest
from make.cli import FAST, files, inrfit, save
from make.data import textured

from inrfit import api
from inrfit.cli import fit_batch
from inrfit.presets import DEFAULT_EFFORT, EFFORTS


@pytest.fixture
def folder(here: Path) -> Path:
    """pictures/ holds six images of two shapes, and one that is none."""
    for number in range(6):
        save(here / "pictures" / f"{number}.png", textured(8, 9 + number // 4) // (number + 1))
    (here / "pictures" / "2b.png").write_text("text")
    return here


def test_the_files_are_those_of_one_at_a_time(folder: Path) -> None:
    together = inrfit("fit", "pictures", "-o", "together", "--batch", "--json", *FAST)
    alone = inrfit("fit", "pictures", "-o", "alone", *FAST)
    assert together.code == alone.code == 1
    names = files(folder / "alone")
    assert names == files(folder / "together") == [f"{n}.inr" for n in range(6)]
    for name in names:
        assert (folder / "together" / name).read_bytes() == (folder / "alone" / name).read_bytes()
    results = {Path(result["input"]).name: result for result in together.results}
    assert [Path(result["input"]).name for result in together.results] == sorted(results)
    assert results["2b.png"]["error"]["code"] == "InputError"
    assert all(result["psnr"] > 5 for result in results.values() if result["status"] == "ok")
    assert "4 inputs at once" in together.err
    assert "2 inputs at once" in together.err
    assert together.err.count("one region") == 2


def test_only_so_many_are_read_ahead(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = []
    run_many = api.run_many

    def counted(plans, **options):  # type: ignore[no-untyped-def]
        groups.append(len(plans))
        return run_many(plans, **options)

    monkeypatch.setattr(api, "run_many", counted)
    monkeypatch.setattr(fit_batch, "AHEAD", 4)
    assert inrfit("fit", "pictures", "--batch", *FAST).code == 1
    assert groups == [3, 1, 2]  # one of the first four is no image, the last two have another shape
    groups.clear()
    monkeypatch.setattr(fit_batch, "AHEAD_SAMPLES", 100)
    assert inrfit("fit", "pictures", "--batch", "--force", *FAST).code == 1
    assert groups == [2, 2, 2]


def test_what_is_there_is_skipped(folder: Path) -> None:
    assert inrfit("fit", "pictures/0.png", *FAST).code == 0
    before = (folder / "pictures" / "0.inr").stat().st_mtime_ns
    ran = inrfit("fit", "pictures", "--batch", "--skip-existing", "--json", *FAST)
    assert [r["status"] for r in ran.results] == ["skipped", "ok", "ok", "error", "ok", "ok", "ok"]
    assert (folder / "pictures" / "0.inr").stat().st_mtime_ns == before


def test_a_report_has_an_entry_for_each(folder: Path) -> None:
    assert inrfit("fit", "pictures", "--batch", "--report", "r.html", *FAST).code == 1
    page = (folder / "r.html").read_text()
    assert all(f"{number}.png" in page for number in range(6))


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--resume",), "--skip-existing"),
        (("--points", "20"), "--points"),
        (("--max-time", "5s"), "--max-time"),
    ],
)
def test_what_is_for_one_at_a_time_is_refused(here: Path, words: tuple[str, ...], named: str) -> None:
    inrfit("fit", "photo.png", "--batch", *words).refused(named, "--batch", code=2)
    assert files(here) == ["photo.png"]


def test_segments_are_fitted_and_written_one_by_one(here: Path) -> None:
    """So that an interruption loses one of them, not all."""
    for number in range(2):
        save(here / "pictures" / f"{number}.png", textured(24, 36 + number))
    ran = inrfit("fit", "pictures", "--batch", "--partition", "seg", "--heads", "2", *FAST)
    assert ran.code == 0
    assert "at once" not in ran.err
    assert files(here / "pictures") == ["0.inr", "0.png", "1.inr", "1.png"]


def test_a_defect_in_one_stops_no_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = api.plan

    def breaks(source, **options):  # type: ignore[no-untyped-def]
        if Path(source).name == "1.png":
            raise KeyError("defect")
        return plan(source, **options)

    monkeypatch.setattr(api, "plan", breaks)
    ran = inrfit("fit", "pictures", "--batch", "--json", *FAST)
    assert [r["status"] for r in ran.results] == ["ok", "error", "ok", "error", "ok", "ok", "ok"]
    assert "unexpected KeyError" in ran.err


def test_ctrl_c_keeps_what_is_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from inrfit.cli.job import Job

    monkeypatch.setattr(fit_batch, "AHEAD", 3)
    finish = Job.finish

    def stops(self, item, *rest):  # type: ignore[no-untyped-def]
        self.interrupted = self.interrupted or item.name.endswith("1.png")
        return finish(self, item, *rest)

    monkeypatch.setattr(Job, "finish", stops)
    ran = inrfit("fit", "pictures", "--batch", *FAST)
    assert ran.code == 130
    assert "--skip-existing" in ran.hints[-1]
    assert [name for name in files(folder) if name.endswith(".inr")] == [
        f"pictures/{n}.inr" for n in range(3)
    ]


@pytest.mark.parametrize("level", [1, DEFAULT_EFFORT])
def test_effort_sets_steps_cells_and_depth(here: Path, level: int) -> None:
    ran = inrfit("fit", "photo.png", "--effort", level, "--hidden-features", 4)
    assert ran.code == 0
    field = api.load(here / "photo.inr")
    assert field.steps == EFFORTS[level]["steps"]
    assert field.model.hidden_layers == EFFORTS[level]["hidden_layers"]


def test_the_default_is_a_level(here: Path) -> None:
    words = ("fit", "photo.png", "--hidden-features", 4, "-o")
    assert inrfit(*words, "a.inr").code == inrfit(*words, "b.inr", "--effort", DEFAULT_EFFORT).code == 0
    assert (here / "a.inr").read_bytes() == (here / "b.inr").read_bytes()


def test_what_is_given_goes_before_effort(here: Path) -> None:
    ran = inrfit(
        "fit",
        "photo.png",
        "--effort",
        2,
        "--steps",
        3,
        "--grid",
        "2x3",
        "--hidden-features",
        4,
        "--hidden-layers",
        0,
    )
    assert ran.code == 0
    field = api.load(here / "photo.inr")
    assert (field.steps, field.model.hidden_layers, len(field.partition)) == (3, 0, 6)


@pytest.mark.parametrize("words", [("--effort", 0), ("--effort", 10), ("--effort", 3, "--preset", "paper")])
def test_impossible_levels_are_refused(here: Path, words: tuple[object, ...]) -> None:
    inrfit("fit", "photo.png", *words).refused("--effort", code=2)
