"""Contracts of what networks are made of: activations, encodings, outputs, models, and the kernels that run them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit import api, registry
from inrfit.codec.container import Reader
from inrfit.codec.read import loads
from inrfit.codec.write import dumps
from inrfit.device import pick_device
from inrfit.field import Field
from inrfit.kernels import reference
from inrfit.kernels.batch import Batch, Pulled, encode
from inrfit.kernels.cpu import Cpu
from inrfit.kernels.residual import Squares
from inrfit.models.config import ModelConfig
from inrfit.models.description import Description, describe, initial_weights

SMALL: dict[str, Any] = {
    "hidden_features": 5,
    "hidden_layers": 1,
    "features": 4,
    "bands": 3,
    "steps": 2,
    "device": "cpu",
}
"""Words of fits that take no time."""

ROUNDING = 3e-5
"""Share of the largest number by which two kernels in single precision may differ."""


def picture(height: int = 9, width: int = 14) -> NDArray[np.uint8]:
    """Return a smooth picture [height, width, 3] with a dark disc."""
    y, x = np.mgrid[0:height, 0:width]
    base = 120 + 60 * np.sin(x / 5.0)[..., None] + 40 * np.cos(y[..., None] / 7.0 + np.arange(3))
    base[(y - height / 2) ** 2 + (x - width / 3) ** 2 < (min(height, width) / 4) ** 2] *= 0.3
    return np.clip(base, 0, 255).astype(np.uint8)


def fitted(**words: Any) -> Field:
    """Return a field of a small picture: four regions, or one for `mlp`."""
    partition: dict[str, Any] = {"partition": "none"} if words.get("model") == "mlp" else {"grid": (2, 2)}
    return api.fit(picture(), **{**SMALL, **partition, **words})


def check_activation(name: str) -> None:
    """Check an activation in a network: files, regions, gradients on both kernels of a CPU, and that it learns.

    Raises:
        AssertionError: something does not hold.
    """
    _check(activation=name)
    learns(activation=name)


def check_encoding(name: str) -> None:
    """Check an encoding in a network, as `check_activation` does."""
    _check(encoding=name)
    learns(encoding=name)


def check_output(name: str) -> None:
    """Check an activation of the output in a network, as `check_activation` does."""
    _check(output_activation=name)


def check_model(name: str, **words: Any) -> None:
    """Check a model; `words` are those of `inrfit.fit` that it needs."""
    _check(model=name, **words)
    learns(model=name, **words)


def check_kernel(name: str, **words: Any) -> None:
    """Check that a kernel gives the values, errors, gradients and second moments of the reference on a CPU.

    Args:
        name: of the table.
        words: those of `inrfit.fit` that decide on the network.
    """
    description = described(fitted(**words).model)
    made = registry.load("kernel", name)
    why = made.refuses(description, pick_device("cpu", 1))
    assert why is None, f"kernel {name} refuses a small network on a CPU: {why}"
    weights, batch = task(description, torch.float32)
    agrees(made(description), description, weights, batch, name)


def _check(**words: Any) -> None:
    field = fitted(**words)
    keeps_its_field(field)
    decodes_alone(field)
    description = described(field.model)
    slopes(description)
    weights, batch = task(description, torch.float32)
    agrees(Cpu(description), description, weights, batch, "cpu")


def keeps_its_field(field: Field) -> None:
    """Check that a file gives back a field to the bit."""
    with Reader(dumps(field)) as reader:
        back = loads(reader)
    assert back.model == field.model, f"a file gives back the model {back.model}, written was {field.model}"
    assert (back.psnr, back.mse) == (field.psnr, field.mse), (
        "a file gives back other errors than it was given"
    )
    for name, weights in field.weights.items():
        assert np.array_equal(back.weights[name], weights), f"a file gives back other weights {name}"
    assert np.array_equal(back.decode(), field.decode()), "a file decodes to other samples than its field"


def decodes_alone(field: Field) -> None:
    """Check that each region alone decodes to the bits that it has in the whole."""
    whole = field.decode()
    for position in range(len(field.partition)):
        part = field.select([position])
        window = whole[tuple(slice(a, b) for a, b in part.domain.box)]
        same = np.array_equal(part.decode()[part.covered()], window[part.covered()])
        assert same, f"region {position} decodes to other bits alone than in the whole"


def slopes(description: Description) -> None:
    """Check, in double precision, that a small step along a random direction changes values as their gradients say.

    That is tried of the squared errors, and of a random sum of all values.
    """
    weights, batch = task(description, torch.float64)
    kernel = reference.Reference(description)
    sums = kernel.sums(weights, batch)
    assert sums.errors.shape == (2,), (
        f"errors have the shape {tuple(sums.errors.shape)}, not one number a tile"
    )
    _climbs(weights, sums.gradients, lambda moved: kernel.sums(moved, batch).errors.sum(), "the error")
    way = _random(kernel.values(weights, batch))
    pulled = kernel.pull(weights, batch, way)
    _climbs(
        weights, pulled.gradients, lambda moved: (kernel.values(moved, batch) * way).sum(), "a sum of values"
    )


def _climbs(
    weights: Mapping[str, Tensor],
    gradients: Mapping[str, Tensor],
    total: Callable[[Mapping[str, Tensor]], Tensor],
    what: str,
) -> None:
    """Check that a small step along a random direction changes a number as its gradients say."""
    step = 1e-6
    way = {name: _random(gradient, seed) for seed, (name, gradient) in enumerate(gradients.items())}

    def moved(sign: int) -> float:
        return float(total({n: w + sign * step * way[n] if n in way else w for n, w in weights.items()}))

    expected = sum(float((gradient * way[name]).sum()) for name, gradient in gradients.items())
    found = (moved(1) - moved(-1)) / (2 * step)
    close = abs(found - expected) <= max(1e-4, 2e-3 * abs(expected))
    assert close, (
        f"a small step changes {what} by {found:.6g} for each unit, the gradient says {expected:.6g}"
    )


def _random(like: Tensor, seed: int = 0) -> Tensor:
    """Return random numbers of the shape and type of others."""
    return torch.randn(like.shape, generator=torch.Generator().manual_seed(seed), dtype=like.dtype)


def agrees(
    kernel: Any, description: Description, weights: dict[str, Tensor], batch: Batch, name: str
) -> None:
    """Check that a kernel gives the numbers of the reference, but for rounding: in one pass, and in two."""
    plain, prepared = reference.Reference(description), kernel.prepare(batch)
    expected = plain.sums(weights, batch, moments=True)
    found = kernel.sums(weights, prepared, moments=True)
    _alike({"": found.errors}, {"": expected.errors}, f"errors of kernel {name}")
    _alike_pulled(found, expected, name)
    values = kernel.values(weights, prepared)
    _alike({"": values}, {"": plain.values(weights, batch)}, f"values of kernel {name}")
    two_passes(kernel, weights, batch, name)


def two_passes(
    kernel: Any, weights: dict[str, Tensor], batch: Batch, name: str, rounding: float = ROUNDING
) -> None:
    """Check that the gradient of squared errors, pulled back, is what `sums` finds in one pass."""
    prepared = kernel.prepare(batch)
    expected = kernel.sums(weights, prepared, moments=True)
    misfit = Squares(batch).misfit(kernel.values(weights, prepared))
    found = kernel.pull(weights, prepared, misfit.gradient, moments=True)
    _alike({"": misfit.squares}, {"": expected.errors}, f"squares of kernel {name}", rounding)
    _alike_pulled(found, expected, name, rounding)


def _alike_pulled(found: Pulled, expected: Pulled, name: str, rounding: float = ROUNDING) -> None:
    """Check that two kernels found the same, but for rounding."""
    _alike(found.gradients, expected.gradients, f"gradients of kernel {name}", rounding)
    _alike(found.moments, expected.moments, f"moments of kernel {name}", rounding)


def _alike(
    found: Mapping[str, Tensor], expected: Mapping[str, Tensor], what: str, rounding: float = ROUNDING
) -> None:
    """Check that numbers have the same names, and are the same but for rounding."""
    assert set(found) == set(expected), f"{what} are of {sorted(found)}, not {sorted(expected)}"
    for name, other in expected.items():
        one = found[name]
        told = f"{what}: {name}" if name else what
        assert one.shape == other.shape, f"{told} has the shape {tuple(one.shape)}, not {tuple(other.shape)}"
        most, by = float(other.abs().max()), float((one - other).abs().max())
        close = by <= rounding * most + rounding / 30
        assert close, f"{told}: off by {by:.3g} of {most:.3g}"


def learns(**words: Any) -> None:
    """Check that a hundred steps make a small fit 3 dB better."""
    start, end = (
        fitted(**{"hidden_features": 16, "lr": 5e-3, **words, "steps": n}).psnr or 0.0 for n in (1, 120)
    )
    assert end > start + 3, f"120 steps lead from {start:.2f} to {end:.2f} dB, wanted are 3 dB more"


def described(model: ModelConfig) -> Description:
    """Return the description of a model of pictures."""
    return describe(model, 2, 3)


def task(description: Description, dtype: torch.dtype) -> tuple[dict[str, Tensor], Batch]:
    """Return random weights of two regions, and a batch of two ragged tiles that belong to them."""
    random = np.random.default_rng(0)
    initial = initial_weights(description, [0, 1], 0)
    weights = {n: torch.tensor(w + random.normal(0, 0.1, w.shape), dtype=dtype) for n, w in initial.items()}
    coords = torch.tensor(random.uniform(-1, 1, (2, 6, 2)))
    mask = torch.tensor(random.integers(0, 2, (2, 6, 1)), dtype=dtype)
    batch = Batch(
        features={n: encode(description, weights, coords).to(dtype) for n in description.frames},
        targets=torch.tensor(random.uniform(-1, 1, (2, 6, 3)), dtype=dtype),
        mask=mask,
        weight=mask,
        owner=torch.tensor([1, 0]),
    )
    return weights, batch
