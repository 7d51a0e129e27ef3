"""The fit: Adam on weight stacks, tile by tile, the same bits with any number of threads.

Each region's gradient is that of its own mean squared error, so a region learns at the same pace whatever the size
of the signal around it; a shared stack sees the mean over all samples.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.config import FitConfig, ModelConfig
from inrfit.coords import Frame, global_frame
from inrfit.device import Device
from inrfit.errors import FitError, Interrupted
from inrfit.fitting.checkpoint import Checkpoint
from inrfit.fitting.events import FitEvent
from inrfit.fitting.measure import with_errors
from inrfit.fitting.sampling import Block, Samples, by_error
from inrfit.kernels import reference
from inrfit.kernels.threads import tile_threads
from inrfit.kernels.tiles import tile_points
from inrfit.metrics.fidelity import unit_decibel
from inrfit.models.description import describe, initial_weights, without
from inrfit.models.field import Field
from inrfit.models.sizing import default_lr
from inrfit.partitions import Partition
from inrfit.registry import load
from inrfit.signal import Signal

TIMED_STEPS = 8
"""Steps after which `max_time` fixes how many there will be; fewer where they take half of it."""

ESTIMATE_SLACK = 0.5
"""How far, in dB, the PSNR of the decoded output may lie above that of the network's own output."""

BETA1 = 0.9
"""Decay of Adam's running mean of gradients."""

SHARED_LR = 0.2
"""Learning rate of weights that all regions share, as a factor of that of the regions' own."""

SPEND_EVERY = 25
"""Steps after which samples are spent anew, where they are spent by error."""

ERROR_DECAY = 0.9
"""Weight of the past in the running mean of the errors that they are spent by."""

