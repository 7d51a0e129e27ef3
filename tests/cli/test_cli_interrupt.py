"""Ctrl-C and other signals: the checkpoint, the command that goes on, and that nothing differs afterwards."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from make.cli import FAST, Ran, files, hearing, inrfit, save
from make.data import textured
from make.inits import init_of

from inrfit import api
from inrfit.cli.checkpoints import Kept
from inrfit.codec import excerpt
from inrfit.edit.extend import Extension
from inrfit.field import Field
from inrfit.fitting.plan import Plan
from inrfit.fitting.progress import Progress
from inrfit.fitting.run import Fit
from inrfit.meta.adapt import Adaptation

FIT = ("--grid", "2x2", "--hidden-features", "6", "--steps", "30")


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Hear every signal, also where the tests were started by `nohup` or in the background."""
    numbers = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in numbers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@contextmanager
def on_step(do: Callable[[Any], object], *, only: str = "") -> Iterator[None]:
    """Do something after every step of a plan; only in that of one input when it is named."""

    def watched(run: Callable[..., Field]) -> Callable[..., Field]:
        def watching(plan: Plan, progress: Progress, resume: Any = None) -> Field:
            def on_event(event: Any) -> None:
                progress.on_event(event)
                if not only or plan.signal.domain.shape == api.read(only).domain.shape:
                    do(event)

            return run(plan, replace(progress, on_event=on_event), resume)

        return watching

    with ExitStack() as stack:
        for kind in (Fit, Adaptation, Extension):
            stack.enter_context(patch.object(kind, "run", watched(kind.run)))
        yield


def ctrl_c(
    step: int, *, times: int = 1, only: str = "", number: int = signal.SIGINT
) -> AbstractContextManager[None]:
    """Press Ctrl-C in a fit after a step, or send another signal."""

    def press(event: Any) -> None:
        for _ in range(times if event.step == step else 0):
            os.kill(os.getpid(), number)

    return on_step(press, only=only)


def go_on(ran: Ran, *more: str) -> Ran:
    """Run the command that an interrupted one printed."""
    command = shlex.split(ran.hints[-1].removeprefix("Hint: go on with: "))
    assert command[0] == "inrfit"
    return inrfit(*command[1:], *more)


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
@pytest.mark.parametrize("points", [[], ["--points", "200"]])
def test_interrupted_and_resumed_gives_the_same_bytes(here: Path, schedule: str, points: list[str]) -> None:
    words = ("photo.png", *FIT, "--schedule", schedule, *points)
    assert inrfit("fit", *words, "-o", "whole.inr", "--threads", "1").code == 0
    with ctrl_c(11):
        ran = inrfit("fit", *words, "--threads", "1")
    assert ran.code == 130
    assert "Interrupted: stopped after 12 of 30 steps; the checkpoint is photo.inr.ckpt" in ran.err
    assert files(here) == ["photo.inr.ckpt", "photo.png", "whole.inr"]
    with ctrl_c(20):
        again = go_on(ran, "--threads", "2")
    assert again.code == 130
    assert "goes on after 12 of 30 steps" in again.err
    assert again.err.count("--resume") == 1
    last = go_on(again, "--threads", "2")
    assert last.code == 0, last.err
    assert (here / "photo.inr").read_bytes() == (here / "whole.inr").read_bytes()
    assert files(here) == ["photo.inr", "photo.png", "whole.inr"]


@pytest.fixture
def sources(here: Path) -> Path:
    """An init, and a field with shared weights and what is added to it, beside the photo."""
    (here / "init.safetensors").write_bytes(init_of().data)
    save(here / "right.png", textured(24, 20))
    shared = ("--model", "local-global", "--grid", "2x2", "--hidden-features", "4", "--quiet")
    assert inrfit("fit", "photo.png", "-o", "old.inr", *shared, "--steps", "40").code == 0
    return here


ADAPT = ("adapt", "photo.png", "--init", "init.safetensors", "--steps", "30")
EXTEND = ("extend", "old.inr", "right.png", "--side", "right", "--steps", "30")


