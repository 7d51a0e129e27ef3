"""Which device runs the work and why; the only place that asks torch about accelerators."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace

from inrfit.errors import ConfigError, DeviceError

PRECISIONS = {"float32": "float32", "half": "float16"}
"""What networks may be decoded in, and what torch calls it; "half" on CUDA only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device that can be used, and how.

    Attributes:
        name: what torch calls it: "cpu", "cuda:0".
        threads: worker threads on the CPU.
        why: one line for the user, with the reason where it is a fallback.
        precision: a key of `PRECISIONS`, for decodes.
    """

    name: str
    threads: int
    why: str
    precision: str = "float32"

    @property
    def workers(self) -> int:
        """Threads that share the tiles: those of the CPU, and one that waits for CUDA."""
        return 1 if self.is_cuda else self.threads

    @property
    def is_cuda(self) -> bool:
        """Whether the device is a CUDA accelerator."""
        return self.name.startswith("cuda")


def cores() -> int:
    """Return the CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pick_device(wanted: str = "auto", threads: int | None = None, precision: str = "float32") -> Device:
    """Return the device to use.

    Args:
        wanted: "auto" (CUDA where there is one), "cpu", "cuda" or "cuda:<number>".
        threads: worker threads on the CPU; None takes one per core.
        precision: of decodes: "float32", or "half" on CUDA.

    Raises:
        DeviceError: the name is not one of these, or CUDA is asked for and not there. "auto" never fails.
        ConfigError: there are no threads, or the precision is not known, or not for this device.
    """
    if precision not in PRECISIONS:
        raise ConfigError(f"precision {precision!r} is not known (choose from {', '.join(PRECISIONS)})")
    device = _picked(wanted, threads)
    if precision != "float32" and not device.is_cuda:
        raise ConfigError(
            f"half precision is for CUDA only, and this decode runs on the {device.name}",
            hint="leave --half out, or add --device cuda",
        )
    return replace(device, precision=precision)


def _picked(wanted: str, threads: int | None) -> Device:
    """Return the device to use; see `pick_device`."""
    if threads is not None and threads < 1:
        raise ConfigError(f"--threads {threads} must be at least 1", hint="leave it out to take one per core")
    if wanted != "auto" and wanted != "cpu" and not re.fullmatch(r"cuda(:\d+)?", wanted):
        raise DeviceError(
            f"--device {wanted!r} is not known (choose from auto, cpu, cuda, cuda:<number>)",
            hint="auto takes CUDA where there is one",
        )
    threads = threads or cores()
    plural = "" if threads == 1 else "s"
    if wanted == "cpu":
        return Device(name="cpu", threads=threads, why=f"cpu ({threads} thread{plural})")

    import torch

    if torch.cuda.is_available():
        name = "cuda:0" if wanted in ("auto", "cuda") else wanted
        number = int(name.partition(":")[2])
        if number >= torch.cuda.device_count():
            raise DeviceError(
                f"--device {wanted}: there are {torch.cuda.device_count()} CUDA devices, counted from 0"
            )
        return Device(name=name, threads=threads, why=f"{name} ({torch.cuda.get_device_name(number)})")
    reason = "this torch was built without CUDA" if torch.version.cuda is None else "no CUDA device was found"
    if wanted == "auto":
        return Device(name="cpu", threads=threads, why=f"cpu ({threads} thread{plural}; {reason})")
    raise DeviceError(
        f"--device {wanted}: {reason}", hint="use --device cpu, or install a CUDA build of torch"
    )
