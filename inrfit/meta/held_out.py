"""How well an init does on held-out signals, with the rate that suits it best; it writes no file and trains nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from inrfit import io
from inrfit.device import Device
from inrfit.errors import ConfigError, require
from inrfit.io.config import ReadConfig
from inrfit.kernels.threads import tile_threads
from inrfit.meta.curves import OPTIMISERS, curve, mean_over
from inrfit.meta.folder import Entry, Folder
from inrfit.meta.init import Init
from inrfit.meta.learner import as_tensors
from inrfit.meta.settings import check_shape_size
from inrfit.meta.tasks import gather
from inrfit.partitions import build
from inrfit.registry import unknown
from inrfit.signal import Signal

LRS = {"sgd": (0.3, 0.1, 0.03, 0.01, 0.003, 0.001), "adam": (0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)}
"""Rates that are tried where none is given."""

TUNING = 4
"""Signals at most, and one in so many of them, on which rates are tried and which are then not measured."""

TOGETHER = 4
"""Signals that are adapted to at once, in one thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """The PSNR of held-out signals, step by step.

    Attributes:
        optimiser: "learned", "sgd" or "adam".
        lr: its rate; None for learned ones.
        psnr: dB before the first and after every step, the mean over signals.
        signals: names of those measured.
        tuned_on: names of those on which the rate was chosen, none of which was measured.
    """

    optimiser: str
    lr: float | None
    psnr: tuple[float, ...]
    signals: tuple[str, ...]
    tuned_on: tuple[str, ...]


def windows(
    init: Init,
    entries: Sequence[Entry],
    *,
    size: int | None = None,
    on_skip: Callable[[str, str], None] = lambda name, reason: None,
) -> dict[str, Signal]:
    """Return the middle of every signal that can be used, by name: as wide, scaled and coloured as the init saw them.

    Args:
        init: what was learned.
        entries: files and signals.
        size: samples along each axis; those of the init when None.
        on_skip: told once of each signal that cannot be used: its name, and why.

    Raises:
        ConfigError: the size is too small.
    """
    config = init.config if size is None else replace(init.config, size=size)
    read = ReadConfig(kind=init.kind, target=init.target)
    if "resolution" in io.kind_of(init.kind).words:
        check_shape_size(config.size)
        read = replace(read, resolution=config.size)
    folder = Folder(entries, read, config, channels=init.channels, on_skip=on_skip)
    return folder.named_centres()


def measure(
    init: Init,
    signals: Mapping[str, Signal],
    steps: int,
    device: Device,
    *,
    optimiser: str = "learned",
    lr: float | None = None,
    tune: Mapping[str, Signal] | None = None,
) -> HeldOut:
    """Return the PSNR before the first and after every step.

    Args:
        init: what was learned.
        signals: held out, by name; at least one.
        steps: how many.
        device: where it runs; the result does not depend on its threads.
        optimiser: "learned" (the steps and rates of the init), "sgd" or "adam".
        lr: of "sgd" or "adam"; when None, the one of `LRS` that is best after the last step on other signals than those
            measured.
        tune: those other signals, by name; a part of the held-out ones, which is then not measured, when None.

    Raises:
        ConfigError: an unknown optimiser, a rate that is none, or too few signals.
    """
    check(steps, optimiser, lr, tuned=tune is not None)
    require(bool(signals), "there are no signals to measure", hint="give a folder with some")
    means = partial(_means, init, steps=steps, optimiser=optimiser, device=device)
    if optimiser == "learned" or lr is not None:
        psnr = means(list(signals.values()), lr=lr or 1.0)
        return HeldOut(optimiser=optimiser, lr=lr, psnr=psnr, signals=tuple(signals), tuned_on=())
    left = dict(signals)
    if tune is None:
        tune = {name: left.pop(name) for name in _part(signals)}
    require(
        bool(tune) and bool(left),
        f"--optimiser {optimiser} needs a rate, and there are no signals to choose one on besides those measured",
        hint="give --lr, more signals, or others for it with --tune",
    )
    on = list(tune.values())
    tried = {one: means(on, lr=one)[-1] for one in LRS[optimiser]}
    lr = max(tried, key=lambda one: np.nan_to_num(tried[one], nan=-np.inf))
    psnr = means(list(left.values()), lr=lr)
    return HeldOut(optimiser=optimiser, lr=lr, psnr=psnr, signals=tuple(left), tuned_on=tuple(tune))


def check(steps: int, optimiser: str, lr: float | None, *, tuned: bool) -> None:
    """Refuse options that cannot work, before any signal is read.

    Raises:
        ConfigError: there is one.
    """
    if optimiser not in OPTIMISERS:
        raise unknown(optimiser, OPTIMISERS, option="--optimiser")
    require(0 <= steps <= 1 << 20, f"--steps {steps} must lie between 0 and {1 << 20}")
    require(lr is None or 0 < lr < 1e6, f"--lr {lr} must lie between 0 and 1e6")
    learned = optimiser == "learned"
    require(
        lr is None or not learned,
        f"--lr {lr} is for --optimiser sgd or adam",
        hint="leave it out, or name one of them",
    )
    if tuned and (learned or lr is not None):
        raise ConfigError(
            f"--tune is for choosing a rate, {'learned ones are' if learned else f'--lr {lr:g} is'} there already",
            hint="leave out --tune" + (", or take --optimiser sgd or adam" if learned else " or --lr"),
        )


def _part(signals: Mapping[str, Signal]) -> list[str]:
    """Return the names of some signals, chosen by their content."""
    count = min(TUNING, -(-len(signals) // TUNING))
    return sorted(signals, key=lambda name: (signals[name].info.sha256, name))[:count]


def _means(
    init: Init, signals: Sequence[Signal], *, steps: int, optimiser: str, lr: float, device: Device
) -> tuple[float, ...]:
    """Return the mean PSNR over signals before the first and after every step."""
    learner, params = init.learner, as_tensors(init.params, device.name)
    drawn = {name: params[name][None] for name in learner.fixed() if name in params}

    def measured(at: int) -> NDArray[np.float64]:
        part = signals[at : at + TOGETHER]
        divided = [build(signal, init.partition) for signal in part]
        tasks = gather(part, divided, learner.description, drawn, device=device.name)
        return curve(learner, params, tasks, steps, optimiser=optimiser, lr=lr)

    with tile_threads(1 if device.is_cuda else device.threads) as run:
        found = list(run(measured, range(0, len(signals), TOGETHER)))
    return tuple(mean_over(found).tolist())
