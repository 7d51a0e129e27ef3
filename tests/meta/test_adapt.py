"""An adaptation gives what the inner loop gives, at any size and division, and refuses what it cannot be for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make.breaks import broken
from make.data import textured
from make.inits import by_inner, init_of, unrounded

from inrfit import api, io
from inrfit.device import pick_device
from inrfit.errors import ConfigError, InputError
from inrfit.fitting import waves
from inrfit.io.config import ReadConfig
from inrfit.meta.init import Init
from inrfit.meta.learner import RIDGE
from inrfit.meta.maml import Maml
from inrfit.models.coding import step_of
from inrfit.partitions.labels import from_labels

SIGNAL = io.read(textured(20, 28))
"""Of another size and shape than what the inits were trained on."""


@pytest.fixture(scope="module")
def init() -> Init:
    return init_of()


OTHER_CELLS = {"grid": (3, 2)}


@pytest.mark.parametrize(
    ("learned", "words"),
    [
        ({}, {"partition": "none"}),
        ({}, {"heads": 5}),
        ({}, {}),
        ({"loss": "signal"}, OTHER_CELLS),
        ({"solve": "first"}, OTHER_CELLS),
        ({"solve": "both"}, {"partition": "none"}),
        ({"name": "local-global"}, OTHER_CELLS),
        ({"rates": "fixed"}, OTHER_CELLS),
        ({"rates": "linear"}, OTHER_CELLS),
    ],
)
def test_steps_are_those_of_the_inner_loop(learned: dict[str, Any], words: dict[str, Any]) -> None:
    init = init_of(**learned)
    wanted = by_inner(init, SIGNAL, 3, **words)
    found = [
        unrounded(api.adapt(SIGNAL, init, steps=steps, weights="float32", **words), SIGNAL)
        for steps in range(4)
    ]
    np.testing.assert_allclose(found, wanted, atol=2e-5)
    assert len(set(np.round(wanted, 2))) == 4


def test_segments_adapt_as_the_inner_loop_does(init: Init, tmp_path: Any) -> None:
    y, x = np.mgrid[0:20, 0:28]
    labels = np.where(x + y < 15, 0, np.where(y < x / 2, 1, 2)).astype(np.uint8)
    path = tmp_path / "labels.npy"
    np.save(path, labels)
    wanted = by_inner(init, SIGNAL, 3, partition=str(path))
    field = api.adapt(SIGNAL, init, weights="float32", partition=str(path))
    assert field.partition.areas == from_labels(SIGNAL.domain, labels).areas
    assert unrounded(field, SIGNAL) == pytest.approx(wanted[3], abs=2e-5)


def test_steps_beyond_the_trained_ones_go_on_at_the_last_rates_or_with_what_suits_them(init: Init) -> None:
    wanted = by_inner(init, SIGNAL, 8)[8]
    learned = api.adapt(SIGNAL, init, steps=8, weights="float32", optimiser="learned")
    assert unrounded(learned, SIGNAL) == pytest.approx(wanted, abs=1e-4)
    few, many = (api.plan_adaptation(SIGNAL, init, steps=steps) for steps in (8, 40))
    assert (few.way.trained, few.way.after, few.settings.fit.schedule) == (3, "sgd", "constant")
    assert (many.way.trained, many.way.after, many.settings.fit.schedule) == (3, "adam", "cosine")
    assert (many.run().psnr or 0.0) > (few.run().psnr or 0.0) + 1


@pytest.mark.parametrize("optimiser", ["sgd", "adam", "soap"])
def test_other_optimisers_learn_from_the_start(init: Init, optimiser: str) -> None:
    start = api.adapt(SIGNAL, init, steps=0).psnr or 0.0
    assert (api.adapt(SIGNAL, init, steps=15, optimiser=optimiser).psnr or 0.0) > start + 0.5


def test_sgd_is_the_inner_loop_at_a_fixed_rate() -> None:
    init = init_of(rates="fixed", inner_lr=0.02)
    one, other = (api.adapt(SIGNAL, init, optimiser=name, weights="float32") for name in ("sgd", "learned"))
    for name, weights in one.weights.items():
        np.testing.assert_allclose(weights, other.weights[name], atol=1e-7)
    faster = api.adapt(SIGNAL, init, optimiser="sgd", lr=0.05)
    assert (faster.psnr or 0.0) > (one.psnr or 0.0)


def test_a_closed_form_can_be_asked_for_without_a_learned_ridge(init: Init) -> None:
    assert RIDGE not in init.params
    plain, solved = (api.adapt(SIGNAL, init, steps=2, solve=how) for how in ("none", "last"))
    assert (solved.psnr or 0.0) > (plain.psnr or 0.0) + 3


def test_all_weights_of_a_trunk_can_adapt_after_the_own_steps() -> None:
    init = init_of(name="local-global")
    half = {"weights": "float16"}
    own, everything = (api.adapt(SIGNAL, init, steps=30, adapt=what, **half) for what in ("own", "all"))
    name = "merge_local"
    assert np.array_equal(own.weights[name][0], init.params[name].astype(np.float16).astype(np.float32))
    assert not np.array_equal(everything.weights[name], own.weights[name])
    same = api.adapt(SIGNAL, init, steps=3, adapt="all", **half)
    assert np.array_equal(same.weights[name], own.weights[name])
    with pytest.raises(ConfigError, match="--adapt all has no learned rates"):
        api.adapt(SIGNAL, init, adapt="all", optimiser="learned")


def test_a_trunk_that_does_not_adapt_is_hardly_rounded() -> None:
    init = init_of(name="local-global")
    field = api.adapt(SIGNAL, init, steps=3, adapt="own")
    assert field.coding is not None
    for name in ("merge_local", "trunk_weight1"):
        step = step_of(field.coding.exponents[name])
        start, kept = init.params[name], field.weights[name][0]
        assert step < np.sqrt(np.mean(start**2)) / 500
        np.testing.assert_allclose(kept, start, rtol=0, atol=float(step) * 0.501)
        assert np.array_equal(kept, np.rint(start / step) * step)


@pytest.mark.parametrize("loss", ["region", "signal"])
@pytest.mark.parametrize(
    ("weights", "first", "second"),
    [("float16", False, True), ("quantised", False, False), ("quantised", True, True)],
)
def test_waves_change_nothing(
    loss: str, weights: str, first: bool, second: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quantised weights and quantised differences from an init are rounded apart: only like goes with like."""
    init, seen = init_of(loss=loss), []
    options = {"steps": 5, "cell": 7, "weights": weights}
    whole = api.adapt(SIGNAL, init, reference_init=first, **options)
    cut = waves.cut

    def small(*arguments: Any) -> list[range]:
        seen.append(cut(*arguments[:-1], 8000))
        return seen[-1]

    monkeypatch.setattr(waves, "cut", small)
    waved = api.adapt(SIGNAL, init, reference_init=second, **options)
    assert len(seen[0]) > 2
    for name, weights in whole.weights.items():
        np.testing.assert_array_equal(waved.weights[name], weights)
    assert waved.psnr == whole.psnr


