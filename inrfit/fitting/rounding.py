"""Weights that learn while they are rounded: a step for each stack, and the price of their bits; bytes are not known here.

Rounding every weight to as many bits costs far more quality than it must: some stacks hardly change the signal and some
do at once. So each stack has a step of its own, by how much its rounding changes the error. The network is run with
rounded weights, what is rounded collects the changes (a straight-through estimate), and the bits that weights cost are
part of the loss, at one price for all of a signal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inrfit.fitting.nearby import Nearby, theta_of
from inrfit.fitting.stacks import Stacks
from inrfit.models.coding import PER_OCTAVE, Coding, geometric_bits, step_of

PROBE = 1 / 8
"""Step at which the effect of rounding a stack is looked at, as a share of the deviation of its weights."""

PROBES, SMALL = 6, 0.3
"""Steps, each a quarter of the one before, that are tried until the effect is at most this share of the error: that of
a large step says little about a small one, as errors do not grow beyond those of noise."""

NOTHING = 1e-4
"""Effect of a step, as a share of the error, that stands for one that cannot be told from none."""

LASTING = 0.5
"""Power of the ratio of bits to those wanted by which a price changes for good each time it is looked at."""

FINEST, COARSEST = -40 * PER_OCTAVE, 20 * PER_OCTAVE
"""Least and largest exponent of a step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The rows of a matrix that are one stack.

    Attributes:
        matrix: its name.
        stack: name of the stack.
        rows: place of the stack's weights in the matrix.
        local: whether it has a group for each region.
    """

    matrix: str
    stack: str
    rows: slice
    local: bool


def parts_of(stacks: Stacks) -> list[Part]:
    """Return the stacks that are rounded, in the order of the matrices."""
    found = []
    for name, matrix in stacks.matrices.items():
        rows = stacks.values[name].shape[1] - (matrix.bias is not None)
        found.append(Part(matrix=name, stack=name, rows=slice(0, rows), local=stacks.local[name]))
        if matrix.bias is not None:
            found.append(
                Part(matrix=name, stack=matrix.bias, rows=slice(rows, None), local=stacks.local[name])
            )
    return found


Errors = Callable[[], NDArray[np.float64]]
"""Squared errors of each signal with the weights as they are, summed over its samples."""


class Rounding:
    """Rounded weights of some signals that are fitted at once.

    Args:
        stacks: whose values become multiples of their steps and stay so.
        signals: how many.

    Attributes:
        latent: matrix name -> the weights that learn, of which `stacks.values` are the rounded ones.
        exponents: stack name -> exponent of the step of each signal.
        price: squared error that a bit may cost, of each signal; 0 where bits are not counted.
    """

    def __init__(self, stacks: Stacks, signals: int, regions: int) -> None:
        self._stacks, self._signals, self._regions = stacks, signals, regions
        self._parts = parts_of(stacks)
        self.latent = {name: value.clone() for name, value in stacks.values.items()}
        self.exponents = {part.stack: np.zeros(signals, np.int64) for part in self._parts}
        self.price = np.zeros(signals)
        self._lasting: NDArray[np.float64] | None = None
        self._threshold: NDArray[np.float64] | None = None
        self._thresholds: dict[str, Tensor] = {}
        self._shape: dict[str, NDArray[np.float64]] = {}
        self._steps: dict[str, Tensor] = {}
        self._prices: dict[bool, Tensor] = {}
        self._nearby = {name: Nearby(sides, signals) for name, sides in stacks.lattices.items()}
        self._tensors()

    def choose(self, errors: Errors, rate: float, price: float | None = None) -> None:
        """Choose the steps, and what a bit may cost, by the weights as they are.

        The effect of a step s on a stack of n weights is taken as c s^2, with c from a trial. Halving s takes n bits, so
        at the price p of a bit the best step has 2 ln(2) c s^2 = p n, for every stack.

        Args:
            errors: evaluates.
            rate: the percent by which the error may grow for one percent fewer bits.
            price: squared error that a bit may cost, in place of that.
        """
        before = errors()
        self._shape = self._effects(errors, before)
        count = sum(own[0].numel() * (self._regions if part.local else 1) for part, own in self._latent())
        if price is not None:
            self._charged(np.full(self._signals, price))
            return
        bits = np.full(self._signals, 4.0 * count)
        for _ in range(4):  # bits and their price depend on each other
            self._charged(rate * np.maximum(before, 1e-12) / bits)
            bits = np.maximum(self.bits(), count / 8)

    def _charged(self, price: NDArray[np.float64]) -> None:
        """Take a price for the bits of each signal, and the steps that suit it."""
        self.price = np.maximum(price, 1e-30)
        self._set(self._shape, 0.5 * np.log2(self.price / (2 * math.log(2))))
        self.round()
        self.look()

    def look(self) -> None:
        """Learn anew what integers on lattices cost by those next to them."""
        for part, near in self._on_lattices():
            near.look(self._integers(part))

    def _on_lattices(self) -> list[tuple[Part, Nearby]]:
        """Return the parts that are lattices, with what their integers cost."""
        return [(part, self._nearby[part.stack]) for part in self._parts if part.stack in self._nearby]

    def _integers(self, part: Part) -> Tensor:
        """Return the integers of a stack, [group, row, column]."""
        values, steps = (held[part.matrix][:, part.rows] for held in (self._stacks.values, self._steps))
        return torch.round(values / steps)

    def reach(self, wanted: NDArray[np.float64]) -> None:
        """Take the price at whose steps the weights as they are take about so many bits, for each signal."""
        low, high = np.full(self._signals, -40.0), np.full(self._signals, 20.0)
        for _ in range(16):
            middle = (low + high) / 2
            self._charged(2.0**middle)
            many = self.bits() > wanted
            low, high = np.where(many, middle, low), np.where(many, high, middle)

    def steer(self, wanted: NDArray[np.float64], *, steady: bool) -> None:
        """Change the price so that the weights of each signal come to take about so many bits.

        A weight reacts to a price within some steps, so the price follows the ratio of bits at once (what is too large by
        a tenth costs a twentieth more) and, slowly, lasts.

        Args:
            wanted: bits.
            steady: whether the steps stay, and only the price changes.
        """
        ratio = np.clip(self.bits() / np.maximum(wanted, 1), 1 / 4, 4) ** 0.5
        if self._lasting is None:
            self._lasting = self.price.copy()
        self._lasting = self._lasting * ratio**LASTING
        if not steady:
            self._charged(self._lasting * ratio)
            return
        self.price = np.maximum(self._lasting * ratio, 1e-30)
        self._tensors()

    def _latent(self) -> list[tuple[Part, Tensor]]:
        """Return the parts with the weights that learn."""
        return [(part, self.latent[part.matrix][:, part.rows]) for part in self._parts]

    def _effects(self, errors: Errors, before: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return the logarithm of each stack's step up to a common summand, [signal]: 1/2 log2 (n / c), see `choose`."""
        found, values = {}, self._stacks.values
        for part, own in self._latent():
            numbers = own[0].numel() * (self._regions if part.local else 1)
            squares = np.square(own.cpu().numpy(), dtype=np.float64).reshape(len(own), -1).mean(1)
            probe = np.maximum(np.sqrt(self._by_signal(squares, part.local).mean(1)), 1e-9) * PROBE
            effect = np.full(self._signals, np.inf)
            for _ in range(PROBES):
                step = self._grouped(torch.from_numpy(probe.astype(np.float32)), part.local)
                rounded, both = torch.round(own / step) * step, np.zeros(self._signals)
                for moved in (rounded, 2 * own - rounded):  # to both sides: not all are at their optimum
                    values[part.matrix][:, part.rows] = moved
                    both += errors()
                values[part.matrix].copy_(self.latent[part.matrix])
                now = np.maximum(both / 2 - before, NOTHING * before + 1e-12)
                effect = np.where(effect * probe**2 > SMALL * before, now / probe**2, effect)
                large = effect * probe**2 > SMALL * before
                if not large.any():
                    break
                probe = np.where(large, probe / 4, probe)
            found[part.stack] = 0.5 * np.log2(numbers / effect)
        return found

    def _set(self, shape: Mapping[str, NDArray[np.float64]], factor: NDArray[np.float64]) -> None:
        for name, logarithm in shape.items():
            exponents = np.floor(PER_OCTAVE * (logarithm + factor))
            self.exponents[name] = np.clip(exponents, FINEST, COARSEST).astype(np.int64)
        self._tensors()

    def shift(self, change: NDArray[np.int64]) -> None:
        """Make the steps of each signal coarser by so many 32nds of an octave, finer where negative."""
        for name in self.exponents:
            self.exponents[name] = np.clip(self.exponents[name] + change, FINEST, COARSEST)
        self._tensors()
        self.round()

    def round_from(self, threshold: NDArray[np.float64]) -> None:
        """Round weights up, away from zero, from this share of a step on, for each signal."""
        self._threshold = threshold
        own = torch.from_numpy(threshold)
        self._thresholds = {part.matrix: self._grouped(own, part.local) for part in self._parts}
        self.round()

    def _tensors(self) -> None:
        """Put steps and prices where `round` and `charge` find them, in the same memory as long as the signals stay."""
        for part in self._parts:
            value = self._stacks.values[part.matrix]
            own = torch.tensor([float(step_of(e)) for e in self.exponents[part.stack].tolist()])
            steps = self._steps.setdefault(part.matrix, value.new_zeros(len(value), value.shape[1], 1))
            steps[:, part.rows] = self._grouped(own, part.local)
        for local in (True, False):
            prices = self._grouped(torch.from_numpy(self.price.astype(np.float32)), local)
            self._prices.setdefault(local, torch.zeros_like(prices)).copy_(prices)

    def _grouped(self, own: Tensor, local: bool) -> Tensor:
        """Return numbers of each signal, [signal], as those of its groups, [group, 1, 1]."""
        repeated = own.repeat_interleave(self._regions) if local else own
        return repeated[:, None, None].to(next(iter(self._stacks.values.values())).device)

    def _by_signal(self, own: NDArray[np.float64], local: bool) -> NDArray[np.float64]:
        """Return numbers of groups as [signal, group of it]."""
        return own.reshape(self._signals, self._regions if local else 1)

    def bits(self) -> NDArray[np.float64]:
        """Return about how many bits the rounded weights of each signal take: the entropy of `theta_of`'s distribution.

        Its mean is that of the group, or by what is next to each integer on a lattice.
        """
        total = np.zeros(self._signals)
        for part in self._parts:
            steps = self._steps[part.matrix][:, part.rows]
            if (near := self._nearby.get(part.stack)) is not None:
                total += self._by_signal(near.bits(self._integers(part)), part.local).sum(1)
                continue
            own = (self._stacks.values[part.matrix][:, part.rows] / steps).abs().cpu().numpy()
            each = geometric_bits(own.astype(np.float64).reshape(len(own), -1).mean(1))
            total += self._by_signal(own[0].size * each, part.local).sum(1)
        return total

    def round(self) -> None:
        """Put the rounded weights where kernels find them."""
        for name, value in self._stacks.values.items():
            latent, steps = self.latent[name], self._steps[name]
            if self._threshold is None:
                value.copy_(torch.round(latent / steps) * steps)
            else:  # in double precision: single tells too few thresholds apart
                ratio = latent.double() / steps.double()
                integers = torch.floor(ratio.abs() + (1 - self._thresholds[name])) * ratio.sign()
                value.copy_(integers.float() * steps)

    def show(self) -> None:
        """Put the weights that learn where the optimiser finds them."""
        for name, value in self._stacks.values.items():
            value.copy_(self.latent[name])

    def keep(self) -> None:
        """Take what the optimiser made of them, and round it."""
        for name, value in self._stacks.values.items():
            self.latent[name].copy_(value)
        self.round()

    def charge(self, counts: Mapping[bool, Tensor]) -> None:
        """Add the price of the bits to the gradients.

        In a group whose integers have the mean magnitude m, one more in the sum of magnitudes takes -log2 theta(m) bits:
        that is how the entropy of n of them, with the distribution of `theta_of`, grows with n m. On a lattice the mean is
        by what is next to each integer, see `Nearby.slopes`.

        Args:
            counts: values that the loss of each group is a mean of, [group, 1, 1], by whether the group is a region.
        """
        if not self.price.any():
            return
        for part, own in self._latent():
            steps = self._steps[part.matrix][:, part.rows]
            if (near := self._nearby.get(part.stack)) is not None:
                slopes = near.slopes(self._integers(part))
            else:
                held = (
                    (self._stacks.values[part.matrix][:, part.rows] / steps).abs().mean((1, 2), keepdim=True)
                )
                slopes = -torch.log2(theta_of(held.clamp_min(0.5 / own[0].numel())))
            bits = slopes / steps * own.sign()
            self._stacks.gradients[part.matrix][:, part.rows] += (
                self._prices[part.local] / counts[part.local] * bits
            )

    def coding(self, signal: int) -> Coding:
        """Return the steps of one signal."""
        return Coding(exponents={name: int(exponents[signal]) for name, exponents in self.exponents.items()})

    def select(self, places: Sequence[int], rows: Mapping[str, Tensor]) -> None:
        """Go on with some signals, which have some rows of each matrix; `stacks` has done so."""
        keep = list(places)
        self._signals = len(keep)
        self.latent = {name: value[rows[name]] for name, value in self.latent.items()}
        self.exponents = {name: exponents[keep] for name, exponents in self.exponents.items()}
        self.price = self.price[keep]
        self._lasting = None if self._lasting is None else self._lasting[keep]
        self._shape = {name: value[keep] for name, value in self._shape.items()}
        self._steps, self._prices = {}, {}
        self._tensors()
        for part, near in self._on_lattices():
            near.take(near.lines[keep], self._integers(part))

    def state(self) -> dict[str, Tensor]:
        """Return what a resumed fit must be given, by name."""
        latent = {f"latent.{name}": value for name, value in self.latent.items()}
        lasting = self.price if self._lasting is None else self._lasting
        arrays = {"price": self.price, "lasting": lasting}
        arrays |= {f"exponent.{name}": exponents for name, exponents in self.exponents.items()}
        arrays |= {f"shape.{name}": value for name, value in self._shape.items()}
        arrays |= {f"line.{name}": near.lines for name, near in self._nearby.items()}
        return {**latent, **{name: torch.from_numpy(value) for name, value in arrays.items()}}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state."""
        for name, value in self.latent.items():
            value.copy_(state[f"latent.{name}"])
        arrays = {name: value.cpu().numpy() for name, value in state.items()}
        self.price, self._lasting = arrays["price"], arrays["lasting"]
        self._shape = {name: arrays[f"shape.{name}"] for name in self.exponents if f"shape.{name}" in arrays}
        self.exponents = {name: arrays[f"exponent.{name}"] for name in self.exponents}
        self._tensors()
        self.round()
        for part, near in self._on_lattices():
            near.take(arrays[f"line.{part.stack}"], self._integers(part))
