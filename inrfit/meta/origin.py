"""Files that keep only what their regions adapted: an init as such a file sees it, and where it is looked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from inrfit.domain import Domain
from inrfit.errors import InputError, InrfitError
from inrfit.meta.init import FORMAT, LARGEST, Init, read
from inrfit.meta.learner import as_tensors
from inrfit.meta.tasks import Tasks, without_samples
from inrfit.partitions import build
from inrfit.partitions.config import PartitionConfig
from inrfit.signal import ArraySignal, SignalInfo

HEAD = 1 << 16
"""First bytes of a file in which an init names its format."""


class InitOrigin:
    """An init as a file sees it that keeps only what its regions adapted; see `codec.origin.Origin`."""

    def __init__(self, init: Init) -> None:
        self._init = init

    @property
    def hash(self) -> str:
        """SHA-256 of its file, in hex."""
        return self._init.hash

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape of what a region keeps."""
        learner, params = self._init.learner, self._init.params
        if all(name in params for name in learner.adapted):
            return {name: params[name].shape for name in learner.adapted}
        with torch.no_grad():
            start = learner.start(as_tensors(params), self._nothing())
        return {name: tuple(start[name].shape[1:]) for name in learner.adapted}

    @property
    def bases(self) -> dict[str, NDArray[np.float32]]:
        """Name -> what regions began with, of those numbers that are arrays of the init."""
        learner, params = self._init.learner, self._init.params
        return {name: params[name] for name in learner.adapted if name in params}

    def _nothing(self) -> Tasks:
        """Return one region of zeros, for a start that looks at the signal."""
        init = self._init
        sides = (init.config.size,) * len(init.axes)
        domain = Domain(
            shape=sides,
            axes=init.axes,
            units=("px",) * len(sides),
            spacing=(1.0,) * len(sides),
            origin=(0,) * len(sides),
        )
        zeros = np.zeros((*sides, init.channels), np.float32)
        signal = ArraySignal(
            values=zeros, domain=domain, info=SignalInfo(dtype="float32", value_range=(-1.0, 1.0))
        )
        return without_samples([signal], [build(signal, PartitionConfig(rule="none"))])

    def stacks(self, numbers: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Return all weight stacks, [region or 1, *shape], by what regions keep, [region, *shape]."""
        own = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in numbers.items()}
        with torch.no_grad():
            made = self._init.learner.weights(as_tensors(self._init.params), own)
        return {name: value.numpy().astype(np.float32) for name, value in made.items()}


def find(source: object, init: Init | str | Path | None, wanted: str) -> InitOrigin | None:
    """Return the init of a file; None where it is not there.

    Args:
        source: the file; where it is a path, inits beside it are looked at.
        init: what the user names: an init, or its file. None to look beside the file.
        wanted: SHA-256 of the init.

    Raises:
        InputError: what the user names is no init, or another one.
    """
    if init is not None:
        found = init if isinstance(init, Init) else read(init)
        if found.hash != wanted:
            named = "the init" if isinstance(init, Init) else f"--init {init}"
            raise InputError(
                f"{named} has the SHA-256 {found.hash}, the file was made from {wanted}",
                hint="give the init that it was adapted from",
            )
        return InitOrigin(found)
    if not isinstance(source, str | Path):
        return None
    for path in sorted(Path(source).parent.glob("*.safetensors")):
        if _is(path, wanted):
            try:
                return InitOrigin(read(path))
            except InrfitError:
                continue
    return None


def _is(path: Path, wanted: str) -> bool:
    """Return whether a file is the init with a hash; large files that are no inits are not read."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return False
        with path.open("rb") as file:
            start = file.read(HEAD)
            if FORMAT.encode() not in start:
                return False
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest() == wanted
    except OSError:
        return False
