"""Which files go in and which come out: names, folders, globs, standard streams, and what is never replaced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from make.cli import FAST, files, inrfit, save
from make.data import textured

from inrfit import api


@pytest.fixture
def tree(here: Path) -> Path:
    """photos/a.png and photos/sub/b.JPG."""
    save(here / "photos" / "a.png", textured(8, 9))
    save(here / "photos" / "sub" / "b.JPG", textured(9, 8))
    (here / "photos" / "notes.txt").write_text("no image")
    return here / "photos"


@pytest.fixture
def no_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make any fit fail the test."""

    def fail(*args: object, **kwargs: object) -> None:
        raise AssertionError("a fit was started")

    monkeypatch.setattr(api, "plan", fail)


def test_output_goes_beside_the_input(here: Path) -> None:
    photo = save(here / "deep" / "photo.v2.png", textured(8, 8))
    ran = inrfit("fit", photo, *FAST)
    assert ran.code == 0, ran.err
    assert str(here / "deep" / "photo.v2.inr") in ran.out
    assert files(here) == ["deep/photo.v2.inr", "deep/photo.v2.png", "photo.png"]


def test_output_to_a_named_file_in_a_new_folder(here: Path) -> None:
    assert inrfit("fit", "photo.png", "-o", "new/deep/x.inr", *FAST).code == 0
    assert files(here) == ["new/deep/x.inr", "photo.png"]


@pytest.mark.parametrize("folder", ["fields", "fields/", "there", "with.dot/"])
def test_output_to_a_folder(here: Path, folder: str) -> None:
    (here / "there").mkdir()
    assert inrfit("fit", "photo.png", "-o", folder, *FAST).code == 0
    assert files(here) == sorted([f"{folder.rstrip('/')}/photo.inr", "photo.png"])


def test_standard_input_to_standard_output_is_only_the_data(here: Path) -> None:
    photo = (here / "photo.png").read_bytes()
    ran = inrfit("fit", "-", "-o", "-", *FAST, stdin=photo)
    assert ran.code == 0, ran.err
    assert "<stdin> 36×24×3" in ran.err
    assert "dB" in ran.err
    assert api.load(ran.data).domain.shape == (24, 36)
    back = inrfit("decode", "-", "-o", "-", stdin=ran.data)
    assert back.code == 0, back.err
    assert back.data.startswith(b"\x89PNG")
    assert "<stdin>" in back.err
    assert files(here) == ["photo.png"]


def test_the_bytes_do_not_depend_on_the_way_out(here: Path) -> None:
    ran = inrfit("fit", "photo.png", "-o", "-", *FAST)
    assert inrfit("fit", "photo.png", *FAST).code == 0
    assert (here / "photo.inr").read_bytes() == ran.data


def test_a_folder_gives_its_images_and_with_r_those_below_it(tree: Path) -> None:
    assert inrfit("fit", "photos", "-o", "flat", *FAST, "--quiet").code == 0
    assert files(tree.parent / "flat") == ["a.inr"]
    assert inrfit("fit", "photos", "-r", "-o", "kept", *FAST, "--quiet").code == 0
    assert files(tree.parent / "kept") == ["a.inr", "sub/b.inr"]
    assert inrfit("decode", "kept", "-r", "-o", "back", "--quiet").code == 0
    assert files(tree.parent / "back") == ["a.png", "sub/b.jpg"]


def test_globs_are_expanded(tree: Path) -> None:
    assert inrfit("fit", "photos/**/*.[pJ]*", *FAST, "--quiet").code == 0
    assert files(tree) == ["a.inr", "a.png", "notes.txt", "sub/b.JPG", "sub/b.inr"]


def test_a_name_with_brackets_is_itself_where_it_exists(here: Path) -> None:
    save(here / "photo[1].png", textured(8, 8))
    assert inrfit("fit", "photo[1].png", *FAST, "--quiet").code == 0
    assert files(here) == ["photo.png", "photo[1].inr", "photo[1].png"]


