"""Several processes that train one init, as `torchrun` starts them: who this one is, and sums over all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from inrfit.device import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """This process among those that train together.

    Attributes:
        rank: number of this process; 0 alone writes and talks.
        world: how many there are.
    """

    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes and talks."""
        return self.rank == 0

    def share(self, count: int) -> range:
        """Return which of `count` pieces of work are for this process."""
        return range(self.rank, count, self.world)

    def summed(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return the sums of tensors over all processes; the same bits in each."""
        if self.world == 1:
            return list(tensors)
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        torch.distributed.all_reduce(flat)
        parts = flat.split([tensor.numel() for tensor in tensors])
        return [part.view_as(tensor) for part, tensor in zip(parts, tensors, strict=True)]


def from_environment() -> Ranks:
    """Return who this process is by the variables that `torchrun` sets; alone without them."""
    world = _number("WORLD_SIZE", 1)
    return Ranks(rank=_number("RANK", 0), world=world) if world > 1 else Ranks()


def own_device(wanted: str) -> str:
    """Return the device of this process: where there are several, each takes the accelerator of its local rank."""
    if from_environment().world > 1 and wanted in ("auto", "cuda") and torch.cuda.is_available():
        return f"cuda:{_number('LOCAL_RANK', 0)}"
    return wanted


@contextmanager
def joined(ranks: Ranks, device: Device) -> Iterator[None]:
    """Join the processes while it lasts: nccl on CUDA, gloo on the CPU."""
    if ranks.world == 1:
        yield
        return
    if device.is_cuda:
        torch.cuda.set_device(device.name)
    torch.distributed.init_process_group(
        "nccl" if device.is_cuda else "gloo", rank=ranks.rank, world_size=ranks.world
    )
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


def _number(variable: str, default: int) -> int:
    text = os.environ.get(variable, "")
    return int(text) if text.isdigit() else default
