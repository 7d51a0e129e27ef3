"""Meta-learning, part `cost`: an outer step against a plain torch.func loop, its memory, and the time to adapt to a photo.

Every measurement is in a process of its own. inrfit's step is that of `meta-train`, with reading, cropping and Adam; that
of the loop has its pictures in memory.
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from meta_func import outer_step
from meta_runs import Runs

from inrfit import api

CASES = {
    "cpu": ((32, 64, 4), (64, 128, 4)),
    "gpu": ((64, 128, 8), (128, 128, 8), (256, 128, 4)),
}
"""Pixels along a side, width of the network, pictures in a step."""

STEPS = {"cpu": 8, "gpu": 40}
REPEATS = 5
"""Adaptations of the photo."""


def run(runs: Runs) -> dict[str, Any]:
    """Return the rows of the table and the latency of `adapt`."""
    scale = "gpu" if runs.device.startswith("cuda") else "cpu"
    folder, rows = runs.folder("images/natural/train"), []
    for size, hidden, batch in CASES[scale]:
        for way in ("torch.func", "inrfit", "inrfit, first order", "inrfit, 4 networks"):
            found = _apart(_steps, way, size, hidden, batch, STEPS[scale], folder, runs.device)
            rows.append({"size": size, "hidden": hidden, "batch": batch, "way": way, **found})
            print(rows[-1], flush=True)
    words = runs.words(
        method="maml", inner_steps=3, partition="grid", grid=(2, 2), frame="local", first_omega_0=15.0
    )
    init = runs.init("natural-for-latency", "images/natural/train", **{**words, "steps": 5})
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "init.safetensors"
        path.write_bytes(init.data)
        photo = sorted(runs.folder("images/faces/val").glob("*.jpg"))[0]
        latency = _apart(_latency, path, photo, runs.device)
    print(latency, flush=True)
    return {"table": rows, "adapt": latency}


def _apart(function: Any, *arguments: Any) -> dict[str, Any]:
    """Call a function in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _peak() -> float:
    """Return the peak memory of this process in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def _steps(
    way: str, size: int, hidden: int, batch: int, count: int, folder: Path, device: str
) -> dict[str, Any]:
    """Return the median seconds of an outer step and the memory it adds."""
    import torch

    seconds: list[float] = []
    before = _peak()
    if way == "torch.func":
        _loop(size, hidden, batch, count, device, seconds)
    else:
        from inrfit.fitting.progress import Progress

        at: list[float] = []
        words: dict[str, Any] = {"partition": "none"}
        if way.endswith("networks"):
            words = {"partition": "grid", "grid": (2, 2)}
        api.meta_train(
            folder,
            device=device,
            progress=Progress(on_event=lambda event: at.append(event.seconds)),
            size=size,
            batch=batch,
            steps=count + 1,
            hidden_features=hidden,
            hidden_layers=3,
            inner_steps=3,
            holdout=0.0,
            order="first" if way.endswith("order") else "second",
            **words,
        )
        seconds += np.diff(at).tolist()
    cuda = torch.cuda.max_memory_allocated() / 2**20 if device.startswith("cuda") else None
    return {
        "seconds": round(statistics.median(seconds[1:]), 4),
        "memory_mb": round(_peak() - before, 1) if cuda is None else round(cuda, 1),
    }


def _loop(size: int, hidden: int, batch: int, count: int, device: str, seconds: list[float]) -> None:
    """Time outer steps of the plain loop."""
    import torch

    random = torch.Generator().manual_seed(0)
    widths = [2, hidden, hidden, hidden, hidden, 3]
    params = {}
    for number in range(5):
        bound = 1 / 2 if number == 0 else (6 / widths[number]) ** 0.5 / 30
        shape = (widths[number], widths[number + 1])
        params[f"weight{number}"] = (torch.rand(shape, generator=random) * 2 - 1) * bound
        params[f"bias{number}"] = torch.zeros(1, shape[1])
    params |= {f"rate.{n}": torch.full((3, *w.shape), float(np.log(1e-2))) for n, w in params.items()}
    params = {name: value.to(device) for name, value in params.items()}
    line = (2 * torch.arange(size) + 1) / size - 1
    coords = torch.cartesian_prod(line, line).to(device)
    targets = torch.rand((batch, size * size, 3), generator=random).to(device) * 2 - 1
    step = outer_step(params, coords, 5, 30.0, 3, 1e-3)
    for _ in range(count + 1):
        began = time.perf_counter()
        step(targets)
        seconds.append(time.perf_counter() - began)


def _latency(path: Path, photo: Path, device: str) -> dict[str, Any]:
    """Return the seconds from a photo on disk to the bytes of its field, the first time in a process and later."""
    from inrfit.meta import init as inits

    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        init = inits.read(path)
        field = api.adapt(photo, init, steps=3, device=device)
        size = len(api.to_bytes(field))
        seconds.append(time.perf_counter() - began)
    return {
        "photo": "x".join(map(str, field.domain.shape)),
        "bytes": size,
        "first": round(seconds[0], 3),
        "later": round(statistics.median(seconds[1:]), 3),
    }
