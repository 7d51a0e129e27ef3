"""The fast ways on CUDA: steps recorded as CUDA graphs, with plain PyTorch or the fused Triton kernel inside.

Not the default before results from hardware are committed; `--kernel cuda-graphs` and `--kernel triton` choose them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from inrfit.device import Device
from inrfit.kernels import triton_fused
from inrfit.kernels.batch import Batch, Pulled, Sums, Tiles
from inrfit.kernels.reference import Reference
from inrfit.models.description import Description

WARM_UP = 3
"""Calls before a function is recorded: they compile kernels and reserve memory, which a recording must not."""


class Graphs(Reference):
    """The plain kernel, in steps that are recorded."""

    recorded: ClassVar[bool] = True

    @staticmethod
    def refuses(description: Description, device: Device) -> str | None:
        """Return why the kernel cannot run a description on a device; None when it can."""
        return None if device.is_cuda else f"it is for CUDA, not for {device.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fusable:
    """A batch with the buffers of its fused kernel.

    Attributes:
        batch: the batch, for the steps that want second moments.
        fused: the kernel with its buffers.
    """

    batch: Batch
    fused: triton_fused.Fused


class Triton(Reference):
    """The fused kernel; values, and second moments, which are wanted every few steps, come from the plain one."""

    recorded: ClassVar[bool] = True

    @staticmethod
    def refuses(description: Description, device: Device) -> str | None:
        """Return why the kernel cannot run a description on a device; None when it can."""
        if not device.is_cuda:
            return f"it is for CUDA, not for {device.name}"
        memory = torch.cuda.get_device_properties(device.name).shared_memory_per_block_optin
        return triton_fused.supports(description, shared=memory) or triton_fused.available(device.name)

    def prepare(self, tiles: Tiles) -> Any:
        """Return a batch with the buffers of its kernel; other tiles as they are."""
        if not isinstance(tiles, Batch):
            return tiles
        groups = int(tiles.owner.max()) + 1
        return Fusable(batch=tiles, fused=triton_fused.Fused(self._description, tiles, groups))

    def values(self, weights: Mapping[str, Tensor], tiles: Any) -> Tensor:
        """Return the values of tiles as the plain kernel does."""
        return super().values(weights, _plain(tiles))

    def pull(
        self, weights: Mapping[str, Tensor], tiles: Any, gradient: Tensor, *, moments: bool = False
    ) -> Pulled:
        """Return the gradients of stacks by that of the values as the plain kernel does."""
        return super().pull(weights, _plain(tiles), gradient, moments=moments)

    def sums(self, weights: Mapping[str, Tensor], batch: Any, *, moments: bool = False) -> Sums:
        """Return errors and gradients; without moments in memory that the next call for this batch uses again."""
        if moments:
            return super().sums(weights, batch.batch, moments=True)
        errors, gradients = batch.fused.run(weights)
        return Sums(errors=errors, gradients=gradients, moments={})


def _plain(tiles: Any) -> Tiles:
    """Return prepared tiles as the plain kernel takes them."""
    return tiles.batch if isinstance(tiles, Fusable) else tiles


class Recorded:
    """A function without arguments that is run a few times, then recorded as a CUDA graph, then replayed.

    What it reads and writes must stay where it is: it may take nothing from the host and must not synchronise.

    Args:
        function: what is recorded.
        device: name of the CUDA device.
    """

    def __init__(self, function: Callable[[], None], device: str) -> None:
        self._function, self._device = function, device
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        """Run the function, or replay what it did."""
        if self._graph is not None:
            self._graph.replay()
            return
        self._calls += 1
        if self._calls <= WARM_UP:
            self._aside()
            return
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._function()
        self._graph = graph
        graph.replay()

    def _aside(self) -> None:
        """Run on a stream of its own, as autograd wants it before a recording."""
        stream = torch.cuda.Stream(self._device)
        stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(stream):
            self._function()
        torch.cuda.current_stream(self._device).wait_stream(stream)
