"""The fused kernel against the reference; without a CUDA device it runs in Triton's interpreter.

Triton decides when it is imported whether its functions are interpreted, and torch may have imported it for another
test. The interpreter therefore gets a process of its own: the last test of this file runs the file again, with
TRITON_INTERPRET set. Tests that launch kernels are skipped in a process that cannot.

Tolerances are relative to the largest gradient of all stacks. The interpreter computes every precision but bf16 in
float32, and has no products of bf16.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch

from inrfit import registry
from inrfit.errors import ConfigError
from inrfit.kernels import reference, triton_fused
from inrfit.kernels.batch import Batch, encode
from inrfit.kernels.triton_fused import Fused, Launch
from inrfit.models.config import ModelConfig
from inrfit.models.description import COORDS, Description, describe, initial_weights, without

HAS_TRITON = importlib.util.find_spec("triton") is not None
CAN_INTERPRET = HAS_TRITON and tuple(map(int, version("triton").split(".")[:2])) >= (3, 9)
"""The interpreters of 3.4 and 3.6 do not run with NumPy 2.4; their compilers do."""
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cuda" if torch.cuda.is_available() and not INTERPRETED else "cpu"
TOLERANCE = {"ieee": 2e-5, "tf32x3": 2e-5, "tf32": 1e-2, "bf16": 5e-2}

needs_triton = pytest.mark.skipif(not HAS_TRITON, reason="triton is not installed")
launches = pytest.mark.skipif(
    not HAS_TRITON or (DEVICE == "cpu" and not INTERPRETED), reason="needs CUDA, or Triton's interpreter"
)
on_cuda = pytest.mark.skipif(not HAS_TRITON or DEVICE == "cpu", reason="needs CUDA")

OWNERS = [2, 0, 0, 2, 1, 2]
"""Out of order, several tiles for a region, none for region 3."""


def network(width: int = 5, depth: int = 1, **options) -> Description:
    usual = {"name": "partitioned", "first_omega_0": 15.0, "hidden_omega_0": 8.0, "scale_0": 1.5}
    return describe(ModelConfig(hidden_features=width, hidden_layers=depth, **usual | options), 2, 3)


def numbers(description: Description, points: int = 40) -> tuple[dict[str, torch.Tensor], Batch]:
    """Make weights of four regions, and ragged tiles of them."""
    random = np.random.default_rng(0)
    initial = initial_weights(description, range(4), 0)
    weights = {
        n: torch.tensor(w + random.normal(0, 0.02, w.shape), dtype=torch.float32) for n, w in initial.items()
    }

    def made(*shape: int, low: float = -1.0) -> torch.Tensor:
        return torch.tensor(random.uniform(low, 1, (len(OWNERS), points, *shape)), dtype=torch.float32)

    filled = torch.tensor([points, points, 7, 1, points, 23])[:, None] > torch.arange(points)
    mask = (filled & (made(low=-0.2) > 0)).float()[..., None]
    coords = made(2) * filled[..., None]
    batch = Batch(
        features={COORDS: encode(description, weights, coords.double())},
        targets=made(3) * filled[..., None],
        mask=mask,
        weight=filled[..., None] * made(1, low=0) * 3,
        owner=torch.tensor(OWNERS),
    )
    return weights, batch


def moved(batch: Batch) -> Batch:
    return replace(
        batch,
        features={name: x.to(DEVICE) for name, x in batch.features.items()},
        **{name: getattr(batch, name).to(DEVICE) for name in ("targets", "mask", "weight", "owner")},
    )


def fused(description, weights, batch, precision="ieee", launch=None):
    step = Fused(description, moved(batch), 4, precision, launch)
    errors, gradients = step.run({n: w.to(DEVICE) for n, w in weights.items()})
    return errors.cpu(), {n: g.cpu() for n, g in gradients.items()}


def check(description, precision="ieee", launch=None, points=40):
    weights, batch = numbers(description, points)
    errors, gradients = reference.errors_and_gradients(description, weights, batch)
    errors2, gradients2 = fused(description, weights, batch, precision, launch)
    tolerance = TOLERANCE[precision]
    assert list(gradients2) == list(gradients)
    assert errors2 == pytest.approx(errors, abs=tolerance * float(errors.max()), rel=tolerance)
    largest = max(float(g.abs().max()) for g in gradients.values())
    for name, gradient in gradients.items():
        assert gradients2[name].shape == gradient.shape
        assert float((gradients2[name] - gradient).abs().max()) <= tolerance * largest, name


@launches
@pytest.mark.parametrize("output", registry.names("output"))
@pytest.mark.parametrize("activation", registry.names("activation"))
def test_every_activation_and_output_agrees(activation, output):
    check(network(activation=activation, output=output))


@launches
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
@pytest.mark.parametrize("width", [16, 33])
def test_every_width_and_depth_agrees(width, depth):
    check(network(width, depth))


@launches
def test_a_wide_wavelet_agrees():
    check(network(17, 2, activation="wire"))


@launches
@pytest.mark.parametrize("encoding", ["harmonic", "rff"])
def test_encoded_features_agree_and_frequencies_are_not_trained(encoding):
    check(network(9, 1, encoding=encoding, bands=5, features=10, first_omega_0=2.0))


@launches
@pytest.mark.parametrize("precision", ["tf32x3", "tf32", pytest.param("bf16", marks=on_cuda)])
@pytest.mark.parametrize("width", [13, 17, 62])
def test_every_precision_agrees_within_its_tolerance(width, precision):
    check(network(width, 2), precision)


@launches
@pytest.mark.parametrize("launch", [(16, 1, 3), (32, 2, 2), (64, 4, 1), (32, 1, 9)])
def test_how_work_is_cut_does_not_matter(launch):
    block, warps, split = launch
    check(network(), launch=Launch(block=block, warps=warps, split=split), points=100)


@launches
def test_frozen_stacks_have_no_gradient():
    description = without(network(), ["weight0", "bias2"])
    check(description)
    _, gradients = fused(description, *numbers(description))
    assert list(gradients) == ["bias0", "weight1", "bias1", "weight2"]


@launches
def test_two_runs_give_the_same_bits():
    description = network(16, 2)
    weights, batch = numbers(description)
    step = Fused(description, moved(batch), 4, launch=Launch(block=16, warps=1, split=3))
    weights = {n: w.to(DEVICE) for n, w in weights.items()}
    first = [x.clone() for x in (step.run(weights)[0], *step.gradients.values())]
    second = [step.run(weights)[0], *step.gradients.values()]
    again = fused(description, weights, batch, "tf32x3", Launch(block=16, warps=1, split=3))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(torch.equal(a.cpu(), b) for a, b in zip(first, [again[0], *again[1].values()], strict=True))


@launches
def test_the_thin_function_has_the_signature_of_the_reference():
    description = network()
    weights, batch = numbers(description)
    expected, _ = reference.errors_and_gradients(description, weights, batch)
    on_device = {n: w.to(DEVICE) for n, w in weights.items()}
    errors, _ = triton_fused.errors_and_gradients(description, on_device, moved(batch))
    assert errors.cpu() == pytest.approx(expected, rel=1e-4, abs=1e-4)


@launches
def test_sine_and_cosine_are_within_2e_7_up_to_200():
    from make.sines import sines

    x = torch.linspace(-200, 200, 1 << 16, device=DEVICE)
    values = torch.empty(2, len(x), device=DEVICE)
    sines[(len(x) // 1024,)](x, values, len(x), 1024)
    exact = torch.stack([x.double().sin(), x.double().cos()])
    assert float((values.double() - exact).abs().max()) < 2e-7


@on_cuda
def test_a_captured_graph_follows_its_inputs():
    description = network(16, 2)
    weights, batch = numbers(description)
    weights, batch = {n: w.cuda() for n, w in weights.items()}, moved(batch)
    step = Fused(description, batch, 4)
    step.run(weights)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step.run(weights)
    weights["bias2"] += 0.1
    graph.replay()
    replayed = step.errors.clone()
    assert torch.equal(replayed, step.run(weights)[0])


@launches
def test_a_device_that_works_is_available():
    assert triton_fused.available(DEVICE) is None


def compiled(kernel, types, fixed, warps):
    """Compile a kernel for an H100, which need not be there; what has no type is a pointer to single precision."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    signature = {name: types.get(name, "*fp32") for name in kernel.arg_names} | dict.fromkeys(
        fixed, "constexpr"
    )
    options = {"num_warps": warps, "num_stages": 1, "enable_fp_fusion": True}
    source = ASTSource(kernel, signature, constexprs=fixed)
    return triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)


