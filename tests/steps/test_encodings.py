import numpy as np
import pytest
import torch

from inrfit import registry
from inrfit.errors import ConfigError
from inrfit.models.config import ModelConfig


def encode(name, coords, **options):
    encoding, config = registry.load("encoding", name), ModelConfig(encoding=name, **options)
    table = encoding.frequencies(np.random.default_rng(0), coords.shape[-1], config)
    features = encoding.function(torch.tensor(coords), None if table is None else torch.tensor(table))
    assert features.shape[-1] == encoding.features(coords.shape[-1], config)
    return features.numpy(), table


POINTS = np.array([[0.3, -0.8], [1.0, 0.25]])


def test_none_is_the_coordinates():
    assert np.array_equal(encode("none", POINTS)[0], POINTS)


def test_harmonic_has_sin_and_cos_of_half_powers_of_two():
    features, _ = encode("harmonic", POINTS, bands=3)
    phases = np.concatenate([0.5 * 2.0**j * POINTS for j in range(3)], axis=1)
    assert features == pytest.approx(np.concatenate([np.sin(phases), np.cos(phases)], axis=1))


def test_sixty_bands_give_the_240_inputs_of_the_paper():
    assert encode("harmonic", POINTS, bands=60)[0].shape == (2, 240)


def test_high_bands_are_computed_from_the_double_coordinate():
    """Band 30 turns faster than single precision resolves: a rounded coordinate would give another value."""
    point = np.array([[1 / 3]])
    features, _ = encode("harmonic", point, bands=31)
    phase = 0.5 * 2.0**30 / 3
    assert features[0, 30] == pytest.approx(np.sin(phase), abs=1e-6)
    assert abs(np.sin(0.5 * 2.0**30 * float(np.float32(1 / 3))) - np.sin(phase)) > 1e-3


def test_random_fourier_uses_frequencies_that_single_precision_holds():
    features, table = encode("rff", POINTS, features=4, sigma=3.0)
    assert table.dtype == np.float32
    phases = POINTS @ table.astype(np.float64).T
    assert features == pytest.approx(np.concatenate([np.sin(phases), np.cos(phases)], axis=1))


def test_sigma_is_in_periods_per_unit():
    _, table = encode("rff", POINTS, features=4000, sigma=3.0)
    assert table.std() / (2 * np.pi) == pytest.approx(3.0, rel=0.05)


def test_geometric_frequencies_run_from_half_a_period_to_sigma_times_that():
    features, table = encode("geometric", POINTS, features=6, sigma=16.0)
    assert table == pytest.approx(np.pi * np.concatenate([f * np.eye(2) for f in (1, 4, 16)]))
    phases = np.concatenate([np.pi * f * POINTS for f in (1, 4, 16)], axis=1)
    assert features == pytest.approx(np.concatenate([np.sin(phases), np.cos(phases)], axis=1))


@pytest.mark.parametrize(("axes", "features", "inputs"), [(2, 128, 256), (1, 2048, 4096)])
def test_geometric_encodings_of_the_paper_have_twice_as_many_inputs(axes, features, inputs):
    assert encode("geometric", np.zeros((3, axes)), features=features)[0].shape == (3, inputs)


def test_geometric_features_are_the_same_for_each_axis():
    with pytest.raises(ConfigError, match="--features 5 must be a multiple of the 2 axes") as caught:
        encode("geometric", POINTS, features=5)
    assert "--features 6" in str(caught.value.hint)
