"""The outer loop: crops of many signals, their inner steps, and Adam on what is learned; files are read by `folder`.

The crops of a step are cut into chunks that do not depend on the number of threads, and their gradients are added in a
fixed order, so that neither does the result.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.decibel import unit_decibel
from inrfit.device import Device
from inrfit.errors import ConfigError, FitError, Interrupted
from inrfit.fitting.checkpoint import Checkpoint
from inrfit.fitting.progress import Progress
from inrfit.fitting.sampling import BLOCK_FLOATS
from inrfit.kernels.threads import tile_threads
from inrfit.meta.curves import curve
from inrfit.meta.events import MetaEvent
from inrfit.meta.folder import Folder
from inrfit.meta.init import Init
from inrfit.meta.learner import as_tensors
from inrfit.meta.outer import Outer, warm_up
from inrfit.meta.ranks import Ranks, joined
from inrfit.meta.settings import RunConfig
from inrfit.meta.tasks import Tasks, gather
from inrfit.partitions import Partition, build
from inrfit.registry import load
from inrfit.signal import Signal
from inrfit.version import __version__

POINTS = 0x9017
"""Told to the random numbers that draw samples of crops, so that no others are the same."""

MOST_SKIPPED = 20
"""Steps in a row without finite gradients after which the run ends."""

VALIDATIONS = 20
"""Validations of a run when the user does not say how often there is one."""

CUDA_FLOATS = 1 << 27
"""Most floats of one activation of a chunk on CUDA."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Training:
    """A meta-training that was planned.

    Attributes:
        blank: the init before training; its numbers are those that training begins with.
        folder: signals to learn from.
        held_out: windows of signals that are not learned from; may be empty.
        run: how it is run.
        device: where it runs.
        ranks: this process among those that train together.
        peak: of the PSNR of these signals, with values on [-1, 1].
        notes: what was noticed while planning, in words for the user.
        belongs_to: what a checkpoint must match beside the configurations and the signals.
    """

    blank: Init
    folder: Folder
    held_out: Sequence[Signal]
    run: RunConfig
    device: Device
    ranks: Ranks = field(default_factory=Ranks)
    peak: float = 2.0
    notes: tuple[str, ...] = ()
    belongs_to: Mapping[str, str] = field(default_factory=dict)

    @property
    def every(self) -> int:
        """Outer steps between validations."""
        return self.run.val_every or max(1, math.ceil(self.blank.config.steps / VALIDATIONS))

    def identity(self) -> dict[str, str]:
        """Return what a resumed run must share with the interrupted one."""
        same = {"signals": self.folder.identity(), **self.belongs_to, "inrfit": __version__}
        for name in ("config", "partition", "model"):
            for key, value in asdict(getattr(self.blank, name)).items():
                same[f"{name}.{key}"] = repr(value)
        same["run.precision"] = self.run.precision
        same["run.val_every"] = str(self.every)
        digest = hashlib.sha256()
        for signal in self.held_out:
            digest.update(repr((signal.domain, signal.info.sha256)).encode())
        same["held out"] = digest.hexdigest()
        return same


def train(training: Training, progress: Progress | None = None, resume: Checkpoint | None = None) -> Init:
    """Learn an init.

    Args:
        training: what was planned.
        progress: hooks; `on_event` gets a `MetaEvent` after every outer step, and one before the first where there
            are held-out signals.
        resume: state to go on from; the result is the same, bit for bit on the CPU, as without the break.

    Returns:
        The init with the numbers that did best on the held-out signals, or the last where there are none.

    Raises:
        FitError: gradients are not finite, step after step.
        Interrupted: `progress.stop` said so.
    """
    with joined(training.ranks, training.device):
        return _Run(training, progress or Progress()).train(resume)