@pytest.mark.parametrize(
    ("words", "output"),
    [
        (ADAPT, "photo.inr"),
        ((*ADAPT, "--reference-init"), "photo.inr"),
        (EXTEND, "old.ext.inr"),
        ((*EXTEND, "--mode", "joint"), "old.ext.inr"),  # the last three steps tune all weights
    ],
)
def test_what_is_not_a_fit_is_resumed_to_the_same_bytes(
    sources: Path, words: tuple[str, ...], output: str
) -> None:
    assert inrfit(*words, "-o", "whole.inr", "--threads", "1").code == 0
    before = files(sources)
    with ctrl_c(11):
        ran = inrfit(*words, "--threads", "1")
    assert ran.code == 130
    alone = 27 if "joint" in words else 30  # an extension counts the steps of its phase
    assert f"stopped after 12 of {alone} steps; the checkpoint is {output}.ckpt" in ran.err
    assert files(sources) == sorted([*before, f"{output}.ckpt"])
    inrfit(*words).refused(f"{output}.ckpt holds 12 of 30 steps", "--resume goes on, --force drops it")
    with ctrl_c(28, number=signal.SIGTERM):
        again = go_on(ran, "--threads", "2")
    assert again.code == 143
    assert "goes on after 12 of 30 steps" in again.err
    assert f"stopped after {2 if alone == 27 else 29} of {30 - alone or 30} steps" in again.err
    last = go_on(again)
    assert last.code == 0, last.err
    assert (sources / output).read_bytes() == (sources / "whole.inr").read_bytes()
    assert files(sources) == sorted([*before, output])


@pytest.mark.parametrize(
    ("words", "more", "said"),
    [
        (ADAPT, ("--lr", "0.1"), "fit.lr was "),
        (ADAPT, ("--grid", "1x2"), "partition.grid was (2, 2), now (1, 2)"),
        (EXTEND, ("--seed", "1"), "fit.seed was 0, now 1"),
        (EXTEND, ("--mode", "joint"), "extend.joint was False, now True"),
        (EXTEND, ("--side", "left"), "extend.place was "),
    ],
)
def test_a_checkpoint_of_another_adaptation_or_extension_is_refused(
    sources: Path, words: tuple[str, ...], more: tuple[str, ...], said: str
) -> None:
    with ctrl_c(5):
        assert inrfit(*words).code == 130
    before = files(sources)
    inrfit(*words, *more, "--resume").refused(".ckpt belongs to another fit: ", said, code=2)
    assert files(sources) == before


def test_a_checkpoint_of_another_command_is_refused(sources: Path) -> None:
    with ctrl_c(5):
        assert inrfit(*ADAPT).code == 130
    inrfit("fit", "photo.png", *FIT, "--resume").refused("photo.inr.ckpt belongs to another fit: ", code=2)


def test_several_adaptations_go_on_where_they_were(sources: Path) -> None:
    save(sources / "z.png", textured(9, 9))
    with ctrl_c(5, only="photo.png"):
        ran = inrfit("adapt", "z.png", *ADAPT[1:], "--json")
    assert [result["status"] for result in ran.results] == ["ok", "error"]
    assert [result["status"] for result in go_on(ran).results] == ["skipped", "ok"]
    again = inrfit("adapt", "z.png", *ADAPT[1:], "--resume", "--json")
    assert [result["status"] for result in again.results] == ["skipped", "skipped"]


def test_an_extension_killed_at_its_very_end_is_made_again_from_its_checkpoint(sources: Path) -> None:
    with ctrl_c(20):
        assert inrfit(*EXTEND).code == 130
    with patch.object(Kept, "drop", lambda kept: None):  # killed after the output, before this
        assert inrfit(*EXTEND, "--resume").code == 0
    made = (sources / "old.ext.inr").read_bytes()
    inrfit(*EXTEND, "--seed", "1", "--resume").refused("fit.seed was 0, now 1", code=2)
    assert inrfit(*EXTEND, "--resume").code == 0
    assert (sources / "old.ext.inr").read_bytes() == made
    assert not (sources / "old.ext.inr.ckpt").exists()
    inrfit(*EXTEND, "--resume").refused("old.ext.inr exists", "--force")


