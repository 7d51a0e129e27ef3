"""How well an init does on held-out signals, with the rate that suits it best; it writes no file and trains nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inrfit.config import require
from inrfit.errors import InputError
from inrfit.meta.curves import OPTIMISERS, curve, mean_over
from inrfit.meta.init import Init
from inrfit.meta.learner import as_tensors
from inrfit.meta.tasks import gather
from inrfit.partitions import build
from inrfit.registry import unknown
from inrfit.signal import ArraySignal, Signal

LRS = {"sgd": (0.3, 0.1, 0.03, 0.01, 0.003, 0.001), "adam": (0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)}
"""Rates that are tried where none is given."""

TRIED = 4
"""Signals on which they are tried: the first ones."""

TOGETHER = 8
"""Signals that are adapted to at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """The PSNR of held-out signals, step by step.

    Attributes:
        optimiser: "learned", "sgd" or "adam".
        lr: its rate; None for learned ones.
        psnr: dB before the first and after every step, the mean over signals.
        signals: how many there were.
    """

    optimiser: str
    lr: float | None
    psnr: tuple[float, ...]
    signals: int


def middle(signal: Signal, size: int) -> Signal:
    """Return the middle of a signal, at most `size` samples along each axis; a shape is returned whole."""
    if not isinstance(signal, ArraySignal):
        return signal
    starts = [max(0, (n - size) // 2) for n in signal.domain.shape]
    lengths = [min(n, size) for n in signal.domain.shape]
    window = tuple(slice(a, a + n) for a, n in zip(starts, lengths, strict=True))
    domain = replace(signal.domain, shape=tuple(lengths), origin=(0,) * len(lengths))
    return replace(signal, values=np.ascontiguousarray(signal.values[window]), domain=domain)


def check(init: Init, signal: Signal) -> None:
    """Raise an InputError where a signal is not one of those that an init is for."""
    for word, found, wanted in (
        ("kind", signal.info.kind, init.kind),
        ("axes", signal.domain.axes, init.axes),
        ("channels", signal.channels, init.channels),
    ):
        if found != wanted:
            raise InputError(
                f"a signal with {word} {found} is not one that this init is for ({word} {wanted})",
                hint="give signals like those that it was learned from",
            )


def measure(
    init: Init,
    signals: Sequence[Signal],
    steps: int,
    *,
    optimiser: str = "learned",
    lr: float | None = None,
    device: str = "cpu",
) -> HeldOut:
    """Return the PSNR before the first and after every step.

    Args:
        init: what was learned.
        signals: held out; at least one.
        steps: how many.
        optimiser: "learned" (the steps and rates of the init), "sgd" or "adam".
        lr: of "sgd" or "adam"; when None, the one of `LRS` that is best after the last step on the first signals.
        device: as torch calls it.

    Raises:
        ConfigError: an unknown optimiser, a rate that is none, or no signals.
        InputError: a signal is none that the init is for.
    """
    if optimiser not in OPTIMISERS:
        raise unknown(optimiser, OPTIMISERS, option="--optimiser")
    require(0 <= steps <= 1 << 20, f"--steps {steps} must lie between 0 and {1 << 20}")
    require(lr is None or 0 < lr < 1e6, f"--lr {lr} must lie between 0 and 1e6")
    require(bool(signals), "there are no signals to measure", hint="give a folder with some")
    require(
        lr is None or optimiser != "learned",
        f"--lr {lr} is for --optimiser sgd or adam",
        hint="leave it out, or name one of them",
    )
    for signal in signals:
        check(init, signal)
    if optimiser == "learned":
        return HeldOut(
            optimiser=optimiser,
            lr=None,
            psnr=_means(init, signals, steps, optimiser, 1.0, device),
            signals=len(signals),
        )
    if lr is None:
        tried = {one: _means(init, signals[:TRIED], steps, optimiser, one, device) for one in LRS[optimiser]}
        lr = max(tried, key=lambda one: np.nan_to_num(tried[one][-1], nan=-np.inf))
    psnr = _means(init, signals, steps, optimiser, lr, device)
    return HeldOut(optimiser=optimiser, lr=lr, psnr=psnr, signals=len(signals))


def _means(
    init: Init, signals: Sequence[Signal], steps: int, optimiser: str, lr: float, device: str
) -> tuple[float, ...]:
    """Return the mean PSNR over signals before the first and after every step."""
    learner, params = init.learner, as_tensors(init.params, device)
    drawn = {name: params[name][None] for name in learner.fixed() if name in params}
    found: list[NDArray[np.float64]] = []
    for at in range(0, len(signals), TOGETHER):
        part = signals[at : at + TOGETHER]
        divided = [build(signal, init.partition) for signal in part]
        tasks = gather(part, divided, learner.description, drawn, device=device)
        found.append(curve(learner, params, tasks, steps, optimiser=optimiser, lr=lr))
    return tuple(mean_over(found).tolist())
