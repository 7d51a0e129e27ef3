import pytest

from inrfit import api
from inrfit.errors import ConfigError
from inrfit.fitting.config import FitConfig
from inrfit.fitting.settings import settings
from inrfit.io.config import ReadConfig
from inrfit.models.config import ModelConfig
from inrfit.partitions.config import PartitionConfig
from inrfit.presets import EFFORTS


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (PartitionConfig, {"rule": "gird"}, "gird"),
        (PartitionConfig, {"heads": 0}, "--heads 0"),
        (PartitionConfig, {"grid": (0, 3)}, "--grid 0x3"),
        (PartitionConfig, {"grid": (2, 2), "heads": 4}, "both"),
        (PartitionConfig, {"rule": "seg", "grid": (2, 2)}, "--partition grid"),
        (PartitionConfig, {"rule": "none", "heads": 2}, "--heads needs"),
        (PartitionConfig, {"cell": 0}, "cell 0"),
        (ModelConfig, {"name": "siren"}, "siren"),
        (ModelConfig, {"activation": "sin"}, "--activation 'sin'"),
        (ModelConfig, {"frame": "here"}, "--frame"),
        (ModelConfig, {"hidden_features": 0}, "--hidden-features 0"),
        (ModelConfig, {"hidden_features": 70_000}, "--hidden-features 70000"),
        (ModelConfig, {"bands": 513}, "--bands 513"),
        (ModelConfig, {"features": 70_000}, "--features 70000"),
        (ModelConfig, {"hidden_layers": 65}, "--hidden-layers 65"),
        (ModelConfig, {"hidden_features": 3, "params": 100}, "both"),
        (ModelConfig, {"first_omega_0": -1.0}, "--first-omega-0"),
        (ModelConfig, {"sigma": float("nan")}, "--sigma"),
        (FitConfig, {"steps": 0}, "--steps 0"),
        (FitConfig, {"lr": -1.0}, "--lr"),
        (FitConfig, {"schedule": "linear"}, "--schedule"),
        (FitConfig, {"points": 0}, "--points 0"),
        (FitConfig, {"max_time": 0.0}, "--max-time"),
        (FitConfig, {"target_psnr": 200.0}, "--target-psnr"),
        (FitConfig, {"seed": -1}, "--seed"),
        (FitConfig, {"threads": 0}, "--threads"),
        (FitConfig, {"memory": 10}, "--memory"),
        (FitConfig, {"weights": "int8"}, "--weights"),
    ],
)
def test_values_that_cannot_work_are_named(kind, options, message):
    with pytest.raises(ConfigError, match=message):
        kind(**options)


def test_words_are_sorted_into_the_three_configurations():
    found = settings(partition="grid", grid=(2, 3), activation="relu", steps=7, model="partitioned")
    assert (found.partition.grid, found.model.activation, found.fit.steps) == ((2, 3), "relu", 7)
    assert found.model.name == "partitioned"


def test_unknown_words_are_an_error():
    with pytest.raises(ConfigError, match="'omega'"):
        settings(omega=3)  # type: ignore[call-arg]


def test_a_path_stands_for_a_label_image_and_a_typo_for_a_suggestion(tmp_path):
    assert settings(partition="labels.png").partition.labels == "labels.png"
    with pytest.raises(ConfigError) as caught:
        settings(partition="sge")
    assert "seg" in caught.value.hint


@pytest.mark.parametrize(
    "words", [{"global_share": 0.2}, {"trunk_features": 8}, {"trunk_frame": "global"}, {"trunk_omega_0": 3.0}]
)
@pytest.mark.parametrize("model", [{}, {"model": "mlp"}, {"model": "partitioned", "preset": "paper-lg"}])
def test_words_for_shared_weights_need_a_model_that_has_them(words, model):
    with pytest.raises(ConfigError, match="only --model local-global has"):
        settings(**words, **model)
    assert settings(**words, model="local-global")
    assert settings(**words, preset="paper-lg")


def test_the_trunk_gets_its_width_from_one_word():
    with pytest.raises(ConfigError, match="--trunk-features and --global-share both"):
        settings(model="local-global", trunk_features=8, global_share=0.2)
    with pytest.raises(ConfigError, match="--trunk-features 0"):
        settings(model="local-global", trunk_features=0)


def test_mlp_means_no_partition():
    assert settings(model="mlp").partition.rule == "none"


