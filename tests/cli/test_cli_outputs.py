"""What becomes of outputs: nothing is replaced without leave, no result is lost, a full disk ends a batch."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
from make.cli import FAST, files, inrfit, save
from make.data import textured

from inrfit import api
from inrfit.codec.container import Reader
from inrfit.io.unfinished import Unfinished

WRITERS = {
    "fit": ("fit", "photo.png", *FAST, "-o", "out.inr"),
    "fit --batch": ("fit", "photo.png", "--batch", *FAST, "-o", "out.inr"),
    "decode": ("decode", "field.inr", "-o", "out.png"),
    "crop": ("crop", "field.inr", "--keep", "0:1,0:2", "-o", "out.inr"),
    "extend": ("extend", "field.inr", "side.png", "--side", "right", "--steps", "1", "-o", "out.inr"),
    "partition": ("partition", "photo.png", "--grid", "2x2", "-o", "out.png"),
    "report of fit": ("fit", "photo.png", *FAST, "-o", "-", "--report", "out.html", "--quiet"),
    "report of eval": ("eval", "field.inr", "--reference", "photo.png", "--report", "out.html"),
    "preview": ("partition", "photo.png", "--grid", "2x2", "-o", "labels.npy", "--preview", "out.png"),
}


@pytest.fixture
def folder(here: Path, fitted: bytes) -> Path:
    """The working folder with photo.png, a field of it and what goes to its right."""
    (here / "field.inr").write_bytes(fitted)
    save(here / "side.png", textured(24, 8))
    return here


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another program write each output just before its name is taken."""
    take = Unfinished.take

    def late(file: Unfinished, path: Path) -> None:
        if path.stem == "out" and not path.exists():
            path.write_text("another's")
        take(file, path)

    monkeypatch.setattr(Unfinished, "take", late)


@pytest.mark.parametrize("words", WRITERS.values(), ids=WRITERS)
def test_an_output_that_appears_meanwhile_stays(folder: Path, taken: None, words: tuple[str, ...]) -> None:
    (name,) = (word for word in words if word.startswith("out."))
    beside = name.replace(".", ".1.")
    before = files(folder)
    ran = inrfit(*words)
    ran.refused(f"{name}: was made by another program meanwhile", f"the result is in {beside}", "--force")
    labels = ["labels.npy"] if "labels.npy" in words else []
    assert files(folder) == sorted([*before, name, beside, *labels])
    assert (folder / name).read_text() == "another's"
    whole = (folder / beside).read_bytes()
    (folder / name).unlink()
    (folder / beside).unlink()
    assert inrfit(*words, "--force").code == 0
    if not name.endswith(".html"):  # these tell times
        assert (folder / name).read_bytes() == whole


def test_the_result_says_where_it_lies_instead(folder: Path, taken: None) -> None:
    (result,) = inrfit(*WRITERS["fit"], "--json").results
    assert (result["output"], result["status"]) == ("out.1.inr", "missed")
    assert result["error"]["code"] == "OutputError"
    assert result["bytes"] == (folder / "out.1.inr").stat().st_size


@pytest.mark.parametrize("words", WRITERS.values(), ids=WRITERS)
def test_force_keeps_permissions_and_links(folder: Path, words: tuple[str, ...]) -> None:
    (name,) = (word for word in words if word.startswith("out."))
    (folder / "target").write_text("old")
    (folder / "target").chmod(0o600)
    (folder / name).symlink_to("target")
    ran = inrfit(*words, "--force")
    assert ran.code == 0, ran.err
    assert (folder / name).is_symlink()
    assert stat.S_IMODE((folder / "target").stat().st_mode) == 0o600
    assert (folder / "target").read_bytes() != b"old"


@pytest.fixture
def many(folder: Path, fitted: bytes) -> Path:
    """Five pictures and five fields."""
    for n in range(5):
        save(folder / "pictures" / f"{n}.png", textured(8, 9 + n))
        (folder / "fields").mkdir(exist_ok=True)
        (folder / "fields" / f"{n}.inr").write_bytes(fitted)
    return folder


def fills(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """Let the disk be full after some files."""
    sync, left = os.fsync, [room]

    def full(descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("fit", "pictures", *FAST), "--resume --skip-existing"),
        (("fit", "pictures", "--batch", *FAST), "--skip-existing"),
        (("crop", "fields", "--keep", "0:1,0:2"), "--force"),
        (("decode", "fields"), "--force"),
    ],
    ids=["fit", "fit --batch", "crop", "decode"],
)
def test_a_full_disk_ends_a_batch(
    many: Path, words: tuple[str, ...], option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        fills(patched, 2)
        ran = inrfit(*words, "-o", "out", "--json")
    assert ran.code == 1
    assert [result["status"] for result in ran.results] == ["ok", "ok", "error"]
    ran.refused("cannot be written (No space left on device)", "free some space")
    command = f"go on with: inrfit {words[0]} {option} {words[1]} "
    assert f"the disk is full: 2 of 5 inputs were not tried; {command}" in ran.err
    assert len(files(many / "out")) == 2
    for name in files(many / "out"):
        if name.endswith(".inr"):
            with Reader(many / "out" / name) as reader:
                assert not reader.check()
    last = inrfit(*words, *option.split(), "-o", "out", "--json")
    kept = "skipped" if "--skip-existing" in option else "ok"
    assert [result["status"] for result in last.results] == [kept, kept, "ok", "ok", "ok"]


def test_a_full_disk_of_one_input_is_that_error(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fills(monkeypatch, 0)
    ran = inrfit(*WRITERS["fit"])
    ran.refused("out.inr: cannot be written (No space left on device)")
    assert "not tried" not in ran.err


def test_a_name_that_is_taken_ends_nothing(many: Path) -> None:
    (many / "out").mkdir()
    plan = api.plan
    with pytest.MonkeyPatch.context() as patched:

        def in_the_way(source: Path, **words: object) -> object:
            if source.name == "1.png":
                (many / "out" / "1.inr").mkdir()
            return plan(source, **words)  # type: ignore[arg-type]

        patched.setattr(api, "plan", in_the_way)
        ran = inrfit("fit", "pictures", *FAST, "-o", "out", "--json")
    assert [result["status"] for result in ran.results] == ["ok", "missed", "ok", "ok", "ok"]
    ran.refused("out/1.inr: was made by another program meanwhile", "the result is in out/1.1.inr")
