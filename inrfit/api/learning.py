"""An init is learned from many signals, and measured on others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from inrfit.api.files import Source, read
from inrfit.device import pick_device
from inrfit.errors import ConfigError, OutputError
from inrfit.fitting.progress import Progress
from inrfit.io.config import ReadConfig
from inrfit.io.files import write
from inrfit.meta import held_out
from inrfit.meta import init as inits
from inrfit.meta import plan as planning
from inrfit.meta.init import Init
from inrfit.meta.train import train
from inrfit.signal import Signal

if TYPE_CHECKING:
    from inrfit.options import TrainWords


def meta_train(
    inputs: str | Path | Sequence[Source],
    output: str | Path | None = None,
    *,
    val: str | Path | Sequence[Source] = (),
    base: Init | str | Path | None = None,
    recursive: bool = False,
    device: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
    on_skip: Callable[[str, str], None] = lambda name, reason: None,
    **words: Unpack[TrainWords],
) -> Init:
    """Learn from many signals an init that is adapted to a new one in a few steps.

    >>> meta_train("photos", "init.safetensors", size=64, steps=1000)  # doctest: +SKIP

    Args:
        inputs: a folder, or files, folders, globs, arrays and signals of one kind.
        output: file to write.
        val: signals for validation; a share of the inputs when there are none.
        base: the init that another is made from, for methods that are ("matched", "shuffled").
        recursive: look into folders within folders.
        device: "auto", "cpu", "cuda" or "cuda:<number>".
        overwrite: replace an existing output.
        progress: hooks that are told of every step with a `MetaEvent`.
        on_skip: told once of each signal that cannot be used: its name, and why.
        words: the words of the command line, such as `method="maml", steps=1000, size=64, grid=(2, 2)`.

    Returns:
        The init with the numbers that did best on the held-out signals.

    Raises:
        InputError, ConfigError, DeviceError: the inputs, a word or the device cannot work.
        FitError: it diverged. OutputError: the output exists, or it cannot be written.
    """
    kind = words.get("kind")

    def entries(given: str | Path | Sequence[Source]) -> list[str | Path | Signal]:
        several = [given] if isinstance(given, str | Path) else list(given)
        return [one if isinstance(one, str | Path) else read(one, ReadConfig(kind=kind)) for one in several]

    made_from = inits.read(base) if isinstance(base, str | Path) else base
    if output is not None and Path(output).exists() and not overwrite:
        raise OutputError(f"{output}: exists already", hint="give overwrite=True, or name another file")
    training = planning.plan(
        entries(inputs),
        words,
        val=entries(val),
        base=made_from,
        recursive=recursive,
        device=device,
        on_skip=on_skip,
    )
    made = train(training, progress)
    if output is not None and training.ranks.leads:
        where = write(Path(output), (made.data,), taken="replace" if overwrite else "beside")
        if where != Path(output):
            raise OutputError(f"{output}: exists by now; the init is in {where}", hint="rename one of them")
    return made


def meta_eval(
    sources: Sequence[Source],
    init: Init | str | Path,
    *,
    steps: int = 10,
    optimiser: str = "learned",
    lr: float | None = None,
    tune: Sequence[Source] | None = None,
    size: int | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> dict[str, Any]:
    """Measure an init on held-out signals; of each the middle is taken, as wide as the init's crops.

    Args:
        sources: the signals; what cannot be read, or does not suit the init, is skipped and told.
        init: what was learned, or its file.
        steps: steps on each signal.
        optimiser: "learned" (steps and rates of the init), "sgd" or "adam".
        lr: rate of "sgd" or "adam"; when None, the best of a few on other signals than those measured.
        tune: those others; a part of `sources`, which is then not measured, when None.
        size: samples along each axis of what is taken; that of the init when None.
        device: where it runs.
        threads: on the CPU; one per core when None.

    Returns:
        "step_psnr" (dB before the first and after every step, the mean over signals), "psnr" (the last of them),
        "optimiser", "lr", "tuned_on", "method", "hash", "signals" and "skipped".

    Raises:
        InputError: the init cannot be read. ConfigError: too few signals are left, or an option cannot work.
    """
    held_out.check(steps, optimiser, lr, tuned=tune is not None)
    learned = init if isinstance(init, Init) else inits.read(init)
    skipped: list[dict[str, str]] = []

    def windows(given: Sequence[Source]) -> dict[str, Signal]:
        entries = [
            Path(one) if isinstance(one, str | Path) else read(one, ReadConfig(kind=learned.kind))
            for one in given
        ]
        return held_out.windows(
            learned,
            entries,
            size=size,
            on_skip=lambda name, reason: skipped.append({"input": name, "reason": reason}),
        )

    signals = windows(sources)
    if not signals and skipped:
        raise ConfigError(
            f"there are no signals to measure, the first is left out: {skipped[0]['input']}: {skipped[0]['reason']}",
            hint=f"give signals of the kind {learned.kind} like those that the init was learned from",
        )
    found = held_out.measure(
        learned,
        signals,
        steps,
        pick_device(device, threads),
        optimiser=optimiser,
        lr=lr,
        tune=None if tune is None else windows(tune),
    )
    return {
        "method": learned.config.method,
        "hash": learned.hash,
        "optimiser": found.optimiser,
        "lr": found.lr,
        "tuned_on": list(found.tuned_on),
        "step_psnr": list(found.psnr),
        "psnr": found.psnr[-1],
        "signals": len(found.signals),
        "skipped": skipped,
    }