@needs_triton
@pytest.mark.skipif(INTERPRETED, reason="compiles")
@pytest.mark.parametrize(
    ("width", "precision", "options"), [(13, "bf16", {}), (20, "tf32", {"activation": "wire"})]
)
def test_the_kernel_compiles_into_the_memory_it_is_said_to_need(
    width, precision, options, tmp_path, monkeypatch
):
    """What the interpreter lets pass, the compiler may not. A split of 1 is a constant, as it is when launched."""
    from inrfit.kernels.triton_kernels import forward_backward

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    chain = triton_fused.chain_of(network(width, 1, **options))
    fixed = triton_fused.constants(chain, precision, 32) | ({"split": 1} if options else {})
    layers, maps = ("fp32",) * chain.layers, ("*fp32",) * (chain.layers + 1)
    types = {"owner": "*i64", "slot": "*i64", "points": "i32", "span": "i32", "split": "i32"}
    types |= {"weights": maps, "biases": maps, "omegas": layers, "scales": layers}
    made = compiled(forward_backward, types, fixed, warps=chain.padded[1] // 16)
    assert "mma" in made.asm["ptx"]
    assert made.metadata.shared <= triton_fused.shared_bytes(chain, precision)


@needs_triton
@pytest.mark.skipif(INTERPRETED, reason="compiles")
def test_the_sum_compiles(tmp_path, monkeypatch):
    from inrfit.kernels.triton_kernels import sum_by_group

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    types = dict.fromkeys(["bounds", "places", "strides"], "*i64")
    made = compiled(sum_by_group, types, {"SIZE": 99, "ROWS": 16, "COLUMNS": 128}, warps=4)
    assert "atom" not in made.asm["ptx"]


@needs_triton
@pytest.mark.parametrize(
    ("width", "options", "reason"),
    [
        (65, {}, "at most 64 features a layer, not 65"),
        (9, {"encoding": "rff", "features": 40}, "at most 64 features a layer, not 80"),
        (64, {"activation": "wire"}, "bytes of shared memory for this network in tf32x3"),
        (9, {"name": "local-global", "trunk_features": 4}, "chains of affine maps"),
    ],
)
def test_the_reason_against_a_network_is_given(width, options, reason):
    assert reason in triton_fused.supports(network(width, 3, **options))


@needs_triton
def test_less_precision_needs_less_shared_memory():
    assert triton_fused.supports(network(64, 3)) is not None
    assert triton_fused.supports(network(64, 3), "tf32") is None


def test_without_triton_the_reason_is_given(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    triton_fused.available.cache_clear()
    assert triton_fused.supports(network()) == "triton is not installed"
    assert triton_fused.available("cuda") == "triton is not installed"
    triton_fused.available.cache_clear()


@needs_triton
@pytest.mark.skipif(INTERPRETED, reason="the interpreter runs on the CPU")
def test_on_the_cpu_the_reason_is_given():
    assert triton_fused.available("cpu") == "triton needs a CUDA device"


@needs_triton
def test_networks_and_precisions_that_are_not_supported_are_errors():
    batch = numbers(network())[1]
    with pytest.raises(ConfigError, match="not 65"):
        Fused(network(65), batch, 4)
    with pytest.raises(ConfigError, match="fp8"):
        Fused(network(), batch, 4, "fp8")


@needs_triton
def test_rows_of_a_region_lie_together_in_the_order_of_its_tiles():
    step = Fused(network(), numbers(network())[1], 4, launch=Launch(block=16, warps=1, split=2))
    assert step._slot.tolist() == [3, 0, 1, 4, 2, 5]
    assert step._bounds.tolist() == [0, 4, 6, 12, 12]


def test_the_size_of_a_chain_is_that_of_its_stacks():
    description = network(7, 2, activation="wire")
    chain = triton_fused.chain_of(description)
    assert chain.size == description.count(1)
    assert chain.stacks == [stack.name for stack in description.stacks]


@pytest.mark.skipif(not CAN_INTERPRET, reason="needs triton 3.9")
@pytest.mark.skipif(DEVICE == "cuda" or INTERPRETED, reason="kernels are launched in this process")
def test_everything_that_launches_passes_in_the_interpreter():
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV_CORE"))}
    environment |= {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--override-ini=addopts=--import-mode=importlib", __file__],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
