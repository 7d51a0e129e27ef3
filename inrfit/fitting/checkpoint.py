"""The state of a fit in a file: safetensors with the numbers, its text header with what they belong to."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inrfit.errors import ConfigError
from inrfit.io.files import atomic_write

FORMAT = "inrfit checkpoint 3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A fit after some steps.

    Attributes:
        step: steps done.
        steps: steps planned.
        tensors: what the parts of the fit keep, as `PART.NAME`; weights, state of the optimiser and what goes along.
    """

    step: int
    steps: int
    tensors: Mapping[str, np.ndarray]

    def of(self, part: str) -> dict[str, np.ndarray]:
        """Return what a part keeps, by name."""
        start = part + "."
        return {key[len(start) :]: value for key, value in self.tensors.items() if key.startswith(start)}

    def beside(self, part: str, kept: Mapping[str, np.ndarray], **changes: int) -> Checkpoint:
        """Return the state with what another part keeps, and other steps."""
        named = {f"{part}.{name}": value for name, value in kept.items()}
        return replace(self, tensors={**self.tensors, **named}, **changes)


def save(
    checkpoint: Checkpoint, path: Path, belongs_to: Mapping[str, str], *, overwrite: bool = True
) -> None:
    """Write a checkpoint.

    Args:
        checkpoint: the state.
        path: file to write.
        belongs_to: what a resume must match, by name: hash of the input, options.
        overwrite: it may take the place of an older one.

    Raises:
        OutputError: it cannot be written, or there is a file and `overwrite` is False.
    """
    from safetensors.numpy import save as to_bytes

    header = {"format": FORMAT, "step": str(checkpoint.step), "steps": str(checkpoint.steps)}
    header["belongs_to"] = json.dumps(dict(belongs_to))
    tensors = {name: np.ascontiguousarray(value) for name, value in checkpoint.tensors.items()}
    header["crc"] = str(_crc(tensors))
    atomic_write(path, to_bytes(tensors, metadata=header), overwrite=overwrite)


def load(path: Path, belongs_to: Mapping[str, str]) -> Checkpoint:
    """Read a checkpoint of the same input and options.

    Raises:
        ConfigError: it is damaged or belongs to another input or other options; both values are named.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if header.get("format") != FORMAT:
            raise ValueError("not a checkpoint")
        if int(header["crc"]) != _crc(tensors):
            raise ValueError("its numbers fail their checksum")
        step, steps = (int(header[name]) for name in ("step", "steps"))
        was = dict(json.loads(header["belongs_to"]))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{path} is not a usable checkpoint ({error})", hint="delete it to start afresh"
        ) from None
    for name in {**belongs_to, **was}:  # input and options before what follows from them
        if was.get(name) != belongs_to.get(name):
            raise ConfigError(
                f"{path} belongs to another fit: {name} was {was.get(name)}, now {belongs_to.get(name)}",
                hint="give the options of that fit, or delete the checkpoint to start afresh",
            )
    return Checkpoint(step=step, steps=steps, tensors=tensors)


def _crc(tensors: Mapping[str, np.ndarray]) -> int:
    """Return the CRC-32 of all tensors, in the order of their names."""
    crc = 0
    for name in sorted(tensors):
        crc = zlib.crc32(tensors[name].tobytes(), crc)
    return crc
