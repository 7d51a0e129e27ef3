"""The fit: an optimiser on weight stacks, block by block of tiles, the same bits with any number of threads.

Each region's gradient is that of its own mean squared error, so a region learns at the same pace whatever the size
of the signal around it; a shared stack sees the mean over all samples of its signal. Several signals of one shape are
fitted at once as more groups of the same stacks; each gives the same field as alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.config import FitConfig, ModelConfig
from inrfit.coords import Frame, global_frame
from inrfit.decibel import unit_decibel
from inrfit.device import Device
from inrfit.errors import FitError, Interrupted
from inrfit.field import Field
from inrfit.fitting.checkpoint import Checkpoint
from inrfit.fitting.events import FitEvent
from inrfit.fitting.finish import finished
from inrfit.fitting.measure import measured
from inrfit.fitting.optim import Adam
from inrfit.fitting.plan import check_many
from inrfit.fitting.sampling import Block, Samples, by_error
from inrfit.fitting.saving import Saving, onset
from inrfit.fitting.saving import wanted as saving_wanted
from inrfit.fitting.stacks import Stacks
from inrfit.fitting.target import Target
from inrfit.kernels import aligned
from inrfit.kernels.batch import Sums
from inrfit.kernels.pick import pick_kernel
from inrfit.kernels.threads import tile_threads
from inrfit.kernels.tiles import tile_points
from inrfit.models.coding import Coding
from inrfit.models.description import Matrix, describe, initial_weights, without
from inrfit.models.sizing import default_lr
from inrfit.partitions import Partition
from inrfit.registry import load
from inrfit.signal import Signal

TIMED_STEPS = 8
"""Steps after which `max_time` fixes how many there will be; fewer where they take half of it."""

SHARED_LR = 0.2
"""Learning rate of weights that all regions share, as a factor of that of the regions' own."""

SPEND_EVERY = 25
"""Steps after which samples are spent anew, where they are spent by error."""

ERROR_DECAY = 0.9
"""Weight of the past in the running mean of the errors that they are spent by."""

HEADROOM = 0.3
"""How far, in dB, weights that are not rounded yet must exceed a target PSNR, which pays for coarser steps."""

COMPACT_SHARE = 0.25
"""Share of the signals that are done at which the others go on without them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Hooks of a fit.

    Attributes:
        on_event: called at every step on the CPU, at every tenth on CUDA, where asking costs time; a target PSNR is
            looked for as often.
        stop: asked before every step; True saves the state and raises Interrupted.
        save: takes a checkpoint of the state; None when nothing is to be kept.
        save_every: seconds between checkpoints.
        on_again: called before a target that was missed is tried with more weights: the PSNR so far in dB, the weights.
    """

    on_event: Callable[[FitEvent], None] = lambda event: None
    stop: Callable[[], bool] = lambda: False
    save: Callable[[Checkpoint], None] | None = None
    save_every: float = 60.0
    on_again: Callable[[float, int], None] = lambda psnr, weights: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a fit begins with, where it is not afresh.

    Attributes:
        weights: stack name -> initial weights [group, *shape], in place of drawn ones.
        frozen: names of stacks that are not trained; they are measured as given, so give them as the file will hold them.
        frame: the global frame; that of the domain when None.
        tile: points of a decode tile; by the size of the regions when None.
        solve: whether a linear output layer may begin with its closed form, whatever its weights.
        optimiser: makes the optimiser from the matrices, what is known of them and the configuration; that of the
            configuration when None.
        steps: how many, in place of those of the configuration; with 0 the field is what it begins with.
        coding: steps that quantised weights have when the fit is finished: of frozen stacks, or of all, then perhaps with
            the tables of the file they are for.
    """

    weights: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    frozen: frozenset[str] = frozenset()
    frame: Frame | None = None
    tile: int | None = None
    solve: bool = True
    optimiser: Callable[[Mapping[str, Tensor], Mapping[str, Matrix], FitConfig], Adam] | None = None
    steps: int | None = None
    coding: Coding | None = None


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
        output; the errors are not yet rounded as a file keeps them, see `measure.settled`.

    Raises:
        FitError: the fit diverged.
        Interrupted: `progress.stop` said so.
    """
    fits = _Fits([signal], partition, model, config, device, progress or Progress(), start or Start())
    (found,) = fits.run(resume)
    if isinstance(found, FitError):
        raise found
    return found


