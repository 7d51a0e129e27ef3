"""`inrfit adapt`: an init and signals in, ordinary files out; and files that keep only what adapted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from make.cli import files, inrfit, pixels, save
from make.data import textured
from make.inits import init_of

from inrfit import api


@pytest.fixture
def init(here: Path) -> Path:
    path = here / "init.safetensors"
    path.write_bytes(init_of().data)
    return path


def test_an_init_becomes_a_file_beside_the_photo(here: Path, init: Path) -> None:
    ran = inrfit("adapt", "photo.png", "--init", init, "--json")
    assert ran.code == 0, ran.err
    (told,) = ran.results
    assert (told["output"], told["steps"], told["init"]) == ("photo.inr", 3, init_of().hash)
    field = api.load("photo.inr")
    assert (field.partition.grid, field.steps, field.adapted) == ((2, 2), 3, None)
    measured = inrfit("eval", "photo.inr", "--json").results[0]
    assert measured["psnr"] == pytest.approx(told["psnr"], abs=1e-4)


def test_no_steps_give_the_start(here: Path, init: Path) -> None:
    words = ("--steps", "0", "--partition", "none", "--weights", "float16", "--quiet")
    ran = inrfit("adapt", "photo.png", "--init", init, *words)
    assert ran.code == 0, ran.err
    field, learned = api.load("photo.inr"), init_of().params
    for name, weights in field.weights.items():
        np.testing.assert_array_equal(weights[0], learned[name].astype(np.float16).astype(np.float32))
    refused = inrfit("fit", "photo.png", "--steps", "0", "-o", "other.inr")
    assert (refused.code, refused.err) == (
        2,
        "Error: --steps 0 must be at least 1\nHint: give a value that is allowed, or leave --steps out\n",
    )


def test_adapted_files_are_ordinary(here: Path, init: Path) -> None:
    save(here / "right.png", textured(24, 12))
    assert inrfit("adapt", "photo.png", "--init", init, "--grid", "3x4", "--quiet").code == 0
    whole = pixels_of("photo.inr")
    assert inrfit("decode", "photo.inr", "--region", "2:10,5:20", "-o", "part.png", "--quiet").code == 0
    np.testing.assert_array_equal(pixels(here / "part.png"), whole[2:10, 5:20])
    assert inrfit("crop", "photo.inr", "--keep", "0:2,1:3", "--quiet").code == 0
    np.testing.assert_array_equal(pixels_of("photo.crop.inr"), whole[0:16, 9:27])
    ran = inrfit("extend", "photo.inr", "right.png", "--side", "right", "--steps", "2", "--quiet")
    assert ran.code == 0, ran.err
    np.testing.assert_array_equal(pixels_of("photo.ext.inr")[:, :36], whole)


def pixels_of(path: str) -> np.ndarray:
    return api.decode(path)


def test_a_file_that_refers_to_its_init(here: Path, init: Path) -> None:
    ran = inrfit("adapt", "photo.png", "--init", init, "--reference-init", "--json")
    assert ran.code == 0, ran.err
    found = inrfit("eval", "photo.inr", "--json").results[0]["psnr"]
    assert found == pytest.approx(ran.results[0]["psnr"], abs=1e-4)
    moved = init.rename(here / "elsewhere.bin")
    inrfit("decode", "photo.inr").refused(init_of().hash, "--init")
    inrfit("eval", "photo.inr").refused(init_of().hash, "--init")
    assert inrfit("decode", "photo.inr", "--init", moved, "--quiet").code == 0
    assert inrfit("eval", "photo.inr", "--init", moved, "--quiet").code == 0
    assert json.loads(inrfit("info", "photo.inr", "--json").out)["init"] == init_of().hash
    assert "SHA-256 " + init_of().hash in inrfit("info", "photo.inr").out
    assert inrfit("crop", "photo.inr", "--keep", "0,0", "--quiet").code == 0
    inrfit("decode", "photo.crop.inr").refused(init_of().hash)
    save(here / "right.png", textured(24, 12))
    words = ("extend", "photo.inr", "right.png", "--side", "right", "--steps", "1", "--quiet")
    inrfit(*words).refused(init_of().hash)
    assert inrfit(*words, "--init", moved).code == 0
    assert api.load("photo.ext.inr").adapted is None
    inrfit("decode", "photo.inr", "--init", "photo.png", "--force").refused("photo.png is not a usable init")


def test_folders_standard_streams_and_existing_outputs(here: Path, init: Path) -> None:
    for name in ("a", "b"):
        save(here / "photos" / f"{name}.png", textured(12, 16))
    save(here / "photos" / "grey.png", textured(12, 16)[..., 0])
    words = ("adapt", "photos", "--init", init, "-o", "out", "--steps", "1")
    ran = inrfit(*words, "--report", "page.html")
    assert ran.code == 1
    assert "has 1 channel (grey), the init was learned from signals with 3" in ran.err
    assert files(here / "out") == ["a.inr", "b.inr"]
    assert "a.png" in (here / "page.html").read_text()
    inrfit(*words).refused("out/a.inr exists", "--skip-existing")
    again = inrfit(*words, "--skip-existing", "--json")
    assert [told["status"] for told in again.results] == ["skipped", "skipped", "error"]
    piped = inrfit("adapt", "-", "--init", init, "-o", "-", stdin=(here / "photo.png").read_bytes())
    assert piped.code == 0, piped.err
    assert api.load(piped.data).domain.shape == (24, 36)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--init", "missing.safetensors"), "--init missing.safetensors: no such file"),
        (("--init", "photo.png"), "photo.png is not a usable init"),
        (("--steps", "-1"), "--steps -1 must be at least 0"),
        (("--optimiser", "lerned"), "did you mean 'learned'?"),
        (("--partition", "missing.png"), "--partition missing.png: no such file"),
        (("--grid", "2x2", "--heads", "4"), "--grid and --heads both"),
        (("-o", "photo.jpg"), "adapt writes .inr files"),
        (("--heads", "100000"), "100000"),
    ],
)
def test_what_cannot_work_is_one_error(init: Path, words: tuple[str, ...], named: str) -> None:
    given = words if "--init" in words else ("--init", init, *words)
    ran = inrfit("adapt", "photo.png", *given)
    ran.refused(named, code=ran.code)
    assert ran.code in (1, 2)


def test_an_init_is_not_written_over(here: Path, init: Path) -> None:
    held = init.read_bytes()
    words = ("adapt", "photo.png", "--init", init, "--quiet", "--force")
    inrfit(*words, "-o", init).refused("both --init and an output", code=2)
    assert inrfit(*words).code == 0
    inrfit("decode", "photo.inr", "--init", init, "-o", init, "-f").refused(code=2)
    inrfit("eval", "photo.inr", "--init", init, "--report", init, "-f").refused("--report", code=2)
    assert init.read_bytes() == held


def test_files_that_are_taken_for_one_another(here: Path, init: Path) -> None:
    assert inrfit("adapt", "photo.png", "--init", init, "--quiet").code == 0
    inrfit("adapt", "photo.png", "--init", "photo.inr", "-f").refused("it is an .inr file")
    inrfit("adapt", "photo.png", "--init", here, "-f").refused("is a folder")
    inrfit("adapt", "photo.png", "--init", "none", "-f").refused("none: no such file")
    inrfit("decode", init).refused("init.safetensors is an init", "inrfit adapt")
    inrfit("info", init).refused("init.safetensors is an init")


def test_a_rate_that_changes_nothing_is_refused(here: Path, init: Path) -> None:
    words = ("adapt", "photo.png", "--init", init, "--quiet", "--lr", "0.1")
    inrfit(*words).refused("--lr 0.1 changes nothing: all steps (3)", code=2)
    inrfit(*words, "--optimiser", "learned", "--steps", "9").refused("all steps (9)", code=2)
    assert inrfit(*words, "--steps", "5").code == 0


def test_existing_files_are_left_unless_they_need_another_init(here: Path, init: Path) -> None:
    words = ("adapt", "photo.png", "--skip-existing", "--json")
    assert inrfit(*words, "--init", init, "--reference-init").results[0]["status"] == "ok"
    assert inrfit(*words, "--init", init).results[0]["status"] == "skipped"
    other = here / "other.safetensors"
    other.write_bytes(init_of(outer=1).data)
    assert inrfit(*words, "--init", other).results[0]["status"] == "ok"


def trained(here: Path, *words: object) -> Path:
    """Return an init that the command line has learned."""
    ran = inrfit(
        "meta-train", *words, "--hidden-features", "8", "--steps", "1", "--batch", "1", "-o", "own", "--quiet"
    )
    assert ran.code == 0, ran.err
    return next((here / "own").glob("*.safetensors"))


@pytest.mark.parametrize("loss", ["region", "signal"])
def test_a_sound_from_the_folder_to_the_measure(here: Path, loss: str) -> None:
    import soundfile

    for number in range(2):
        wave = np.sin(np.arange(1500 + 200 * number) / (9 + number)) / 2
        soundfile.write(here / f"{number}.wav", wave, 8000)
    own = trained(here, "0.wav", "1.wav", "--size", "256", "--cell", "128", "--loss", loss)
    told = inrfit("adapt", "0.wav", "--init", own, "--json").results[0]
    assert inrfit("eval", "0.inr", "--reference", "0.wav", "--json").results[0]["psnr"] == pytest.approx(
        told["psnr"], abs=1e-3
    )
    assert inrfit("decode", "0.inr", "-o", "back.wav", "--quiet").code == 0
    assert soundfile.info("back.wav").samplerate == 8000
    inrfit("adapt", "0.wav", "--init", own, "--resolution", "24", "-f").refused(
        "--resolution", "audio", code=2
    )


def test_a_shape_is_of_the_target_that_was_learned(here: Path) -> None:
    import trimesh

    trimesh.creation.icosphere(subdivisions=2).export(here / "ball.stl")
    own = trained(here, "ball.stl", "--size", "10", "--target", "occupancy", "--points", "200")
    ran = inrfit("adapt", "ball.stl", "--init", own, "--resolution", "12", "--json")
    assert ran.code == 0, ran.err
    field = api.load("ball.inr")
    assert (field.info.colour, field.domain.shape) == ("occupancy", (12, 12, 12))
    measured = inrfit("eval", "ball.inr", "--reference", "ball.stl", "--json").results[0]
    assert measured["psnr"] == pytest.approx(ran.results[0]["psnr"], abs=1e-3)
    words = ("adapt", "ball.stl", "--init", own, "-f")
    inrfit(*words, "--target", "sdf").refused("--target sdf", "occupancy", code=2)
    inrfit(*words, "--resolution", "4").refused("--resolution 4", code=2)
    inrfit("meta-train", "ball.stl", "--size", "4", "-o", "x").refused("--size 4", code=2)
    assert inrfit("meta-eval", "ball.stl", "--init", own, "--steps", "1", "--json").results[0]["signals"] == 1
