"""What every model, activation and encoding of the registry must do, by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from make.data import textured

from inrfit import api, registry
from inrfit.codec.container import Reader
from inrfit.codec.weights import dumps, loads
from inrfit.kernels import reference
from inrfit.models.description import describe, initial_weights

CASES = [
    {"model": model, "activation": activation, "encoding": encoding, "output_activation": output}
    for model in registry.names("model")
    for activation in registry.names("activation")
    for encoding in registry.names("encoding")
    for output in registry.names("output")
    if encoding == "none" or (activation in ("sine", "relu") and output == "linear")
]


def ids(case):
    return "-".join(case.values())


def fitted(case, **options):
    """A small field of a case."""
    partition = {"partition": "none"} if case["model"] == "mlp" else {"grid": (2, 2)}
    small = {"hidden_features": 5, "hidden_layers": 1, "features": 4, "bands": 3, "steps": 2, "device": "cpu"}
    return api.fit(textured(9, 14), **{**small, **partition, **case, **options})


@pytest.fixture(scope="module")
def field(request):
    """The field of a case, fitted once: pytest runs the tests of a case one after the other."""
    return fitted(request.param)


each_case = pytest.mark.parametrize("field", CASES, ids=ids, indirect=True)


@each_case
def test_a_file_holds_the_field_exactly(field):
    with Reader(dumps(field)) as reader:
        back = loads(reader)
    assert back.model == field.model
    assert back.psnr == field.psnr
    assert back.mse == field.mse
    for name, weights in field.weights.items():
        assert np.array_equal(back.weights[name], weights), name
    assert np.array_equal(back.decode(), field.decode())


@each_case
def test_selecting_and_decoding_commute(field):
    whole = field.decode()
    for position in range(len(field.partition)):
        part = field.select([position])
        window = whole[tuple(slice(a, b) for a, b in part.domain.box)]
        assert np.array_equal(part.decode()[part.covered()], window[part.covered()])


@each_case
def test_gradients_agree_with_differences(field):
    """In double precision, a small step along a random direction changes the error as the gradient says."""
    model = field.model
    description = describe(model, 2, 3)
    random = np.random.default_rng(0)
    initial = initial_weights(description, [0, 1], 0)
    weights = {n: torch.tensor(w + random.normal(0, 0.1, w.shape)) for n, w in initial.items()}
    coords = torch.tensor(random.uniform(-1, 1, (2, 6, 2)))
    owner = torch.tensor([1, 0])
    mask = torch.tensor(random.integers(0, 2, (2, 6, 1))).double()
    batch = reference.Batch(
        features={
            name: reference.encode(description, weights, coords).double() for name in description.frames
        },
        targets=torch.tensor(random.uniform(-1, 1, (2, 6, 3))),
        mask=mask,
        weight=mask,
        owner=owner,
    )
    errors, gradients = reference.errors_and_gradients(description, weights, batch)
    assert errors.shape == (2,)
    step = 1e-6
    direction = {n: torch.tensor(random.normal(size=g.shape)) for n, g in gradients.items()}

    def total(sign):
        moved = {n: w + sign * step * direction[n] if n in direction else w for n, w in weights.items()}
        return float(reference.errors_and_gradients(description, moved, batch)[0].sum())

    expected = sum(float((g * direction[n]).sum()) for n, g in gradients.items())
    assert (total(1) - total(-1)) / (2 * step) == pytest.approx(expected, rel=2e-3, abs=1e-4)


@pytest.mark.parametrize("activation", registry.names("activation"))
def test_every_activation_learns(activation):
    case = {
        "model": "partitioned",
        "activation": activation,
        "encoding": "none",
        "output_activation": "linear",
    }
    start, end = (fitted(case, steps=n, hidden_features=16, lr=5e-3).psnr for n in (1, 120))
    assert end > start + 3