def test_the_command_that_goes_on_takes_odd_names(here: Path) -> None:
    save(here / "-a b'c.png", textured(8, 8))
    with ctrl_c(3):
        ran = inrfit("fit", *FIT, "--", "-a b'c.png")
    assert ran.code == 130
    assert go_on(ran).code == 0
    assert (here / "-a b'c.inr").exists()


def test_a_batch_goes_on_where_it_was(here: Path) -> None:
    save(here / "a.png", textured(9, 9))
    save(here / "z.png", textured(10, 10))
    words = ("fit", "a.png", "photo.png", "z.png", *FIT)
    with ctrl_c(5, only="photo.png"):
        ran = inrfit(*words, "--json")
    assert ran.code == 130
    assert [result["status"] for result in ran.results] == ["ok", "error"]
    assert ran.results[1]["error"]["code"] == "Interrupted"
    made = (here / "a.inr").stat().st_mtime_ns
    last = go_on(ran)
    assert [result["status"] for result in last.results] == ["skipped", "ok", "ok"]
    assert (here / "a.inr").stat().st_mtime_ns == made


def test_a_second_ctrl_c_stops_at_once(here: Path) -> None:
    with ctrl_c(5, times=2):
        ran = inrfit("fit", "photo.png", *FIT)
    assert ran.code == 130
    assert "stopped at once; there is no checkpoint yet" in ran.err
    assert files(here) == ["photo.png"]


def test_without_a_file_there_is_no_checkpoint(here: Path) -> None:
    with ctrl_c(5):
        ran = inrfit("fit", "-", "-o", "-", *FIT, stdin=(here / "photo.png").read_bytes())
    assert (ran.code, ran.data) == (130, b"")
    assert "name an output file to be able to resume" in ran.err
    assert files(here) == ["photo.png"]


@pytest.fixture
def interrupted(here: Path) -> Path:
    with ctrl_c(5):
        assert inrfit("fit", "photo.png", *FIT).code == 130
    return here


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seed", "1"], "fit.seed was 0, now 1"),
        (["--steps", "31"], "fit.steps was 30, now 31"),
        (["--lr", "0.001"], "fit.lr was "),
        (["--grid", "1x2"], "partition.grid was (2, 2), now (1, 2)"),
        (["--activation", "relu"], "model.activation was 'sine', now 'relu'"),
    ],
)
def test_a_checkpoint_of_other_options_is_refused(interrupted: Path, words: list[str], said: str) -> None:
    before = (interrupted / "photo.inr.ckpt").read_bytes()
    ran = inrfit("fit", "photo.png", *FIT, *words, "--resume")
    ran.refused("photo.inr.ckpt belongs to another fit: ", said, code=2)
    assert (interrupted / "photo.inr.ckpt").read_bytes() == before
    assert not (interrupted / "photo.inr").exists()


def test_a_checkpoint_of_another_input_is_refused(interrupted: Path) -> None:
    save(interrupted / "photo.png", textured(24, 36)[::-1])
    ran = inrfit("fit", "photo.png", *FIT, "--resume")
    ran.refused("belongs to another fit: input was ", code=2)
    assert len(ran.err.partition("input was ")[2].split()[0]) == 65  # a hash and a comma


def test_a_checkpoint_of_other_labels_is_refused(here: Path) -> None:
    labels = np.zeros((24, 36), np.uint8)
    labels[:, 20:] = 7
    save(here / "labels.png", labels)
    words = ("fit", "photo.png", "--partition", "labels.png", *FAST, "--steps", "9")
    with ctrl_c(5):
        assert inrfit(*words).code == 130
    save(here / "labels.png", labels[:, ::-1])
    inrfit(*words, "--resume").refused("partition.regions was ", code=2)


def test_a_damaged_checkpoint_is_refused(interrupted: Path) -> None:
    checkpoint = interrupted / "photo.inr.ckpt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    ran = inrfit("fit", "photo.png", *FIT, "--resume")
    ran.refused("photo.inr.ckpt is not a usable checkpoint", "delete it to start afresh", code=2)