@pytest.mark.usefixtures("no_fit")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["no*.png"], 2, "no*.png matches no file"),
        (["empty"], 2, "empty holds no file to work on"),
        ([""], 2, "empty name"),
        (["-", "-", "-o", "x"], 2, "only once"),
        (["-"], 2, "standard input needs an output"),
        (["photo.png", "other.png", "-o", "-"], 2, "-o - takes one input, 2 were given"),
        (["photo.png", "other.png", "-o", "x.inr"], 2, "-o x.inr is one file for 2 inputs"),
        (["photo.png", "other.png", "-o", "file"], 2, "-o file is one file for 2 inputs"),
        (["photo.png", "other/photo.png", "-o", "x/"], 2, "would both be written to x/photo.inr"),
        (["photo.png", "./photo.png"], 2, "would both be written"),
        (["photo.inr"], 2, "photo.inr is an .inr file already"),
        (["photo.png", "-o", "photo.png"], 2, "-o photo.png names a file of another format"),
        (["photo.png", "-o", ""], 2, "-o has an empty name"),
        (["photo.png", "-o", "-", "--json"], 2, "-o - and --json both write to standard output"),
        (["photo.png", "--force", "--skip-existing"], 2, "--force and --skip-existing"),
        (["photo.png", "-o", "taken.inr"], 1, "taken.inr exists"),
        (["photo.png", "-o", "folder.inr"], 1, "folder.inr/photo.inr exists"),
        (["photo.png", "-o", "null.inr"], 1, "null.inr is not a regular file"),
        (["photo.png", "--report", "taken.inr"], 1, "--report taken.inr exists"),
        (["photo.png", "--report", "empty"], 1, "--report empty is a folder"),
        (["photo.png", "--report", "no/r.html"], 1, "there is no folder no"),
        (["photo.png", "--force", "--report", "photo.png"], 2, "--report photo.png is an input or an output"),
        (["photo.png", "--force", "--report", "photo.inr"], 2, "--report photo.inr is an input or an output"),
    ],
)
def test_refused_before_any_work(here: Path, words: list[str], code: int, said: str) -> None:
    (here / "empty").mkdir()
    (here / "folder.inr").mkdir()
    for name in ("taken.inr", "folder.inr/photo.inr", "file"):
        (here / name).write_bytes(b"precious")
    (here / "null.inr").symlink_to(os.devnull)
    before = files(here)
    ran = inrfit("fit", *words)
    ran.refused(said, code=code)
    assert ran.data == b"" or "--json" in words
    assert files(here) == before
    assert (here / "taken.inr").read_bytes() == b"precious"


def test_an_output_equal_to_an_input_is_refused(field: Path) -> None:
    field.rename("photo.dec.png")
    inrfit("decode", "photo.dec.png", "-o", "photo.dec.png", "--force").refused(
        "photo.dec.png is both an input and an output", code=2
    )


def test_never_replaced_without_force(field: Path) -> None:
    photo = field.with_suffix(".png").read_bytes()
    inrfit("fit", "photo.png", *FAST).refused("photo.inr exists", "--force", "--skip-existing")
    inrfit("decode", "photo.inr", "-o", "photo.png").refused("photo.png exists", "--force")
    inrfit("partition", "photo.png", "-o", "photo.inr.png", "--preview", "photo.png").refused(
        "photo.png is an input", code=2
    )
    assert field.with_suffix(".png").read_bytes() == photo
    before = field.read_bytes()
    assert inrfit("fit", "photo.png", "--force", *FAST, "--quiet").code == 0
    assert field.read_bytes() != before


def test_skip_existing_leaves_what_is_intact_and_made_from_the_same_input(here: Path) -> None:
    fit = ("fit", "photo.png", "--skip-existing", *FAST)
    output = here / "photo.inr"
    assert inrfit(*fit).code == 0
    made = output.stat().st_mtime_ns
    ran = inrfit(*fit)
    assert ran.code == 0
    assert f"{output}  already there" in ran.out
    assert inrfit(*fit, "--json").results[0]["status"] == "skipped"
    assert output.stat().st_mtime_ns == made


def test_skip_existing_fits_again_what_changed_or_is_damaged(here: Path) -> None:
    fit = ("fit", "photo.png", "--skip-existing", "--json", *FAST)
    output = here / "photo.inr"
    assert inrfit(*fit).results[0]["status"] == "ok"
    good = output.read_bytes()
    output.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    assert inrfit(*fit).results[0]["status"] == "ok"
    assert output.read_bytes() == good
    output.write_bytes(good[:-5])
    assert inrfit(*fit).results[0]["status"] == "ok"
    save(here / "photo.png", textured(24, 36)[::-1])
    assert inrfit(*fit).results[0]["status"] == "ok"
    assert output.read_bytes() != good
    assert inrfit(*fit).results[0]["status"] == "skipped"


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_no_file(
    here: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    (here / "old.inr").write_bytes(b"precious")

    def fail(number: int) -> None:
        assert len(files(here)) == 3, "the bytes are not in a temporary file"
        raise failure

    monkeypatch.setattr(os, "fsync", fail)
    ran = inrfit("fit", "photo.png", "-o", "old.inr", "--force", *FAST)
    assert ran.code == (1 if isinstance(failure, OSError) else 130)
    assert files(here) == ["old.inr", "photo.png"]
    assert (here / "old.inr").read_bytes() == b"precious"
    if isinstance(failure, OSError):
        ran.refused("old.inr: cannot be written (No space left on device)", "free some space")


def test_an_output_that_cannot_be_written_is_found_before_the_fit(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "run", lambda *args, **kwargs: pytest.fail("a fit was started"))
    (here / "file.txt").write_text("no folder")
    inrfit("fit", "photo.png", "-o", "file.txt/x.inr").refused("file.txt/x.inr: cannot be written")
    inrfit("fit", "photo.png", "-o", f"{'x' * 300}.inr").refused("cannot be written (File name too long)")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    inrfit("fit", "photo.png").refused("the folder may not be written")
    assert files(here) == ["file.txt", "photo.png"]
