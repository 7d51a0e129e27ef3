"""Tiles give the bits that they give alone, in the fast way; and the numbers of the plain way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from make.data import textured
from make.rendered import render

from inrfit import api, registry
from inrfit.device import pick_device
from inrfit.errors import ConfigError
from inrfit.field import Field
from inrfit.kernels import cpu, reference
from inrfit.kernels import network as networks
from inrfit.kernels.batch import encode
from inrfit.kernels.cpu import Cpu
from inrfit.kernels.proof import proven
from inrfit.kernels.tiles import coordinates
from inrfit.render.output import Output

CPU = pick_device("cpu", 1)

CASES = [
    {"model": model, "activation": activation, "encoding": encoding, "output_activation": output}
    for model in registry.names("model")
    for activation in registry.names("activation")
    for encoding in registry.names("encoding")
    for output in registry.names("output")
    if encoding == "none" or (activation in ("sine", "relu") and output == "linear")
]
SMALL = {"hidden_features": 5, "hidden_layers": 1, "features": 4, "bands": 3, "steps": 2, "device": "cpu"}


def ids(case):
    return "-".join(case.values())


def fitted(case, **options):
    partition = {"partition": "none"} if case["model"] == "mlp" else {"grid": (4, 5)}
    return api.fit(textured(27, 34), **{**SMALL, **partition, **case, **options})


def plainly(field: Field) -> np.ndarray:
    """Decode at the fitted size by the reference, one region at a time and all its samples at once."""
    out = np.zeros((*field.domain.shape, field.channels), np.float32)
    description = field.description
    local = {stack.name for stack in description.stacks if stack.local}
    for position, region in enumerate(field.partition.regions):
        points = region.points()
        weights = {
            name: torch.tensor(w[position : position + 1] if name in local else w)
            for name, w in field.weights.items()
        }
        features = {}
        for register, kind in description.frames.items():
            coords = coordinates(kind, points, region, field.frame, field.domain.units)
            features[register] = encode(description, weights, torch.tensor(coords)[None])
        values = reference.apply(description, weights, features, torch.tensor([0]))[0]
        out[tuple((points - np.array(field.domain.origin)).T)] = values.numpy()
    return out


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_a_decode_has_the_values_of_the_plain_one(case):
    """Single precision, with arguments of the sines below about 100: 2e-4 of values on [-1, 1]."""
    field = fitted(case)
    assert render(field, device=CPU) == pytest.approx(plainly(field), abs=2e-4)


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_the_plain_way_in_batches_has_the_values_of_the_fast_one(case):
    field = fitted(case)
    for size in (None, (54, 68)):
        found = render(field, Output(size=size), device=CPU, kernel="reference")
        assert found == pytest.approx(render(field, Output(size=size), device=CPU), abs=2e-4)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float16", 0.1), ("bfloat16", 0.8)])
@pytest.mark.parametrize("model", registry.names("model"))
def test_the_plain_way_runs_in_half_precision(model, dtype, tolerance, monkeypatch):
    """Sines of arguments up to 30 know them to 0.03 in half precision and to 0.25 in bfloat16; the mean is far below."""
    case = {"model": model, "activation": "sine", "encoding": "none", "output_activation": "linear"}
    field = fitted(case, hidden_features=12, weights="float32")
    monkeypatch.setitem(networks.PRECISIONS, "half", dtype)
    half = replace(CPU, precision="half")
    error = render(field, device=half, kernel="reference") - render(field, device=CPU)
    assert 0 < np.abs(error).max() < tolerance
    assert np.sqrt(np.mean(error**2)) < tolerance / 5


@pytest.mark.parametrize("case", [*CASES[::7], *CASES[-4:]], ids=ids)
@pytest.mark.parametrize("size", [None, (54, 68), (60, 70)])
def test_company_changes_no_bit(case, size, monkeypatch):
    """One, four or sixteen tiles in a call, and any cut of the output into bands."""
    field = fitted(case)
    monkeypatch.setattr(cpu, "TOGETHER", ())
    alone = render(field, Output(size=size), device=CPU)
    for together in ((16, 4), (4,), (3, 2)):
        monkeypatch.setattr(cpu, "TOGETHER", together)
        assert np.array_equal(render(field, Output(size=size), device=CPU), alone)


def test_several_tiles_are_run_together_where_that_is_proven(monkeypatch):
    description = fitted(CASES[-1]).description
    assert Cpu(description).sizes(200, 2)[-1] == 1
    monkeypatch.setattr(cpu, "proven", lambda *_: True)
    assert Cpu(description).sizes(200, 2) == (16, 4, 1)
    monkeypatch.setattr(cpu, "IN_CACHE", 4 * 200 * 10 * 5)
    assert Cpu(description).sizes(200, 2) == (4, 1)
    monkeypatch.setattr(cpu, "proven", lambda *_: False)
    assert Cpu(description).sizes(200, 2) == (1,)


@pytest.mark.parametrize("model", registry.names("model"))
def test_the_proof_notices_a_batch_that_rounds_otherwise(model):
    description = fitted({**CASES[-1], "model": model}).description

    class Rounding(Cpu):
        def values(self, weights, tiles):
            values = super().values(weights, tiles)
            return values * (1 + 1e-7) if len(values) > 1 else values

    assert not proven(Rounding(description), description, 48, 2, 4)
    assert isinstance(proven(Cpu(description), description, 48, 2, 4), bool)


def test_the_plain_way_always_runs_the_same_number(monkeypatch):
    """Libraries on CUDA choose by it; what fills up changes nothing."""
    field, seen = fitted(CASES[-1]), []
    apply = reference.apply

    def watched(description, weights, features, owner, *more):
        seen.append(len(owner))
        return apply(description, weights, features, owner, *more)

    monkeypatch.setattr(reference, "apply", watched)
    whole = render(field, device=CPU, kernel="reference")
    part = field.select([4])
    alone = render(part, device=CPU, kernel="reference")
    window = whole[tuple(slice(a, b) for a, b in part.domain.box)]
    assert np.array_equal(alone[part.covered()], window[part.covered()])
    assert set(seen) == {reference.COMPANY}


def test_half_precision_is_for_cuda():
    field = fitted(CASES[-1])
    for attempt in (
        lambda: field.decode(device="cpu", precision="half"),
        lambda: api.decode(field, device="cpu", precision="half"),
        lambda: pick_device("cpu", precision="half"),
    ):
        with pytest.raises(ConfigError, match="half precision is for CUDA only") as caught:
            attempt()
        assert "--half" in str(caught.value.hint)
    with pytest.raises(ConfigError, match="precision 'double' is not known"):
        field.decode(device="cpu", precision="double")