def test_starting_afresh_takes_force_and_is_said(interrupted: Path) -> None:
    before = (interrupted / "photo.inr.ckpt").read_bytes()
    for words in ((), ("--quiet",), ("--steps", "31"), ("--seed", "3")):
        inrfit("fit", "photo.png", *FIT, *words).refused("photo.inr.ckpt", "--force drops it")
        assert files(interrupted) == ["photo.inr.ckpt", "photo.png"]
        assert (interrupted / "photo.inr.ckpt").read_bytes() == before
    inrfit("fit", "photo.png", *FIT).refused("holds 6 of 30 steps", "--resume goes on, --force drops it")
    ran = inrfit("fit", "photo.png", "--force", *FIT)
    assert "starts afresh; --resume would have gone on from photo.inr.ckpt" in ran.err
    assert files(interrupted) == ["photo.inr", "photo.png"]
    ran = inrfit("fit", "photo.png", "--force", "--resume", *FIT)
    assert ran.code == 0
    assert "there is no checkpoint photo.inr.ckpt; starts afresh" in ran.err


def test_a_file_of_the_users_own_is_not_taken_for_a_checkpoint(here: Path) -> None:
    mine = here / "photo.inr.ckpt"
    mine.write_text("precious")
    inrfit("fit", "photo.png", *FAST).refused("photo.inr.ckpt is not a usable checkpoint", "--force drops it")
    assert (files(here), mine.read_text()) == (["photo.inr.ckpt", "photo.png"], "precious")
    assert inrfit("fit", "photo.png", *FAST, "--force").code == 0
    assert files(here) == ["photo.inr", "photo.png"]


def test_a_checkpoint_that_comes_meanwhile_stays(here: Path) -> None:
    mine = here / "photo.inr.ckpt"

    def come(event: Any) -> None:
        if event.step == 3:
            mine.write_text("precious")
        if event.step == 5:
            os.kill(os.getpid(), signal.SIGINT)

    with on_step(come):
        inrfit("fit", "photo.png", *FIT).refused("photo.inr.ckpt: exists already")
    assert (files(here), mine.read_text()) == (["photo.inr.ckpt", "photo.png"], "precious")
    mine.unlink()
    with on_step(lambda event: mine.write_text("precious")):
        assert inrfit("fit", "photo.png", *FIT).code == 0
    assert (files(here), mine.read_text()) == (["photo.inr", "photo.inr.ckpt", "photo.png"], "precious")


def test_in_a_folder_a_checkpoint_in_the_way_is_one_failed_input(here: Path) -> None:
    for name in "abc":
        save(here / "in" / f"{name}.png", textured(8, 8))
    (here / "out").mkdir()
    (here / "out" / "b.inr.ckpt").write_text("precious")
    ran = inrfit("fit", "in", "-o", "out", "--json", *FAST)
    assert (ran.code, [result["status"] for result in ran.results]) == (1, ["ok", "error", "ok"])
    assert (here / "out" / "b.inr.ckpt").read_text() == "precious"


def test_what_is_left_of_a_folder_goes_on_from_its_checkpoint(here: Path) -> None:
    words = ("fit", "photo.png", *FIT, "--skip-existing")
    with ctrl_c(5):
        assert inrfit(*words).code == 130
    assert "goes on after 6 of 30 steps" in inrfit(*words).err
    assert files(here) == ["photo.inr", "photo.png"]


def test_a_run_killed_at_its_very_end_is_done_when_it_is_resumed(here: Path) -> None:
    words = ("fit", "photo.png", *FIT)
    with ctrl_c(5):
        assert inrfit(*words).code == 130
    with patch.object(Kept, "drop", lambda kept: None):  # killed after the output, before this
        assert inrfit(*words, "--resume").code == 0
    made = (here / "photo.inr").read_bytes()
    checkpoint = (here / "photo.inr.ckpt").read_bytes()
    for words_again in (("--resume",), ("--resume",), ("--skip-existing",)):
        ran = inrfit(*words, *words_again)
        assert (ran.code, ran.err) == (0, "")
        assert "photo.inr  already there" in ran.out
        assert files(here) == ["photo.inr", "photo.png"]
        assert (here / "photo.inr").read_bytes() == made
    (here / "photo.inr.ckpt").write_bytes(checkpoint)  # of other work: its time is not that of the output
    inrfit(*words, "--resume").refused("photo.inr exists", "--force")
    assert (here / "photo.inr.ckpt").read_bytes() == checkpoint


