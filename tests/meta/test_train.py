"""The outer loop: it learns, whatever the number of threads, and goes on where it was stopped."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from make.data import textured

from inrfit import api, io
from inrfit.errors import ConfigError, FitError, Interrupted, OutputError
from inrfit.fitting import checkpoint
from inrfit.fitting.checkpoint import Checkpoint
from inrfit.fitting.progress import Progress
from inrfit.meta import train as loop
from inrfit.meta.events import MetaEvent
from inrfit.meta.init import Init, read
from inrfit.meta.plan import plan
from inrfit.meta.train import Training, train
from inrfit.signal import Signal

TINY: dict[str, Any] = {
    "size": 8,
    "hidden_features": 8,
    "hidden_layers": 1,
    "batch_size": 3,
    "steps": 4,
    "threads": 1,
}


def pictures(count: int = 6) -> list[Signal]:
    return [io.read(np.roll(textured(12, 14), n, axis=(0, 1))) for n in range(count)]


def planned(**words: Any) -> Training:
    return plan(pictures(), {**TINY, **words}, device="cpu")


def same(one: Init, other: Init) -> bool:
    return one.data == other.data


def test_it_learns_to_adapt() -> None:
    events: list[MetaEvent] = []
    made = train(planned(steps=40, hidden_features=16), Progress(on_event=events.append))  # type: ignore[arg-type]
    assert made.notes["val_psnr"] > made.notes["val_psnr_before"] + 1
    assert [event.step for event in events] == list(range(-1, 40))
    measured = [event.val_psnr for event in events if event.val_psnr is not None]
    assert len(measured) == 21
    assert made.notes["val_psnr"] == max(measured)
    assert math.isnan(events[0].loss)
    assert events[-1].lr < 0.01 * max(event.lr for event in events)


def test_the_best_numbers_are_kept_not_the_last() -> None:
    events: list[MetaEvent] = []
    made = train(
        planned(steps=12, outer_lr=0.5, schedule="constant", val_every=1),
        Progress(on_event=events.append),  # type: ignore[arg-type]
    )
    measured = [event.val_psnr for event in events if event.val_psnr is not None]
    assert measured[-1] < max(measured) == made.notes["val_psnr"]


@pytest.mark.parametrize(
    "words", [{}, {"grid": (2, 2)}, {"points": 40}, {"model": "local-global", "grid": (2, 2)}]
)
def test_threads_change_nothing(words: dict[str, Any]) -> None:
    assert same(train(planned(**words)), train(planned(**words, threads=2)))


def test_chunks_change_nothing_but_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    apart = train(planned())
    monkeypatch.setattr(loop, "BLOCK_FLOATS", 1)
    together = train(planned())
    for name, value in apart.params.items():
        np.testing.assert_allclose(together.params[name], value, atol=2e-6)


def test_frequencies_that_are_drawn_stay_as_they_are() -> None:
    training = planned(encoding="rff", features=4)
    made = train(training)
    (drawn,) = training.blank.learner.fixed()
    assert np.array_equal(made.params[drawn], training.blank.params[drawn])
    assert not np.array_equal(
        made.params["rate." + training.blank.learner.adapted[0]],
        training.blank.params["rate." + training.blank.learner.adapted[0]],
    )


def stopped(training: Training, after: int, resume: Checkpoint | None = None) -> Checkpoint:
    """Return the state of a run that was stopped after some steps."""
    kept: list[Checkpoint] = []
    seen: list[MetaEvent] = []
    hooks = Progress(
        on_event=seen.append,  # type: ignore[arg-type]
        stop=lambda: seen[-1].step + 1 == after,
        save=kept.append,
    )
    with pytest.raises(Interrupted, match=f"stopped after {after} of 6 steps"):
        train(training, hooks, resume)
    return kept[-1]


@pytest.mark.parametrize("words", [{}, {"holdout": 0.0}, {"rates": "linear", "inner_lr": 0.1, "points": 30}])
def test_a_resumed_run_is_the_same_to_the_bit(words: dict[str, Any], tmp_path: Path) -> None:
    training = planned(steps=6, val_every=2, **words)
    whole = train(training)
    checkpoint.save(stopped(training, 3), tmp_path / "c", training.identity())
    second = stopped(training, 5, checkpoint.load(tmp_path / "c", training.identity()))
    assert second.step == 5
    assert same(train(training, resume=second), whole)


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    training = planned(steps=6)
    checkpoint.save(stopped(training, 2), tmp_path / "c", training.identity())
    for words, said in (
        ({"outer_lr": 0.5}, "config.outer_lr was 0.001, now 0.5"),
        ({"hidden_features": 9}, "model.hidden_features was 8, now 9"),
        ({"grid": (2, 2)}, "partition.grid was None, now (2, 2)"),
        ({"holdout": 0.5}, "signals was"),
    ):
        with pytest.raises(ConfigError, match=re.escape(said)):
            checkpoint.load(tmp_path / "c", planned(**{"steps": 6, **words}).identity())


def test_steps_without_finite_gradients_are_left_out_until_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    training = planned(steps=60, val_every=60)
    learner = training.blank.learner
    outer = learner.outer_gradients
    bad = {3, 4, 8}
    calls = 0

    def broken(params: Any, tasks: Any) -> Any:
        nonlocal calls
        calls += 1
        found, mse = outer(params, tasks)
        return ({n: g * torch.nan for n, g in found.items()} if calls - 1 in bad else found), mse

    monkeypatch.setattr(learner, "outer_gradients", broken)
    events: list[MetaEvent] = []
    train(training, Progress(on_event=events.append))  # type: ignore[arg-type]
    assert events[-1].skipped == 3
    bad, calls = set(range(5, 60)), 0
    with pytest.raises(FitError, match="20 steps in a row up to step 25") as caught:
        train(training)
    assert "a lower rate than --outer-lr 0.001" in str(caught.value.hint)


def test_half_precision_is_for_products_alone() -> None:
    training = planned()
    half = replace(training, run=replace(training.run, precision="bfloat16"))
    one, other = train(training), train(half)
    assert {value.dtype for value in other.params.values()} == {np.dtype(np.float32)}
    assert not same(one, other)
    assert other.notes["val_psnr"] == pytest.approx(one.notes["val_psnr"], abs=0.2)


def test_no_steps_give_the_start() -> None:
    training = planned(steps=0)
    made = train(training)
    assert all(np.array_equal(made.params[name], value) for name, value in training.blank.params.items())
    assert made.notes["val_psnr"] == made.notes["val_psnr_before"]


def test_the_function_writes_a_file_that_is_read_back(tmp_path: Path) -> None:
    output = tmp_path / "init.safetensors"
    made = api.meta_train(pictures(), output, device="cpu", **TINY)
    assert read(output).hash == made.hash
    assert (made.kind, made.axes, made.channels) == ("image", ("y", "x"), 3)
    with pytest.raises(OutputError, match="exists already"):
        api.meta_train(pictures(), output, device="cpu", **TINY)


@pytest.mark.parametrize("kind", ["audio", "volume"])
def test_other_kinds_are_trained_by_the_same_loop(kind: str) -> None:
    shape = (60,) if kind == "audio" else (9, 9, 9)
    grid = np.indices(shape).sum(0)
    sources = [np.sin(grid / 3 + n).astype(np.float32) for n in range(4)]
    made = api.meta_train(sources, device="cpu", kind=kind, **{**TINY, "first_omega_0": 10.0})
    assert (made.kind, len(made.axes)) == (kind, len(shape))
    assert made.notes["val_psnr"] >= made.notes["val_psnr_before"]


def test_shapes_are_trained_whole(tmp_path: Path) -> None:
    import trimesh

    for n in range(3):
        trimesh.creation.box((1, 1 + n / 2, 1)).export(tmp_path / f"{n}.ply")
    words = {**TINY, "size": 12, "points": 200}
    for more in ({}, {"grid": (2, 2, 2)}):
        made = api.meta_train(tmp_path, device="cpu", **words, **more)
        assert (made.kind, made.channels, made.notes["signals"]) == ("shape", 1, 2)
        assert math.isfinite(made.notes["val_psnr"])
