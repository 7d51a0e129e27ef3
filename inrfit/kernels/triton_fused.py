"""Forward and backward of many small networks in one Triton kernel; `reference` says what the numbers must be.

It runs chains of affine maps and activations (`mlp`, `partitioned`), not networks with a shared trunk, and is for CUDA.
A program takes some points of one tile. It loads the weights of the tile's region once and walks the points in blocks:
all layers forward, the error, all layers backward, weight gradients added up. Activations and their slopes stay in
registers, so of a step only samples, weights and gradients pass through memory.

Why it is built so:

- Order. Each program writes its gradient to a row of its own, the rows of a region lie together, and a second kernel
  adds them in that order. Nothing is atomic: equal inputs give equal bits on one device.
- Sizes. Two float32 numbers per activation (value and slope), the gradients, and the weights as factors of products all
  want registers. Blocks are therefore small, 32 points, and so is a program: one warp at width 16, two at 32, four
  at 64, about 16 activations of a layer per thread. Compiled for sm_90, larger blocks spill and narrower warps do
  the products of a small gradient twice. Many small programs keep a processor busy where few large ones wait.
- Products. Tensor cores with float32 sums: `tf32x3` has the precision of float32, `tf32` and `bf16` round the factors,
  `ieee` has no tensor cores and is for comparison. The first map is always in full precision: its inputs are
  multiplied by omega and then go into a sine, where an absolute error stays.
- Sines. They are most of the work, so value and slope come from one range reduction and two polynomials. The largest
  error found against double precision is 1.7e-7 up to |x| = 10,000 (sine 1.3e-7); 2e-7 is tested up to 200.

A class holds the buffers, so that a step can be captured in a CUDA graph: `Fused.run` only launches kernels. The first
run compiles them, some seconds for a new network, and comes before the capture.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from inrfit.errors import ConfigError
from inrfit.kernels.batch import Batch
from inrfit.models.description import COORDS, Description
from inrfit.registry import load
from inrfit.steps.activations import Activate, Activation
from inrfit.steps.affine import Affine

KNOWN = {"activation": ("sine", "relu", "finer", "gauss", "wire"), "output": ("linear", "sigmoid")}
"""Names in the registry of what the kernel has a function and a slope for."""

PRECISIONS = ("tf32x3", "tf32", "bf16", "ieee")
"""How factors of products are rounded; sums are float32. The first and the last have the precision of float32."""

WIDEST = 64
"""Most features, channels or hidden features that fit into the registers of a program."""

SHARED = 232448
"""Bytes of shared memory that a program can have on an H100 or H200."""

RESIDENT = 8
"""Warps that run at once on a multiprocessor when each thread has all the registers that it can have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A description as the kernel sees it.

    Attributes:
        features, hidden, channels: widths of the input, of every layer and of the output.
        weights, biases: names of the stacks, the output's last.
        omegas, scales: factors of every layer's activation.
        activation, output: their names in the registry.
        parts: affine outputs that make one hidden feature.
    """

    features: int
    hidden: int
    channels: int
    weights: tuple[str, ...]
    biases: tuple[str, ...]
    omegas: tuple[float, ...]
    scales: tuple[float, ...]
    activation: str
    output: str
    parts: int

    @property
    def layers(self) -> int:
        """Layers that have an activation, the output apart."""
        return len(self.omegas)

    @property
    def stacks(self) -> list[str]:
        """All stacks, in the order in which a program stores their gradients."""
        return [name for pair in zip(self.weights, self.biases, strict=True) for name in pair]

    @property
    def size(self) -> int:
        """Numbers in these stacks for one region."""
        inner = self.features + 1 + (self.layers - 1) * (self.hidden + 1)
        return inner * self.parts * self.hidden + (self.hidden + 1) * self.channels

    @property
    def padded(self) -> tuple[int, int, int]:
        """Widths of input, layers and output as powers of two, at least 16."""
        first, hidden, last = (
            max(16, 1 << (n - 1).bit_length()) for n in (self.features, self.hidden, self.channels)
        )
        return first, hidden, last

    @property
    def padded_weights(self) -> int:
        """Numbers in the padded matrices of one region."""
        first, hidden, last = self.padded
        return self.parts * hidden * (first + (self.layers - 1) * hidden) + hidden * last


def chain_of(description: Description) -> Chain:
    """Read a description as a chain.

    Raises:
        ConfigError: the kernel cannot run it; the message says why.
    """
    affines, activates = description.steps[0::2], description.steps[1::2]
    maps = [step for step in affines if isinstance(step, Affine)]
    functions = [step for step in activates if isinstance(step, Activate)]
    registers = [COORDS, *(step.target for step in description.steps)]
    connected = all(s.sources == (r,) for s, r in zip(description.steps, registers, strict=False))
    alternating = 2 * len(maps) == 2 * len(functions) == len(description.steps)
    if not (alternating and connected and len(maps) > 1 and description.output == registers[-1]):
        raise ConfigError("the fused kernel runs chains of affine maps and activations only")
    stacks = {stack.name: stack for stack in description.stacks}
    if not all(stacks[name].local for step in maps for name in step.stacks):
        raise ConfigError("the fused kernel runs weights of regions only, not weights that regions share")
    *layers, last = functions
    activation = layers[0].activation
    shapes = [stacks[step.weight].shape for step in maps]
    if any(step.activation is not activation for step in layers) or len({s[0] for s in shapes[1:]}) > 1:
        raise ConfigError("the fused kernel runs layers of one width and one activation only")
    return Chain(
        features=shapes[0][0],
        hidden=shapes[-1][0],
        channels=shapes[-1][1],
        weights=tuple(step.weight for step in maps),
        biases=tuple(step.bias for step in maps),
        omegas=tuple(float(step.omega_0) for step in layers),
        scales=tuple(float(step.scale_0) for step in layers),
        activation=_name("activation", activation),
        output=_name("output", last.activation),
        parts=activation.pre_activations,
    )


def supports(description: Description, precision: str = "tf32x3", shared: int = SHARED) -> str | None:
    """Return None if the kernel can run a description, else one sentence on why not.

    Args:
        description: the network.
        precision: one of `PRECISIONS`.
        shared: bytes of shared memory that a program can have on the device.
    """
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    try:
        chain = chain_of(description)
    except ConfigError as error:
        return error.message
    widest = max(chain.features, chain.hidden, chain.channels)
    if widest > WIDEST:
        return f"the fused kernel runs at most {WIDEST} features a layer, not {widest}"
    if (needed := shared_bytes(chain, precision)) > shared:
        return f"the fused kernel needs {needed} bytes of shared memory for this network in {precision}, of {shared}"
    return None


def shared_bytes(chain: Chain, precision: str) -> int:
    """Estimate the shared memory of a program, a little too high.

    The compiler keeps each matrix and its transpose there, and for `tf32x3` the remainders of both; the rest moves
    activations between threads.
    """
    factor = {"tf32x3": 4, "bf16": 1}.get(precision, 2)
    return 4 * chain.padded_weights * factor + 640 * chain.padded[1]


@functools.cache
def available(device: str) -> str | None:
    """Return None if kernels can be launched on a device ("cuda:0"), else one sentence on why not.

    On "cpu" they run only in Triton's interpreter, for tests, with TRITON_INTERPRET=1 set before triton is imported.
    """
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    if torch.device(device).type != "cuda" and not _kernels().INTERPRETED:
        return "triton needs a CUDA device"
    try:
        numbers = torch.zeros(16, device=device)
        with _on(numbers.device):
            _kernels().count[(1,)](numbers, 16)
        works = numbers.tolist() == list(range(16))
    except Exception as error:  # whatever a compiler, a driver or a launcher may raise
        return f"triton cannot launch a kernel on {device}: {' '.join(str(error).split())[:200]}"
    return None if works else f"triton gives wrong numbers on {device}"


def constants(chain: Chain, precision: str, block: int) -> dict[str, Any]:
    """Return what `forward_backward` is compiled for; the factors of activations are not among it."""
    first, width, last = chain.padded
    return {
        "SIZE": chain.size,
        "BLOCK": block,
        "IN": chain.features,
        "HIDDEN": chain.hidden,
        "OUT": chain.channels,
        "IN_PAD": first,
        "WIDTH": width,
        "OUT_PAD": last,
        "LAYERS": chain.layers,
        "PARTS": chain.parts,
        "KIND": chain.activation,
        "OUTPUT": chain.output,
        "PRECISION": precision,
        "FIRST": "ieee" if precision == "ieee" else "tf32x3",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How work is cut.

    Attributes:
        block: points that a program runs at a time, a power of two, at least 16.
        warps: warps of a program.
        split: programs of a tile.
    """

    block: int
    warps: int
    split: int


