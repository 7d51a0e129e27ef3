"""Signals become fields."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from inrfit.api.dividing import read_for
from inrfit.api.files import Source, load
from inrfit.device import Device, pick_device
from inrfit.errors import FitError
from inrfit.field import Field
from inrfit.fitting import run as runs
from inrfit.fitting.checkpoint import Checkpoint
from inrfit.fitting.measure import with_errors
from inrfit.fitting.plan import Plan, check_many
from inrfit.fitting.progress import Progress
from inrfit.fitting.run import decide
from inrfit.fitting.settings import divides, settings
from inrfit.meta.init import Init
from inrfit.signal import Signal

if TYPE_CHECKING:
    from inrfit.options import FitWords


def fit(
    source: Source,
    *,
    device: str = "auto",
    progress: Progress | None = None,
    **options: Unpack[FitWords],
) -> Field:
    """Fit a neural field to a signal.

    Args:
        source: a path, the bytes of a file, an array, or a signal; see `read`. An image is of type uint8, uint16 or
            float; of other kinds integers up to 32 bit are taken too.
        device: "auto", "cpu", "cuda" or "cuda:<number>".
        progress: hooks that are told of every step.
        options: the words of the command line, for example `partition="seg", heads=4, steps=500`.

    Returns:
        The field; its `psnr` is that of its decoded samples with the weights as a file keeps them.

    Raises:
        InputError, ConfigError, DeviceError: the source, an option or the device cannot work.
        FitError: the fit diverged.
    """
    return run(plan(source, device=device, **options), progress=progress)


def fit_many(
    sources: Sequence[Source],
    *,
    device: str = "auto",
    progress: Progress | None = None,
    **options: Unpack[FitWords],
) -> list[Field | FitError]:
    """Fit a neural field to each of many small signals, at once where they have one shape.

    Each has its own weights, optimiser state and stopping, and gets the field that `fit` would give it.

    Args:
        sources: signals, or what they are read from, as for `fit`.
        device, progress, options: as for `fit`, without `points` and `max_time`.

    Returns:
        In the order of the sources, a field, or the error of a fit that diverged.

    Raises:
        InputError, ConfigError, DeviceError: a source, an option or the device cannot work.
    """
    check_many(settings(**options).fit)
    return run_many([plan(source, device=device, **options) for source in sources], progress=progress)


def plan(
    source: Source, *, device: str = "auto", name: str | None = None, **options: Unpack[FitWords]
) -> Plan:
    """Read a signal and decide how it will be fitted, without fitting it.

    Raises:
        InputError, ConfigError, DeviceError: the source, an option or the device cannot work.
    """
    signal, wanted = read_for(source, name, options)
    return decide(signal, wanted, pick_device(device, wanted.fit.threads), divided=divides(options))


def run(plan: Plan, *, progress: Progress | None = None, resume: Checkpoint | None = None) -> Field:
    """Carry out what was planned; see `Plan.run`."""
    return plan.run(progress, resume)


def run_many(plans: Sequence[Plan], *, progress: Progress | None = None) -> list[Field | FitError]:
    """Fit what was planned, those that have shape, model and options in common at once; see `fit_many`."""
    return runs.run_many(plans, progress)


def verify(data: bytes, signal: Signal, device: Device, *, init: Init | str | Path | None = None) -> Field:
    """Return the field that the bytes of a file hold, with its errors measured anew against the signal.

    Args:
        data: the bytes.
        signal, device: as for `run`.
        init: as for `load`.

    Every quality number inrfit prints comes from here: from the bytes that are written, decoded.
    """
    return with_errors(load(data, init=init), signal, device)
