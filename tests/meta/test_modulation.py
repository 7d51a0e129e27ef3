"""Instance pattern composers: normalised columns, the step of the published algorithm, and what a step is worth."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from make.data import textured

from inrfit import api
from inrfit.errors import ConfigError
from inrfit.meta import inner
from inrfit.meta.config import MetaConfig
from inrfit.meta.curves import curve
from inrfit.meta.learner import as_tensors
from inrfit.meta.modulation import Composer, U, V
from inrfit.meta.tasks import gather
from inrfit.models.config import ModelConfig
from inrfit.models.sizing import resolve
from inrfit.partitions import build
from inrfit.partitions.config import PartitionConfig

MODEL = ModelConfig(
    name="composer",
    activation="relu",
    hidden_features=8,
    hidden_layers=1,
    encoding="geometric",
    features=6,
    sigma=4.0,
)
CONFIG = MetaConfig(method="ipc", inner_steps=2, inner_lr=0.01, rates="fixed", rank=5, size=8)


def made(config=CONFIG, model=MODEL, grid=None, count=2):
    """A learner, what it learns as leaves, and tasks of some pictures."""
    signals = [api.read(np.roll(textured(8, 8), 3 * n, 1)) for n in range(count)]
    rule = PartitionConfig(rule="grid", grid=grid) if grid else PartitionConfig(rule="none")
    partitions = [build(signal, rule) for signal in signals]
    learner = Composer(resolve(model, partitions[0], 3), 2, 3, config)
    params = as_tensors(learner.parameters(0))
    tasks = gather(signals, partitions, learner.description, params)
    return learner, {name: value.requires_grad_() for name, value in params.items()}, tasks


def losses(learner, params, tasks, steps):
    with torch.no_grad():
        return [
            float(inner.signal_mse(inner.errors(learner, learner.weights(params, a), tasks), tasks).mean())
            for a in inner.steps(learner, params, tasks, steps, through=False)
        ]


@pytest.mark.parametrize("factor", ["uv", "v", "unvn", "uov"])
def test_every_matrix_has_columns_of_length_one_and_only_one_is_of_the_regions_own(factor):
    learner, params, tasks = made(replace(CONFIG, factor=factor), grid=(2, 2))
    weights = learner.weights(params, learner.start(params, tasks))
    for stack in learner.description.stacks:
        own = stack.name == "weight1"
        assert weights[stack.name].shape == (8 if own else 1, *stack.shape)
        if stack.name.startswith("weight"):
            assert torch.allclose(weights[stack.name].norm(dim=1), torch.ones(1), atol=1e-5), stack.name
        else:
            assert not weights[stack.name].any()


def test_the_matrix_is_that_of_the_factors():
    learner, params, _ = made()
    random = torch.Generator().manual_seed(0)
    own = torch.randn((2, 8, 5), generator=random)
    found = learner.weights(params, {V: own})["weight1"]
    product = own @ params[U]
    assert torch.allclose(found, product / product.norm(dim=1, keepdim=True), atol=1e-5)


@pytest.mark.parametrize(
    ("factor", "shapes", "adapted"),
    [
        ("uv", {"V": (8, 5), "U": (5, 8)}, ("V",)),
        ("v", {"V": (8, 8)}, ("V",)),
        ("unvn", {"V": (8, 5), "U": (5, 8)}, ("V", "U")),
        ("uov", {"V": (8, 8), "U": (8, 8)}, ("V",)),
    ],
)
def test_factorisations_of_the_ablation(factor, shapes, adapted):
    learner, params, tasks = made(replace(CONFIG, factor=factor, rates="parameter"))
    assert learner.adapted == adapted
    assert {name: tuple(params[name].shape) for name in shapes} == shapes
    assert {n for n in params if n.startswith("rate.")} == {f"rate.{name}" for name in adapted}
    before, after, _ = losses(learner, params, tasks, 2)
    assert after < before


def test_v_starts_as_published_and_u_with_the_root_of_rank_and_width_below():
    model = replace(MODEL, hidden_features=64)
    _, params, _ = made(replace(CONFIG, rank=48), model)
    assert float(params[V].detach().std()) == pytest.approx(1, rel=0.05)
    assert float(params[U].detach().std()) == pytest.approx((48 * 64) ** -0.5, rel=0.05)


def test_a_step_goes_down_the_gradient_times_the_squared_norm_of_each_group():
    learner, params, tasks = made(grid=(1, 2))
    scale = torch.tensor([1.0, 2.0, 0.5, 1.0])[:, None, None]
    own = (learner.start(params, tasks)[V] * scale).detach().requires_grad_()
    loss = inner.inner_loss(learner, inner.errors(learner, learner.weights(params, {V: own}), tasks), tasks)
    (gradient,) = torch.autograd.grad(loss, own)
    found = inner.step(learner, params, {V: own}, tasks, 0, through=True)[V]
    expected = own - 0.01 * own.square().sum((1, 2), keepdim=True) * gradient
    assert torch.allclose(found, expected, atol=1e-6)
    assert (found - own).abs().amax((1, 2)).min() > 1e-6


def test_a_step_does_not_depend_on_the_length_of_v():
    learner, params, tasks = made()
    moved = []
    for scale in (1.0, 10.0):
        own = {V: learner.start(params, tasks)[V] * scale}
        after = inner.step(learner, params, own, tasks, 0, through=False)
        moved.append(learner.weights(params, after)["weight1"])
    assert torch.allclose(*moved, atol=1e-4)


def test_outer_gradients_agree_with_differences_through_the_norm():
    learner, params, tasks = made(model=replace(MODEL, activation="sine"), count=1)
    gradients, _ = learner.outer_gradients(params, tasks)
    random = torch.Generator().manual_seed(1)
    for name in (V, U, "weight0", "bias1"):
        value = params[name].detach()
        direction = torch.randn(value.shape, generator=random)
        width = 3e-3 * (float(value.std()) or 1.0)
        ends = [
            losses(learner, {**params, name: value + sign * width * direction}, tasks, 2)[-1]
            for sign in (1, -1)
        ]
        expected = float((gradients[name] * direction).sum())
        assert (ends[0] - ends[1]) / (2 * width) == pytest.approx(expected, rel=0.03, abs=1e-3), name


def test_regions_adapt_alone_as_beside_others():
    learner, params, tasks = made(grid=(2, 2), count=2)
    *_, together = inner.steps(learner, params, tasks, 2, through=False)
    single = gather(tasks.signals[1:], tasks.partitions[1:], learner.description, params)
    *_, alone = inner.steps(learner, params, single, 2, through=False)
    assert torch.allclose(together[V][4:], alone[V], atol=1e-4)


def test_training_makes_two_steps_worth_more():
    learner, params, tasks = made(replace(CONFIG, rates="tensor"))
    before = losses(learner, params, tasks, 2)[-1]
    optimiser = torch.optim.Adam(params.values(), lr=0.02)
    for _ in range(20):
        for name, gradient in learner.outer_gradients(params, tasks)[0].items():
            params[name].grad = gradient
        optimiser.step()
    assert losses(learner, params, tasks, 2)[-1] < before / 2


def test_sines_have_columns_that_their_factor_divides():
    learner, params, tasks = made(model=replace(MODEL, activation="sine", hidden_omega_0=20.0))
    weights = learner.weights(params, learner.start(params, tasks))
    lengths = [float(weights[f"weight{n}"].detach().norm(dim=1).mean()) for n in range(3)]
    assert lengths == pytest.approx([1, 2**0.5 / 20, 1], rel=1e-4)


def test_another_layer_can_be_modulated():
    learner, params, tasks = made(model=replace(MODEL, modulated=2))
    weights = learner.weights(params, learner.start(params, tasks))
    assert [name for name, w in weights.items() if len(w) > 1] == ["weight2"]


def test_a_concrete_field_gives_what_the_learner_gives():
    learner, params, tasks = made(grid=(2, 2), count=1)
    *_, adapted = inner.steps(learner, params, tasks, 1, through=False)
    weights = {n: w.detach().numpy() for n, w in learner.weights(params, adapted).items()}
    field = replace(
        api.fit(tasks.signals[0], model="composer", grid=(2, 2), steps=1, hidden_features=8),
        model=learner.model,
        weights=weights,
        weight_type="float32",
        psnr=None,
        mse=(),
    )
    assert [s.name for s in field.description.stacks] == [s.name for s in learner.description.stacks]
    decoded = field.decode().astype(float)
    error = np.square(decoded - textured(8, 8)).mean() / 255**2 * 4
    assert error == pytest.approx(losses(learner, params, tasks, 1)[-1], rel=0.5)


def test_other_models_and_too_large_ranks_are_refused():
    with pytest.raises(ConfigError, match="--method ipc does not know how to adapt --model mlp") as caught:
        made(model=replace(MODEL, name="mlp"))
    assert "--model composer" in str(caught.value.hint)
    with pytest.raises(ConfigError, match="--rank 9 must be at most 8"):
        made(replace(CONFIG, rank=9))
    with pytest.raises(ConfigError, match="--factor 'vu' is not known"):
        MetaConfig(factor="vu")


@pytest.mark.parametrize("everything", [False, True])
def test_test_time_optimisation_of_v_or_of_all_weights(everything):
    """The second picture has more than a tile, so weights are gathered by owner."""
    learner, params, _ = made()
    signals = [api.read(textured(8, 8)), api.read(textured(60, 80))]
    partitions = [build(signal, PartitionConfig(rule="none")) for signal in signals]
    params = {name: value.detach() for name, value in params.items()}
    tasks = gather(signals, partitions, learner.description, params)
    assert not tasks.one_each
    found = curve(learner, params, tasks, 8, optimiser="adam", lr=0.03, everything=everything)
    assert found.shape == (9, 2)
    assert (found[-1] > found[0] + 0.5).all()
