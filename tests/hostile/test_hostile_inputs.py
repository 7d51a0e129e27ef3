"""Bad input to the commands: each is one line of error with a hint and the right exit code, and writes nothing."""

from __future__ import annotations

import os
import random
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make.cli import FAST, Ran, files, inrfit, pixels, save
from make.data import textured

import inrfit as package
from inrfit import errors

ROOT = Path(__file__).resolve().parents[2]
AWKWARD = ROOT.parent / "shared" / "data" / "awkward" / "images"
CODES = {name for name, kind in vars(errors).items() if isinstance(kind, type)}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with photo.png of 24 x 36 pixels."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "photo.png", textured(24, 36))
    return tmp_path


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a field of `textured(8, 12)` in two cells."""
    photo = save(tmp_path_factory.mktemp("small") / "photo.png", textured(8, 12))
    assert inrfit("fit", photo, "--grid", "1x2", *FAST, "--quiet").code == 0
    return photo.with_suffix(".inr").read_bytes()


def png_chunk(tag: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))


def bomb() -> bytes:
    """Return a PNG of a hundred bytes that declares 60,000 x 60,000 pixels."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")
    )


def foreign() -> dict[str, tuple[bytes, str]]:
    good = save(Path("good.png"), textured(24, 36)).read_bytes()
    Path("good.png").unlink()
    return {
        "truncated.png": (good[: len(good) // 2], ""),
        "headless.png": (good[:20], ""),
        "text.png": (b"I am no image\n", "begins with b'I am no "),
        "empty.png": (b"", "empty (0 bytes)"),
        "bomb.png": (bomb(), "3600000000 pixels"),
        "zeros.jpg": (bytes(1000), "begins with"),
        "array.npy": (b"\x93NUMPY\x01\x00\xff\xff", ""),
    }


@pytest.mark.parametrize("verb", ["fit", "partition"])
def test_files_that_are_no_images(here: Path, verb: str) -> None:
    for name, (data, said) in foreign().items():
        path = here / name
        path.write_bytes(data)
        before = files(here)
        inrfit(verb, name).refused(f"Error: {name}: ", said)
        inrfit(verb, "-", "-o", "x.tif" if verb == "partition" else "x.inr", stdin=data).refused(
            "Error: <stdin>: "
        )
        assert files(here) == before
        path.unlink()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["fit", "missing.png"], 1),
        (["decode", "missing.inr"], 1),
        (["info", "missing.inr"], 1),
        (["eval", "missing.inr"], 1),
        (["partition", "missing.png"], 1),
        (["fit", "missing/photo.png"], 1),
        (["fit", "photo.png/photo.png"], 1),
        (["fit", "x" * 300 + ".png"], 1),
        (["fit", "x" * 5000], 1),
        (["decode", "x" * 300 + ".inr"], 1),
        (["eval", "x" * 300 + ".inr"], 1),
        (["fit", "photo.png", "-o", "folder.inr"], 1),
        (["fit", "photo.png", "-o", "x" * 300 + ".inr"], 1),
        (["fit", "photo.png", "--report", "x" * 300 + "/r.html"], 1),
        (["partition", "photo.png", "-o", "folder.png"], 1),
        (["fit", "photo.png", "--heads", "865"], 2),
        (["fit", "photo.png", "--grid", "25x1"], 2),
        (["fit", "photo.png", "--grid", "999999999x999999999"], 2),
        (["fit", "photo.png", "--partition", "seg", "--heads", "865"], 2),
        (["partition", "photo.png", "--heads", "1000000000000"], 2),
        (["fit", "photo.png", "--partition", "small.png"], 1),
        (["fit", "photo.png", "--partition", "missing.png"], 1),
        (["fit", "photo.png", "--partition", "x" * 300 + ".png"], 1),
        (["fit", "photo.png", "--partition", "x" * 300], 2),
        (["fit", "photo.png", "--partition", "text.png"], 1),
        (["fit", "photo.png", "--partition", "photo.png/"], 1),
        (["fit", "photo.png", "--hidden-features", "100000"], 2),
        (["fit", "photo.png", "--params", "1"], 2),
        (["fit", "photo.png", "--max-time", "0"], 2),
        (["fit", "photo.png", "--memory", "1k"], 2),
        (["fit", "photo.png", "--seed", "-1"], 2),
        (["fit", "photo.png", "--seed", "99999999999999999999"], 2),
        (["fit", "photo.png", "--steps", "0"], 2),
        (["fit", "photo.png", "--threads", "-2"], 2),
        (["fit", "photo.png", "--model", "mlp", "--grid", "2x2"], 2),
        (["fit", "photo.png", "--model", "mlp", "--heads", "2"], 2),
    ],
)
def test_names_and_values_that_cannot_work(here: Path, words: list[str], code: int) -> None:
    (here / "folder.inr" / "photo.inr").mkdir(parents=True)
    (here / "folder.png" / "photo.png").mkdir(parents=True)
    save(here / "small.png", textured(5, 5, 1))
    (here / "text.png").write_text("no labels")
    before = files(here)
    ran = inrfit(*words)
    assert ran.code == code, ran.err
    assert ran.err.count("Error: ") == 1
    assert "unexpected" not in ran.err
    assert "Traceback" not in ran.err
    assert len(ran.err.splitlines()) <= 2
    assert files(here) == before


