"""What the benchmarks share: arguments, real images, where a number comes from, JSON files; it measures nothing."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import multiprocessing
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit import io
from inrfit.device import Device, cores, pick_device
from inrfit.errors import InputError, InrfitError
from inrfit.io.files import atomic_write
from inrfit.partitions.segments import to_rgb8

ROOT = Path(__file__).resolve().parents[1]
"""Root of the project."""

LIBRARIES = (
    "inrfit",
    "torch",
    "numpy",
    "scipy",
    "pillow",
    "constriction",
    "scikit-image",
    "opencv-contrib-python-headless",
)
"""Distributions whose versions are recorded."""

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
"""Files of a folder that are taken for images."""


def parser(description: str, scales: Sequence[str] = ("cpu", "gpu")) -> argparse.ArgumentParser:
    """Return a parser with the arguments that every benchmark has."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--scale", choices=scales, default="cpu", help="sizes to run at")
    made.add_argument("--images", type=Path, metavar="FOLDER", help="images to use in place of the project's")
    made.add_argument("--out", type=Path, metavar="FILE", help="JSON file to write")
    return made


def start(main: Callable[[], None]) -> None:
    """Run a benchmark; its errors are one line and a hint."""
    try:
        main()
    except InrfitError as error:
        sys.exit(f"Error: {error.message}" + (f"\nHint: {error.hint}" if error.hint else ""))


def default_out(name: str) -> Path:
    """Return the file that a benchmark writes when none is named."""
    return ROOT / "benchmarks" / "results" / f"{name}.json"


def device_for(scale: str, *, threads: int | None = None) -> Device:
    """Return the device of a scale, on the CPU with so many threads or one per core.

    Raises:
        DeviceError: the scale is "gpu" and there is none.
    """
    return pick_device("cuda" if scale == "gpu" else "cpu", threads)


Spread = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""Runs a function on many arguments and yields the results as they come."""


@contextmanager
def processes(count: int) -> Iterator[Spread]:
    """Yield a `Spread` over `count` processes, or over none but this one where `count` is 1.

    Processes and not the threads of a fit: a small fit cannot keep two threads busy, and its time on one is fair.
    """
    if count == 1:
        yield map
        return
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:

        def spread(function: Callable[[Any], Any], arguments: Iterable[Any]) -> Iterator[Any]:
            jobs = [pool.submit(function, argument) for argument in arguments]
            return (job.result() for job in as_completed(jobs))

        try:
            yield spread
        finally:
            pool.shutdown(cancel_futures=True)


def log(text: str) -> None:
    """Tell a person how far the run is."""
    print(text, file=sys.stderr, flush=True)


def provenance(device: Device) -> dict[str, Any]:
    """Return where the numbers of this run come from: command, date, commit, machine and versions."""
    script = Path(sys.argv[0])
    return {
        "command": shlex.join(["python", f"benchmarks/{script.name}", *sys.argv[1:]]),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "device": device.why,
        "processor": _processor(),
        "cores": cores(),
        "load_at_start": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}},
    }


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write a file in place of an older one, one line for each entry of a top-level list; infinity becomes null."""
    parts = []
    for key, value in data.items():
        if isinstance(value, list) and value:
            lines = ",\n  ".join(json.dumps(_finite(item), allow_nan=False) for item in value)
            parts.append(f"{json.dumps(key)}: [\n  {lines}\n ]")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(_finite(value), allow_nan=False)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, ("{\n " + ",\n ".join(parts) + "\n}\n").encode(), overwrite=True)


def read_json(path: Path) -> dict[str, Any]:
    """Read a file that `write_json` wrote.

    Raises:
        InputError: there is no such file, or it is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as results ({error})") from error


def shared_images(*names: str) -> list[Path]:
    """Return images of the project's test material, which lies beside the project.

    Args:
        names: files, or folders that stand for the images in them, below `images`.

    Raises:
        InputError: the material is absent.
    """
    base = ROOT.parent / "shared" / "data" / "images"
    found: list[Path] = []
    for name in names:
        place = base / name
        if not place.exists():
            raise InputError(
                "the project's images (shared/data beside the project) are absent",
                hint="give a folder of images with --images FOLDER",
            )
        found += images_in(place) if place.is_dir() else [place]
    return found


def images_in(folder: Path) -> list[Path]:
    """Return the images of a folder, sorted by name.

    Raises:
        InputError: there is no such folder, or no image in it.
    """
    found = sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES)
    if not found:
        raise InputError(f"{folder}: no folder with images ({', '.join(SUFFIXES)})")
    return found


def read_colour(path: Path) -> NDArray[np.uint8]:
    """Read an image as 8-bit red, green, blue [height, width, 3]."""
    return to_rgb8(io.read(path))


def shrunk(image: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    """Return an image [height, width, 3] averaged down to about so many pixels; smaller ones as they are."""
    import cv2

    height, width = image.shape[:2]
    factor = math.sqrt(pixels / (height * width))
    if factor >= 1:
        return image
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the luma (ITU-R BT.601) of an image [height, width, 3] as [height, width]."""
    return np.rint(image @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)


def _finite(value: Any) -> Any:
    """Replace what JSON cannot hold: infinity and not-a-number by null, numpy's numbers by Python's."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _version(name: str) -> str | None:
    if name == "inrfit":
        from inrfit.version import __version__

        return __version__
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Return the commit of the project, with a plus where the package or the benchmarks differ from it."""
    try:
        commit = _git("rev-parse", "--short", "HEAD")
        changed = _git("status", "--porcelain", "--", "inrfit", "benchmarks/*.py")
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+" if changed else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _processor() -> str:
    """Return the model of the processor, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
