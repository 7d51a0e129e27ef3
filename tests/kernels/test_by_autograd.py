"""Steps without a derivative by hand: never taken for the identity, right on both kernels, and said to be slower once."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from make.cli import save
from make.data import textured

from inrfit import registry
from inrfit.device import pick_device
from inrfit.errors import SlowWarning
from inrfit.kernels import cpu, reference
from inrfit.kernels.pick import pick_kernel
from inrfit.models.config import ModelConfig
from inrfit.models.description import TRUNK_COORDS, Description, Stack, describe, initial_weights
from inrfit.steps.activations import Activate, Activation, sine

TILES, POINTS, GROUPS = 4, 11, 3
ACTIVATIONS = registry.names("activation")


@dataclass(frozen=True, kw_only=True)
class Norm:
    """A step with a weight, which says nothing of its derivative: every point by its length over the features, times a gain."""

    source: str
    target: str
    gain: str

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,)

    @property
    def stacks(self) -> tuple[str, ...]:
        return (self.gain,)

    @property
    def matrix(self) -> None:
        return None

    def width(self, read: int, shapes: Mapping[str, tuple[int, ...]]) -> int:
        return read

    def forward(self, x: Any, gain: Any) -> Any:
        return x / (x.square().mean(-1, keepdim=True) + 0.1).sqrt() * gain


def network(model: str, activation: Activation, *, norm: bool = False, local: bool = True) -> Description:
    """Return a small network with an activation in the place of each of its own, and a norm before each but the last."""
    more = {"trunk_features": 6, "trunk_omega_0": 3.0} if model == "local-global" else {}
    config = ModelConfig(name=model, hidden_features=5, first_omega_0=4.0, hidden_omega_0=3.0, **more)
    found, steps, stacks = describe(replace(config, activation="sine", hidden_layers=1), 2, 3), [], []
    for step in found.steps:
        if not isinstance(step, Activate) or step.activation.is_identity:
            steps.append(step)
            continue
        read = step.source
        if norm:
            gain = f"gain_{read}"
            inside = {s.name: s for s in found.stacks}
            width = next(s for s in found.steps if s.target == read).width(
                0, {n: s.shape for n, s in inside.items()}
            )
            stacks.append(Stack(name=gain, shape=(1, width), init=partial(drawn, width), local=local))
            steps.append(Norm(source=read, target=f"norm_{read}", gain=gain))
            read = f"norm_{read}"
        steps.append(replace(step, source=read, activation=activation))
    return replace(found, steps=tuple(steps), stacks=(*found.stacks, *stacks))


def drawn(width: int, random: np.random.Generator) -> np.ndarray:
    return random.uniform(0.5, 1.5, (1, width)).astype(np.float32)


def given(
    description: Description, rows: list[int] | None = None
) -> tuple[dict[str, torch.Tensor], reference.Batch]:
    """Return weights and a batch of random tiles; `rows` of the trunk are shared by tiles."""
    random = np.random.default_rng(3)
    weights = {n: torch.tensor(w) for n, w in initial_weights(description, range(GROUPS), 0).items()}
    features = {}
    for register in description.frames:
        count = 1 + max(rows) if rows and register == TRUNK_COORDS else TILES
        features[register] = torch.tensor(random.uniform(-1, 1, (count, POINTS, 2)), dtype=torch.float32)
    weight = torch.tensor(random.uniform(0, 2, (TILES, POINTS, 1)), dtype=torch.float32)
    batch = reference.Batch(
        features=features,
        targets=torch.tensor(random.uniform(-1, 1, (TILES, POINTS, 3)), dtype=torch.float32),
        mask=(weight > 0.5).float(),
        weight=weight,
        owner=torch.tensor([0, 1, 1, 2]),
        trunk_rows=torch.tensor(rows) if rows else None,
    )
    return weights, batch


def assert_same(description: Description, rows: list[int] | None = None) -> None:
    weights, batch = given(description, rows)
    kernel = cpu.Cpu(description)
    expected = reference.Reference(description).sums(weights, batch, moments=True)
    for _ in range(2):  # the second time in memory that was used before
        found = kernel.sums(weights, kernel.prepare(batch), moments=True)
        assert torch.allclose(found.errors, expected.errors, rtol=2e-5, atol=1e-6)
        for ours, others in ((found.gradients, expected.gradients), (found.moments, expected.moments)):
            assert set(ours) == set(others)
            for name, values in others.items():
                largest = float(values.abs().max())
                assert torch.allclose(ours[name], values, rtol=0, atol=3e-5 * largest + 1e-9), name


def bare(name: str) -> Activation:
    return replace(registry.load("activation", name), derivative=None)


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "wire"])
@pytest.mark.parametrize("model", ["partitioned", "local-global"])
def test_activations_without_a_derivative_have_the_gradients_of_the_plain_kernel(
    model: str, name: str
) -> None:
    description = network(model, bare(name))
    assert_same(description)
    if model == "local-global":
        assert_same(description, rows=[0, 0, 1, 1])


def test_two_outputs_that_make_one_feature_are_pulled_back_too() -> None:
    config = ModelConfig(name="partitioned", activation="wire", hidden_features=4, hidden_layers=1)
    found = describe(replace(config, first_omega_0=4.0, hidden_omega_0=3.0), 2, 3)
    steps = (
        s if not isinstance(s, Activate) or s.activation.is_identity else replace(s, activation=bare("wire"))
        for s in found.steps
    )
    assert_same(replace(found, steps=tuple(steps)))


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("activation", [sine, bare("sine")], ids=["sine", "bare"])
@pytest.mark.parametrize("model", ["partitioned", "local-global"])
def test_steps_without_pull_have_the_gradients_of_the_plain_kernel(
    model: str, activation: Activation, local: bool
) -> None:
    """A sine behind such a step keeps its omega: the step need not be linear, so it cannot go into the weights before it."""
    if model == "partitioned" or not local:
        assert_same(network(model, activation, norm=True, local=local))
    if not local:
        assert_same(
            network(model, activation, norm=True, local=False),
            rows=[0, 0, 1, 1] if model != "partitioned" else None,
        )


@pytest.mark.parametrize("kernel", [cpu.Cpu, reference.Reference])
@pytest.mark.parametrize("norm", [False, True])
def test_gradients_agree_with_differences(kernel: Any, norm: bool) -> None:
    description = network("partitioned", bare("finer"), norm=norm)
    weights, batch = given(description)
    run = kernel(description)
    batch = replace(batch, weight=torch.ones_like(batch.weight), mask=torch.ones_like(batch.mask))
    found = run.sums(weights, run.prepare(batch)).gradients
    random = torch.Generator().manual_seed(0)
    for name, gradient in found.items():
        way, step = torch.randn(gradient.shape, generator=random), 3e-4
        ends = [
            float(
                run.sums({**weights, name: weights[name] + sign * step * way}, run.prepare(batch))
                .errors.double()
                .sum()
            )
            for sign in (1, -1)
        ]
        expected = float((gradient * way).sum())
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(expected, rel=2e-2, abs=5e-2), name


def test_no_derivative_is_not_the_identity() -> None:
    description = network("partitioned", replace(registry.load("output", "linear"), derivative=None))
    last = description.steps[-1]
    assert isinstance(last, Activate)
    assert last.activation.is_identity
    steps = (*description.steps[:-1], replace(last, activation=bare("gauss")))
    squashed = replace(description, steps=steps)
    assert any(matrix.last for matrix in description.matrices())
    assert not any(matrix.last for matrix in squashed.matrices())
    assert_same(squashed)


def test_existing_activations_go_through_no_autograd() -> None:
    for name in ACTIVATIONS:
        config = ModelConfig(name="partitioned", activation=name, hidden_features=4, hidden_layers=1)
        description = describe(replace(config, first_omega_0=4.0, hidden_omega_0=3.0), 2, 3)
        moves = cpu.Cpu(description).moves
        assert [type(move.step) for move in moves] == [type(step) for step in description.steps]


def test_that_it_is_slower_is_said_once() -> None:
    description, device = network("partitioned", bare("sine"), norm=True), pick_device("cpu", 1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for name in ("cpu", "auto", "reference"):
            pick_kernel(name, description, device)
        pick_kernel("cpu", network("partitioned", sine), device)
    assert [str(one.message) for one in caught] == [
        f"the step Norm of {__name__} and an activation of inrfit.steps.activations: no derivative by hand, so autograd "
        "finds it, which is slower"
    ]
    assert caught[0].category is SlowWarning


def test_the_command_says_it_once_and_any_number_of_threads_writes_the_same_bytes(tmp_path: Any) -> None:
    tmp_path.joinpath("bare.py").write_text(
        "from dataclasses import replace\nfrom inrfit.steps.activations import sine\n"
        "INRFIT = {'activation': {'bare': 'bare:bare'}}\nbare = replace(sine, derivative=None)\n"
    )
    for name in ("a.png", "b.png"):
        save(tmp_path / name, textured(40, 60))

    def run(*words: str) -> str:
        fit = [
            "--import",
            "bare",
            "fit",
            "a.png",
            "b.png",
            "--steps",
            "4",
            "--activation",
            "bare",
            "--grid",
            "2x3",
            "-f",
        ]
        ran = subprocess.run(
            [sys.executable, "-m", "inrfit", *fit, *words], cwd=tmp_path, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stderr

    said = run("--threads", "1")
    assert said.count("Warning: an activation of inrfit.steps.activations: no derivative by hand") == 1
    one = tmp_path.joinpath("a.inr").read_bytes()
    assert "Warning" not in run("--threads", "2", "--quiet")
    assert tmp_path.joinpath("a.inr").read_bytes() == one
