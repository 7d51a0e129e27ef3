"""One run of `inrfit meta-train`: plan, train or go on, write the init, its log and its curve."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inrfit.cli import reports
from inrfit.cli.console import out_bytes
from inrfit.cli.fit_job import Interruptible, checkpoint_path
from inrfit.cli.inputs import Item, make_room
from inrfit.cli.meta_log import Log
from inrfit.cli.progress import Display
from inrfit.errors import Interrupted

if TYPE_CHECKING:
    from inrfit.fitting.checkpoint import Checkpoint
    from inrfit.meta.events import MetaEvent
    from inrfit.meta.init import Init
    from inrfit.meta.train import Training


@dataclass(kw_only=True)
class MetaJob:
    """What a run is told and what it finds on the way.

    Attributes:
        inputs, words, val: as for `inrfit.meta.plan.plan`.
        base: path of the init that another is made from.
        recursive: look into folders within folders.
        device: device asked for.
        resume: go on from a checkpoint.
        leads: whether this process writes and talks, of those that train together.
        talk: say a line to the user, unless they want silence.
        warn: say a line in any case.
        verbose: say more.
        display: shows the progress.
        interrupted: whether the user asked to stop.
        skipped: name and reason of the signals that could not be used.
    """

    inputs: Sequence[str]
    words: Mapping[str, Any]
    val: Sequence[str]
    base: str | None
    recursive: bool
    device: str
    resume: bool
    leads: bool
    talk: Callable[[str], None]
    warn: Callable[[str], None]
    verbose: bool
    display: Display
    interrupted: bool = False
    skipped: dict[str, str] = field(default_factory=dict)

    def work(self, item: Item) -> dict[str, Any]:
        """Learn an init and write its files."""
        training = self._plan()
        make_room(item.output)
        self._tell(training)
        began = time.monotonic()
        init, log = self._train(item, training)
        seconds = time.monotonic() - began
        if self.leads:
            _write(item, init)
            if item.output is not None:
                log.draw(item.output.with_suffix(".svg"), init.config.inner_steps)
        if self.skipped:
            total = len(training.folder) + len(training.held_out)
            self.warn(f"{len(self.skipped)} of about {total} signals were skipped")
        return {
            "bytes": len(init.data),
            "params": sum(value.size for value in init.params.values()),
            "seconds": round(seconds, 3),
            "device": training.device.name,
            "hash": init.hash,
            "kind": init.kind,
            "method": init.config.method,
            "steps": init.notes["steps"],
            "val_psnr": init.notes.get("val_psnr"),
            "val_psnr_before": init.notes.get("val_psnr_before"),
            "signals": len(training.folder),
            "val_signals": len(training.held_out),
            "skipped": [{"input": name, "reason": reason} for name, reason in self.skipped.items()],
        }

    def _plan(self) -> Training:
        """Decide how the init will be learned; say what cannot be used."""
        from inrfit.meta import init
        from inrfit.meta.plan import plan

        def on_skip(name: str, reason: str) -> None:
            self.skipped[name] = reason
            self.warn(f"{name}: skipped: {reason}")

        base = None if self.base is None else init.read(self.base)
        return plan(
            self.inputs,
            self.words,
            val=self.val,
            base=base,
            recursive=self.recursive,
            device=self.device,
            on_skip=on_skip,
        )

    def _train(self, item: Item, training: Training) -> tuple[Init, Log]:
        """Train, or go on with a run; return the init and the log."""
        from inrfit.fitting import checkpoint
        from inrfit.fitting.loop import Progress
        from inrfit.meta.train import train

        kept = checkpoint_path(item.output)
        identity = training.identity()
        begin = self._checkpoint(item, kept, identity)
        path = None if item.output is None or not self.leads else item.output.with_suffix(".csv")
        log = Log(path, None if begin is None else begin.step)
        with self.display.fit(item.name) if self.leads else nullcontext() as show, Interruptible(self):

            def on_event(event: MetaEvent) -> None:
                if self.leads:
                    log.add(event)
                    if show is not None and event.step >= 0:
                        show(event)

            hooks = Progress(
                on_event=on_event,  # type: ignore[arg-type]
                stop=lambda: self.interrupted,
                save=None if kept is None else lambda state: checkpoint.save(state, kept, identity),
            )
            try:
                made = train(training, hooks, begin)
            except Interrupted as error:
                raise _resumable(error, kept, resume=self.resume) from None
        if kept is not None and self.leads:
            with suppress(OSError):
                kept.unlink(missing_ok=True)
        return made, log

    def _checkpoint(self, item: Item, kept: Path | None, identity: dict[str, str]) -> Checkpoint | None:
        """Return the state to go on from, where one is wanted and there."""
        from inrfit.fitting import checkpoint

        there = kept is not None and kept.exists()
        if self.resume and there and kept is not None:
            begin = checkpoint.load(kept, identity)
            self.talk(f"{item.output}: goes on after {begin.step} of {begin.steps} steps")
            return begin
        if self.resume:
            self.talk(f"{item.output}: there is no checkpoint {kept or ''}; starts afresh")
        elif there:
            self.talk(f"{item.output}: starts afresh; --resume would have gone on from {kept}")
        return None

    def _tell(self, training: Training) -> None:
        """Say what will be done, and what was noticed on the way."""
        for note in training.notes:
            self.talk(note)
        blank = training.blank
        model, config = blank.model, blank.config
        together = f"{training.ranks.world} processes · " if training.ranks.world > 1 else ""
        steps = f"{config.steps} steps of {config.batch}" if blank.learner.trains else "nothing is trained"
        self.talk(
            f"{together}{training.device.why} · {len(training.folder)} {blank.kind} signals, "
            f"{len(training.held_out)} for validation · {config.method}, {config.inner_steps} inner steps · "
            f"{model.name} {model.activation} {model.hidden_features} wide · {steps}"
        )
        if self.verbose:
            self.talk(str(model))
            self.talk(str(blank.partition))
            self.talk(str(config))


def _resumable(error: Interrupted, kept: Path | None, *, resume: bool) -> Interrupted:
    """Return the interruption with the command that goes on."""
    if kept is None:
        return Interrupted(error.message, hint="name an output file to be able to resume")
    if not kept.exists():
        return Interrupted(f"{error.message}; there is no checkpoint yet", hint="run the command again")
    again = reports.command_line(*(() if resume else ("--resume",)))
    return Interrupted(f"{error.message}; the checkpoint is {kept}", hint=f"go on with: {again}")


def _write(item: Item, init: Init) -> None:
    from inrfit.io.files import atomic_write

    if item.output is None:
        out_bytes(init.data)
    else:
        atomic_write(item.output, init.data, overwrite=True)