TARGET_SLACK = 0.1
"""A target PSNR is reached or exceeded by at most this many dB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Hooks of a fit.

    Attributes:
        on_event: called at every step on the CPU, at every tenth on CUDA, where asking costs time; a target PSNR is
            looked for as often.
        stop: asked before every step; True saves the state and raises Interrupted.
        save: takes a checkpoint of the state; None when nothing is to be kept.
        save_every: seconds between checkpoints.
    """

    on_event: Callable[[FitEvent], None] = lambda event: None
    stop: Callable[[], bool] = lambda: False
    save: Callable[[Checkpoint], None] | None = None
    save_every: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a fit begins with, where it is not afresh.

    Attributes:
        weights: stack name -> initial weights [group, *shape], in place of drawn ones.
        frozen: names of stacks that are not trained.
        frame: the global frame; that of the domain when None.
        tile: points of a decode tile; by the size of the regions when None.
        known: which samples of the domain have a target, [*shape] bool; all when None.
    """

    weights: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    frozen: frozenset[str] = frozenset()
    frame: Frame | None = None
    tile: int | None = None
    known: NDArray[np.bool_] | None = None


def fit(
    signal: Signal,
    partition: Partition,
    model: ModelConfig,
    config: FitConfig,
    device: Device,
    progress: Progress | None = None,
    resume: Checkpoint | None = None,
    start: Start | None = None,
) -> Field:
    """Fit a field to a signal.

    Args:
        signal: what to fit.
        partition: its regions.
        model: a resolved configuration.
        config: steps, rates, seeds.
        device: where it runs.
        progress: hooks; none by default.
        resume: state to go on from; the result is the same, bit for bit on the CPU, as without the break.
        start: what to begin with; a fresh field when None.

    Returns:
        The field with its weights as a file keeps them, its PSNR and its errors per region measured on the decoded
        output.

    Raises:
        FitError: the fit diverged.
        Interrupted: `progress.stop` said so.
    """
    return _Fit(signal, partition, model, config, device, progress or Progress(), start or Start()).run(
        resume
    )


class _Fit:
    """The state of one fit; `run` is the loop."""

    def __init__(
        self,
        signal: Signal,
        partition: Partition,
        model: ModelConfig,
        config: FitConfig,
        device: Device,
        progress: Progress,
        start: Start,
    ) -> None:
        self.signal, self.partition, self.config = signal, partition, config
        self.device, self.progress = device, progress
        self.description = without(
            describe(model, partition.domain.dimensions, signal.channels), start.frozen
        )
        ids = [region.id for region in partition.regions]
        initial = {**initial_weights(self.description, ids, config.seed), **start.weights}
        self.weights = {name: torch.tensor(w, device=device.name) for name, w in initial.items()}
        self.local = {stack.name: stack.local for stack in self.description.stacks}
        self.trained = [stack.name for stack in self.description.stacks if stack.trained]
        self.gradients = {name: torch.zeros_like(self.weights[name]) for name in self.trained}
        for name, gradient in self.gradients.items():
            self.weights[name].grad = gradient
        self.lr = default_lr(model) if config.lr is None else config.lr
        groups = []
        for local, factor in ((True, 1.0), (False, SHARED_LR)):
            leaves = [self.weights[name] for name in self.trained if self.local[name] == local]
            groups += [{"params": leaves, "factor": factor}] if leaves else []
        self.optimiser = torch.optim.Adam(groups, lr=self.lr, betas=(BETA1, config.beta2), fused=True)
        self.step, self.steps, self.fixed = 0, config.steps, False
        self.warm = 0.0
        self.blank = Field(
            model=model,
            partition=partition,
            frame=start.frame or global_frame(partition.domain),
            info=signal.info,
            channels=signal.channels,
            weights=initial,
            tile=start.tile or tile_points(partition.areas),
            seed=config.seed,
            weight_type=config.weights,
        )
        self.samples = Samples(
            signal, self.blank, self.description, self.weights, config, torch.device(device.name), start.known
        )
        counted = torch.tensor(self.samples.areas, dtype=torch.float32, device=device.name)
        self.values = counted[:, None, None] * signal.channels
        self.errors = np.zeros(len(partition))
        self.by_error = config.points is not None and config.sampling == "error"
        self.before: dict[str, Tensor] | None = None

    def run(self, resume: Checkpoint | None) -> Field:
        if resume is not None:
            self._restore(resume)
        first = self.step
        began = saved = time.monotonic()
        schedule = load("schedule", self.config.schedule)
        every = 10 if self.device.is_cuda else 1
        with tile_threads(1 if self.device.is_cuda else self.device.threads) as map_slots:
            while self.step < self.steps:
                if self.progress.stop():
                    raise self._interrupted()
                squares = self._gradients(map_slots)
                if self.step % every == 0 or self.step == self.steps - 1:
                    event = self._event(squares, time.monotonic() - began)
                    self.progress.on_event(event)
                    if (found := self._at_target(event.psnr)) is not None:
                        return found
                if self.by_error:
                    self._spend(squares)
                for group in self.optimiser.param_groups:
                    group["lr"] = self.lr * group["factor"] * schedule(self.step, self.steps)
                self.optimiser.step()
                self.step += 1
                if self.config.max_time is not None and not self.fixed:
                    self._fix_steps(self.step - first, began, self.config.max_time)
                if self.progress.save and time.monotonic() - saved > self.progress.save_every:
                    self.progress.save(self.checkpoint())
                    saved = time.monotonic()
        return self._at_target(math.inf) or self._measured(self.weights)

    def _gradients(self, map_slots: Callable[..., Iterator]) -> Tensor:
        """Put the gradients of a step where the optimiser finds them.

        Returns:
            The squared errors of each region, summed over all its samples, estimated where only some are used.
        """
        squares = torch.zeros(len(self.partition), dtype=torch.float64, device=self.device.name)
        for gradient in self.gradients.values():
            gradient.zero_()
        for first, last, slot_squares, gradients in map_slots(self._slot, self.samples.slots):
            squares[first : last + 1] += slot_squares
            for name, gradient in gradients.items():
                rows = slice(first, last + 1) if self.local[name] else slice(None)
                self.gradients[name][rows] += gradient
        for name, gradient in self.gradients.items():
            gradient /= self.values if self.local[name] else self.values.sum()
        if self.config.points is None:
            return squares
        used = np.divide(self.samples.areas, self.samples.counts)
        return squares * torch.from_numpy(used).to(squares.device)

    def _slot(self, blocks: list[Block]) -> tuple[int, int, Tensor, dict[str, Tensor]]:
        """Add up the errors and gradients of a slot's blocks, in order."""
        first, last = blocks[0].first, blocks[-1].last
        squares = torch.zeros(last + 1 - first, dtype=torch.float64, device=self.device.name)
        totals: dict[str, Tensor] = {}
        for block in blocks:
            rows = slice(block.first, block.last + 1)
            weights = {n: w[rows] if self.local[n] else w for n, w in self.weights.items()}
            batch = self.samples.batch(block, self.step)
            errors, gradients = reference.errors_and_gradients(self.description, weights, batch)
            inside = slice(block.first - first, block.last + 1 - first)
            squares[inside] += torch.zeros_like(squares[inside]).index_add_(0, batch.owner, errors.double())
            for name, gradient in gradients.items():
                if name not in totals:
                    groups = last + 1 - first if self.local[name] else 1
                    totals[name] = gradient.new_zeros((groups, *gradient.shape[1:]))
                totals[name][inside if self.local[name] else slice(None)] += gradient
        return first, last, squares, totals

    def _event(self, squares: Tensor, seconds: float) -> FitEvent:
        loss = float(squares.sum()) / (sum(self.partition.areas) * self.signal.channels)
        if not math.isfinite(loss):
            raise FitError(
                f"the fit diverged: the loss is {loss} after {self.step} steps",
                hint=f"use a lower learning rate than --lr {self.lr:g}",
            )
        return FitEvent(step=self.step, steps=self.steps, loss=loss, psnr=unit_decibel(loss), seconds=seconds)

    def _spend(self, squares: Tensor) -> None:
        """Note the errors per region, and now and then spend the samples of a step by them."""
        now = squares.cpu().numpy() / (np.asarray(self.partition.areas) * self.signal.channels)
        self.errors = self.errors * ERROR_DECAY + now * (1 - ERROR_DECAY)
        if (self.step + 1) % SPEND_EVERY == 0:
            self.samples.spend(by_error(self.config.points or 1, self.errors, self.samples.areas))

    def _fix_steps(self, done: int, began: float, limit: float) -> None:
        """Fix the number of steps, once per fit, by the time of those after the first, which also prepares."""
        if self.device.is_cuda:
            torch.cuda.synchronize(self.device.name)
        now = time.monotonic()
        if done == 1:
            self.warm = now
        if done < TIMED_STEPS and now - began < limit / 2:
            return
        each = (now - self.warm) / (done - 1) if done > 1 else now - began
        left = max(0.0, began + limit - now)
        self.steps = min(self.config.steps, self.step + int(left / max(each, 1e-9)))
        self.fixed = True

    def _at_target(self, estimate: float) -> Field | None:
        """Return the field that meets the target PSNR, once the current weights reach it."""
        target = self.config.target_psnr
        if target is None:
            return None
        found = None
        if estimate >= target - ESTIMATE_SLACK:
            now = self._measured(self.weights)
            if now.psnr is not None and now.psnr >= target:
                found = now if self.before is None else self._between(self.before, now, target)
        self.before = {name: w.detach().clone() for name, w in self.weights.items()}
        return found

    def _between(self, before: dict[str, Tensor], now: Field, target: float) -> Field:
        """Bisect the line from the weights before the last step to those after it, to hit the target."""
        low, high = 0.0, 1.0
        while (now.psnr or 0.0) > target + TARGET_SLACK and high - low > 1e-4:
            middle = (low + high) / 2
            mixed = {n: torch.lerp(before[n], w, middle) for n, w in self.weights.items()}
            found = self._measured(mixed)
            if (found.psnr or 0.0) >= target:
                now, high = found, middle
            else:
                low = middle
        return now

    def _measured(self, weights: dict[str, Tensor]) -> Field:
        """Return the field as its file will hold it, with the errors of its decoded output."""
        stored = {
            name: _as_stored(w, self.config.weights if name in self.trained else "float32")
            for name, w in weights.items()
        }
        if not all(np.isfinite(w).all() for w in stored.values()):
            raise FitError(
                f"the fit diverged: after {self.step} steps its weights do not fit into {self.config.weights}",
                hint=f"use a lower learning rate than --lr {self.lr:g}, or --weights float32",
            )
        return with_errors(replace(self.blank, weights=stored, steps=self.step), self.signal, self.device)

    def checkpoint(self) -> Checkpoint:
        """Return the state after `step` steps."""
        tensors = {f"weight.{name}": w.detach().cpu().numpy() for name, w in self.weights.items()}
        for name in self.trained:
            state = self.optimiser.state.get(self.weights[name], {})
            for key in ("exp_avg", "exp_avg_sq"):
                if key in state:
                    tensors[f"{key}.{name}"] = state[key].cpu().numpy()
        if self.before is not None:
            tensors |= {f"before.{name}": w.cpu().numpy() for name, w in self.before.items()}
        if self.by_error:
            tensors |= {"spent.errors": self.errors, "spent.counts": np.asarray(self.samples.counts)}
        return Checkpoint(step=self.step, steps=self.steps, fixed=self.fixed, tensors=tensors)

    def _restore(self, checkpoint: Checkpoint) -> None:
        def tensor(kind: str, name: str) -> Tensor:
            return torch.tensor(checkpoint.tensors[f"{kind}.{name}"], device=self.device.name)

        self.step, self.steps, self.fixed = checkpoint.step, checkpoint.steps, checkpoint.fixed
        with torch.no_grad():
            for name, w in self.weights.items():
                w.copy_(tensor("weight", name))
        for name in self.trained:
            if f"exp_avg.{name}" in checkpoint.tensors:
                self.optimiser.state[self.weights[name]] = {
                    "step": torch.tensor(float(self.step), device=self.device.name),
                    "exp_avg": tensor("exp_avg", name),
                    "exp_avg_sq": tensor("exp_avg_sq", name),
                }
        if "spent.counts" in checkpoint.tensors:
            self.errors = checkpoint.tensors["spent.errors"]
            self.samples.spend(checkpoint.tensors["spent.counts"].tolist())
        if any(key.startswith("before.") for key in checkpoint.tensors):
            self.before = {name: tensor("before", name) for name in self.weights}

    def _interrupted(self) -> Interrupted:
        if self.progress.save:
            self.progress.save(self.checkpoint())
        return Interrupted(f"stopped after {self.step} of {self.steps} steps")


def _as_stored(weights: Tensor, kind: str) -> np.ndarray:
    """Return weights rounded to the type in which a file keeps them, as float32; too large ones are infinite."""
    with np.errstate(over="ignore"):
        return weights.detach().cpu().numpy().astype(kind).astype(np.float32)
