"""What is decided before a meta-training: network, validation, and what cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make.cli import save
from make.data import textured

from inrfit.errors import ConfigError
from inrfit.meta import maml
from inrfit.meta import plan as planning
from inrfit.meta.init import Init
from inrfit.meta.plan import plan
from inrfit.meta.train import train
from inrfit.registry import TABLE

TINY: dict[str, Any] = {"size": 8, "hidden_features": 8, "hidden_layers": 1, "batch_size": 2, "steps": 2}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for n in range(5):
        save(tmp_path / "photos" / f"{n}.png", np.roll(textured(12, 14), n, axis=(0, 1)))
    return tmp_path / "photos"


class Derived(maml.Maml):
    """Made from another init: its numbers, doubled."""

    trains = False
    derived = True

    def derive(self, other: Init, seed: int) -> dict[str, np.ndarray]:
        return {name: 2 * other.params[name] for name in self.parameters(seed)}


@pytest.fixture
def derived(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(TABLE["meta"], "doubled", f"{__name__}:Derived")
    load = planning.load
    monkeypatch.setattr(
        planning, "load", lambda kind, name: Derived if name == "doubled" else load(kind, name)
    )
    return "doubled"


def test_a_share_is_held_out(photos: Path) -> None:
    found = plan([photos], TINY, device="cpu")
    assert (len(found.folder), len(found.held_out), found.every) == (4, 1, 1)
    assert {signal.domain.shape for signal in found.held_out} == {(8, 8)}
    more = plan([photos], {**TINY, "holdout": 0.4, "val_every": 7}, device="cpu")
    assert (len(more.folder), len(more.held_out), more.every) == (3, 2, 7)


def test_signals_for_validation_are_named(photos: Path, tmp_path: Path) -> None:
    save(tmp_path / "val" / "a.png", textured(9, 9))
    found = plan([photos], TINY, val=[tmp_path / "val"], device="cpu")
    assert (len(found.folder), len(found.held_out)) == (5, 1)
    save(tmp_path / "val" / "a.png", textured(5, 9))
    with pytest.raises(ConfigError, match="--val: none of its signals can be used"):
        plan([photos], TINY, val=[tmp_path / "val"], device="cpu")


def test_signals_for_validation_are_not_learned_from(photos: Path) -> None:
    found = plan([photos], TINY, val=[photos / "1.png"], device="cpu")
    assert (len(found.folder), len(found.held_out)) == (4, 1)
    assert "1 input is for validation as well (--val), and not learned from" in found.notes
    with pytest.raises(ConfigError, match="--val: all inputs are signals for validation"):
        plan([photos], TINY, val=[photos], device="cpu")


def test_without_validation_it_is_said(photos: Path) -> None:
    found = plan([photos], {**TINY, "holdout": 0.0}, device="cpu")
    assert not found.held_out
    assert "the numbers after the last step are kept" in found.notes[-1]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ({"partition": "none"}, "mlp"),
        ({}, "partitioned"),
        ({"grid": (2, 2)}, "partitioned"),
        ({"partition": "seg", "heads": 2}, "partitioned"),
        ({"grid": (2, 2), "model": "local-global"}, "local-global"),
    ],
)
def test_the_network_suits_the_division(photos: Path, words: dict[str, Any], name: str) -> None:
    model = plan([photos], {**TINY, **words}, device="cpu").blank.model
    assert model.name == name
    assert model.first_omega_0 == 15.0


def test_bfloat16_needs_cuda(photos: Path) -> None:
    with pytest.raises(ConfigError, match="--precision bfloat16 needs CUDA, this runs on cpu"):
        plan([photos], {**TINY, "precision": "bfloat16"}, device="cpu")


def test_an_init_is_made_from_another(photos: Path, derived: str) -> None:
    base = train(plan([photos], {**TINY, "grid": (2, 2)}, device="cpu"))
    made = train(plan([photos], {**TINY, "method": derived}, base=base, device="cpu"))
    assert made.partition == base.partition
    assert made.model == base.model
    assert made.notes["made_from"] == base.hash
    assert made.notes["steps"] == 0
    assert all(np.array_equal(made.params[name], 2 * value) for name, value in base.params.items())


def test_the_other_init_must_be_there_and_be_meant(photos: Path, derived: str) -> None:
    base = train(plan([photos], TINY, device="cpu"))
    with pytest.raises(ConfigError, match="--method doubled is made from another init"):
        plan([photos], {**TINY, "method": derived}, device="cpu")
    with pytest.raises(
        ConfigError, match="--from is for methods that are made from another init, not for maml"
    ):
        plan([photos], TINY, base=base, device="cpu")
    sounds = [np.sin(np.arange(90) / (3 + n)).astype(np.float32) for n in range(3)]
    from inrfit.io import read
    from inrfit.io.config import ReadConfig

    signals = [read(sound, ReadConfig(kind="audio")) for sound in sounds]
    with pytest.raises(
        ConfigError, match="the init is for signals of the kind image, the inputs are of audio"
    ):
        plan(signals, {**TINY, "method": derived}, base=base, device="cpu")


def test_models_that_the_learner_does_not_know_are_refused(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maml.Maml, "models", ("mlp",))
    with pytest.raises(ConfigError, match="--model partitioned is not for --method maml") as caught:
        plan([photos], {**TINY, "grid": (2, 2)}, device="cpu")
    assert caught.value.hint == "use --model mlp"


def test_no_inputs_are_one_error() -> None:
    with pytest.raises(ConfigError, match="there are no inputs"):
        plan([], TINY, device="cpu")
