"""What the parts of the meta-learning benchmark share: scales, pictures, trained inits that are kept, curves; no table is here."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import common
import numpy as np
import torch
from numpy.typing import NDArray

from inrfit import api
from inrfit.errors import InputError
from inrfit.fitting.progress import Progress
from inrfit.io.files import atomic_write
from inrfit.meta import init as inits
from inrfit.meta.curves import curve
from inrfit.meta.init import Init
from inrfit.meta.learner import as_tensors
from inrfit.meta.plan import plan
from inrfit.meta.tasks import gather, without_samples
from inrfit.partitions import build
from inrfit.partitions.config import PartitionConfig
from inrfit.signal import Signal

DATA = common.ROOT.parent / "shared" / "data"

AT_ONCE = 8
"""Signals that are adapted to together where PSNR is measured."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Sizes of a run.

    Attributes:
        size: pixels along each side.
        hidden: width of the networks.
        steps: outer steps of each training.
        batch: pictures in an outer step.
        test: held-out pictures that are measured.
        sound: samples of a piece of speech.
    """

    size: int
    hidden: int
    steps: int
    batch: int
    test: int
    sound: int


SCALES = {
    "cpu": Scale(size=32, hidden=64, steps=1000, batch=4, test=32, sound=1024),
    "gpu": Scale(size=128, hidden=128, steps=30_000, batch=8, test=50, sound=16_000),
}


class Runs:
    """Trainings and measurements at one scale; what was trained is kept and taken again.

    Args:
        scale: sizes.
        device: where all of it runs.
        kept: folder of trained inits.
        data: folder with the test material, laid out as the project's.
        steps: outer steps in place of those of the scale.
    """

    def __init__(
        self, scale: str, device: str, kept: Path, data: Path | None, steps: int | None = None
    ) -> None:
        self.scale, self.device, self.kept, self.data = SCALES[scale], device, kept, data or DATA
        self.steps = steps or self.scale.steps
        self.trained: list[dict[str, Any]] = []

    def folder(self, name: str) -> Path:
        """Return a folder of signals.

        Raises:
            InputError: it is absent.
        """
        found = self.data / name
        if not found.is_dir():
            raise InputError(
                f"{found}: there is no such folder", hint="give the test material with --data FOLDER"
            )
        return found

    def words(self, **words: Any) -> dict[str, Any]:
        """Return the words of a training on whole pictures at this scale."""
        usual = {
            "view": "whole",
            "size": self.scale.size,
            "steps": self.steps,
            "batch_size": self.scale.batch,
            "hidden_features": self.scale.hidden,
            "hidden_layers": 3,
            "frame": "global",
            "first_omega_0": 30.0,
            "hidden_omega_0": 30.0,
            "inner_lr": 1e-2,
            "outer_lr": 1e-3,
            "clip": 1.0,
            "partition": "none",
        }
        return {**usual, **words}

    def init(self, name: str, folder: str, *, base: Init | None = None, **words: Any) -> Init:
        """Return an init, trained now or before.

        Args:
            name: what to call it.
            folder: signals, below the data folder.
            base: the init that it is made from.
            words: all words of the training.
        """
        shown = {key: Path(v).name if str(v).startswith(str(self.kept)) else v for key, v in words.items()}
        told = json.dumps({**shown, "folder": folder, "base": base.hash if base else ""}, sort_keys=True)
        place = self.kept / f"{name}-{hashlib.sha256(told.encode()).hexdigest()[:12]}.safetensors"
        facts = place.with_suffix(".json")
        if place.exists() and facts.exists():
            common.log(f"{name}: taken from {place.name}")
            self.trained.append(common.read_json(facts))
            return inits.read(place)
        began = time.monotonic()
        last: list[float] = []

        def tell(event: Any) -> None:
            if event.val_psnr is not None:
                last.append(event.val_psnr)
                common.log(
                    f"{name}: step {event.step + 1} of {event.steps}, {event.val_psnr:.2f} dB held out"
                )

        made = api.meta_train(
            self.folder(folder), base=base, device=self.device, progress=Progress(on_event=tell), **words
        )
        seconds = time.monotonic() - began
        steps = made.config.steps if made.learner.trains else 0
        fact = {
            "name": name,
            "folder": folder,
            "words": shown,
            "hash": made.hash,
            "outer_steps": steps,
            "seconds": round(seconds, 1),
            "seconds_per_step": round(seconds / max(1, steps), 4),
            "val_psnr": last[-1] if last else None,
        }
        self.kept.mkdir(parents=True, exist_ok=True)
        atomic_write(place, made.data, overwrite=True)
        common.write_json(facts, fact)
        self.trained.append(fact)
        return made

    def held_out(self, folder: str, count: int, **words: Any) -> list[Signal]:
        """Return windows of signals that no training sees."""
        other = (
            folder.replace("/train", "/val")
            if folder.endswith("/train")
            else folder.replace("/val", "/train")
        )
        windows = plan([self.folder(other)], words, val=[self.folder(folder)], device=self.device).held_out
        return list(windows[:count])

    def curves(
        self,
        init: Init,
        signals: Sequence[Signal],
        steps: int,
        *,
        partition: PartitionConfig | None = None,
        optimiser: str = "learned",
        lr: float = 0.01,
        everything: bool = False,
        params: Mapping[str, torch.Tensor] | None = None,
    ) -> NDArray[np.float64]:
        """Return the PSNR of each signal after each step, [step, signal]; see `meta.curves.curve`."""
        learner, divided = init.learner, partition or init.partition
        params = as_tensors(init.params, self.device) if params is None else params
        found = []
        for first in range(0, len(signals), AT_ONCE):
            part = list(signals[first : first + AT_ONCE])
            frequencies = {name: params[name][None] for name in learner.fixed() if name in params}
            tasks = gather(
                part, [build(s, divided) for s in part], learner.description, frequencies, device=self.device
            )
            found.append(
                curve(learner, params, tasks, steps, optimiser=optimiser, lr=lr, everything=everything)
            )
        return np.nan_to_num(np.concatenate(found, axis=1), nan=-60.0, neginf=-60.0)

    def tuned(
        self,
        init: Init,
        signals: Sequence[Signal],
        steps: int,
        optimiser: str,
        rates: Sequence[float],
        **words: Any,
    ) -> float:
        """Return the rate that is best after so many steps on signals that are not those of the table."""
        found = [
            float(self.curves(init, signals, steps, optimiser=optimiser, lr=rate, **words)[-1].mean())
            for rate in rates
        ]
        return rates[int(np.argmax(found))]


def summary(values: NDArray[np.float64]) -> dict[str, Any]:
    """Return mean, standard error and every value, rounded to what is meant."""
    return {
        "mean": round(float(values.mean()), 3),
        "standard_error": round(float(values.std(ddof=1) / np.sqrt(len(values))), 3)
        if len(values) > 1
        else None,
        "each": [round(float(v), 2) for v in values],
    }


def adapted_numbers(init: Init, signal: Signal, partition: PartitionConfig | None = None) -> int:
    """Return how many numbers adapt for a signal, over all of its regions."""
    tasks = without_samples([signal], [build(signal, partition or init.partition)])
    with torch.no_grad():
        return sum(value.numel() for value in init.learner.start(as_tensors(init.params), tasks).values())
