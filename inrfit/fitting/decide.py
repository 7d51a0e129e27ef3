"""From a signal and settings to the plan of its fit: regions, model, and what a size or a quality decides."""

from __future__ import annotations

from dataclasses import replace

from inrfit.device import Device
from inrfit.fitting.plan import Plan
from inrfit.fitting.rate import decided, decides_on_size
from inrfit.fitting.settings import Settings
from inrfit.models.coarser import coarser, shortfall
from inrfit.models.sizing import resolve
from inrfit.partitions import build, occupied
from inrfit.partitions.counted import counted
from inrfit.signal import Signal


def decide(signal: Signal, settings: Settings, device: Device, *, divided: bool) -> Plan:
    """Decide how a signal will be fitted.

    Args:
        signal: what to fit.
        settings: how; what is open in them is decided here.
        device: where.
        divided: whether the user says how the signal is divided; else it may be in larger cells.

    Raises:
        InputError, ConfigError: an option does not go with the signal.
    """
    settings.fit.check_axes(signal.domain.axes)
    division = build(signal, settings.partition)
    if not divided and (fitting := coarser(settings.model, division, signal.channels)) is not division:
        division = occupied(signal, fitting)
        settings = replace(settings, partition=replace(settings.partition, grid=division.grid, cell=None))
    open_model = settings.model if decides_on_size(settings) else None
    settings = decided(settings, signal, division)
    model = resolve(settings.model, division, signal.channels)
    if (note := shortfall(settings.model.params, model, division, signal.channels)) is not None:
        division = replace(division, warnings=(*division.warnings, note))
    return Plan(
        signal=counted(signal, division),
        partition=division,
        settings=replace(settings, model=model),
        device=device,
        open_model=open_model,
    )
