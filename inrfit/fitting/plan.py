"""A fit that is decided and not yet started, and what tells it from another; it reads and fits nothing."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

from inrfit.config import Settings
from inrfit.device import Device
from inrfit.models.description import describe
from inrfit.partitions import Partition
from inrfit.signal import Signal
from inrfit.version import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that is decided before a fit starts."""

    signal: Signal
    partition: Partition
    settings: Settings
    device: Device

    @property
    def params(self) -> int:
        """Number of trained weights the field will have."""
        domain = self.partition.domain
        description = describe(self.settings.model, domain.dimensions, self.signal.channels)
        return description.count(len(self.partition))

    def identity(self) -> dict[str, str]:
        """Return what a resumed fit must share with the interrupted one: the input and every option that matters."""
        same = {"input": self.signal.info.sha256, "inrfit": __version__}
        for name in ("partition", "model", "fit"):
            for key, value in asdict(getattr(self.settings, name)).items():
                if key not in ("threads", "memory"):
                    same[f"{name}.{key}"] = repr(value)
        if self.settings.partition.rule == "labels":  # a path may hold other labels by now
            same["partition.regions"] = hashlib.sha256(self.partition.labels().tobytes()).hexdigest()
        return same