def test_paper_preset_is_overridden_by_what_is_given():
    found = settings(preset="paper", steps=5, partition="grid", heads=9)
    assert (found.fit.steps, found.fit.lr, found.fit.schedule) == (5, 1e-4, "constant")
    assert (found.model.first_omega_0, found.model.hidden_omega_0, found.model.frame) == (60, 30, "global")
    assert found.partition.heads == 9
    relu = settings(preset="paper", activation="relu")
    assert (relu.model.encoding, relu.model.bands, relu.fit.steps) == ("harmonic", 60, 1000)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("seg", 4, None, 256)),
        ({"grid": (2, 2)}, ("grid", None, (2, 2), 256)),
        ({"partition": "grid"}, ("grid", 4, None, 256)),
        ({"partition": "labels.png"}, ("labels", None, None, 256)),
        ({"partition": "none"}, ("none", None, None, 512)),
        ({"model": "mlp"}, ("none", None, None, 512)),
        ({"params": 50_000}, ("seg", 4, None, None)),
    ],
)
def test_paper_preset_goes_with_every_partition_and_a_budget(options, expected):
    found = settings(preset="paper", **options)
    part = found.partition
    assert (part.rule, part.heads, part.grid, found.model.hidden_features) == expected


@pytest.mark.parametrize("name", ["papr", 7])
def test_unknown_presets_are_an_error(name):
    with pytest.raises(ConfigError, match="paper"):
        settings(preset=name)


def test_words_of_reading_are_a_configuration_of_their_own():
    found = settings(kind="image", sound="copy", target="occupancy", resolution=64, spacing=(2.0, 1.0)).read
    assert found == ReadConfig(
        kind="image", sound="copy", target="occupancy", resolution=64, spacing=(2.0, 1.0)
    )
    assert settings().read == ReadConfig()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"kind": "imag"}, "--kind 'imag'"),
        ({"sound": "fitt"}, "--sound 'fitt' is not known .choose from fit, copy, none."),
        ({"target": "udf"}, "--target 'udf' is not known .choose from sdf, occupancy."),
        ({"resolution": 7}, "--resolution 7 must lie between"),
        ({"spacing": ()}, "--spacing"),
        ({"spacing": (1.0, 0.0)}, "--spacing"),
        ({"spacing": (float("nan"),)}, "--spacing"),
    ],
)
def test_words_of_reading_that_cannot_work_are_named(words, message):
    with pytest.raises(ConfigError, match=message):
        settings(**words)


DEFAULTS = {"cell": (512,), "params": 1000, "steps": 77}


@pytest.mark.parametrize(
    ("options", "cell", "params", "steps"),
    [
        ({}, (512,), 1000, 77),
        ({"steps": 5}, (512,), 1000, 5),
        ({"cell": 64}, 64, 1000, 77),
        ({"grid": (4,)}, None, 1000, 77),
        ({"heads": 4}, None, 1000, 77),
        ({"partition": "none"}, None, 1000, 77),
        ({"model": "mlp"}, None, 1000, 77),
        ({"params": 500}, (512,), 500, 77),
        ({"hidden_features": 8}, (512,), None, 77),
        ({"weights_per_sample": 0.1}, (512,), None, 77),
    ],
)
def test_defaults_of_a_kind_fill_in_what_nothing_contradicts(options, cell, params, steps):
    found = settings(DEFAULTS, **options)
    assert (found.partition.cell, found.model.params, found.fit.steps) == (cell, params, steps)


def test_an_effort_decides_before_the_defaults_but_not_on_the_cell_of_a_kind():
    found = settings(DEFAULTS, effort=1)
    assert found.partition.cell == (512,)
    assert found.fit.steps == EFFORTS[1]["steps"] != 77
    assert settings({}, effort=1).partition.cell == EFFORTS[1]["cell"]


def test_a_preset_leaves_no_room_for_defaults():
    assert settings(DEFAULTS, preset="paper") == settings(preset="paper")


@pytest.mark.parametrize(
    "word", [{"sound": "none"}, {"target": "sdf"}, {"resolution": 64}, {"spacing": (1.0,)}]
)
def test_words_for_another_kind_are_refused(word, picture):
    with pytest.raises(
        ConfigError, match=f"--{next(iter(word))} means nothing for a signal of the kind image"
    ):
        api.plan(picture, **word)