def launch_for(chain: Chain, tiles: int, points: int, device: torch.device) -> Launch:
    """Return how to cut so many tiles of so many points: programs enough for the device, and no more.

    Every program costs a row of gradients, written and read once.
    """
    block, warps = 32, chain.padded[1] // 16
    if device.type != "cuda":
        return Launch(block=block, warps=warps, split=1)
    processors = torch.cuda.get_device_properties(device).multi_processor_count
    wanted = -(-processors * RESIDENT // (warps * tiles))
    return Launch(block=block, warps=warps, split=max(1, min(wanted, -(-points // block))))


class Fused:
    """A step on one batch, with its buffers.

    The batch's tensors are read at every run: copying new samples into them feeds a captured graph. Owners stay.

    Args:
        description: the network; `supports` must not object.
        batch: contiguous single-precision tiles on the device where it runs.
        groups: groups of the weight stacks.
        precision: one of `PRECISIONS`.
        launch: how work is cut; by the device when None.

    Attributes:
        errors: [tile], as of `reference.errors_and_gradients`, overwritten by every run.
        gradients: stack name -> [group, *shape], likewise.

    Raises:
        ConfigError: the description or the precision is not one that the kernel runs.
    """

    def __init__(
        self,
        description: Description,
        batch: Batch,
        groups: int,
        precision: str = "tf32x3",
        launch: Launch | None = None,
    ) -> None:
        if precision not in PRECISIONS:
            raise ConfigError(f"precision {precision!r} is not known (choose from {', '.join(PRECISIONS)})")
        self.device = batch.targets.device
        if (reason := supports(description, precision, _shared(self.device))) is not None:
            raise ConfigError(reason)
        self.chain, self.batch, self.groups, self.precision = chain_of(description), batch, groups, precision
        self._tensors = [
            t.contiguous() for t in (batch.features[COORDS], batch.targets, batch.mask, batch.weight)
        ]
        self.tiles, self.points = batch.targets.shape[:2]
        self.launch = launch or launch_for(self.chain, self.tiles, self.points, self.device)
        blocks = -(-self.points // self.launch.block)
        self._span = -(-blocks // self.launch.split) * self.launch.block
        self._split = max(1, -(-self.points // self._span))
        self._order()
        self._buffers(description)

    def _order(self) -> None:
        """Give the tiles of each group neighbouring rows, in the order of the batch."""
        owner = self.batch.owner
        by_group = torch.argsort(owner, stable=True)
        self._slot = torch.empty_like(by_group)
        self._slot[by_group] = torch.arange(self.tiles, device=self.device)
        groups = torch.arange(self.groups + 1, device=self.device)
        self._bounds = torch.searchsorted(owner[by_group], groups) * self._split

    def _buffers(self, description: Description) -> None:
        """Lay out the gradients: a row per program, stack after stack in the chain's order; then stack by stack."""
        chain, shapes = self.chain, {stack.name: stack.shape for stack in description.stacks}
        used = chain.stacks
        sizes = [shapes[name][0] * shapes[name][1] for name in used]
        ends = [0]
        for size in sizes:
            ends.append(ends[-1] + -(-self.groups * size // 4) * 4)  # stacks begin at multiples of 16 bytes
        places = torch.cat([start + torch.arange(n) for start, n in zip(ends, sizes, strict=False)])
        strides = torch.cat([torch.full((n,), n) for n in sizes])
        self._places, self._strides = places.to(self.device), strides.to(self.device)
        self._size = chain.size
        self._partials = torch.empty(self.tiles * self._split, self._size, device=self.device)
        self._errors = torch.empty(self.tiles, self._split, device=self.device)
        self._flat = torch.empty(ends[-1], device=self.device)
        self.errors = torch.empty(self.tiles, device=self.device)
        stacks = {
            name: self._flat[start : start + self.groups * size].view(self.groups, *shapes[name])
            for name, (start, _), size in zip(used, pairwise(ends), sizes, strict=True)
        }
        self.gradients = {s.name: stacks[s.name] for s in description.stacks if s.trained}

    def run(self, weights: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return `errors` and `gradients` for weights [group, *shape] in single precision."""
        with _on(self.device):
            self._forward_backward(weights)
            self._sum()
        return self.errors, self.gradients

    def _forward_backward(self, weights: Mapping[str, Tensor]) -> None:
        chain = self.chain
        _kernels().forward_backward[(self.tiles * self._split,)](
            *self._tensors,
            self.batch.owner,
            self._slot,
            tuple(weights[name].detach().contiguous() for name in chain.weights),
            tuple(weights[name].detach().contiguous() for name in chain.biases),
            chain.omegas,
            chain.scales,
            self._partials,
            self._errors,
            self.points,
            self._span,
            self._split,
            **constants(chain, self.precision, self.launch.block),
            num_warps=self.launch.warps,
            num_stages=1,
            enable_fp_fusion=True,
        )

    def _sum(self) -> None:
        """Add up the rows of each group, and the errors of each tile."""
        mean = max(1, self.tiles * self._split // self.groups)
        rows = min(64, 1 << (mean - 1).bit_length())
        columns = min(256, 2048 // rows)
        _kernels().sum_by_group[(self.groups, -(-self._size // columns))](
            self._partials,
            self._bounds,
            self._places,
            self._strides,
            self._flat,
            SIZE=self._size,
            ROWS=rows,
            COLUMNS=columns,
            enable_fp_fusion=True,
        )
        torch.sum(self._errors, 1, out=self.errors)


def errors_and_gradients(
    description: Description, weights: Mapping[str, Tensor], batch: Batch, precision: str = "tf32x3"
) -> tuple[Tensor, dict[str, Tensor]]:
    """Do what `reference.errors_and_gradients` does, with buffers for one call."""
    groups = len(weights[chain_of(description).weights[0]])
    return Fused(description, batch, groups, precision).run(weights)


def _name(kind: str, activation: Activation) -> str:
    """Return the name of an activation that the kernel knows."""
    for name in KNOWN[kind]:
        if load(kind, name) is activation:
            return name
    raise ConfigError(f"the fused kernel does not know the {kind} of this network")


def _shared(device: torch.device) -> int:
    """Return the bytes of shared memory that a program can have."""
    if device.type != "cuda":
        return SHARED
    return torch.cuda.get_device_properties(device).shared_memory_per_block_optin


def _kernels() -> Any:
    """Import the device code, and triton with it."""
    from inrfit.kernels import triton_kernels

    return triton_kernels


def _on(device: torch.device) -> Any:
    """Make a CUDA device the current one, on which triton launches."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()
