"""What was learned from many signals becomes the field of one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import numpy as np

from inrfit import io
from inrfit.api.files import Source, read
from inrfit.device import pick_device
from inrfit.errors import require
from inrfit.field import Field
from inrfit.fitting.progress import Progress
from inrfit.meta import adapt as adapting
from inrfit.meta import init as inits
from inrfit.meta.adapt import Adaptation
from inrfit.meta.init import Init
from inrfit.meta.settings import ADAPT, adapt_settings

if TYPE_CHECKING:
    from inrfit.options import AdaptWords


def adapt(
    source: Source,
    init: Init | str | Path,
    *,
    device: str = "auto",
    progress: Progress | None = None,
    **options: Unpack[AdaptWords],
) -> Field:
    """Turn an init into the field of a signal in a few steps.

    >>> save(adapt("photo.png", "init.safetensors", steps=3), "photo.inr")  # doctest: +SKIP

    Args:
        source: a signal of the kind, the channels and the axes that the init was learned from, of any size; as for `fit`.
        init: an init, or its file.
        device: where it runs.
        progress: hooks that are told of every step.
        options: `steps` (as many as were trained when None; 0 gives the start itself), `reference_init` (its file keeps
            only what the regions adapted, and is read with the init beside it), the others of `AdaptConfig`, and of the
            words of `fit` those that say how the signal is read, divided and fitted. The division is that of the init
            where nothing else is said.

    Returns:
        The field, as for `fit`.

    Raises:
        InputError: the source or the init cannot be read, or they do not go together. ConfigError, DeviceError: an
            option or the device cannot work. FitError: the adaptation diverged.
    """
    plan = plan_adaptation(source, init, device=device, **options)
    return plan.run(progress)


def plan_adaptation(
    source: Source,
    init: Init | str | Path,
    *,
    device: str = "auto",
    name: str | None = None,
    **options: Unpack[AdaptWords],
) -> Adaptation:
    """Read a signal and decide how an init will be adapted to it, without doing so; see `adapt`.

    Args:
        source, init, device, options: as for `adapt`.
        name: what to call the signal in messages when it has no path.
    """
    config = adapt_settings(**options)
    begin = init if isinstance(init, Init) else inits.read(init)
    kind = io.kind_of(begin.kind)
    for word in config.given:
        require(
            not ADAPT[word].word.by_kind or word in kind.words,
            f"{ADAPT[word].option} means nothing for the kind {kind.kind} that the init was learned from",
            hint="leave it out",
        )
    if begin.kind == "shape" and config.read.target != begin.target:
        require(
            "target" not in config.given,
            f"--target {config.read.target} is not what the init was learned from, which is {begin.target}",
            hint=f"leave it out, or train an init with meta-train --target {config.read.target}",
        )
        config = replace(config, read=replace(config.read, target=begin.target))
    told = name or (str(source) if isinstance(source, str | Path) else "the signal")
    listed = Path(told).suffix.lower() in kind.suffixes
    usual = kind.kind if listed or isinstance(source, np.ndarray) else None
    signal = read(source, replace(config.read, kind=usual), name=name)
    picked = pick_device(device, config.fit.threads)
    return adapting.plan(signal, told, begin, config, picked, reference=config.reference)
