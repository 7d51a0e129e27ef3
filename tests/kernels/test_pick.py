"""Which kernel runs where, and recording: without CUDA by a stand-in for it, on hardware for real."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import torch
from make.data import textured

from inrfit import api, registry
from inrfit.device import Device
from inrfit.errors import ConfigError
from inrfit.kernels import cpu, cuda, reference
from inrfit.kernels.pick import pick_kernel
from inrfit.models.config import ModelConfig
from inrfit.models.description import describe

CPU = Device(name="cpu", threads=1, why="")
CUDA = Device(name="cuda:0", threads=1, why="")


def description_of(name="partitioned", **more):
    trunk = {"trunk_features": 6, "trunk_omega_0": 9.0} if name == "local-global" else {}
    sizes = {"hidden_features": 5, "first_omega_0": 9.0, "hidden_omega_0": 9.0}
    return describe(ModelConfig(name=name, **sizes, **trunk, **more), 2, 3)


def test_by_default_the_fast_one_runs_on_a_cpu_and_the_plain_one_on_cuda():
    assert isinstance(pick_kernel("auto", description_of(), CPU), cpu.Cpu)
    assert type(pick_kernel("auto", description_of(), CUDA)) is reference.Reference


@pytest.mark.parametrize("name", ["cuda-graphs", "triton"])
def test_kernels_for_cuda_say_that_they_are(name):
    with pytest.raises(ConfigError, match=f"--kernel {name} cannot run this: it is for CUDA, not for cpu"):
        pick_kernel(name, description_of(), CPU)


def test_the_kernel_for_the_cpu_says_that_it_is():
    with pytest.raises(ConfigError, match="for the CPU, not for cuda:0"):
        pick_kernel("cpu", description_of(), CUDA)


def test_triton_says_what_it_cannot_run(monkeypatch):
    class Properties:
        shared_memory_per_block_optin = 232448

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda name: Properties)
    monkeypatch.setattr(cuda.triton_fused, "available", lambda name: None)
    pytest.importorskip("triton")
    assert cuda.Triton.refuses(description_of(), CUDA) is None
    assert cuda.Triton.refuses(description_of("local-global"), CUDA)


def test_kernels_agree_on_a_fit():
    words = {"grid": (2, 2), "hidden_features": 9, "steps": 30, "weights": "float32", "device": "cpu"}
    by_kernel = [api.fit(textured(24, 30), kernel=name, **words) for name in ("cpu", "reference")]
    assert by_kernel[0].psnr == pytest.approx(by_kernel[1].psnr, abs=0.1)


@pytest.fixture
def recorded_calls(monkeypatch):
    """Stand in for CUDA: a graph replays the function that was recorded."""
    current = []

    class Graph:
        def replay(self):
            self.function()

    @contextmanager
    def graph(made):
        current.append(made)
        yield
        current.pop()

    class Stream:
        def __init__(self, device):
            pass

        def wait_stream(self, other):
            pass

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream(device))
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    return current


def test_a_function_is_run_then_recorded_then_replayed(recorded_calls):
    calls = []

    def function():
        calls.append("recorded" if recorded_calls else "run")
        if recorded_calls:
            recorded_calls[-1].function = lambda: calls.append("replayed")

    made = cuda.Recorded(function, "cuda:0")
    for _ in range(cuda.WARM_UP + 3):
        made()
    assert calls == ["run"] * cuda.WARM_UP + ["recorded", *["replayed"] * 3]


@pytest.mark.parametrize("options", [{}, {"optimiser": "adam"}, {"target_psnr": 18.0, "steps": 200}])
def test_steps_that_could_be_recorded_find_all_they_need_where_it_was(options, monkeypatch, recorded_calls):
    """Of a step, nothing but what lies in persistent memory may change: a replay that runs the function again on the
    same objects gives the fit that plain steps give."""

    def function_of(made):
        recorded_calls[-1].function = made

    plain = {"grid": (1, 2), "hidden_features": 6, "steps": 20, "device": "cpu", "kernel": "reference"}
    expected = api.fit(textured(12, 18), **{**plain, **options})
    monkeypatch.setattr(reference.Reference, "recorded", True)
    before = cuda.Recorded.__call__

    def replaying(self):
        if self._graph is None and self._calls == cuda.WARM_UP:
            original = self._function

            def recording():
                recorded_calls[-1].function = original

            self._function = recording
        before(self)

    monkeypatch.setattr(cuda.Recorded, "__call__", replaying)
    found = api.fit(textured(12, 18), **{**plain, **options})
    for name, weights in expected.weights.items():
        assert np.array_equal(found.weights[name], weights), name


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("name", [n for n in registry.names("kernel") if n != "cpu"])
def test_on_hardware_every_kernel_reaches_the_quality_of_the_plain_one(name):
    words = {"grid": (4, 4), "hidden_features": 12, "steps": 60, "device": "cuda"}
    plain = api.fit(textured(96, 128), kernel="reference", **words)
    assert api.fit(textured(96, 128), kernel=name, **words).psnr == pytest.approx(plain.psnr, abs=0.3)
