"""An init: what meta-training leaves behind, and its file; nothing is trained or adapted here.

The file is safetensors: the learned numbers by name, and one line of metadata that says what they are for. Its hash is
that of its bytes, as `sha256sum` gives it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.codec.chunks import MAGIC
from inrfit.errors import ConfigError, InputError
from inrfit.io.config import TARGETS
from inrfit.meta.config import MetaConfig
from inrfit.meta.learner import Learner
from inrfit.models.config import ModelConfig
from inrfit.partitions.config import PartitionConfig
from inrfit.registry import load

FORMAT = "inrfit-init"
"""Key of the metadata, and what tells an init from other safetensors files."""

VERSION = 1
"""Of the metadata."""

LARGEST = 8 << 30
"""Bytes of the largest file that is read."""

SPARE = 16
"""Numbers that a network may have for each in its file; one with more is not made."""

LARGEST_CROP = 1 << 28
"""Samples of the largest crop that an init may have been learned from."""

UNUSABLE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    ConfigError,
)
"""What bytes that are no init may raise."""

MEND = "make one with `inrfit meta-train FOLDER -o init.safetensors`"


@dataclass(frozen=True, kw_only=True, eq=False)
class Init:
    """What was learned from many signals.

    Attributes:
        kind: of the signals.
        axes: their axes, slowest first.
        channels: their values per sample.
        model: resolved configuration of the network of a region.
        partition: how the signals were divided, which is also how a new one is divided when nothing else is said.
        config: how it was learned.
        params: what was learned, by name.
        notes: facts about the training for people and JSON, such as "signals" and "val_psnr".
    """

    kind: str
    axes: tuple[str, ...]
    channels: int
    model: ModelConfig
    partition: PartitionConfig
    config: MetaConfig
    params: Mapping[str, NDArray[np.float32]]
    notes: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def learner(self) -> Learner:
        """The meta-learner that knows what the numbers mean."""
        return load("meta", self.config.method)(self.model, len(self.axes), self.channels, self.config)

    @property
    def target(self) -> str:
        """What was learned of shapes: "sdf" or "occupancy"."""
        return str(self.notes.get("target", "sdf"))

    @cached_property
    def data(self) -> bytes:
        """The bytes of its file."""
        from safetensors.numpy import save

        about = {
            "version": VERSION,
            "kind": self.kind,
            "axes": list(self.axes),
            "channels": self.channels,
            "model": asdict(self.model),
            "partition": asdict(self.partition),
            "config": asdict(self.config),
            "notes": dict(self.notes),
        }
        tensors = {name: np.ascontiguousarray(self.params[name], np.float32) for name in sorted(self.params)}
        return save(tensors, metadata={FORMAT: json.dumps(about, sort_keys=True)})

    @cached_property
    def hash(self) -> str:
        """SHA-256 of its file, in hex."""
        return hashlib.sha256(self.data).hexdigest()

    def with_params(self, params: Mapping[str, NDArray[np.float32]], **notes: Any) -> Init:
        """Return the init with other numbers and more notes."""
        return replace(self, params=params, notes={**self.notes, **notes})


def loads(data: bytes, name: str = "init") -> Init:
    """Read an init from the bytes of its file.

    Raises:
        InputError: they are no init, one of a newer version, or one whose numbers do not fit its network.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as load_tensors

    try:
        length = int.from_bytes(data[:8], "little")
        if data[: len(MAGIC)] == MAGIC:
            raise ValueError("it is an .inr file, a field that is adapted already")
        if not 0 < length <= len(data) - 8:
            raise ValueError("it is cut off or of another format")
        about = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][FORMAT])
        params = load_tensors(data)
        if about["version"] > VERSION:
            raise InputError(
                f"{name} is an init of version {about['version']}, this inrfit reads {VERSION}",
                hint="install a newer inrfit",
            )
        init = Init(
            kind=str(about["kind"]),
            axes=tuple(map(str, about["axes"])),
            channels=int(about["channels"]),
            model=ModelConfig(**_tuples(about["model"])),
            partition=PartitionConfig(**_tuples(about["partition"])),
            config=MetaConfig(**about["config"]),
            params=params,
            notes=dict(about["notes"]),
        )
        _check(init)
    except (SafetensorError, *UNUSABLE) as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{name} is not a usable init ({type(error).__name__}: {words})", hint=MEND
        ) from None
    init.__dict__["data"] = data  # its hash is that of these bytes, whoever wrote them
    return init


def read(path: str | Path) -> Init:
    """Read an init from its file.

    Raises:
        InputError: there is no such file, or it is no usable init.
    """
    try:
        if Path(path).stat().st_size > LARGEST:
            raise InputError(f"{path} is too large for an init (at most {LARGEST} bytes)", hint=MEND)
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", hint=MEND) from None
    return loads(data, str(path))


def _check(init: Init) -> None:
    """Raise a ValueError where the numbers are not those that the learner needs."""
    if init.target not in TARGETS:
        raise ValueError(f"its target {init.target!r} is not {' or '.join(TARGETS)}")
    if not init.axes or init.channels < 1 or not init.model.hidden_features:
        raise ValueError("its network has no inputs, no outputs or no width")
    needed = sum(stack.size for stack in init.learner.description.stacks)
    stored = sum(value.size for value in init.params.values())
    if needed > SPARE * stored:
        raise ValueError(f"its network has {needed} numbers, the file {stored}")
    for name, shape in init.learner.shapes().items():
        if name not in init.params or init.params[name].shape != shape:
            found = init.params[name].shape if name in init.params else None
            raise ValueError(f"{name} has the shape {found}, its network needs {shape}")
    if init.config.size ** len(init.axes) > LARGEST_CROP:
        raise ValueError(f"its size {init.config.size} is too large for {len(init.axes)} axes")
    wanted = {name: value.shape for name, value in init.learner.parameters(0).items()}
    found = {name: value.shape for name, value in init.params.items()}
    for name in sorted({**wanted, **found}):
        if wanted.get(name) != found.get(name):
            raise ValueError(f"{name} has the shape {found.get(name)}, its network needs {wanted.get(name)}")
    for name, value in init.params.items():
        if value.dtype != np.float32 or not np.isfinite(value).all():
            raise ValueError(f"{name} holds numbers that are not finite float32")


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
