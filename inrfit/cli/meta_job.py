"""One run of `inrfit meta-train`: plan, train or go on, write the init, its log and its curve."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inrfit.cli.checkpoints import Kept, checkpoint_path, clear, outlived
from inrfit.cli.inputs import Item
from inrfit.cli.interrupt import Interruptible
from inrfit.cli.meta_log import Log
from inrfit.cli.outputs import put
from inrfit.cli.stepwise import Stepwise
from inrfit.errors import Interrupted, OutputError

if TYPE_CHECKING:
    from inrfit.fitting.checkpoint import Checkpoint
    from inrfit.meta.events import MetaEvent
    from inrfit.meta.init import Init
    from inrfit.meta.train import Training


@dataclass(kw_only=True)
class MetaJob(Stepwise):
    """What a run is told and what it finds on the way.

    Attributes:
        inputs, words, val: as for `inrfit.meta.plan.plan`.
        base: path of the init that another is made from.
        recursive: look into folders within folders.
        leads: whether this process writes and talks, of those that train together.
        warn: say a line in any case.
        skipped: name and reason of the signals that could not be used.
    """

    inputs: Sequence[str]
    words: Mapping[str, Any]
    val: Sequence[str]
    base: str | None
    recursive: bool
    leads: bool
    warn: Callable[[str], None]
    skipped: dict[str, str] = field(default_factory=dict)

    def work(self, item: Item) -> dict[str, Any]:
        """Learn an init and write its files."""
        training = self._plan()
        if self.resume and not self.force and item.output is not None and item.output.exists():
            return self._finished(item.output, training)
        kept = Kept(item.output, training.identity())
        begin = self.begin(kept, str(item.output))
        self._tell(training)
        began = time.monotonic()
        with Interruptible(self):
            init, log = self._train(item, training, kept, begin)
            seconds = time.monotonic() - began
            written = self._write(item, init, log, kept) if self.leads else {}
        if self.skipped:
            self.warn(f"{len(self.skipped)} signal{'s were' if len(self.skipped) > 1 else ' was'} skipped")
        return {
            **self._facts(init, training),
            "seconds": round(seconds, 3),
            **written,
        }

    def _facts(self, init: Init, training: Training) -> dict[str, Any]:
        """Return what is told of an init."""
        return {
            "bytes": len(init.data),
            "params": sum(value.size for value in init.params.values()),
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

    def _finished(self, output: Path, training: Training) -> dict[str, Any]:
        """Return what is told of an init that a run made to its end, where one is to be gone on with.

        Raises:
            OutputError: it is of another run, or older than a checkpoint. InputError: it is no init.
        """
        from inrfit.meta.init import read

        made, blank, left = read(output), training.blank, outlived(output)
        path = checkpoint_path(output)
        alike = ("kind", "axes", "channels", "model", "partition", "config")
        same = all(getattr(made, name) == getattr(blank, name) for name in alike)
        same = same and made.notes.get("signals") == len(training.folder)
        if not same or (left is None and path is not None and path.exists()):
            raise OutputError(f"{output} exists", hint="use --force to replace it, or name another file")
        curve = output.with_suffix(".svg")
        if self.leads and not curve.exists():
            log = Log(output.with_suffix(".csv"), made.notes["steps"])
            log.draw(curve, made.config.inner_steps, force=False)
        if self.leads:
            clear(output)
        return self._facts(made, training) | {"status": "skipped"}

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

    def _train(
        self, item: Item, training: Training, kept: Kept, begin: Checkpoint | None
    ) -> tuple[Init, Log]:
        """Train, or go on with a run; return the init and the log."""
        from inrfit.meta.train import train

        path = None if item.output is None or not self.leads else item.output.with_suffix(".csv")
        log = Log(path, None if begin is None else begin.step)
        with self.display.fit(item.name) if self.leads else nullcontext() as show:

            def on_event(event: MetaEvent) -> None:
                if self.leads:
                    log.add(event)
                    if show is not None and event.step >= 0:
                        show(event)

            return self.stepped(lambda hooks: train(training, hooks, begin), kept, on_event=on_event), log

    def interruption(self, error: Interrupted, kept: Kept | None = None) -> Interrupted:
        """Return an interruption with what to do; the process that leads says it."""
        return super().interruption(error, kept) if self.leads else error

    def _write(self, item: Item, init: Init, log: Log, kept: Kept) -> dict[str, Any]:
        """Write the init, then its curve, and remove the checkpoint only then; return what is told of it."""
        written = put(item, (init.data,), twin=kept.saved)
        if item.output is not None:
            log.draw(item.output.with_suffix(".svg"), init.config.inner_steps, force=self.force)
        kept.drop()
        return written

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
