"""Hypernetworks: the tokens and sizes of the papers, what is predicted for each region, and that it is learned."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from make.data import textured

from inrfit import api
from inrfit.errors import ConfigError
from inrfit.io.config import ReadConfig
from inrfit.meta import init as inits
from inrfit.meta import inner
from inrfit.meta.config import MetaConfig
from inrfit.meta.hypernet import ComposerHypernet, TransInr, count, resized, shapes_on_meta
from inrfit.meta.learner import as_tensors
from inrfit.meta.modulation import Composer
from inrfit.meta.tasks import gather
from inrfit.meta.transformer import Answer, Transformer, count_tokens, tokens
from inrfit.models.config import ModelConfig
from inrfit.models.sizing import resolve
from inrfit.partitions import build
from inrfit.partitions.config import PartitionConfig
from inrfit.registry import load

MODELS = {"ipc-hypernet": "composer", "transinr": "partitioned"}
CONFIG = MetaConfig(
    method="ipc-hypernet",
    inner_steps=0,
    rank=6,
    size=8,
    patch=4,
    groups=3,
    hyper_features=8,
    hyper_blocks=1,
    hyper_heads=2,
)


def made(method="ipc-hypernet", pictures=None, grid=None, model=None, **words):
    """A learner, what it learns as leaves, and tasks of some pictures."""
    pictures = [textured(8, 8), textured(8, 8)[::-1]] if pictures is None else pictures
    signals = [api.read(np.ascontiguousarray(picture)) for picture in pictures]
    rule = PartitionConfig(rule="grid", grid=grid) if grid else PartitionConfig(rule="none")
    partitions = [build(signal, rule) for signal in signals]
    given = {"name": MODELS[method], "activation": "relu", "hidden_features": 8, "hidden_layers": 1}
    config = ModelConfig(**{**given, "encoding": "geometric", "features": 6, "sigma": 4.0, **(model or {})})
    learner = load("meta", method)(
        resolve(config, partitions[0], 3), 2, 3, replace(CONFIG, method=method, **words)
    )
    params = as_tensors(learner.parameters(0))
    tasks = gather(signals, partitions, learner.description, params)
    return learner, {name: value.requires_grad_() for name, value in params.items()}, tasks


def loss(learner, params, tasks, steps=0):
    *_, adapted = inner.steps(learner, params, tasks, steps, through=False)
    squares = inner.errors(learner, learner.weights(params, adapted), tasks)
    return float(inner.signal_mse(squares, tasks).detach().mean())


def on_paper(method, size, patch, *, width=256, rank=256, axes=2, features=128, channels=3, groups=64):
    """A learner of full size; nothing of it is allocated."""
    name = {"ipc-hypernet": "composer", "transinr": "mlp"}[method]
    model = ModelConfig(
        name=name,
        activation="relu",
        hidden_features=width,
        hidden_layers=3,
        encoding="geometric",
        features=features,
        sigma=64.0,
        first_omega_0=1.0,
        hidden_omega_0=1.0,
    )
    big = {"hyper_features": 768, "hyper_blocks": 6, "hyper_heads": 12, "groups": groups}
    config = MetaConfig(method=method, inner_steps=0, size=size, patch=patch, rank=rank, **big)
    return load("meta", method)(model, axes, channels, config)


@pytest.mark.parametrize(
    ("size", "patch", "axes", "features", "expected"),
    [
        (178, 9, 2, 128, 400),
        (256, 16, 2, 128, 256),
        (512, 32, 2, 128, 256),
        (1024, 32, 2, 128, 1024),
        (16_000, 200, 1, 2048, 80),
        (48_000, 200, 1, 2048, 240),
    ],
)
def test_tokens_of_the_paper(size, patch, axes, features, expected):
    channels = 3 if axes == 2 else 1
    learner = on_paper("ipc-hypernet", size, patch, axes=axes, features=features, channels=channels)
    shapes = shapes_on_meta(learner)
    assert shapes == {"tokens": (1, expected, patch**axes * channels), "V": (1, 256, 256)}
    assert learner.shapes()["weight0"] == (2 * features, 256)
    assert learner.shapes()["hyper.query"] == (256, 768)


@pytest.mark.parametrize(("width", "numbers"), [(256, 65_536), (1024, 1_048_576)])
def test_numbers_of_a_signal_in_the_paper(width, numbers):
    _, fan_in, rank = shapes_on_meta(on_paper("ipc-hypernet", 256, 16, width=width, rank=width))["V"]
    assert fan_in * rank == numbers


@pytest.mark.parametrize(("groups", "expected"), [(64, 64 * 4 + 3), (256, 256 * 4 + 3)])
def test_transinr_has_the_papers_tokens(groups, expected):
    learner = on_paper("transinr", 178, 9, groups=groups)
    assert learner.transformer.queries == expected
    shapes = shapes_on_meta(learner)
    assert [shapes[f"factor.weight{n}"] for n in (0, 4)] == [(1, 256, groups), (1, 256, 3)]


def test_weights_of_the_papers_transformer():
    """Six blocks of 12 width^2 and their biases and norms, without tokens, queries and heads."""
    block = 12 * 768**2 + (3 + 1 + 4 + 1) * 768 + 4 * 768
    small, large = (
        Transformer(features=768, blocks=n, heads=12, tokens=1, values=1, answers=(Answer(name="V", queries=1, outputs=1),))
        for n in (0, 6)
    )  # fmt: skip
    sizes = [sum(int(np.prod(shape)) for shape in t.shapes().values()) for t in (small, large)]
    assert sizes[1] - sizes[0] == 6 * block == 42_527_232


@pytest.mark.parametrize("method", ["ipc", *MODELS])
def test_the_shapes_said_are_those_drawn(method):
    if method == "ipc":
        learner = Composer(
            on_paper("ipc-hypernet", 8, 4, width=8, rank=6).model, 2, 3, replace(CONFIG, method="ipc")
        )
    else:
        learner = on_paper(method, 8, 4, width=8, rank=6)
    found = {n: v.shape for n, v in learner.parameters(0).items() if not n.startswith("rate.")}
    assert found == learner.shapes()
    if isinstance(learner, ComposerHypernet | TransInr):
        assert count(learner) == sum(v.size for v in learner.parameters(0).values())


def test_patches_are_row_major_with_channels_last():
    picture = torch.arange(2 * 4 * 6).reshape(1, 2, 4, 6).float()
    found = tokens(picture, 2)
    assert found.shape == (1, 6, 8)
    for place, (row, column) in enumerate([(0, 0), (0, 2), (0, 4), (2, 0), (2, 2), (2, 4)]):
        block = picture[0, :, row : row + 2, column : column + 2]
        assert torch.equal(found[0, place], block.permute(1, 2, 0).flatten())


def test_pictures_are_filled_up_at_both_sides_and_sounds_mirrored():
    picture = tokens(torch.ones(1, 1, 178, 178), 9)
    assert picture.shape == (1, 400, 81) == (1, count_tokens(178, 9, 2), 81)
    corner = picture[0, 0].reshape(9, 9)
    assert not corner[0].any() and not corner[:, 0].any() and corner[1:, 1:].all()
    sound = tokens(torch.arange(1.0, 7.0).reshape(1, 1, 6), 4)
    assert sound.flatten().tolist() == [2, 1, 2, 3, 4, 5, 6, 5]


def test_volumes_have_tokens_too():
    assert tokens(torch.zeros(2, 1, 8, 8, 8), 4).shape == (2, 8, 64)


def test_boxes_are_averaged_or_interpolated_to_the_size_that_was_trained_on():
    ramp = torch.arange(8.0).expand(1, 1, 4, 8)
    assert torch.allclose(resized(ramp, 4)[0, 0, 0], torch.tensor([0.5, 2.5, 4.5, 6.5]))
    assert resized(ramp, 4).shape == (1, 1, 4, 4)
    assert resized(ramp, 6).shape == (1, 1, 6, 6)
    assert torch.equal(resized(ramp, 4)[0, 0, 3], resized(ramp, 4)[0, 0, 0])
    assert resized(torch.rand(1, 1, 3, 5, 9), 4).shape == (1, 1, 4, 4, 4)


@pytest.mark.parametrize("method", MODELS)
def test_each_region_is_predicted_from_its_own_box(method):
    """Changing one cell changes what is predicted of it and of no other."""
    first = textured(16, 16)
    second = first.copy()
    second[:8, 8:] = 255 - second[:8, 8:]
    learner, params, before = made(method, [first], grid=(2, 2))
    *_, after = made(method, [second], grid=(2, 2))
    one, two = (learner.start(params, tasks) for tasks in (before, after))
    for name in learner.adapted:
        same = (one[name] == two[name]).flatten(1).all(1).tolist()
        assert same == [True, False, True, True], name


@pytest.mark.parametrize("method", MODELS)
@pytest.mark.parametrize("shape", [(8, 8), (20, 12), (5, 6)])
def test_other_sizes_than_the_trained_are_read(method, shape):
    learner, params, tasks = made(method, [textured(*shape)])
    assert np.isfinite(loss(learner, params, tasks, 1))


@pytest.mark.parametrize("method", MODELS)
def test_it_learns_to_predict_without_a_step(method):
    learner, params, tasks = made(method)
    before = loss(learner, params, tasks)
    optimiser = torch.optim.Adam(params.values(), lr=0.01)
    for _ in range(40):
        gradients, _ = learner.outer_gradients(params, tasks)
        assert gradients["hyper.query"].any() and gradients["weight0"].any()
        for name, gradient in gradients.items():
            params[name].grad = gradient
        optimiser.step()
    assert loss(learner, params, tasks) < before / 2
    assert loss(learner, params, tasks, 1) != loss(learner, params, tasks)


@pytest.mark.parametrize("method", MODELS)
def test_steps_may_follow_and_are_differentiated(method):
    learner, params, tasks = made(method, inner_steps=1, inner_lr=1e-3)
    gradients, _ = learner.outer_gradients(params, tasks)
    assert gradients["hyper.block0.qkv.weight"].any()
    assert all(gradients[f"rate.{name}"].any() for name in learner.adapted)
    assert loss(learner, params, tasks, 1) < loss(learner, params, tasks)


def test_units_of_a_group_share_their_factors():
    learner, params, tasks = made("transinr", [textured(8, 8)])
    adapted = learner.start(params, tasks)
    assert [tuple(adapted[f"factor.weight{n}"].shape) for n in range(3)] == [(1, 12, 3), (1, 8, 3), (1, 8, 3)]
    product = params["weight1"] * adapted["factor.weight1"][0][:, [0, 1, 2, 0, 1, 2, 0, 1]]
    expected = product / product.norm(dim=0)
    assert torch.allclose(learner.weights(params, adapted)["weight1"][0], expected, atol=1e-5)


def test_biases_of_transinr_are_the_same_for_each_region():
    learner, params, tasks = made("transinr", grid=(2, 2))
    weights = learner.weights(params, learner.start(params, tasks))
    assert weights["bias0"].shape == (8, 1, 8)
    assert torch.equal(weights["bias0"][0], weights["bias0"][7])
    assert torch.equal(weights["bias0"][3], params["bias0"])


def test_dropout_is_for_training_alone_and_follows_from_seed_and_samples():
    learner, params, tasks = made(hyper_dropout=0.5)
    plain, *_ = made()
    assert loss(learner, params, tasks) == loss(plain, params, tasks)
    first, again = (learner.outer_gradients(params, tasks) for _ in range(2))
    without = plain.outer_gradients(params, tasks)
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[1], without[1])
    other, *_ = made(hyper_dropout=0.5, seed=1)
    assert not torch.equal(other.outer_gradients(params, tasks)[1], first[1])


def test_what_cannot_be_read_is_refused():
    with pytest.raises(ConfigError, match="--patch 9 must be at most --size 8"):
        made(patch=9)
    with pytest.raises(ConfigError, match="--method transinr does not know how to adapt --model composer"):
        made("transinr", model={"name": "composer"})


@pytest.mark.parametrize("method", MODELS)
@pytest.mark.parametrize(("kind", "shape", "size"), [("audio", (40,), 32), ("volume", (6, 8, 8), 8)])
def test_sounds_and_volumes_are_read(method, kind, shape, size):
    values = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    signal = api.read(values, ReadConfig(kind=kind))
    partition = build(signal, PartitionConfig(rule="none"))
    model = ModelConfig(name=MODELS[method], hidden_features=8, hidden_layers=1)
    config = replace(CONFIG, method=method, size=size)
    learner = load("meta", method)(
        resolve(model, partition, signal.channels), len(shape), signal.channels, config
    )
    params = as_tensors(learner.parameters(0))
    tasks = gather([signal], [partition], learner.description, params)
    assert learner.transformer.tokens == (size // 4) ** len(shape)
    assert loss(learner, params, tasks, 1) < loss(learner, params, tasks)


@pytest.mark.parametrize("method", MODELS)
def test_an_init_holds_the_transformer_and_gives_the_same(method):
    learner, params, tasks = made(method)
    init = inits.Init(
        kind="image",
        axes=("y", "x"),
        channels=3,
        model=learner.model,
        partition=PartitionConfig(rule="none"),
        config=learner.config,
        params={name: value.detach().numpy() for name, value in params.items()},
    )
    back = inits.loads(init.data)
    assert back.config == learner.config
    assert loss(back.learner, as_tensors(back.params), tasks) == loss(learner, params, tasks)
