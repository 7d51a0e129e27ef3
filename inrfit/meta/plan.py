"""From inputs and option words to a planned meta-training; nothing is trained here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inrfit import io
from inrfit.device import pick_device
from inrfit.errors import ConfigError, require
from inrfit.meta.folder import Entry, Folder, find, split
from inrfit.meta.init import Init
from inrfit.meta.learner import Learner
from inrfit.meta.ranks import from_environment, own_device
from inrfit.meta.settings import MetaSettings, meta_settings
from inrfit.meta.train import Training
from inrfit.models.sizing import resolve
from inrfit.partitions import build
from inrfit.partitions.config import DIVIDES, PartitionConfig
from inrfit.registry import every, load
from inrfit.signal import Signal


def plan(
    inputs: Sequence[str | Path | Signal],
    words: Mapping[str, Any],
    *,
    val: Sequence[str | Path | Signal] = (),
    base: Init | None = None,
    recursive: bool = False,
    device: str = "auto",
    on_skip: Callable[[str, str], None] = lambda name, reason: None,
) -> Training:
    """Find the signals and decide how an init will be learned from them.

    Args:
        inputs: files, folders, globs and signals.
        words: options, as on the command line.
        val: the same for validation; a share of the inputs when there are none.
        base: the init that a learner is made from, for learners that are.
        recursive: look into folders within folders.
        device: where it runs.
        on_skip: told once of each signal that cannot be used: its name, and why.

    Raises:
        ConfigError: an option cannot work, or the signals cannot be meta-trained. DeviceError: the device is not there.
        InputError: no signal can be used.
    """
    kind, entries, notes = _entries(inputs, words.get("kind"), recursive=recursive)
    decided = meta_settings(kind, words)
    made_from = _checked(decided, base)
    chosen = pick_device(own_device(device), decided.run.threads)
    require(
        decided.run.precision == "float32" or chosen.is_cuda,
        f"--precision {decided.run.precision} needs CUDA, this runs on {chosen.name}",
        hint="leave out --precision, or take --device cuda where there is one",
    )
    held: Sequence[Entry]
    if val:
        _, held, more = _entries(val, kind, recursive=recursive)
        learned_from, common = _without(entries, held)
        notes += [*more, *common]
    else:
        learned_from, held = split(entries, decided.run.holdout)
    told = {"memory": decided.run.memory, "on_skip": on_skip}
    channels = None if base is None else base.channels
    folder = Folder(learned_from, decided.read, decided.config, channels=channels, **told)
    first = folder.crop(0, 0)
    windows = (
        Folder(held, decided.read, decided.config, channels=folder.channels, **told).centres() if held else []
    )
    if not windows:
        require(not val, "--val: none of its signals can be used", hint="give others, or leave it out")
        notes.append("there are no signals for validation; the numbers after the last step are kept")
    blank = _blank(decided, first, base if made_from else None, words)
    return Training(
        blank=blank,
        folder=folder,
        held_out=windows,
        run=decided.run,
        device=chosen,
        ranks=from_environment(),
        peak=first.info.peak,
        notes=(*notes, *folder.notes),
        belongs_to={} if base is None else {"made from": base.hash},
    )


def _entries(
    inputs: Sequence[str | Path | Signal], kind: str | None, *, recursive: bool
) -> tuple[str, list[Entry], list[str]]:
    """Return the kind of the inputs, the files and signals, and what was noticed."""
    signals: list[Entry] = [given for given in inputs if not isinstance(given, str | Path)]
    paths = [given for given in inputs if isinstance(given, str | Path)]
    if signals and kind is None:
        kind = next(entry.info.kind for entry in signals if not isinstance(entry, Path))
    require(bool(inputs), "there are no inputs", hint="name a folder of signals")
    if not paths:
        return str(kind), signals, []
    found, files, notes = find(paths, kind, recursive=recursive)
    return found, [*signals, *files], notes


def _without(entries: Sequence[Entry], held: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """Return the signals without the files that are held out, and what was noticed.

    Raises:
        ConfigError: nothing is left.
    """
    kept_apart = {entry.resolve() for entry in held if isinstance(entry, Path)}
    left = [entry for entry in entries if not isinstance(entry, Path) or entry.resolve() not in kept_apart]
    count = len(entries) - len(left)
    require(
        bool(left),
        "--val: all inputs are signals for validation, there is none to learn from",
        hint="give others, or leave out --val: a share of the inputs is held out then",
    )
    one = count == 1
    note = f"{count} input{' is' if one else 's are'} for validation as well (--val), and not learned from"
    return left, [note] if count else []


def _checked(decided: MetaSettings, base: Init | None) -> bool:
    """Return whether the learner is made from another init.

    Raises:
        ConfigError: it is and there is none, or it is not and there is one, or that is for other signals.
    """
    method = decided.config.method
    derived = load("meta", method).derived
    if derived:
        require(
            base is not None,
            f"--method {method} is made from another init",
            hint="name it with --from, for example --from maml.safetensors",
        )
    others = [name for name in every("meta") if load("meta", name).derived] if base and not derived else []
    require(
        base is None or derived,
        f"--from is for methods that are made from another init, not for {method}",
        hint=f"leave out --from, or take --method {' or '.join(others)}" if others else "leave out --from",
    )
    if base is not None:
        require(
            base.kind == decided.read.kind,
            f"--from: the init is for signals of the kind {base.kind}, the inputs are of {decided.read.kind}",
            hint="take an init for these signals",
        )
    return derived


def _blank(decided: MetaSettings, first: Signal, base: Init | None, words: Mapping[str, Any]) -> Init:
    """Return the init before training.

    Raises:
        ConfigError: the network does not suit the crops, or the learner does not know the model.
    """
    partition: PartitionConfig = decided.partition
    if base is not None and not any(words.get(word) is not None for word in DIVIDES):
        partition = base.partition
    if base is None:
        wanted = decided.model
        if wanted.name is None and partition.rule != "none":
            wanted = replace(wanted, name="partitioned")  # whatever the first crop has
        model = resolve(wanted, build(first, partition), first.channels)
    else:
        model = base.model
    learner_of: type[Learner] = load("meta", decided.config.method)
    if model.name not in learner_of.models:
        raise ConfigError(
            f"--model {model.name} is not for --method {decided.config.method}",
            hint=f"use --model {' or '.join(learner_of.models)}",
        )
    axes = first.domain.axes
    learner: Any = learner_of(model, len(axes), first.channels, decided.config)
    seed = decided.config.seed
    params = learner.parameters(seed) if base is None else learner.derive(base, seed)
    notes = {} if base is None else {"made_from": base.hash}
    if "target" in io.kind_of(first.info.kind).words:
        notes["target"] = decided.read.target
    return Init(
        kind=first.info.kind,
        axes=axes,
        channels=first.channels,
        model=model,
        partition=partition,
        config=decided.config,
        params=params,
        notes=notes,
    )
