"""A step of a fit: gradients, block by block of tiles, and their update by an optimiser; when to stop is not known here.

Each region's gradient is that of its own mean squared error, so a region learns at the same pace whatever the size
of the signal around it; a shared stack sees the mean over all samples of its signal. Threads change no bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.coords import global_frame
from inrfit.field import Field
from inrfit.fitting.plan import Plan
from inrfit.fitting.rounding import Rounding
from inrfit.fitting.sampling import Block, Samples
from inrfit.fitting.stacks import Stacks
from inrfit.fitting.start import Start
from inrfit.kernels import aligned
from inrfit.kernels.batch import Pulled, Sums
from inrfit.kernels.pick import pick_kernel
from inrfit.kernels.residual import Residual
from inrfit.kernels.tiles import tile_points
from inrfit.models.description import initial_weights, without
from inrfit.models.sizing import default_lr
from inrfit.registry import load
from inrfit.signal import Signal

SHARED_LR = 0.2
"""Learning rate of weights that all regions share, as a factor of that of the regions' own."""


class Descent:
    """The weights of some signals that are fitted at once, with all that their steps need.

    Several signals of one shape are more groups of the same stacks: group g is region g % regions of signal g // regions.

    Args:
        plan: regions, settings and device of all of them.
        signals: what is fitted.
        start: what the regions begin with.

    Attributes:
        signals: those that go on.
        config, device: of the plan.
        stacks, optimiser, samples: the weights, what changes them, and by what.
        blank: the field that is fitted, with the weights of the start.
        lr: the learning rate.
        step: steps done.
        squares: squared errors of each group at the last gradients, summed over all its samples; estimated where only
            some are used.
        map_blocks: what runs blocks, in their order.
    """

    def __init__(self, plan: Plan, signals: Sequence[Signal], start: Start) -> None:
        self.signals, self.config, self.device = list(signals), plan.settings.fit, plan.device
        partition, config, device = plan.partition, self.config, self.device
        description = without(plan.description, start.frozen)
        ids = [region.id for region in partition.regions]
        drawn = [stack for stack in description.stacks if stack.name not in start.weights]
        fresh = initial_weights(replace(description, stacks=tuple(drawn)), ids, config.seed)
        initial = {**fresh, **start.weights}
        self.stacks = Stacks(
            description, initial, len(signals), len(partition), device.name, solve=start.solve
        )
        make = start.optimiser or load("optimiser", config.optimiser)
        self.optimiser = make(self.stacks.values, self.stacks.matrices, config)
        self.blank = Field(
            model=plan.settings.model,
            partition=partition,
            frame=start.frame or global_frame(partition.domain, config.span),
            info=signals[0].info,
            channels=signals[0].channels,
            weights=initial,
            tile=start.tile or tile_points(partition.areas),
            seed=config.seed,
            weight_type=config.weights,
        )
        self._kernel = pick_kernel(config.kernel, description, device)
        where = torch.device(device.name)
        self.samples = Samples(
            signals, self.blank, self._kernel, description, self.stacks.weights, config, where
        )
        self._own = sum(self.samples.own)
        used = 1.0 if config.points is None else config.points / self._own
        usual = default_lr(plan.settings.model, used, config.steps, partition.domain.dimensions)
        self.lr = usual if config.lr is None else config.lr
        self.step = 0
        self.map_blocks: Callable[..., Iterator] = map
        self._rounding: Rounding | None = None
        self._residual: Residual | None = None
        self._count()

    def _count(self) -> None:
        """Count the values that each loss is a mean of, after the signals have changed."""
        areas = torch.tensor(self.samples.areas, dtype=torch.float32, device=self.device.name)
        whole = areas.view(len(self.signals), -1).sum(1)
        self._areas = {True: areas[:, None, None], False: whole[:, None, None]}
        local = self.stacks.local
        self._rates = {name: torch.zeros_like(self._areas[local[name]]) for name in self.stacks.values}
        self.squares = torch.zeros(len(areas), dtype=torch.float64, device=self.device.name)
        self._moments: dict[str, Tensor] = {}
        self._record()

    def _record(self) -> None:
        """Forget what was recorded of a step, after what it does has changed."""
        self._recorded = {}
        if self._kernel.recorded and self.config.points is None and self._residual is None:
            from inrfit.kernels.cuda import Recorded

            for part, function in (("gradients", self._gradients), ("update", self._update)):
                self._recorded[part] = Recorded(function, self.device.name)

    def round_with(self, rounding: Rounding) -> None:
        """Learn rounded weights from now on, with the price of their bits in the loss."""
        self._rounding = rounding
        self._record()

    def learn_from(self, residual: Residual) -> None:
        """Make another residual smaller than the squared errors of the samples.

        Args:
            residual: of the values of all tiles, in the order of `samples.blocks`; its loss is divided by the samples of
                each group, as squared errors are.
        """
        self._residual = residual
        self._record()

    def find_gradients(self) -> None:
        """Put the gradients of a step where the optimiser finds them, and its errors into `squares`."""
        self._run("gradients")

    def update(self, factors: NDArray[np.float64]) -> None:
        """Let the optimiser change the weights; the step is done.

        Args:
            factors: of the learning rate of each signal.
        """
        self._set_rates(factors)
        self._run("update")
        self.step += 1

    def errors(self) -> NDArray[np.float64]:
        """Return the squared errors of each signal with the weights as they are, as a step would see them."""
        self._gradients()
        return self.squares.cpu().numpy().reshape(len(self.signals), -1).sum(1)

    def losses(self) -> NDArray[np.float64]:
        """Return the mean squared error of each signal at the last gradients."""
        sums = self.squares.view(len(self.signals), -1).sum(1).cpu().numpy()
        return sums / (self._own * self.blank.channels)

    def field(self, place: int, stored: Mapping[str, NDArray[np.float32]] | None = None) -> Field:
        """Return the field of a signal, not measured, with some weights or with those that it has."""
        if stored is None:
            stored = self.stacks.stored(place, self.stacks.values, "float32")
        return replace(self.blank, weights=stored, steps=self.step, info=self.signals[place].info)

    def select(self, places: Sequence[int]) -> Mapping[str, Tensor]:
        """Go on with some signals; return, for each stack, the groups that are kept."""
        rows = self.stacks.select(places)
        self.optimiser.select(self.stacks.values, rows)
        self.signals = [self.signals[place] for place in places]
        self.samples.select(self.signals)
        self._count()
        return rows

    def _run(self, part: str) -> None:
        """Run a part of a step, `gradients` or `update`; it may be recorded unless second moments are wanted."""
        if self._recorded and not self.optimiser.wants_moments(self.step):
            self._recorded[part]()
        else:
            {"gradients": self._gradients, "update": self._update}[part]()

    def _gradients(self) -> None:
        """Find gradients, squared errors, and second moments where the optimiser wants them."""
        stacks, wanted = self.stacks, self.optimiser.wants_moments(self.step)
        self._moments = {}
        self.squares.zero_()
        for gradient in stacks.gradients.values():
            gradient.zero_()
        passes = self._in_one_pass if self._residual is None else self._in_two_passes
        for block, found in passes(wanted):
            for name, gradient in found.gradients.items():
                stacks.of_stacks[name][stacks.rows(name, block)] += gradient
            for name, moment in found.moments.items():
                if name not in self._moments:
                    shape = (len(stacks.values[name]), *moment.shape[1:])
                    self._moments[name] = aligned.zeros(*shape, device=moment.device)
                self._moments[name][stacks.rows(name, block)] += moment
        for name, gradient in stacks.gradients.items():
            gradient /= self._areas[stacks.local[name]] * self.blank.channels
        for name, moment in self._moments.items():
            moment /= self._areas[stacks.local[name]]

    def _in_one_pass(self, moments: bool) -> Iterator[tuple[Block, Pulled]]:
        """Yield what the kernel finds out about each block, whose samples have targets; note their squares."""
        for block, squares, sums in self.map_blocks(partial(self._summed, moments), self.samples.blocks):
            self.squares[block.first : block.last + 1] += squares
            yield block, sums
        if self.config.points is not None:
            used = np.divide(self.samples.areas, self.samples.counts)
            self.squares *= torch.from_numpy(used).to(self.squares.device)

    def _in_two_passes(self, moments: bool) -> Iterator[tuple[Block, Pulled]]:
        """Yield what the kernel makes of the gradients that the residual has for the values of all blocks."""
        assert self._residual is not None
        blocks = self.samples.blocks
        values = torch.cat(list(self.map_blocks(self._values, blocks)))
        misfit = self._residual.misfit(values)
        self.squares += misfit.squares
        parts = misfit.gradient.split([len(block.tiles) for block in blocks])
        yield from self.map_blocks(partial(self._pulled, moments), zip(blocks, parts, strict=True))

    def _summed(self, moments: bool, block: Block) -> tuple[Block, Tensor, Sums]:
        """Run a block; return it with the squared errors of its groups and what the kernel found."""
        prepared, owner = self.samples.prepared(block, self.step)
        sums = self._kernel.sums(self._weights(block), prepared, moments=moments)
        squares = sums.errors.new_zeros(block.last + 1 - block.first, dtype=torch.float64)
        return block, squares.index_add_(0, owner, sums.errors.double()), sums

    def _values(self, block: Block) -> Tensor:
        """Return the values of a block, [tile, channel, point]."""
        prepared, _ = self.samples.prepared(block, self.step)
        return self._kernel.values(self._weights(block), prepared).clone()

    def _pulled(self, moments: bool, part: tuple[Block, Tensor]) -> tuple[Block, Pulled]:
        """Pull back the gradient of a block's values."""
        block, gradient = part
        prepared, _ = self.samples.prepared(block, self.step)
        return block, self._kernel.pull(self._weights(block), prepared, gradient, moments=moments)

    def _weights(self, block: Block) -> dict[str, Tensor]:
        """Return the weights that a block has to do with."""
        return {name: w[self.stacks.rows(name, block)] for name, w in self.stacks.weights.items()}

    def _update(self) -> None:
        """Let the optimiser change the weights, or those that learn in place of rounded ones."""
        rounding = self._rounding
        if rounding is not None:
            rounding.charge({local: count * self.blank.channels for local, count in self._areas.items()})
            rounding.show()
        self.optimiser.update(self.step, self.stacks.gradients, self._moments, self._rates)
        if rounding is not None:
            rounding.keep()

    def _set_rates(self, factors: NDArray[np.float64]) -> None:
        """Put the learning rate of each group of each matrix, [group, 1, 1], where the optimiser finds it."""
        by_signal = self.lr * factors * self.optimiser.correction(self.step)
        shared = torch.from_numpy(by_signal.astype(np.float32)).to(self.device.name)
        own = shared.repeat_interleave(len(self.blank.partition))
        for name, matrix in self.stacks.matrices.items():
            usual = 1.0 if matrix.local else SHARED_LR
            factor = usual if matrix.lr_factor is None else matrix.lr_factor
            self._rates[name].copy_(((own if matrix.local else shared) * factor)[:, None, None])
