"""`inrfit meta-train`: what it writes, says and refuses, and how it goes on after Ctrl-C."""

from __future__ import annotations

import hashlib
import os
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch
from xml.etree import ElementTree

import numpy as np
import pytest
from make.cli import Ran, files, inrfit, save
from make.data import textured

from inrfit.cli.batch import RESULT
from inrfit.cli.checkpoints import Kept
from inrfit.cli.meta_log import COLUMNS
from inrfit.cli.meta_train import KEYS
from inrfit.errors import OutputError
from inrfit.meta import init
from inrfit.meta import train as loop

TINY = (
    "--size",
    "8",
    "--hidden-features",
    "8",
    "--hidden-layers",
    "1",
    "--batch-size",
    "2",
    "--threads",
    "1",
)
RUN = ("meta-train", "photos", *TINY, "--steps", "4", "-o", "init.safetensors")
MADE = ["init.csv", "init.safetensors", "init.svg"]


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder photos in the working folder."""
    monkeypatch.chdir(tmp_path)
    for n in range(5):
        save(tmp_path / "photos" / f"{n}.png", np.roll(textured(12, 14), n, axis=(0, 1)))
    return tmp_path / "photos"


@contextmanager
def ctrl_c(step: int, *, times: int = 1, number: int = signal.SIGINT) -> Iterator[None]:
    """Press Ctrl-C after an outer step, or send another signal."""
    train = loop.train

    def pressed(training: Any, progress: Any, resume: Any) -> Any:
        def on_event(event: Any) -> None:
            progress.on_event(event)
            if event.step == step:
                for _ in range(times):
                    os.kill(os.getpid(), number)

        return train(training, replace(progress, on_event=on_event), resume)

    with patch.object(loop, "train", pressed):
        yield


def made(folder: Path) -> list[str]:
    return [name for name in files(folder) if not name.startswith("photos/")]


def go_on(ran: Ran) -> Ran:
    """Run the command that an interrupted one printed."""
    command = shlex.split(ran.hints[-1].removeprefix("Hint: go on with: "))
    assert command[0] == "inrfit"
    return inrfit(*command[1:])


def test_an_init_a_log_and_a_curve_are_written(photos: Path) -> None:
    ran = inrfit(*RUN)
    assert ran.code == 0, ran.err
    assert made(photos.parent) == MADE
    assert "init.safetensors" in ran.out
    assert "4 image signals, 1 for validation · maml, 3 inner steps · partitioned sine 8 wide" in ran.err
    head, *rows = [line.split(",") for line in Path("init.csv").read_text().splitlines()]
    assert tuple(head) == COLUMNS
    assert [row[0] for row in rows] == ["0", "1", "2", "3", "4"]
    assert rows[0][1:3] == ["", ""]
    assert all(row[3] for row in rows)
    drawing = ElementTree.parse("init.svg").getroot()
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert "PSNR of held-out signals after 3 inner steps" in Path("init.svg").read_text()
    assert init.read("init.safetensors").notes["signals"] == 4


def test_json_tells_what_the_init_holds(photos: Path) -> None:
    save(photos / "small.png", textured(4, 4))
    (photos / "bad.png").write_bytes(b"no picture")
    ran = inrfit(
        *RUN, "--json", "--quiet", "--grid", "2x2", "--first-order", "--no-augment", "--holdout", "0.3"
    )
    assert ran.code == 0, ran.err
    (result,) = ran.results
    assert list(result) == [*RESULT, *KEYS]
    written = Path("init.safetensors").read_bytes()
    found = init.loads(written)
    assert result["hash"] == hashlib.sha256(written).hexdigest()
    assert (result["bytes"], result["steps"], result["status"]) == (len(written), 4, "ok")
    assert (result["kind"], result["method"], result["output"]) == ("image", "maml", "init.safetensors")
    assert result["val_psnr"] == found.notes["val_psnr"]
    assert {entry["input"] for entry in result["skipped"]} == {"photos/bad.png", "photos/small.png"}
    assert (found.config.order, found.config.augment, found.partition.grid) == ("first", False, (2, 2))
    assert ran.err.count("photos/small.png: skipped: has 4x4 samples") == 1
    assert ran.err.count("photos/bad.png: skipped: ") == 1


def test_the_file_does_not_depend_on_threads(photos: Path) -> None:
    assert inrfit(*RUN, "--quiet").code == 0
    one = Path("init.safetensors").read_bytes()
    assert inrfit(*RUN, "--quiet", "--force", "--threads", "2").code == 0
    assert Path("init.safetensors").read_bytes() == one
    assert inrfit(*RUN, "--quiet", "--force", "--seed", "1").code == 0
    assert Path("init.safetensors").read_bytes() != one


def test_nothing_is_replaced_unasked(photos: Path) -> None:
    for name in MADE:
        Path(name).write_text("mine")
        inrfit(*RUN).refused(name, "exists", "--force")
        assert Path(name).read_text() == "mine"
        assert made(photos.parent) == [name]
        Path(name).unlink()


def test_the_init_goes_to_standard_output(photos: Path) -> None:
    ran = inrfit(*RUN[:-1], "-", "--quiet")
    assert (ran.code, ran.err) == (0, "")
    assert init.loads(ran.data).kind == "image"
    assert made(photos.parent) == []


def test_interrupted_and_resumed_gives_the_same_files(photos: Path) -> None:
    words = (*RUN[:-1], "whole.safetensors", "--steps", "9", "--val-every", "2")
    assert inrfit(*words, "--quiet").code == 0
    words = (*RUN, "--steps", "9", "--val-every", "2")
    with ctrl_c(3):
        ran = inrfit(*words)
    assert ran.code == 130
    assert "Interrupted: stopped after 4 of 9 steps; the checkpoint is init.safetensors.ckpt" in ran.err
    assert "init.safetensors.ckpt" in files(photos.parent)
    with ctrl_c(6):
        again = go_on(ran)
    assert again.code == 130
    assert "goes on after 4 of 9 steps" in again.err
    last = go_on(again)
    assert last.code == 0, last.err
    assert Path("init.safetensors").read_bytes() == Path("whole.safetensors").read_bytes()

    def without_time(name: str) -> list[list[str]]:
        rows = [line.split(",") for line in Path(name).read_text().splitlines()]
        return [row[:5] + row[6:] for row in rows]

    assert without_time("init.csv") == without_time("whole.csv")
    assert "init.safetensors.ckpt" not in files(photos.parent)


def test_a_checkpoint_of_other_options_is_refused(photos: Path) -> None:
    with ctrl_c(1):
        assert inrfit(*RUN).code == 130
    before = Path("init.safetensors.ckpt").read_bytes()
    ran = inrfit(*RUN, "--resume", "--outer-lr", "0.5")
    ran.refused("init.safetensors.ckpt belongs to another", "config.outer_lr was 0.001, now 0.5", code=2)
    Path("init.csv").unlink()
    inrfit(*RUN).refused("holds 2 of 4 steps of this work", "--resume goes on, --force drops it")
    inrfit(*RUN, "--outer-lr", "0.5").refused("belongs to another", "--force drops it")
    assert Path("init.safetensors.ckpt").read_bytes() == before
    assert "starts afresh; --resume would have gone on" in inrfit(*RUN, "--force").err
    assert made(photos.parent) == MADE


def test_a_file_of_the_users_own_is_not_taken_for_a_checkpoint(photos: Path) -> None:
    Path("init.safetensors.ckpt").write_text("precious")
    inrfit(*RUN).refused("init.safetensors.ckpt is not a usable checkpoint", "--force drops it")
    assert made(photos.parent) == ["init.safetensors.ckpt"]
    assert Path("init.safetensors.ckpt").read_text() == "precious"


def test_the_checkpoint_goes_only_when_the_init_is_there(photos: Path) -> None:
    with ctrl_c(1):
        assert inrfit(*RUN).code == 130
    with patch(
        "inrfit.cli.meta_job.put", side_effect=OutputError("the disk is full", hint="free some space")
    ):
        inrfit(*RUN, "--resume").refused("the disk is full")
    assert made(photos.parent) == ["init.csv", "init.safetensors.ckpt"]
    assert "goes on after 2 of 4 steps" in inrfit(*RUN, "--resume").err
    assert made(photos.parent) == MADE


def test_a_run_killed_at_its_very_end_is_done_when_it_is_resumed(photos: Path) -> None:
    with ctrl_c(1):
        assert inrfit(*RUN).code == 130
    with patch.object(Kept, "drop", lambda kept: None):  # killed after the init, before this
        assert inrfit(*RUN, "--resume").code == 0
    before = Path("init.safetensors").read_bytes()
    checkpoint = Path("init.safetensors.ckpt").read_bytes()
    Path("init.svg").unlink()
    for _ in range(2):
        ran = inrfit(*RUN, "--resume", "--json")
        (result,) = ran.results
        assert (ran.code, result["status"], result["steps"]) == (0, "skipped", 4)
        assert made(photos.parent) == MADE
        assert Path("init.safetensors").read_bytes() == before
    assert "init.safetensors  already there" in inrfit(*RUN, "--resume").out
    inrfit(*RUN, "--resume", "--seed", "5").refused("init.safetensors exists", "--force")
    Path("init.safetensors.ckpt").write_bytes(checkpoint)  # of other work: its time is not that of the init
    inrfit(*RUN, "--resume").refused("init.safetensors exists", "--force")
    assert Path("init.safetensors.ckpt").read_bytes() == checkpoint


def test_an_init_that_appears_meanwhile_stays(photos: Path) -> None:
    train = loop.train

    def late(*args: Any) -> Any:
        Path("init.safetensors").write_text("another's")
        return train(*args)

    with patch.object(loop, "train", late):
        ran = inrfit(*RUN)
    ran.refused("init.safetensors: was made by another program", "the result is in init.1.safetensors")
    assert Path("init.safetensors").read_text() == "another's"
    assert init.read("init.1.safetensors").notes["signals"] == 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_system_ends_a_run_as_ctrl_c_does(photos: Path, number: int) -> None:
    with ctrl_c(1, number=number):
        ran = inrfit(*RUN)
    assert ran.code == 128 + number
    assert "stopped after 2 of 4 steps; the checkpoint is init.safetensors.ckpt" in ran.err
    assert go_on(ran).code == 0
    assert made(photos.parent) == MADE


def test_a_second_ctrl_c_stops_at_once(photos: Path) -> None:
    with ctrl_c(1, times=2):
        ran = inrfit(*RUN)
    assert ran.code == 130
    assert "stopped at once; there is no checkpoint yet" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--method", "mamml"], "did you mean 'maml'"),
        (["--size", "2"], "--size 2 must lie between"),
        (["--order", "third"], "--order 'third' is not known"),
        (["--first-order", "--order", "second"], "opposite"),
        (["--val", "photos", "--holdout", "0.2"], "both choose what is held out"),
        (["--kind", "video"], "fields of clips cannot be meta-trained"),
        (["--precision", "bfloat16", "--device", "cpu"], "needs CUDA"),
        (["--grid", "axb"], "--grid 'axb'"),
        (["--preset", "papers"], "--preset 'papers' is not known"),
        (["-o", "init.png"], "meta-train writes .safetensors files"),
        (["--device", "tpu"], "--device 'tpu'"),
        (["--memory", "much"], "--memory 'much' is not a size"),
        (["--from", "gone.safetensors"], "gone.safetensors: cannot be read"),
        (["--partition", "gone.png"], "--partition gone.png: no such file"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(photos: Path, words: list[str], said: str) -> None:
    ran = inrfit(*RUN, *words, "--json")
    assert ran.code in (1, 2)
    assert said in ran.err
    (result,) = ran.results
    assert result["status"] == "error"
    assert made(photos.parent) == []


def test_folders_without_signals_are_refused(photos: Path) -> None:
    inrfit("meta-train", "gone", "-o", "i.safetensors").refused("gone: no such file or folder", code=2)
    Path("empty").mkdir()
    inrfit("meta-train", "empty", "-o", "i.safetensors").refused("there are no signal files", "-r", code=2)
    inrfit(*RUN, "--size", "64").refused("none of the", "12x14", "a smaller --size")


def test_clips_give_one_clear_error(photos: Path) -> None:
    Path("clips").mkdir()
    Path("clips/a.mp4").write_bytes(b"x")
    ran = inrfit("meta-train", "clips", "-o", "i.safetensors")
    ran.refused("fields of clips cannot be meta-trained", "single frames as images", code=2)


def test_more_is_said_when_asked(photos: Path) -> None:
    ran = inrfit(*RUN, "-v")
    assert "MetaConfig(method='maml'" in ran.err
    assert "ModelConfig(name='partitioned'" in ran.err
    assert inrfit(*RUN, "--quiet", "--force").err == ""


def test_processes_that_do_not_lead_write_nothing(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import nullcontext

    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(loop, "joined", lambda ranks, device: nullcontext())
    monkeypatch.setattr("inrfit.meta.ranks.Ranks.summed", lambda self, tensors: list(tensors))
    ran = inrfit(*RUN, "--json")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert made(photos.parent) == []
