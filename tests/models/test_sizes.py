import re
from dataclasses import replace

import numpy as np
import pytest

from inrfit.domain import image_domain
from inrfit.errors import ConfigError
from inrfit.fitting.settings import settings
from inrfit.models.budget import widest
from inrfit.models.config import ModelConfig
from inrfit.models.description import describe, initial_weights
from inrfit.models.sizing import default_lr, resolve
from inrfit.partitions.grid import divide
from inrfit.partitions.labels import from_labels


def paper(heads, **options):
    given = {"partition": "none"} if heads == 1 else {"partition": "seg", "heads": heads}
    return settings(preset="paper", **given, **options).model


@pytest.mark.parametrize(
    ("heads", "activation", "expected"),
    [(1, "sine", 790_017), (4, "sine", 793_604), (1, "relu", 911_873), (4, "relu", 926_404)],
)
def test_table_1_of_partition_matters_to_the_digit(heads, activation, expected):
    assert describe(paper(heads, activation=activation), 2, 1).count(heads) == expected


LOCAL_GLOBAL = [
    (2, 1, 256, 14, 84, 198_930),  # grey image, 16x16 cells
    (2, 3, 256, 14, 84, 206_610),  # RGB image
    (1, 1, 32, 42, 72, 198_182),  # sound
    (3, 3, 320, 55, 180, 3_192_400),  # video, 5x8x8 cells
]


@pytest.mark.parametrize(("axes", "channels", "regions", "hidden", "trunk", "expected"), LOCAL_GLOBAL)
def test_table_of_the_local_global_paper_to_the_digit(axes, channels, regions, hidden, trunk, expected):
    config = settings(preset="paper-lg", hidden_features=hidden, trunk_features=trunk).model
    assert describe(config, axes, channels).count(regions) == expected


@pytest.mark.parametrize(
    ("model", "regions", "expected"), [("mlp", 1, 198_401), ("partitioned", 256, 199_936)]
)
def test_baselines_of_the_local_global_paper_to_the_digit(model, regions, expected):
    assert describe(settings(preset="paper-lg", model=model).model, 2, 1).count(regions) == expected


def test_multiplications_of_a_sample_as_the_local_global_paper_counts_them():
    config = settings(preset="paper-lg").model
    assert describe(config, 2, 1).macs() == 27_454


def test_the_count_is_the_number_of_trained_numbers_drawn():
    description = describe(ModelConfig(hidden_features=7, hidden_layers=2, encoding="rff", features=5), 2, 3)
    weights = initial_weights(description, [0, 1, 2], seed=1)
    trained = [stack.name for stack in description.stacks if stack.trained]
    assert description.count(3) == sum(weights[name].size for name in trained)
    assert "frequencies" not in trained
    assert weights["frequencies"].shape == (1, 5, 2)


def test_wire_has_two_preactivations_per_feature():
    sine = describe(ModelConfig(hidden_features=6, hidden_layers=1), 2, 1)
    wire = describe(ModelConfig(hidden_features=6, hidden_layers=1, activation="wire"), 2, 1)
    assert sine.count(1) == (2 * 6 + 6) + (36 + 6) + (6 + 1)
    assert wire.count(1) == (2 * 12 + 12) + (6 * 12 + 12) + (6 + 1)


def test_initial_weights_of_a_region_do_not_depend_on_the_others():
    description = describe(ModelConfig(hidden_features=5), 2, 3)
    alone = initial_weights(description, [7], seed=3)
    among = initial_weights(description, [2, 7, 9], seed=3)
    for name in alone:
        assert np.array_equal(alone[name][0], among[name][1])
        assert not np.array_equal(among[name][0], among[name][1])


def test_siren_init_bounds():
    description = describe(ModelConfig(hidden_features=64, hidden_layers=3, hidden_omega_0=30.0), 2, 3)
    weights = initial_weights(description, [0], seed=0)
    assert 0.45 < np.abs(weights["weight0"]).max() <= 0.5
    hidden = np.sqrt(6 / 64) / 30
    for name in ("weight1", "weight4"):
        assert 0.9 * hidden < np.abs(weights[name]).max() <= hidden
    assert 0.9 / 8 < np.abs(weights["bias1"]).max() <= 1 / 8


def test_relu_init_is_kaiming_normal_with_zero_bias():
    description = describe(ModelConfig(hidden_features=200, activation="relu"), 2, 3)
    weights = initial_weights(description, [0], seed=0)
    assert weights["weight2"].std() == pytest.approx(np.sqrt(2 / 200), rel=0.02)
    assert not weights["bias2"].any()