def test_an_output_of_another_input_is_not_done(here: Path) -> None:
    assert inrfit("fit", "photo.png", *FAST).code == 0
    save(here / "photo.png", textured(9, 9))
    inrfit("fit", "photo.png", *FAST, "--resume").refused("photo.inr exists")
    stdin = (here / "photo.png").read_bytes()
    inrfit("fit", "-", "-o", "photo.inr", *FAST, "--resume", stdin=stdin).refused("photo.inr exists")


def test_ctrl_c_elsewhere_ends_with_130(field: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def press(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(excerpt, "read", press)
    ran = inrfit("decode", "photo.inr")
    assert (ran.code, ran.out, ran.err) == (130, "", "Interrupted\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_system_ends_a_fit_as_ctrl_c_does(here: Path, number: int) -> None:
    with ctrl_c(5, number=number):
        ran = inrfit("fit", "photo.png", *FIT)
    assert ran.code == 128 + number
    assert "stopped after 6 of 30 steps; the checkpoint is photo.inr.ckpt" in ran.err
    assert files(here) == ["photo.inr.ckpt", "photo.png"]
    assert go_on(ran).code == 0
    with ctrl_c(5, number=number, times=2):
        ran = inrfit("fit", "photo.png", *FIT, "--force")
    assert ran.code == 128 + number
    assert "stopped at once" in ran.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_batch_that_is_ended_elsewhere_says_how_it_goes_on(
    here: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        save(here / "in" / f"{name}.png", textured(8, 8))
    plan = api.plan

    def ended(source: Any, **words: Any) -> Plan:
        if source == Path("in/b.png"):
            os.kill(os.getpid(), number)
        return plan(source, **words)

    monkeypatch.setattr(api, "plan", ended)
    ran = inrfit("fit", "in", "-o", "out", *FAST)
    assert ran.code == 128 + number
    assert (
        "stopped: 2 of 3 inputs are not done; go on with: inrfit fit --resume --skip-existing in" in ran.err
    )
    assert files(here / "out") == ["a.inr"]


def test_a_signal_while_a_result_is_written_ends_the_batch_after_it(here: Path) -> None:
    for name in "abc":
        save(here / "in" / f"{name}.png", textured(8, 8))
    verify = api.verify

    def ended(*args: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return verify(*args)

    with patch.object(api, "verify", ended):
        ran = inrfit("fit", "in", "-o", "out", *FAST)
    assert ran.code == 143
    assert "stopped before in/b.png" in ran.err
    assert "go on with: inrfit fit --resume --skip-existing in" in ran.err
    assert files(here / "out") == ["a.inr"]


def test_handlers_of_signals_are_as_before_in_the_end(here: Path) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    assert inrfit("fit", "photo.png", *FAST).code == 0
    assert [signal.getsignal(number) for number in numbers] == before


def test_a_signal_that_is_ignored_from_the_start_stays_so(here: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ctrl_c(1, number=signal.SIGHUP):
            assert inrfit("fit", "photo.png", *FIT).code == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_real_signal(here: Path, number: int) -> None:
    words = ["fit", "photo.png", "--steps", "1000000", "--hidden-features", "4", "--threads", "1"]
    command = hearing(*words)
    root = str(Path(__file__).resolve().parents[2])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if line.startswith("photo.png: step 1 of 1000000"):
                process.send_signal(number)
    assert process.returncode == 128 + number, said
    assert "Hint: go on with: inrfit fit --resume photo.png --steps 1000000" in said
    assert files(here) == ["photo.inr.ckpt", "photo.png"]
