"""Sizes that a fit to a target PSNR tries: never less than without a target, resumed and in a batch alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from make.data import textured

import inrfit
from inrfit import api
from inrfit.codec.write import dumps
from inrfit.errors import FitError, Interrupted
from inrfit.fitting import loop, tries
from inrfit.fitting.progress import Progress
from inrfit.fitting.tries import Tries

TONE = np.round(9000 * np.sin(np.arange(2048) * 0.31)).astype(np.int16)[:, None]
"""A sound whose spectrum is one line: the fewest cosines, and too few weights where a region has no more than those."""
SOUND = {"kind": "audio", "steps": 40, "device": "cpu", "threads": 1}


def chord() -> np.ndarray:
    """Return a sound of three lines that fade at rates of their own."""
    at = np.arange(2048)
    lines = [np.exp(-at / (400 + 300 * n)) * np.sin(at * 0.07 * (n + 1)) for n in range(3)]
    return np.round(5000 * np.sum(lines, axis=0)).astype(np.int16)[:, None]


@pytest.mark.parametrize("sound", [TONE, chord()], ids=["tone", "chord"])
@pytest.mark.parametrize("below", [1.0, 8.0])
def test_a_sound_reaches_what_a_plain_fit_passes(sound: np.ndarray, below: float) -> None:
    plain = api.fit(sound, **SOUND)
    target = (plain.psnr or 0.0) - below
    found = api.fit(sound, target_psnr=target, **SOUND)
    assert target <= (found.psnr or 0.0) <= target + 0.1
    assert len(dumps(found)) <= len(dumps(plain))


def test_an_unreachable_target_gives_no_less_than_none() -> None:
    plain = api.fit(TONE, **SOUND)
    told: list[tuple[float, int]] = []
    hooks = Progress(on_again=lambda psnr, weights: told.append((psnr, weights)))
    found = api.fit(TONE, target_psnr=99.0, progress=hooks, **SOUND)
    assert (found.psnr or 0.0) >= (plain.psnr or 0.0)
    assert told
    assert max(weights for _, weights in told) <= tries.BEYOND * plain.params * 1.01


def picture() -> np.ndarray:
    """Return a picture that is textured in one quarter: cells of equal width need more than its mean."""
    made = np.full((48, 64, 3), 90, np.uint8)
    made[:16, :32] = textured(16, 32)
    return made


WORDS = {"steps": 40, "cell": 16, "device": "cpu", "threads": 1}


def test_a_picture_reaches_what_a_plain_fit_passes() -> None:
    plain = api.fit(picture(), **WORDS)
    target = (plain.psnr or 0.0) - 1
    assert target <= (api.fit(picture(), target_psnr=target, **WORDS).psnr or 0.0) <= target + 0.1


def test_a_fit_in_a_batch_tries_as_one_alone() -> None:
    pictures = [picture(), textured(48, 64)]
    together = inrfit.fit_many(pictures, target_psnr=30.0, **WORDS)
    for one, found in zip(pictures, together, strict=True):
        assert dumps(found) == dumps(api.fit(one, target_psnr=30.0, **WORDS))


@pytest.mark.parametrize("stopped", [1, 2, 3])
def test_a_fit_that_goes_on_in_any_try_ends_as_one_without_a_break(stopped: int) -> None:
    plan = api.plan(TONE, target_psnr=60.0, **SOUND)
    whole, kept = api.run(plan), []
    seen = {"tries": 1, "step": 0}

    def note(event) -> None:
        seen["step"] = event.step

    def again(psnr: float, weights: int) -> None:
        seen["tries"] += 1

    hooks = Progress(
        on_event=note,
        on_again=again,
        save=kept.append,
        stop=lambda: seen["tries"] == stopped and seen["step"] == 20,
    )
    with pytest.raises(Interrupted):
        api.run(plan, progress=hooks)
    assert dumps(api.run(plan, resume=kept[-1])) == dumps(whole)


def test_the_size_that_the_user_gives_is_the_only_one() -> None:
    told: list[int] = []
    hooks = Progress(on_again=lambda psnr, weights: told.append(weights))
    found = api.fit(TONE, target_psnr=90.0, hidden_features=5, progress=hooks, **SOUND)
    assert found.model.hidden_features == 5
    assert not told


def test_with_a_limit_on_time_the_first_size_is_that_of_a_plain_fit() -> None:
    plain = api.plan(TONE, **SOUND)
    limited = api.plan(TONE, target_psnr=20.0, max_time=60.0, **SOUND)
    assert limited.params == plain.params
    assert limited.params > api.plan(TONE, target_psnr=20.0, **SOUND).params


def sizes(first: int | None, gaps: list[float], target: float = 40.0) -> list[int]:
    """Return the weights that are tried after a first size where each try lacks so many dB."""
    plan = api.plan(TONE, target_psnr=target, **SOUND)
    model = plan.open_model
    assert model is not None
    if first is not None:
        sized = api.plan(TONE, params=None, hidden_features=first, **SOUND).settings.model
        plan = replace(plan, settings=replace(plan.settings, model=sized))
    field, tried = api.fit(TONE, **{**SOUND, "steps": 1}), []
    one = Tries(plan)
    for gap in gaps:
        tried.append(one.plan.params)
        if not one.go_on(replace(field, psnr=target - gap)):
            break
    return tried


def test_sizes_grow_to_the_usual_one_and_double_until_that_helps_no_more() -> None:
    usual = api.plan(TONE, **SOUND).params
    grown = sizes(None, [9.0, 8.0, 7.0, 3.0, 0.5, 0.4])
    assert grown == sorted(set(grown))
    assert usual in grown
    assert usual < grown[-1] <= tries.BEYOND * usual * 1.01
    assert sizes(None, [9.0, 8.9, 8.85, 8.8, 8.75])[-1] == usual  # the usual size brought next to nothing
    assert len(sizes(None, [5.0, -1.0, 3.0])) == 2


def test_a_first_size_beyond_the_usual_one_goes_back_to_it_when_it_fails() -> None:
    usual = api.plan(TONE, **SOUND).params
    tried = sizes(20, [9.0, 9.0, 9.0])
    assert tried[0] > usual
    assert tried[-1] == usual


def test_the_error_of_every_try_is_the_error_and_one_field_is_enough(monkeypatch) -> None:
    plan = api.plan(TONE, target_psnr=90.0, **SOUND)
    usual = api.plan(TONE, **SOUND).params
    real = loop.fit

    def diverging(plan, *rest):
        if plan.params != usual:
            raise FitError("diverged")
        return real(plan, *rest)

    monkeypatch.setattr(loop, "fit", diverging)
    assert api.run(plan).params == usual
    monkeypatch.setattr(loop, "fit", lambda *rest: diverging(plan))
    with pytest.raises(FitError, match="diverged"):
        api.run(plan)