def fit_many(
    signals: Sequence[Signal],
    partition: Partition,
    model: ModelConfig,
    config: FitConfig,
    device: Device,
    progress: Progress | None = None,
) -> list[Field | FitError]:
    """Fit a field to each of several signals of one shape and kind, all at once.

    Each has its own weights, optimiser state and stopping, and gets the field that it would get alone, by `waves.fit`.

    Args:
        signals: what to fit.
        partition: the regions of each.
        model, config, device, progress: as for `fit`; events are about all signals together.

    Returns:
        In the order of the signals, a field, or the error of a fit that diverged.

    Raises:
        ConfigError: the configuration is for one signal alone.
        Interrupted: `progress.stop` said so.
    """
    check_many(config)
    fits = _Fits(signals, partition, model, config, device, progress or Progress(), Start())
    results = zip(signals, fits.run(None), strict=True)
    return [_finished(found, signal, config, device) for signal, found in results]


def _finished(found: Field | FitError, signal: Signal, config: FitConfig, device: Device) -> Field | FitError:
    """Return a field as its file gives it back; an error as it is."""
    try:
        return found if isinstance(found, FitError) else finished(found, signal, config, device)
    except FitError as error:
        return error


class _Fits:
    """The state of fits; `run` is the loop. Group g belongs to the signal with number `present[g // regions]`."""

    def __init__(
        self,
        signals: Sequence[Signal],
        partition: Partition,
        model: ModelConfig,
        config: FitConfig,
        device: Device,
        progress: Progress,
        start: Start,
    ) -> None:
        self.signals, self.partition, self.config = list(signals), partition, config
        self.device, self.progress = device, progress
        self.description = without(
            describe(model, partition.domain.dimensions, signals[0].channels), start.frozen
        )
        ids = [region.id for region in partition.regions]
        drawn = [stack for stack in self.description.stacks if stack.name not in start.weights]
        initial = {
            **initial_weights(replace(self.description, stacks=tuple(drawn)), ids, config.seed),
            **start.weights,
        }
        self.stacks = Stacks(
            self.description, initial, len(signals), len(partition), device.name, solve=start.solve
        )
        make = start.optimiser or load("optimiser", config.optimiser)
        self.optimiser = make(self.stacks.values, self.stacks.matrices, config)
        steps = config.steps if start.steps is None else start.steps
        self.step, self.steps, self.fixed, self.warm = 0, steps, False, 0.0
        self.blank = Field(
            model=model,
            partition=partition,
            frame=start.frame or global_frame(partition.domain, config.span),
            info=signals[0].info,
            channels=signals[0].channels,
            weights=initial,
            tile=start.tile or tile_points(partition.areas),
            seed=config.seed,
            weight_type=config.weights,
        )
        self.kernel = pick_kernel(config.kernel, self.description, device)
        self.samples = Samples(
            signals,
            self.blank,
            self.kernel,
            self.description,
            self.stacks.weights,
            config,
            torch.device(device.name),
        )
        self.own = np.array(self.samples.own)
        used = 1.0 if config.points is None else config.points / self.own.sum()
        usual = default_lr(model, used, config.steps, partition.domain.dimensions)
        self.lr = usual if config.lr is None else config.lr
        self.present = list(range(len(signals)))
        self.found: dict[int, Field | FitError] = {}
        self.errors = np.zeros(len(partition))
        self.by_error = config.points is not None and config.sampling == "error"
        self.quantises, self.saves = config.weights == "quantised", saving_wanted(config)
        self.saving: Saving | None = None
        wanted = config.target_psnr
        if wanted is not None and self.quantises:
            wanted += HEADROOM
        self.target = None if wanted is None else Target(wanted, len(signals), self._measured)
        self.map_blocks: Callable[..., Iterator] = map
        self._count()

    def _count(self) -> None:
        """Count the values that each loss is a mean of, after the signals have changed."""
        areas = torch.tensor(self.samples.areas, dtype=torch.float32, device=self.device.name)
        whole = areas.view(len(self.present), -1).sum(1)
        self.areas = {True: areas[:, None, None], False: whole[:, None, None]}
        local = self.stacks.local
        self.rates = {name: torch.zeros_like(self.areas[local[name]]) for name in self.stacks.values}
        self.squares = torch.zeros(len(areas), dtype=torch.float64, device=self.device.name)
        self.moments: dict[str, Tensor] = {}
        self._record()

    def _record(self) -> None:
        """Forget what was recorded of a step, after what it does has changed."""
        self.recorded = {}
        if self.kernel.recorded and self.config.points is None:
            from inrfit.kernels.cuda import Recorded

            for part, function in (("gradients", self._gradients), ("update", self._update)):
                self.recorded[part] = Recorded(function, self.device.name)

    @property
    def going(self) -> list[int]:
        """Numbers of the signals that are not done."""
        return [number for number in self.present if number not in self.found]

    def run(self, resume: Checkpoint | None) -> list[Field | FitError]:
        """Fit until every signal is done; return what came of each."""
        if resume is not None:
            self._restore(resume)
        first = self.step
        began = saved = time.monotonic()
        every = 10 if self.device.is_cuda else 1
        with tile_threads(1 if self.device.is_cuda else self.device.threads) as self.map_blocks:
            while self.step < self.steps and self.going:
                if self.progress.stop():
                    raise self._interrupted()
                if self.saves and self.saving is None and self.step >= onset(self.steps):
                    self._begin_saving()
                self._run_step("gradients")
                if self.step % every == 0 or self.step == self.steps - 1:
                    self._look(self.squares, time.monotonic() - began)
                    if not self.going:
                        break
                if self.by_error:
                    self._spend(self.squares)
                self._set_rates()
                if self.saving is not None:
                    self.saving.steer(self.step, self.steps)
                self._run_step("update")
                self.step += 1
                if self.config.max_time is not None and not self.fixed:
                    self._fix_steps(self.step - first, began, self.config.max_time)
                if len(self.going) <= (1 - COMPACT_SHARE) * len(self.present):
                    self._compact()
                if self.progress.save and time.monotonic() - saved > self.progress.save_every:
                    self.progress.save(self.checkpoint())
                    saved = time.monotonic()
            if self.saves and self.saving is None and self.going:
                self._begin_saving()
            if self.saving is not None and self.going:
                self.found |= {self.present[place]: error for place, error in self.saving.meet().items()}
            for place in range(len(self.present)):
                if self.present[place] not in self.found:
                    self._note(place)
        return [self.found[number] for number in range(len(self.signals))]

    def _begin_saving(self) -> None:
        """Round the weights from now on, with their bits in the loss."""
        self.saving = self._saving()
        self.saving.begin(self._squared_errors, self.blank.info.peak)
        self._record()

    def _saving(self) -> Saving:
        return Saving(self.stacks, self.config, len(self.present), len(self.partition), self._with_weights)

    def _squared_errors(self) -> NDArray[np.float64]:
        """Return the squared errors of each signal with the weights as they are, as a step would see them."""
        self._gradients()
        return self.squares.cpu().numpy().reshape(len(self.present), -1).sum(1)

    def _run_step(self, part: str) -> None:
        """Run a part of a step, `gradients` or `update`; it may be recorded unless second moments are wanted."""
        if self.recorded and not self.optimiser.wants_moments(self.step):
            self.recorded[part]()
        else:
            {"gradients": self._gradients, "update": self._update}[part]()

    def _gradients(self) -> None:
        """Put the gradients of a step where the optimiser finds them, and second moments where it wants them.

        `squares` becomes the squared errors of each group, summed over all its samples, estimated where only some are
        used.
        """
        wanted = self.optimiser.wants_moments(self.step)
        self.moments = {}
        self.squares.zero_()
        for gradient in self.stacks.gradients.values():
            gradient.zero_()
        for block, errors, sums in self.map_blocks(partial(self._block, wanted), self.samples.blocks):
            self.squares[block.first : block.last + 1] += errors
            for name, gradient in sums.gradients.items():
                self.stacks.of_stacks[name][self.stacks.rows(name, block)] += gradient
            for name, moment in sums.moments.items():
                if name not in self.moments:
                    shape = (len(self.stacks.values[name]), *moment.shape[1:])
                    self.moments[name] = aligned.zeros(*shape, device=moment.device)
                self.moments[name][self.stacks.rows(name, block)] += moment
        for name, gradient in self.stacks.gradients.items():
            gradient /= self.areas[self.stacks.local[name]] * self.blank.channels
        for name, moment in self.moments.items():
            moment /= self.areas[self.stacks.local[name]]
        if self.config.points is not None:
            used = np.divide(self.samples.areas, self.samples.counts)
            self.squares *= torch.from_numpy(used).to(self.squares.device)

    def _update(self) -> None:
        """Let the optimiser change the weights."""
        rounding = None if self.saving is None else self.saving.rounding
        if rounding is not None:
            rounding.charge({local: count * self.blank.channels for local, count in self.areas.items()})
            rounding.show()
        self.optimiser.update(self.step, self.stacks.gradients, self.moments, self.rates)
        if rounding is not None:
            rounding.keep()

    def _block(self, moments: bool, block: Block) -> tuple[Block, Tensor, Sums]:
        """Run a block; return it with the squared errors of its groups and what the kernel found."""
        weights = {name: w[self.stacks.rows(name, block)] for name, w in self.stacks.weights.items()}
        prepared, owner = self.samples.prepared(block, self.step)
        sums = self.kernel.sums(weights, prepared, moments=moments)
        squares = sums.errors.new_zeros(block.last + 1 - block.first, dtype=torch.float64)
        return block, squares.index_add_(0, owner, sums.errors.double()), sums

    def _set_rates(self) -> None:
        """Put the learning rate of each group of each matrix, [group, 1, 1], where the optimiser finds it."""
        factor = load("schedule", self.config.schedule)(self.step, self.steps)
        factors = np.full(len(self.present), factor)
        if self.target is not None and self.config.schedule != "constant":
            factors = np.minimum(factors, self.target.factors())
        by_signal = self.lr * factors * self.optimiser.correction(self.step)
        shared = torch.from_numpy(by_signal.astype(np.float32)).to(self.device.name)
        own = shared.repeat_interleave(len(self.partition))
        for name, matrix in self.stacks.matrices.items():
            usual = 1.0 if matrix.local else SHARED_LR
            factor = usual if matrix.rate is None else matrix.rate
            self.rates[name].copy_(((own if matrix.local else shared) * factor)[:, None, None])

    def _look(self, squares: Tensor, seconds: float) -> None:
        """Tell how the fits are, and note those that are done: at their target, or diverged."""
        counts = self.own.sum() * self.blank.channels
        losses = squares.view(len(self.present), -1).sum(1).cpu().numpy() / counts
        going = [place for place, number in enumerate(self.present) if number not in self.found]
        for place in going:
            if not math.isfinite(losses[place]):
                self.found[self.present[place]] = FitError(
                    f"the fit diverged: the loss is {losses[place]} after {self.step} steps",
                    hint=f"use a lower learning rate than --lr {self.lr:g}",
                )
        alive = [place for place in going if self.present[place] not in self.found]
        if not alive:
            return
        loss = float(np.mean(losses[alive]))
        told = {"step": self.step, "steps": self.steps, "seconds": seconds, "signals": len(alive)}
        self.progress.on_event(FitEvent(loss=loss, psnr=unit_decibel(loss, self.blank.info.peak), **told))
        if self.target is not None:
            for place in alive:
                self._note(place, unit_decibel(float(losses[place]), self.blank.info.peak))
            self.target.remember(self.stacks.values)

    def _note(self, place: int, estimate: float = math.inf) -> None:
        """Note the field of a signal that is done, or the error of one that cannot be measured.

        It is done at its target, or where no PSNR is given because there are no more steps.
        """
        values, done = self.stacks.values, None
        try:
            if self.target is not None:
                done = self.target.reached(place, values, estimate)
            if done is None and not math.isfinite(estimate):
                done = self._measured(place, values)
        except FitError as error:
            done = error
        if done is not None:
            self.found[self.present[place]] = done

    def _spend(self, squares: Tensor) -> None:
        """Note the errors per region, and now and then spend the samples of a step by them."""
        now = squares.cpu().numpy() / (np.maximum(self.own, 1) * self.blank.channels)
        self.errors = self.errors * ERROR_DECAY + now * (1 - ERROR_DECAY)
        if (self.step + 1) % SPEND_EVERY == 0:
            areas = self.samples.areas
            self.samples.spend(by_error(self.config.points or 1, self.errors, areas))

    def _compact(self) -> None:
        """Go on without the signals that are done."""
        places = [place for place, number in enumerate(self.present) if number not in self.found]
        rows = self.stacks.select(places)
        self.optimiser.select(self.stacks.values, rows)
        if self.target is not None:
            self.target.select(places, rows)
        if self.saving is not None:
            self.saving.select(places, rows)
        self.present = self.going
        self.samples.select([self.signals[number] for number in self.present])
        self._count()

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

    def _measured(self, place: int, values: Mapping[str, Tensor]) -> Field:
        """Return the field of a signal as its file will hold it, with the errors of its decoded output.

        Weights that will be quantised when the fit is finished are taken as they are.
        """
        kind = "float32" if self.quantises else self.config.weights
        stored = self.stacks.stored(place, values, kind)
        if not all(np.isfinite(w).all() for w in stored.values()):
            raise FitError(
                f"the fit diverged: after {self.step} steps its weights do not fit into {self.config.weights}",
                hint=f"use a lower learning rate than --lr {self.lr:g}, or --weights float32",
            )
        fitted = self._with_weights(place, stored)
        coded = fitted if self.saving is None else self.saving.coded(place, fitted)
        return measured(coded, self.signals[self.present[place]], self.device)

    def _with_weights(self, place: int, stored: Mapping[str, NDArray[np.float32]] | None = None) -> Field:
        """Return the field of a signal, not measured, with some weights or with those that it has."""
        if stored is None:
            stored = self.stacks.stored(place, self.stacks.values, "float32")
        info = self.signals[self.present[place]].info
        return replace(self.blank, weights=stored, steps=self.step, info=info)

    def checkpoint(self) -> Checkpoint:
        """Return the state of a fit of one signal after `step` steps."""
        tensors = {f"value.{name}": value.cpu().numpy() for name, value in self.stacks.values.items()}
        tensors |= {f"state.{key}": value.cpu().numpy() for key, value in self.optimiser.state().items()}
        if self.target is not None:
            tensors |= {f"target.{key}": value for key, value in self.target.state().items()}
        if self.saving is not None:
            tensors |= {f"saving.{key}": value for key, value in self.saving.state().items()}
        if self.by_error:
            tensors |= {"spent.errors": self.errors, "spent.counts": np.asarray(self.samples.counts)}
        return Checkpoint(step=self.step, steps=self.steps, fixed=self.fixed, tensors=tensors)

    def _restore(self, checkpoint: Checkpoint) -> None:
        def kept(kind: str) -> dict[str, np.ndarray]:
            start = kind + "."
            return {k[len(start) :]: v for k, v in checkpoint.tensors.items() if k.startswith(start)}

        def tensors(kind: str) -> dict[str, Tensor]:
            return {name: torch.tensor(v, device=self.device.name) for name, v in kept(kind).items()}

        self.step, self.steps, self.fixed = checkpoint.step, checkpoint.steps, checkpoint.fixed
        for name, value in tensors("value").items():
            self.stacks.values[name].copy_(value)
        self.optimiser.restore(tensors("state"))
        if self.target is not None:
            self.target.restore(kept("target"), self.device.name)
        if saved := kept("saving"):
            self.saving = self._saving()
            self.saving.restore(saved)
            self._record()
        if spent := kept("spent"):
            self.errors = spent["errors"]
            self.samples.spend(spent["counts"].tolist())

    def _interrupted(self) -> Interrupted:
        if self.progress.save:
            self.progress.save(self.checkpoint())
        return Interrupted(f"stopped after {self.step} of {self.steps} steps")