@pytest.mark.parametrize(
    ("learned", "words"),
    [
        ({}, {"steps": 20}),
        ({}, {"steps": 5, "optimiser": "soap"}),
        ({"loss": "signal"}, {"steps": 6, "reference_init": True}),
        ({"name": "local-global"}, {"steps": 12, "adapt": "all"}),
        ({"name": "composer", "method": "ipc", "rank": 5}, {"steps": 12}),
        ({"name": "composer", "method": "ipc", "rank": 5}, {"steps": 12, "reference_init": True}),
    ],
)
@pytest.mark.parametrize("waves_of", [None, 8000])
def test_an_interrupted_adaptation_goes_on_to_the_same_bytes(
    learned: dict[str, Any],
    words: dict[str, Any],
    waves_of: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = api.plan_adaptation(SIGNAL, init_of(**learned), cell=7, device="cpu", **words)
    whole, cut, count = api.to_bytes(plan.run()), waves.cut, 1
    if waves_of is not None:
        monkeypatch.setattr(waves, "cut", lambda plan, limit: cut(plan, waves_of))
        count = len(waves.cut(plan, 0))
        assert (count > 2) == ("adapt" not in words)
    for after in {2, (count - 1) * plan.steps + plan.steps - 1}:
        state = broken(plan, after, tmp_path)
        assert api.to_bytes(plan.run(resume=state)) == whole


def test_an_adaptation_is_another_with_another_init_or_other_steps(init: Init) -> None:
    same = api.plan_adaptation(SIGNAL, init, steps=5).identity()
    assert same == api.plan_adaptation(SIGNAL, init, steps=5, threads=2).identity()
    assert same != api.plan_adaptation(SIGNAL, init_of(outer=1), steps=5).identity()
    assert same != api.plan_adaptation(SIGNAL, init, steps=0).identity()
    assert same != api.plan_adaptation(SIGNAL, init, steps=5, reference_init=True).identity()
    assert same["adapt.init"] == init.hash


def test_the_network_of_one_region_is_an_mlp_and_keeps_its_sizes(init: Init) -> None:
    for words, name in (({"partition": "none"}, "mlp"), ({"grid": (1, 2)}, "partitioned")):
        model = api.adapt(SIGNAL, init, steps=0, **words).model
        assert model == replace(init.model, name=name)


def test_a_target_stops_the_steps(init: Init) -> None:
    field = api.adapt(SIGNAL, init, steps=400, target_psnr=20.0)
    assert 20.0 <= (field.psnr or 0.0) < 20.2
    assert 3 < field.steps < 400


def test_methods_that_were_not_trained_for_steps_begin_with_adam(
    init: Init, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = api.plan_adaptation(SIGNAL, init).way
    assert (trained.trained, trained.after) == (init.config.inner_steps, "sgd")
    monkeypatch.setattr(Maml, "descends", False)
    drawn = api.plan_adaptation(SIGNAL, init).way
    assert (drawn.trained, drawn.after) == (0, "adam")


def test_a_signal_that_the_init_is_not_for_is_refused(init: Init) -> None:
    with pytest.raises(InputError, match=r"has 1 channel \(grey\), the init was learned from signals with 3"):
        api.adapt(textured(16, 16)[..., :1], init)
    sound = io.read(np.zeros((64, 1), np.int16), ReadConfig(kind="audio"))
    with pytest.raises(InputError, match="is of the kind audio, the init was learned from the kind image"):
        api.adapt(sound, init)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"steps": -1}, "--steps -1 must be at least 0"),
        ({"optimiser": "adm"}, "--optimiser 'adm' is not known"),
        ({"adapt": "some"}, "--adapt 'some' is not known"),
        ({"solve": "frist"}, "--solve 'frist' is not known"),
        ({"hidden_features": 8}, "option 'hidden_features' is not known"),
        ({"grid": (2, 2), "heads": 4}, "--grid and --heads both"),
        ({"resolution": 64}, "--resolution means nothing for the kind image"),
        ({"overlap": (1, 1, 1)}, "--overlap 1x1x1 gives 3 numbers"),
    ],
)
def test_what_cannot_be_meant_is_refused(init: Init, words: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        api.adapt(SIGNAL, init, **words)


def test_reference_files_keep_only_what_adapts(init: Init) -> None:
    trunk = init_of(name="local-global")
    with pytest.raises(ConfigError, match="--reference-init keeps only"):
        api.adapt(SIGNAL, trunk, adapt="all", reference_init=True)
    whole, part = (api.adapt(SIGNAL, trunk, reference_init=reference) for reference in (False, True))
    assert set(part.adapted.numbers) == set(trunk.learner.adapted)
    assert len(api.to_bytes(part)) < len(api.to_bytes(whole))
    np.testing.assert_array_equal(part.weights["merge_local"][0], trunk.params["merge_local"])
    assert part.psnr == pytest.approx(whole.psnr, abs=0.2)
    assert api.verify(api.to_bytes(part), SIGNAL, pick_device("cpu"), init=trunk).psnr == part.psnr
