import os

import pytest
import torch

from inrfit.device import cores, pick_device
from inrfit.errors import DeviceError


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: f"card {number}")


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_cpu_says_how_many_threads():
    assert pick_device("cpu", 1).why == "cpu (1 thread)"
    assert pick_device("cpu").threads == cores() == len(os.sched_getaffinity(0))


def test_auto_falls_back_with_the_reason(no_gpu, monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", None)
    assert "built without CUDA" in pick_device("auto", 2).why
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert "no CUDA device was found" in pick_device("auto", 2).why


def test_cuda_without_one_is_an_error_with_the_reason(no_gpu):
    with pytest.raises(DeviceError, match="--device cuda:1") as caught:
        pick_device("cuda:1")
    assert "--device cpu" in caught.value.hint


def test_auto_takes_the_first_card_and_a_number_another(two_gpus):
    assert (pick_device().name, pick_device("cuda").name) == ("cuda:0", "cuda:0")
    assert pick_device("cuda:1").why == "cuda:1 (card 1)"
    assert pick_device("cuda:1").is_cuda
    with pytest.raises(DeviceError, match="2 CUDA devices"):
        pick_device("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "CPU", ""])
def test_other_names_are_refused(name):
    with pytest.raises(DeviceError, match="choose from auto, cpu, cuda"):
        pick_device(name)