class TestResolve:
    partition = divide(image_domain(64, 96), (2, 3))

    def test_one_region_is_an_mlp_and_several_are_partitioned(self):
        assert resolve(ModelConfig(), divide(image_domain(8, 8), (1, 1)), 3).name == "mlp"
        assert resolve(ModelConfig(), self.partition, 3).name == "partitioned"

    def test_mlp_with_several_regions_is_an_error(self):
        with pytest.raises(ConfigError, match="6 regions"):
            resolve(ModelConfig(name="mlp"), self.partition, 3)

    def test_default_is_at_most_half_a_weight_per_sample(self):
        model = resolve(ModelConfig(), self.partition, 3)
        count = describe(model, 2, 3).count(6)
        wider = describe(ModelConfig(hidden_features=model.hidden_features + 1), 2, 3).count(6)
        assert count <= 64 * 96 / 2 < wider

    def test_tiny_signals_get_the_smallest_width(self):
        assert resolve(ModelConfig(), divide(image_domain(1, 1), (1, 1)), 3).hidden_features == 4

    def test_a_budget_is_never_exceeded_and_met_within_5_percent(self):
        model = resolve(ModelConfig(params=20_500), self.partition, 3)
        assert 19_475 <= describe(model, 2, 3).count(6) <= 20_500

    @pytest.mark.parametrize("params", [1100, 500, 1300, 80])
    def test_a_budget_is_met_from_below_by_the_widest_networks(self, params):
        model = resolve(ModelConfig(params=params), self.partition, 3)
        wider = replace(model, hidden_features=model.hidden_features + 1)
        assert describe(model, 2, 3).count(6) <= params < describe(wider, 2, 3).count(6)

    def test_a_budget_below_the_narrowest_networks_names_a_grid_that_can(self):
        with pytest.raises(
            ConfigError, match="--params 60 is fewer than the 78 weights that 6 equal"
        ) as caught:
            resolve(ModelConfig(params=60), self.partition, 3)
        found = re.fullmatch(
            r"--params 78 is the least here; --grid (\d+)x(\d+) .*would do", caught.value.hint
        )
        rows, columns = map(int, found.groups())
        model = resolve(ModelConfig(params=60), divide(image_domain(64, 96), (rows, columns)), 3)
        assert describe(model, 2, 3).count(rows * columns) <= 60
        assert resolve(ModelConfig(params=78), self.partition, 3).hidden_features == 1

    def test_a_budget_below_that_of_segments_names_a_number_that_can(self):
        six = from_labels(image_domain(64, 96), np.arange(64 * 96).reshape(64, 96) // 1024)
        with pytest.raises(ConfigError, match="6 equal networks") as caught:
            resolve(ModelConfig(params=70), six, 3)
        assert (
            caught.value.hint == "--params 78 is the least here; --partition seg --heads 5 or fewer would do"
        )

    def test_a_budget_that_nothing_meets_is_refused_at_once(self):
        crowd = divide(image_domain(2048, 2048), (128, 128))
        with pytest.raises(ConfigError) as caught:
            resolve(ModelConfig(params=5), crowd, 3)
        least = int(caught.value.hint.removeprefix("--params ").removesuffix(" is the least here"))
        assert describe(resolve(ModelConfig(params=least), crowd, 3), 2, 3).count(len(crowd)) == least
        with pytest.raises(ConfigError, match=f"fewer than the {least:,} weights"):
            resolve(ModelConfig(params=least - 1), crowd, 3)

    def test_one_network_is_refused_a_budget_below_width_one_alone(self):
        whole = divide(image_domain(64, 96), (1, 1))
        with pytest.raises(ConfigError, match="one network has at width 1") as caught:
            resolve(ModelConfig(params=10, hidden_layers=3), whole, 3)
        least = int(caught.value.hint.removeprefix("--params ").split(" is the least")[0])
        model = resolve(ModelConfig(params=least, hidden_layers=3), whole, 3)
        assert describe(model, 2, 3).count(1) == least
        assert describe(resolve(ModelConfig(params=100, hidden_layers=3), whole, 3), 2, 3).count(1) <= 100


def test_widest_is_exact():
    assert [widest(lambda h: h * h, budget) for budget in (0, 1, 3, 4, 24, 25)] == [0, 1, 1, 2, 4, 5]


def test_first_omega_follows_the_size_of_local_regions_and_not_of_global_ones():
    def omega(cells, **options):
        return resolve(ModelConfig(**options), divide(image_domain(128, 128), cells), 3).first_omega_0

    assert omega((4, 4)) == 15.0
    assert omega((2, 2)) == pytest.approx(15 * 2**0.75)
    assert omega((128, 128)) == 15.0 / 8
    assert omega((2, 2), frame="global") == 30.0
    assert omega((2, 2), first_omega_0=7.0) == 7.0


def test_default_rate_falls_with_the_width():
    rates = [default_lr(ModelConfig(hidden_features=width)) for width in (14, 30, 62)]
    assert rates == pytest.approx([0.0226, 0.0143, 0.0092], abs=1e-4)


def test_default_rate_falls_with_the_root_of_the_share_of_samples():
    config = ModelConfig(hidden_features=14)
    assert default_lr(config, 0.25) == pytest.approx(default_lr(config) / 2)
    assert default_lr(config, 3.0) == default_lr(config)


def test_default_rate_of_long_fits_falls_with_the_root_of_their_steps():
    config = ModelConfig(hidden_features=14)
    assert default_lr(config, steps=200) == default_lr(config, steps=800) == default_lr(config)
    assert default_lr(config, steps=3200) == pytest.approx(default_lr(config) / 2)


class TestTrunk:
    partition = divide(image_domain(256, 256), (8, 8))

    def resolve(self, partition=None, **options):
        partition = partition or self.partition
        model = resolve(ModelConfig(name="local-global", **options), partition, 3)
        description = describe(model, 2, 3)
        total = description.count(len(partition))
        return model, total, description.count(0) / total

    @pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.15, 0.3])
    @pytest.mark.parametrize("params", [20_000, 52_500, 200_000])
    def test_a_budget_is_met_with_about_the_share_asked_for(self, params, share):
        _, total, found = self.resolve(params=params, global_share=share)
        assert 0.95 * params <= total <= params
        assert abs(found - share) < 0.07  # one more of a width in 64 cells is up to 13 % of 20,000

    @pytest.mark.parametrize("grid", [(1, 1), (2, 2), (4, 4), (16, 16), (32, 32), (7, 19)])
    def test_a_budget_is_met_for_every_grid(self, grid):
        _, total, _ = self.resolve(divide(image_domain(256, 256), grid), params=52_500)
        assert 0.95 * 52_500 <= total <= 52_500

    def test_a_width_gets_a_trunk_of_the_share(self):
        model, _, found = self.resolve(hidden_features=14, global_share=0.2)
        wider = replace(model, trunk_features=model.trunk_features + 1)
        assert found <= 0.2 < describe(wider, 2, 3).count(0) / describe(wider, 2, 3).count(64)
        assert model.hidden_features == 14

    def test_a_trunk_that_is_given_is_kept(self):
        model, total, _ = self.resolve(params=52_500, trunk_features=42)
        assert model.trunk_features == 42
        assert 0.95 * 52_500 <= total <= 52_500

    def test_too_many_cells_for_a_budget_name_the_nearest_cell_that_can(self):
        with pytest.raises(ConfigError, match=r"--params 3000 .* 256 equal networks") as caught:
            self.resolve(divide(image_domain(256, 256), (16, 16)), params=3000)
        grid, cell = re.fullmatch(
            r".*; --grid (\d+x\d+) \(as --cell (\d+) gives\) or .*", caught.value.hint
        ).groups()
        rows, columns = map(int, grid.split("x"))
        assert rows == columns == round(256 / int(cell))
        _, total, _ = self.resolve(divide(image_domain(256, 256), (rows, columns)), params=3000)
        assert 0.95 * 3000 <= total <= 3000

    def test_a_trunk_too_wide_for_a_budget_is_named_with_its_weights(self):
        with pytest.raises(ConfigError, match=r"[\d,]+ weights .* at width 1 beside a trunk of 60") as caught:
            self.resolve(params=1000, trunk_features=60)
        larger = int(
            caught.value.hint.removeprefix("--params ").split(
                " is the least here, unless with a smaller --trunk-features"
            )[0]
        )
        assert larger > 7000
        assert self.resolve(params=larger, trunk_features=60)[1] == larger

    def test_the_share_sets_the_trunk_of_the_papers_preset_too(self):
        assert settings(preset="paper-lg").model.trunk_features == 84
        config = settings(preset="paper-lg", global_share=0.3).model
        sixteen = divide(image_domain(256, 256), (16, 16))
        model = resolve(config, sixteen, 3)
        shared, total = (describe(model, 2, 3).count(regions) for regions in (0, 256))
        assert abs(shared / total - 0.3) < 0.01

    def test_models_without_a_trunk_refuse_one(self):
        with pytest.raises(ConfigError, match="trunk"):
            resolve(ModelConfig(name="partitioned", trunk_features=8), self.partition, 3)

    def test_the_trunk_takes_the_omega_of_its_frame(self):
        assert self.resolve(trunk_frame="global")[0].trunk_omega_0 == 30
        model, _, _ = self.resolve()
        assert model.trunk_omega_0 == model.first_omega_0
