"""A fit that is decided and not yet started, and what tells it from another; it reads and fits nothing."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

from inrfit.device import Device
from inrfit.errors import require
from inrfit.fitting.config import FitConfig
from inrfit.fitting.settings import Settings
from inrfit.models.config import ModelConfig
from inrfit.models.description import describe
from inrfit.partitions import Partition
from inrfit.signal import Signal
from inrfit.version import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that is decided before a fit starts.

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

    @property
    def params(self) -> int:
        """Number of trained weights the field will have."""
        domain = self.partition.domain
        description = describe(self.settings.model, domain.dimensions, self.signal.channels)
        return description.count(len(self.partition))

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
