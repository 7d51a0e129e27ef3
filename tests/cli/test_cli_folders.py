"""Folders on the command line: what is taken, what is told, and names where two inputs share a stem."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from make.cli import FAST, files, inrfit, save
from make.data import textured
from PIL import Image

from inrfit.io import folders


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two pictures, a resource fork, and what systems leave behind."""
    monkeypatch.chdir(tmp_path)
    for name in ("one.png", "in/two.png"):
        save(Path("pics") / name, textured(8, 9))
    Path("pics/._one.png").write_bytes(b"\0\5\x16\7" * 40)
    for name in ("pics/.DS_Store", "pics/Thumbs.db"):
        Path(name).write_bytes(b"x")
    return tmp_path


def test_resource_forks_are_passed_over(folder: Path) -> None:
    ran = inrfit("fit", "pics", "-r", "-o", "out", *FAST, "--quiet")
    assert (ran.code, ran.err) == (0, "")
    assert files(Path("out")) == ["in/two.inr", "one.inr"]
    Path("out/._one.inr").write_bytes(b"\0\5\x16\7" * 40)
    ran = inrfit("decode", "out", "-r", "-o", "back", "--quiet")
    assert (ran.code, ran.err) == (0, "")
    assert files(Path("back")) == ["in/two.png", "one.png"]
    assert inrfit("eval", "out", "-r", "--reference", "pics").code == 0
    assert inrfit("info", "out", "-r").code == 0


@pytest.mark.parametrize("suffix", [".jfif", ".JPE", ".jif"])
def test_pictures_by_other_suffixes_are_taken(folder: Path, suffix: str) -> None:
    Image.fromarray(textured(8, 8)).save(f"pics/three{suffix}", "JPEG")
    assert inrfit("fit", "pics", "-o", "out", *FAST, "--quiet").code == 0
    assert files(Path("out")) == ["one.inr", "three.inr"]
    assert inrfit("decode", "out/three.inr", "-o", "back/", "--quiet").code == 0
    assert files(Path("back")) == ["three.jpg"]


def test_linked_folders_are_followed(folder: Path) -> None:
    save(Path("elsewhere/six.png"), textured(8, 8))
    Path("pics/more").symlink_to("../elsewhere")
    Path("pics/in/loop").symlink_to("..")
    assert inrfit("fit", "pics", "-r", "-o", "out", *FAST, "--quiet").code == 0
    assert files(Path("out")) == ["in/two.inr", "more/six.inr", "one.inr"]


@pytest.mark.parametrize("words", [("fit", *FAST), ("fit", "--batch", *FAST), ("partition",)])
def test_folders_that_cannot_be_listed_are_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    scandir = os.scandir

    def refusing(path: str | Path) -> object:
        if Path(path).name == "in":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(folders.os, "scandir", refusing)
    verb, *rest = words
    ran = inrfit(
        verb, "pics", "-r", "-o", "out", *rest, "--quiet", *(("--grid", "2x2") if verb == "partition" else ())
    )
    assert ran.code == 1
    errors = [line for line in ran.err.splitlines() if line.startswith("Error: ")]
    assert errors == ["Error: pics/in: cannot be listed (Permission denied)"]
    assert len(files(Path("out"))) == 1


def test_pairs_of_one_stem_keep_their_suffix(folder: Path) -> None:
    Image.fromarray(textured(8, 8)).save("pics/IMG_1.JPG", "JPEG")
    np.save("pics/IMG_1.npy", textured(9, 9))
    ran = inrfit("fit", "pics", "-o", "out", *FAST, "--quiet")
    assert ran.code == 0, ran.err
    assert files(Path("out")) == ["IMG_1.JPG.inr", "IMG_1.npy.inr", "one.inr"]
    again = inrfit("fit", "pics", "-o", "out", *FAST, "--skip-existing", "--json")
    assert {result["status"] for result in again.results} == {"skipped"}
    assert inrfit("eval", "out", "--reference", "pics").code == 0
    assert inrfit("decode", "out", "-o", "back", "--quiet").code == 0
    assert files(Path("back")) == ["IMG_1.JPG.jpg", "IMG_1.npy.npy", "one.png"]


def test_a_name_that_a_pair_takes_gives_way(folder: Path) -> None:
    for name in ("a.jpg", "a.bmp", "a.bmp.png"):
        Image.fromarray(textured(8, 8)).save(f"pics/{name}")
    assert inrfit("fit", "pics", "-o", "out", *FAST, "--quiet").code == 0
    assert files(Path("out")) == ["a.bmp.inr", "a.bmp.png.inr", "a.jpg.inr", "one.inr"]


def test_pairs_beside_their_inputs(folder: Path) -> None:
    Image.fromarray(textured(8, 8)).save("pics/one.bmp")
    assert inrfit("partition", "pics", "--grid", "2x2", "--quiet").code == 0
    made = [name for name in files(Path("pics")) if "labels" in name]
    assert made == ["one.bmp.labels.png", "one.png.labels.png"]


def test_pipes_on_the_command_line(folder: Path) -> None:
    def fed(name: str, data: bytes) -> str:
        os.mkfifo(name)
        threading.Thread(target=Path(name).write_bytes, args=(data,), daemon=True).start()
        return name

    picture = Path("pics/one.png").read_bytes()
    assert inrfit("fit", "pics/one.png", "-o", "file.inr", *FAST).code == 0
    assert inrfit("fit", fed("a", picture), "-o", "pipe.inr", *FAST).code == 0
    field = Path("file.inr").read_bytes()
    assert Path("pipe.inr").read_bytes() == field
    assert inrfit("decode", "file.inr", "-o", "file.png").code == 0
    assert inrfit("decode", fed("b", field), "-o", "back/", "--quiet").code == 0
    assert Path("back/b.png").read_bytes() == Path("file.png").read_bytes()
    assert inrfit("info", fed("c", field)).code == 0
    ran = inrfit("eval", fed("d", field), "--reference", fed("e", picture), "--json")
    assert ran.code == 0
    assert ran.results[0]["input"] == "d"
    inrfit("eval", fed("f", field)).refused("f is a pipe, which has no original beside it")
    ran = inrfit("fit", "/dev/zero", "-o", "x.inr")
    ran.refused("/dev/zero: is a device")
    inrfit("fit", "/dev/fd/0").refused("/dev/fd/0 needs an output", code=2)
