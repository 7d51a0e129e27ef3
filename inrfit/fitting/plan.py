"""A fit that is decided and not yet started, what it begins with, and what tells it from another; it reads nothing."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

from inrfit.device import Device
from inrfit.errors import require
from inrfit.fitting.config import FitConfig
from inrfit.fitting.settings import Settings
from inrfit.fitting.start import Start
from inrfit.models.config import ModelConfig
from inrfit.models.description import Description, describe
from inrfit.partitions import Partition
from inrfit.signal import Signal
from inrfit.version import __version__

if TYPE_CHECKING:
    from inrfit.field import Field
    from inrfit.fitting.checkpoint import Checkpoint
    from inrfit.fitting.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that is decided before weights are found: a `run.Fit`, or an adaptation or extension, which begin otherwise.

    Attributes:
        signal, partition, settings, device: what is fitted, in which regions, how and where.
        open_model: where a target PSNR decides on the number of weights, the model as it is without a target and before
            it is resolved; else None.
    """

    signal: Signal
    partition: Partition
    settings: Settings
    device: Device
    open_model: ModelConfig | None = None

    def run(self, progress: Progress | None = None, resume: Checkpoint | None = None) -> Field:
        """Carry out what was planned.

        Args:
            progress: hooks; none by default.
            resume: state to go on from, of a plan with the same `identity`; the result is the same, bit for bit on the
                CPU, as without the break.

        Returns:
            The field as its file gives it back.

        Raises:
            InputError: the sound track of a clip cannot be read, or is too large for a file.
            FitError: the fit diverged. Interrupted: `progress.stop` said so.
        """
        raise NotImplementedError

    def start(self, part: Partition) -> Start:
        """Return what some of the regions begin with; a fresh start here.

        Args:
            part: the partition or a part of it; frame and tile are those of the whole.
        """
        return Start()

    @property
    def description(self) -> Description:
        """The network."""
        return describe(self.settings.model, self.partition.domain.dimensions, self.signal.channels)

    @property
    def params(self) -> int:
        """Number of trained weights the field will have."""
        return self.description.count(len(self.partition))

    def fitting(self, **words: Any) -> Self:
        """Return the plan with some fields of its `FitConfig` changed."""
        fit = replace(self.settings.fit, **words)
        return replace(self, settings=replace(self.settings, fit=fit))

    def begun(self, start: Start, **changes: Any) -> Begun:
        """Return the plan of a fit with a given start, and some fields changed."""
        held = {one.name: getattr(self, one.name) for one in fields(Plan)}
        return Begun(**{**held, **changes}, begin=start)

    @property
    def fits_sound(self) -> bool:
        """Whether the signal has a sound track that becomes a field of its own."""
        return self.signal.info.sound is not None and self.settings.read.sound == "fit"

    @property
    def batch_key(self) -> tuple[object, ...] | None:
        """What fits that can be run at once have in common; None for a fit that runs alone.

        Alone run a fit that draws its samples, as clips and shapes do when nothing else is said, one that has samples
        without a value, and one with more to fit than its samples: a clip with its sound track.
        """
        if not self.partition.grid or self.settings.fit.points is not None or self.fits_sound:
            return None
        if self.signal.pooled:
            return None
        grid = (self.partition.domain, self.partition.edges, self.signal.channels)
        return (*grid, self.settings.model, self.settings.fit, self.device)

    def identity(self) -> dict[str, str]:
        """Return what a resumed fit must share with the interrupted one: the input and every option that matters."""
        same = {"input": self.signal.info.sha256, "inrfit": __version__}
        for name in ("read", "partition", "model", "fit"):
            for key, value in asdict(getattr(self.settings, name)).items():
                if key not in ("threads", "memory"):
                    same[f"{name}.{key}"] = repr(value)
        if self.settings.partition.rule == "labels":  # a path may hold other labels by now
            same["partition.regions"] = hashlib.sha256(self.partition.labels().tobytes()).hexdigest()
        return same


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun(Plan):
    """A plan with a given start.

    Attributes:
        begin: what its regions begin with.
    """

    begin: Start

    def start(self, part: Partition) -> Start:
        """Return that start; its weights are those of the partition."""
        return self.begin


def check_many(config: FitConfig) -> None:
    """Refuse a configuration that is for one signal alone.

    Raises:
        ConfigError: samples are drawn, or the time is limited.
    """
    for option, value in (("--points", config.points), ("--max-time", config.max_time)):
        require(
            value is None,
            f"{option} is for one fit at a time, not for several at once",
            hint=f"leave {option} or --batch out",
        )