class _Run:
    """The state of a meta-training; `train` is the loop."""

    def __init__(self, training: Training, progress: Progress) -> None:
        self.training, self.progress = training, progress
        self.init, self.device, self.ranks = training.blank, training.device, training.ranks
        self.config, self.learner = self.init.config, self.init.learner
        self.params = as_tensors(self.init.params, self.device.name)
        self.steps = self.config.steps if self.learner.trains else 0
        fixed = self.learner.fixed()
        learned = {n: v for n, v in self.params.items() if n not in fixed} if self.learner.trains else {}
        for value in learned.values():
            value.requires_grad_()
        self.learned, self.outer = learned, Outer(learned, self.config)
        self.step, self.skipped, self.in_a_row = 0, 0, 0
        self.best: dict[str, Tensor] = {}
        self.val = self.first_val = -math.inf
        self.held_out: list[Tasks] = []
        self.began = 0.0
        self.map: Callable[..., Iterator] = map

    def train(self, resume: Checkpoint | None) -> Init:
        """Train until all steps are done; return the init."""
        threads = 1 if self.device.is_cuda else self.device.threads
        self.began = saved = time.monotonic()
        with tile_threads(threads) as self.map:
            self.held_out = self._validation_tasks()
            if resume is not None:
                self._restore(resume)
            else:
                self.first_val = self._validate()
                if self.training.held_out:
                    self._tell(-1, math.nan, 0.0, self.first_val)
            while self.step < self.steps:
                loss, lr = self._outer_step()
                self.step += 1
                last = self.step == self.steps
                val = self._validate() if last or self.step % self.training.every == 0 else None
                self._tell(self.step - 1, loss, lr, val if self.training.held_out else None)
                if not last and self._agreed_to_stop():
                    raise self._interrupted()
                if self._saves() and time.monotonic() - saved > self.progress.save_every:
                    self._save()
                    saved = time.monotonic()
        return self._result()

    def _outer_step(self) -> tuple[float, float]:
        """Do one outer step; return the mean loss over its crops, and its rate."""
        numbers = self.ranks.share(self.config.batch)
        named = list(self.map(self._crop, numbers))
        sums = {name: torch.zeros_like(value) for name, value in self.learned.items()}
        losses = torch.zeros(1, device=self.device.name)
        for found, mse in self.map(self._gradients, list(self._chunks(named))):
            for name, gradient in found.items():
                sums[name] += gradient
            losses += mse.sum()
        *gradients, loss = self.ranks.summed([*sums.values(), losses])
        mean = {name: g / self.config.batch for name, g in zip(sums, gradients, strict=True)}
        factor = warm_up(self.step, self.steps)
        factor *= load("schedule", self.config.schedule)(self.step, self.steps)
        if self.outer.update(mean, factor):
            self.in_a_row = 0
        else:
            self._skip()
        return float(loss) / self.config.batch, self.config.outer_lr * factor

    def _skip(self) -> None:
        """Count a step without finite gradients.

        Raises:
            FitError: there were too many in a row.
        """
        self.skipped += 1
        self.in_a_row += 1
        if self.in_a_row >= MOST_SKIPPED:
            raise FitError(
                f"meta-training diverged: {self.in_a_row} steps in a row up to step {self.step + 1} had gradients "
                "that are not finite",
                hint=f"use a lower rate than --outer-lr {self.config.outer_lr:g} or --inner-lr {self.config.inner_lr:g}",
            )

    def _crop(self, number: int) -> tuple[int, Signal, Partition]:
        """Return a crop of this step with its number and its regions."""
        signal = self.training.folder.crop(self.step, number)
        return number, signal, build(signal, self.init.partition)

    def _chunks(
        self, named: Sequence[tuple[int, Signal, Partition]]
    ) -> Iterator[list[tuple[int, Signal, Partition]]]:
        """Cut crops into chunks whose activations stay in the cache of a core; all are one on CUDA."""
        most = CUDA_FLOATS if self.device.is_cuda else BLOCK_FLOATS
        chunk, held = [], 0
        for one in named:
            size = min(one[1].domain.size, self.config.points or one[1].domain.size)
            floats = size * (self.init.model.hidden_features or 1)
            if chunk and held + floats > most:
                yield chunk
                chunk, held = [], 0
            chunk.append(one)
            held += floats
        if chunk:
            yield chunk

    def _gradients(
        self, chunk: Sequence[tuple[int, Signal, Partition]]
    ) -> tuple[Mapping[str, Tensor], Tensor]:
        """Return the gradients of a chunk, summed over its crops, and their errors."""
        numbers, signals, partitions = zip(*chunk, strict=True)
        random = np.random.default_rng((self.config.seed, POINTS, self.step, numbers[0]))
        with self._precision():
            return self.learner.outer_gradients(self.params, self._gather(signals, partitions, random))

    def _gather(
        self, signals: Sequence[Signal], partitions: Sequence[Partition], random: np.random.Generator
    ) -> Tasks:
        with torch.no_grad():
            frequencies = {name: self.params[name].detach()[None] for name in self.learner.fixed()}
        return gather(
            signals,
            partitions,
            self.learner.description,
            frequencies,
            points=self.config.points,
            random=random,
            device=self.device.name,
        )

    def _precision(self) -> AbstractContextManager:
        if self.training.run.precision == "bfloat16":
            return torch.autocast(torch.device(self.device.name).type, torch.bfloat16)
        return nullcontext()

    def _validation_tasks(self) -> list[Tasks]:
        """Return this process's share of the held-out signals, in chunks."""
        signals = [self.training.held_out[number] for number in self.ranks.share(len(self.training.held_out))]
        named = [(n, signal, build(signal, self.init.partition)) for n, signal in enumerate(signals)]
        made = []
        for number, chunk in enumerate(self._chunks(named)):
            random = np.random.default_rng((self.config.seed, POINTS, number))
            _, chosen, partitions = zip(*chunk, strict=True)
            made.append(self._gather(chosen, partitions, random))
        return made

    def _validate(self) -> float:
        """Return the mean PSNR of the held-out signals after their inner steps, and keep the numbers if they are best."""
        params = {name: value.detach() for name, value in self.params.items()}

        def measured(tasks: Tasks) -> float:
            with self._precision():
                return float(curve(self.learner, params, tasks, self.config.inner_steps)[-1].sum())

        total = sum(self.map(measured, self.held_out)) if self.held_out else 0.0
        (summed,) = self.ranks.summed([torch.tensor([total], dtype=torch.float64, device=self.device.name)])
        found = float(summed) / len(self.training.held_out) if self.training.held_out else -math.inf
        if not self.training.held_out or found > self.val or not self.best:
            self.val = found
            self.best = {name: value.clone() for name, value in params.items()}
        return found

    def _tell(self, step: int, loss: float, lr: float, val: float | None) -> None:
        self.progress.on_event(
            MetaEvent(
                step=step,
                steps=self.steps,
                loss=loss,
                psnr=unit_decibel(loss, self.training.peak) if math.isfinite(loss) else math.nan,
                seconds=time.monotonic() - self.began,
                signals=self.config.batch,
                val_psnr=val,
                lr=lr,
                skipped=self.skipped,
            )
        )

    def _agreed_to_stop(self) -> bool:
        """Return whether any process was asked to stop."""
        asked = torch.tensor([float(self.progress.stop())], device=self.device.name)
        (summed,) = self.ranks.summed([asked])
        return float(summed) > 0

    def _saves(self) -> bool:
        return self.progress.save is not None and self.ranks.leads

    def _save(self) -> None:
        if self.progress.save is not None and self.ranks.leads:
            self.progress.save(self.checkpoint())

    def _interrupted(self) -> Interrupted:
        self._save()
        return Interrupted(f"stopped after {self.step} of {self.steps} steps")

    def _gather_skipped(self) -> None:
        """Let every process know of the signals that any of them could not use."""
        folder = self.training.folder
        flags = torch.zeros(len(folder), device=self.device.name)
        flags[folder.bad] = 1
        (summed,) = self.ranks.summed([flags])
        folder.look_at(summed.nonzero()[:, 0].tolist())

    def _result(self) -> Init:
        self._gather_skipped()
        notes = {"signals": len(self.training.folder), "val_signals": len(self.training.held_out)}
        notes |= {"steps": self.step, "skipped_steps": self.skipped}
        if self.training.held_out:
            notes |= {"val_psnr": self.val, "val_psnr_before": self.first_val}
        return self.init.with_params(_arrays(self.best), **notes)

    def checkpoint(self) -> Checkpoint:
        """Return the state after `step` steps."""
        numbers = [self.val, self.first_val, self.outer.done, self.skipped, self.in_a_row]
        state = Checkpoint(step=self.step, steps=self.steps, tensors={"numbers": np.array(numbers)})
        for name, held in (("value", self.params), ("best", self.best), ("outer", self.outer.state())):
            state = state.beside(name, _arrays(held))
        return state

    def _restore(self, checkpoint: Checkpoint) -> None:
        def kept(part: str) -> dict[str, Tensor]:
            found = checkpoint.of(part).items()
            return {name: torch.tensor(value, device=self.device.name) for name, value in found}

        if checkpoint.steps != self.steps:
            raise ConfigError(
                f"the checkpoint is of {checkpoint.steps} steps, now there are {self.steps}",
                hint="delete it to start afresh",
            )
        self.step = checkpoint.step
        self.val, self.first_val, done, skipped, row = checkpoint.tensors["numbers"].tolist()
        self.skipped, self.in_a_row = int(skipped), int(row)
        with torch.no_grad():
            for name, value in kept("value").items():
                self.params[name].copy_(value)
        self.best = kept("best")
        self.outer.restore(kept("outer"), int(done))


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    return {name: value.detach().cpu().numpy().copy() for name, value in tensors.items()}
