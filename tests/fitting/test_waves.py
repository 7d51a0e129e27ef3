"""A fit in waves gives the bytes of a fit of all regions at once, and goes on where it was interrupted."""

from __future__ import annotations

import itertools

import pytest
from make.data import textured

from inrfit import api
from inrfit.errors import Interrupted
from inrfit.fitting import waves
from inrfit.fitting.progress import Progress

SMALL = 200_000
"""Bytes of a wave that make several of the signal below."""

CASES = [
    {"grid": (4, 6), "hidden_features": 6},
    {"grid": (4, 6), "hidden_features": 6, "overlap": 2},
    {"partition": "seg", "heads": 7, "hidden_features": 9},
    {"grid": (4, 6), "hidden_features": 6, "optimiser": "adam", "weights": "float32"},
]


def planned(**options):
    return api.plan(textured(96, 120), device="cpu", **{"steps": 9, **options})


def fitted(plan, **words):
    return api.to_bytes(waves.fit(plan, **words))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_waves_change_no_byte(case):
    plan = planned(**case)
    assert len(waves.cut(plan, SMALL)) > 1
    assert fitted(plan, wave=SMALL) == fitted(plan)


@pytest.mark.parametrize("stop_after", [4, 13, 20])
def test_an_interrupted_wave_goes_on_to_the_same_bytes(stop_after):
    plan, asked, saved = planned(**CASES[0]), [], []

    def stop():
        asked.append(1)
        return len(asked) > stop_after

    with pytest.raises(Interrupted, match="wave"):
        fitted(plan, wave=SMALL, progress=Progress(stop=stop, save=saved.append))
    assert saved[-1].step == stop_after
    assert fitted(plan, wave=SMALL, resume=saved[-1]) == fitted(plan)


@pytest.mark.parametrize(
    "words", [({"wave": SMALL}, {}), ({}, {"wave": SMALL}), ({"wave": SMALL}, {"wave": 60_000})]
)
def test_an_interrupted_fit_goes_on_with_another_memory(words):
    plan, saved = planned(**CASES[0]), []
    before, after = words

    def stop():
        return len(steps) > 6

    steps = []
    hooks = Progress(on_event=steps.append, stop=stop, save=saved.append)
    with pytest.raises(Interrupted):
        fitted(plan, progress=hooks, **before)
    assert fitted(plan, resume=saved[-1], **after) == fitted(plan)


def test_steps_are_counted_over_all_waves():
    plan, events = planned(**CASES[0]), []
    fitted(plan, wave=SMALL, progress=Progress(on_event=events.append))
    count = 9 * len(waves.cut(plan, SMALL))
    assert [event.step for event in events] == list(range(count))
    assert {event.steps for event in events} == {count}
    assert all(a.seconds <= b.seconds for a, b in itertools.pairwise(events))


@pytest.mark.parametrize(
    "options",
    [{"model": "local-global", "grid": (4, 6)}, {"target_psnr": 30.0}, {"max_time": 5.0}],
    ids=str,
)
def test_what_concerns_all_regions_together_is_one_wave(options):
    assert len(waves.cut(planned(**options), SMALL)) == 1


def test_every_region_is_in_one_wave():
    plan = planned(grid=(8, 9), hidden_features=4)
    for limit in (1, 10_000, 10**9):
        assert [p for part in waves.cut(plan, limit) for p in part] == list(range(72))
