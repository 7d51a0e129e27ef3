"""Many signals at once: each gets the field that it gets alone, to the bit, and stops on its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from make.data import textured

import inrfit
from inrfit import api, registry
from inrfit.codec.write import dumps
from inrfit.errors import ConfigError, FitError, Interrupted
from inrfit.fitting import sampling
from inrfit.fitting.progress import Progress
from inrfit.signal import Signal

SMALL = {"hidden_features": 7, "hidden_layers": 1, "steps": 25, "device": "cpu"}


def pictures(count, height=12, width=16, seed=0):
    """Return pictures of different difficulty."""
    random = np.random.default_rng(seed)
    noise = (
        random.integers(-60, 60, (count, height, width, 3)) * np.linspace(0, 1, count)[:, None, None, None]
    )
    return [np.clip(textured(height, width) + part, 0, 255).astype(np.uint8) for part in noise]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"grid": (2, 2)},
        {"grid": (1, 2), "model": "local-global", "trunk_features": 5},
        {"activation": "relu", "encoding": "rff", "features": 4},
        {"optimiser": "adam", "weights": "float32"},
        {"effort": 1, "hidden_features": None, "hidden_layers": 1},
    ],
    ids=lambda options: "-".join(options) or "default",
)
def test_each_gets_the_file_that_it_gets_alone(options):
    words = {**SMALL, **options}
    together = inrfit.fit_many(pictures(5), **words)
    for picture, found in zip(pictures(5), together, strict=True):
        assert dumps(found) == dumps(api.fit(picture, **words))


def test_with_the_reference_kernel_each_is_the_same_up_to_rounding():
    words = {**SMALL, "kernel": "reference", "weights": "float32", "steps": 8}
    for picture, found in zip(pictures(3), inrfit.fit_many(pictures(3), **words), strict=True):
        alone = api.fit(picture, **words)
        for name, weights in found.weights.items():
            assert np.allclose(weights, alone.weights[name], atol=1e-4), name


def test_also_where_regions_have_more_tiles_than_a_block(monkeypatch):
    """Partial sums are cut by the region, never by who else is in the block."""
    monkeypatch.setattr(sampling, "BLOCK_FLOATS", 1024 * 7 * 2)
    monkeypatch.setattr(sampling, "SMALL_BLOCK_FLOATS", 1024 * 7)
    words = {**SMALL, "steps": 3, "threads": 2, "partition": "none"}
    many = [textured(60, 60 + 0 * n) // (n + 1) for n in range(3)]
    for picture, found in zip(many, inrfit.fit_many(many, **words), strict=True):
        assert dumps(found) == dumps(api.fit(picture, **words))


def test_each_stops_at_its_own_target_and_as_alone():
    words = {**SMALL, "steps": 200, "hidden_features": 12, "target_psnr": 21.0}
    together = inrfit.fit_many(pictures(6), **words)
    assert len({found.steps for found in together}) > 2
    for picture, found in zip(pictures(6), together, strict=True):
        assert dumps(found) == dumps(api.fit(picture, **words))


def test_signals_of_several_shapes_and_kinds_come_back_in_order():
    mixed = [textured(9, 9), textured(12, 8), textured(9, 9, 1), textured(9, 9) // 2]
    found = inrfit.fit_many(mixed, **SMALL)
    assert [field.domain.shape for field in found] == [(9, 9), (12, 8), (9, 9), (9, 9)]
    assert [field.channels for field in found] == [3, 3, 1, 3]
    assert dumps(found[3]) == dumps(api.fit(mixed[3], **SMALL))


def test_segments_are_fitted_alone():
    words = {**SMALL, "partition": "seg", "heads": 2}
    found = inrfit.fit_many([textured(24, 36), textured(24, 36)], **words)
    assert dumps(found[1]) == dumps(api.fit(textured(24, 36), **words))


class Broken(Signal):
    """A signal whose samples are not numbers, so that its fit diverges at once."""

    def __init__(self, whole):
        self.domain, self.info, self._whole = whole.domain, whole.info, whole

    @property
    def channels(self):
        return self._whole.channels

    def dense(self, window=None):
        return self._whole.dense(window)

    def sample(self, points):
        return np.full((len(points), self.channels), np.nan, np.float32)


@pytest.mark.parametrize("optimiser", registry.names("optimiser"))
@pytest.mark.parametrize("good", [1, 6])
def test_one_that_diverges_stops_no_other(optimiser, good):
    """It stays among the arrays where it is one of many: its second moments are no numbers then."""
    words = {**SMALL, "optimiser": optimiser}
    plans = [api.plan(picture, **words) for picture in pictures(good)]
    broken = replace(plans[0], signal=Broken(plans[0].signal))
    first, *others = api.run_many([broken, *plans])
    assert isinstance(first, FitError)
    for plan, found in zip(plans, others, strict=True):
        assert dumps(found) == dumps(api.run(plan))


@pytest.mark.parametrize("options", [{"points": 20}, {"max_time": 3.0}])
def test_what_is_for_one_signal_is_refused(options):
    with pytest.raises(ConfigError, match="one fit at a time"):
        inrfit.fit_many(pictures(2), **SMALL, **options)


def test_events_tell_how_many_are_left():
    events = []
    words = {**SMALL, "steps": 200, "hidden_features": 12, "target_psnr": 21.0}
    inrfit.fit_many(pictures(6), progress=Progress(on_event=events.append), **words)
    left = [event.signals for event in events]
    assert left[0] == 6
    assert left == sorted(left, reverse=True)


def test_it_can_be_stopped():
    with pytest.raises(Interrupted, match="after 0 of 25 steps"):
        inrfit.fit_many(pictures(2), progress=Progress(stop=lambda: True), **SMALL)


def test_one_that_cannot_be_measured_stops_no_other(monkeypatch):
    """A target is looked for in the middle of the fit, where a measurement may fail."""
    from inrfit.fitting import loop

    measured = loop.measured
    calls = []

    def fails(field, signal, device):
        calls.append(signal)
        if signal is calls[0]:
            raise FitError("broken")
        return measured(field, signal, device)

    monkeypatch.setattr(loop, "measured", fails)
    words = {**SMALL, "steps": 200, "hidden_features": 12, "target_psnr": 18.0}
    found = inrfit.fit_many(pictures(4), **words)
    assert sum(isinstance(one, FitError) for one in found) == 1
    assert sum(not isinstance(one, FitError) and one.psnr >= 18 for one in found) == 3