@pytest.mark.parametrize(
    ("option", "name", "meant"),
    [
        ("--activation", "sin", "sine"),
        ("--activation", "gaus", "gauss"),
        ("--model", "partition", "partitioned"),
        ("--partition", "segm", "seg"),
        ("--segmenter", "hsf", "hfs"),
        ("--encoding", "harmonics", "harmonic"),
        ("--schedule", "cosin", "cosine"),
        ("--output-activation", "sigmod", "sigmoid"),
        ("--preset", "papers", "paper"),
        ("--metrics", "psnr,sim", "ssim"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(option: str, name: str, meant: str) -> None:
    verb = ("eval", "x.inr") if option == "--metrics" else ("fit", "photo.png")
    ran = inrfit(*verb, option, name)
    ran.refused("is not known (choose from ", f"did you mean {meant!r}?", code=2)
    assert name.split(",")[-1] in ran.err


@pytest.mark.parametrize("option", ["--frame", "--weights", "--device"])
def test_other_unknown_names_are_answered_with_the_choice(option: str) -> None:
    ran = inrfit("fit", "photo.png", option, "nonsense")
    assert ran.code == 2
    assert f"Error: {option} 'nonsense' " in ran.err


@pytest.mark.parametrize("text", ["many", "", "nan", "inf", "-1", "1e9", "0x4"])
@pytest.mark.parametrize(
    "option", ["--grid", "--params", "--points", "--max-time", "--memory", "--size", "--region"]
)
def test_what_is_no_number(option: str, text: str) -> None:
    verb = ("decode", "x.inr") if option in ("--size", "--region") else ("fit", "photo.png")
    inrfit(*verb, option, text).refused(f"{option} {text!r} is not ", "for example ", code=2)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "-1", "0", "1e300"])
@pytest.mark.parametrize(
    "option",
    ["--lr", "--target-psnr", "--first-omega-0", "--hidden-omega-0", "--scale-0", "--sigma", "--scale"],
)
def test_numbers_out_of_range(here: Path, option: str, text: str) -> None:
    verb = ("decode", "x.inr") if option == "--scale" else ("fit", "photo.png")
    ran = inrfit(*verb, option, text)
    assert ran.code == 2
    assert f"Error: {option} {float(text)} must lie between 0 and " in ran.err
    assert files(here) == ["photo.png"]


@pytest.mark.parametrize("option", ["--steps", "--heads", "--lr", "--seed", "--threads"])
def test_what_the_parser_refuses(option: str) -> None:
    inrfit("fit", "photo.png", option, "much").refused(
        f"Invalid value for '{option}'", "inrfit fit --help", code=2
    )


def decoded_or_refused(data: bytes, good: np.ndarray) -> Ran:
    """Decode a file: it gives the samples of the good one, or one error and no file."""
    Path("x.inr").write_bytes(data)
    ran = inrfit("decode", "x.inr", "-o", "x.png", "--force", "--device", "cpu", "--quiet")
    if ran.code == 0:
        assert (pixels(Path("x.png")) == good).all()
        Path("x.png").unlink()
    else:
        ran.refused("x.inr")
        assert not Path("x.png").exists()
    return ran


def test_a_file_cut_off_anywhere_is_refused(small: bytes) -> None:
    rng = random.Random(1)
    cuts = {0, 1, 7, 8, 15, 16, 17, len(small) - 1, *rng.sample(range(len(small)), 60)}
    for cut in sorted(cuts):
        assert decoded_or_refused(small[:cut], np.zeros(0)).code == 1, cut


def test_a_file_with_a_flipped_bit_is_refused(small: bytes) -> None:
    good = np.asarray(package.load(small).decode())
    assert decoded_or_refused(small, good).code == 0
    rng = random.Random(2)
    for _ in range(150):
        position, bit = rng.randrange(len(small)), rng.randrange(8)
        damaged = bytearray(small)
        damaged[position] ^= 1 << bit
        assert decoded_or_refused(bytes(damaged), good).code == 1, (position, bit)


def test_a_damaged_file_in_every_command(small: bytes) -> None:
    save(Path("bad.png"), textured(8, 12))
    for data in (small[:-3], small[:40], small + b"more", b"\x89INR", b"", bytes(500)):
        Path("bad.inr").write_bytes(data)
        for verb in ("decode", "info", "eval"):
            inrfit(verb, "bad.inr").refused("bad.inr")
    assert files(Path()) == ["bad.inr", "bad.png", "photo.png"]


def test_the_wrong_kind_of_file(here: Path, small: bytes) -> None:
    (here / "x.inr").write_bytes(small)
    (here / "x.png").write_bytes(small)
    inrfit("decode", "photo.png").refused("photo.png is not an .inr file", "`inrfit fit`")
    inrfit("info", "photo.png").refused("photo.png is not an .inr file")
    inrfit("eval", "photo.png").refused("photo.png is not an .inr file")
    inrfit("fit", "x.png", "-o", "y.inr").refused("x.png: is not an image inrfit knows")
    inrfit("eval", "x.inr").refused("x.inr: x.png: is not an image inrfit knows")
    inrfit("eval", "x.inr", "--reference", "x.inr").refused("x.inr: is not an image inrfit knows")
    assert files(here) == ["photo.png", "x.inr", "x.png"]


@pytest.mark.parametrize("verb", ["fit", "decode", "partition"])
def test_a_full_disk(here: Path, small: bytes, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    (here / "x.inr").write_bytes(small)

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    name = "x.inr" if verb == "decode" else "photo.png"
    ran = inrfit(verb, name, *(FAST if verb == "fit" else []))
    ran.refused("cannot be written (No space left on device)", "free some space")
    assert files(here) == ["photo.png", "x.inr"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("words", [["decode", "x.inr"], ["fit", "photo.png", *FAST]])
def test_a_full_disk_behind_standard_output(here: Path, small: bytes, words: list[str]) -> None:
    (here / "x.inr").write_bytes(small)
    with Path("/dev/full").open("wb", buffering=0) as full:
        ran = inrfit(*words, "-o", "-", stdout=full)
    ran.refused("standard output: cannot be written (No space left on device)", "name a file with -o")


def test_a_reader_that_left(here: Path, small: bytes) -> None:
    (here / "x.inr").write_bytes(small)
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb", buffering=0) as closed:
        ran = inrfit("decode", "x.inr", "-o", "-", stdout=closed)
    ran.refused("standard output: cannot be written (its reader left before the end)")


def test_a_terminal_that_left_does_not_stop_the_work(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        encoding = "utf-8"

        def isatty(self) -> bool:
            return False

        def write(self, text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

    from inrfit.cli import console

    stand_in = {"stderr": Gone(), "stdout": sys.stdout, "unraisablehook": sys.unraisablehook}
    monkeypatch.setattr(console, "sys", type("sys", (), stand_in))
    assert inrfit("fit", "photo.png", *FAST).code == 0
    assert (here / "photo.inr").exists()


def test_closed_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    from inrfit.cli import inputs

    monkeypatch.setattr(inputs, "sys", type("sys", (), {"stdin": None}))
    inrfit("fit", "-", "-o", "-").refused("<stdin>: is closed")


def test_an_unwritable_folder(here: Path) -> None:
    (here / "locked").mkdir()
    (here / "locked").chmod(0o500)
    if os.access(here / "locked", os.W_OK):
        pytest.skip("this user may write anywhere")
    inrfit("fit", "photo.png", "-o", "locked/x.inr").refused("the folder may not be written")
    assert files(here) == ["photo.png"]


@pytest.mark.parametrize(
    "name",
    [
        "with spaces.png",
        "äöü 画像.png",
        "-dash.png",
        "new\nline.png",
        "%s{}[x]*.png",
        ".hidden.png",
    ],
)
def test_odd_names_go_through(here: Path, name: str) -> None:
    save(here / name, textured(8, 8))
    inr = f"{name[:-4]}.inr"
    assert inrfit("fit", *FAST, "--", name).code == 0
    assert inrfit("info", "--json", "--", inr).results[0]["input"] == inr
    assert inrfit("decode", "--", inr).code == 0
    assert inrfit("eval", "--report", "r.html", "--", inr).code == 0
    assert files(here) == sorted([name, inr, f"{name[:-4]}.dec.png", "photo.png", "r.html"])


def test_a_name_with_no_room_for_another_suffix(here: Path) -> None:
    name = "x" * 250
    save(here / f"{name}.png", textured(8, 8))
    assert inrfit("fit", f"{name}.png", *FAST).code == 0
    inrfit("decode", f"{name}.inr").refused("cannot be written (File name too long)", "with -o")
    assert inrfit("decode", f"{name}.inr", "-o", "x.png").code == 0


@pytest.mark.skipif(sys.platform == "darwin", reason="the system keeps names as UTF-8")
def test_names_that_are_no_text(here: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    (here / name).write_bytes((here / "photo.png").read_bytes())
    ran = inrfit("fit", name, "--report", "r.html", *FAST)
    assert ran.code == 0, ran.err
    assert "caf\\udce9.inr" in ran.out
    assert inrfit("info", name.replace("png", "inr"), "--json").results[0]["input"] == "caf\udce9.inr"
    assert inrfit("decode", name.replace("png", "inr")).code == 0
    assert (here / os.fsdecode(b"caf\xe9.dec.png")).exists()


def test_names_of_errors_take_one_line(here: Path) -> None:
    (here / "two\nlines.png").write_text("text")
    ran = inrfit("fit", "two\nlines.png")
    assert len(ran.err.splitlines()) == 2
    assert "two\\nlines.png" in ran.err


@pytest.mark.shared
@pytest.mark.skipif(not AWKWARD.exists(), reason="the shared test material is not there")
def test_all_awkward_images_in_one_batch(here: Path) -> None:
    found = sorted(path for path in AWKWARD.rglob("*") if path.is_file())
    for number, path in enumerate(found):  # names of their own: some differ in their suffix alone
        (here / f"{number:03}{path.suffix}").symlink_to(path)
    names = [f"{number:03}{path.suffix}" for number, path in enumerate(found)]
    words = (
        "--steps 1 --points 1000 --partition none --hidden-features 1 --hidden-layers 0 -o out --json --quiet"
    )
    ran = inrfit("fit", *names, *words.split())
    results: list[dict[str, Any]] = ran.results
    assert ran.code == 1
    assert [result["input"] for result in results] == names
    failed = [result for result in results if result["status"] == "error"]
    assert {result["error"]["code"] for result in failed} <= CODES - {"InrfitError"}
    assert all(result["error"]["hint"] for result in failed)
    assert 10 < len(failed) < len(results) / 2
    assert len(list(Path("out").iterdir())) == len(results) - len(failed)
