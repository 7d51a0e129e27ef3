"""What option words become: defaults by kind, presets, and words that cannot work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from inrfit.errors import ConfigError
from inrfit.meta.presets import META_DEFAULTS, META_PRESETS
from inrfit.meta.settings import meta_settings
from inrfit.registry import TABLE


def test_words_go_before_a_preset_and_that_before_the_kind() -> None:
    plain = meta_settings("image", {})
    assert (plain.model.hidden_features, plain.partition.rule, plain.config.size) == (32, "grid", 64)
    paper = meta_settings("image", {"preset": "learned-init"})
    assert (paper.model.hidden_features, paper.model.first_omega_0, paper.config.size) == (256, 200.0, 178)
    assert (paper.config.rates, paper.config.inner_steps, paper.config.outer_lr) == ("fixed", 2, 1e-5)
    own = meta_settings("image", {"preset": "learned-init", "hidden_features": 32, "size": 9})
    assert (own.model.hidden_features, own.config.size, own.config.batch) == (32, 9, 3)


@pytest.mark.parametrize("kind", META_DEFAULTS)
def test_the_defaults_of_every_kind_are_valid(kind: str) -> None:
    found = meta_settings(kind, {})
    assert found.read.kind == kind
    assert found.model.hidden_features is not None


@pytest.mark.parametrize(
    "preset", [name for name in META_PRESETS if META_PRESETS[name]["method"] in TABLE["meta"]]
)
def test_every_preset_is_valid(preset: str) -> None:
    assert meta_settings("image", {"preset": preset}).config.method == META_PRESETS[preset]["method"]


def test_a_division_replaces_the_default_rule() -> None:
    assert meta_settings("image", {"grid": (2, 2)}).partition.rule == "grid"
    assert meta_settings("image", {"partition": "seg", "heads": 4}).partition.rule == "seg"
    assert meta_settings("image", {"partition": "seg", "heads": 4}).config.loss == "signal"
    assert meta_settings("image", {"partition": "seg", "loss": "region"}).config.loss == "region"
    assert meta_settings("image", {"grid": (2, 2)}).config.loss == "region"
    assert meta_settings("image", {"model": "mlp"}).partition.rule == "none"


def test_the_lattice_of_a_shape_goes_by_the_size() -> None:
    assert meta_settings("shape", {"size": 24, "target": "occupancy"}).read.resolution == 24
    with pytest.raises(ConfigError, match="--resolution 64 is for fits") as caught:
        meta_settings("shape", {"resolution": 64})
    assert caught.value.hint == "give --size 64"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"preset": "learned-inti"}, "--preset 'learned-inti' is not known"),
        ({"holdout": 1.5}, "--holdout 1.5 must be"),
        ({"val_every": 0}, "--val-every 0 must be"),
        ({"precision": "float16"}, "--precision 'float16' is not known"),
        ({"memory": 3}, "--memory 3 must be"),
        ({"optimiser": "adam"}, "--optimiser is for fits"),
        ({"max_time": 3.0}, "--max-time is for fits"),
        ({"effort": 3}, "--effort is for fits"),
        ({"colour": 3}, "option 'colour' is not known"),
        ({"trunk_features": 3}, "--trunk-features set"),
    ],
)
def test_words_that_cannot_work(words: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        meta_settings("image", words)


def test_clips_are_refused() -> None:
    with pytest.raises(ConfigError, match="fields of clips cannot be meta-trained"):
        meta_settings("video", {})


def test_settings_need_no_torch() -> None:
    code = "import sys, inrfit.meta.settings; sys.exit('torch' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
