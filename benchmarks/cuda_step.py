"""Time of one forward and backward of many small networks on a CUDA device: the reference against the fused kernel.

It fits nothing and reads no images; beside inrfit it needs torch and numpy, for the fused rows triton and a C compiler.
Every way is first compared with the reference in double precision: the largest difference of a gradient over the
largest gradient. A time is the median of several runs of some repetitions each, after a warm-up, in milliseconds per
step; *graph* replays a captured CUDA graph. Compilation is timed apart.

    python benchmarks/cuda_step.py [--case 64x1024x16 ...] [--sweep] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inrfit.kernels import reference, triton_fused
from inrfit.kernels.batch import Batch
from inrfit.kernels.triton_fused import Fused, Launch
from inrfit.models.config import ModelConfig
from inrfit.models.description import COORDS, Description, describe, initial_weights

CASES = ("64x1024x16", "384x1024x13", "4096x1024x17")
"""Regions, points of each, hidden features."""

TOLERANCE = {
    "reference": 2e-5,
    "reference tf32": 2e-2,
    "ieee": 2e-5,
    "tf32x3": 2e-5,
    "tf32": 2e-2,
    "bf16": 1e-1,
}
"""Largest difference from double precision that is not an error."""

CHECKED = 32
"""Regions of a case whose gradients are compared."""

SWEEP = [(block, warps, split) for block in (16, 32, 64) for warps in (1, 2, 4) for split in (1, 4, 16)]
"""Block, warps and split of the launches that `--sweep` tries."""

DEVICE = "cuda"

Step = Callable[[], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A batch: one tile for each region."""

    regions: int
    points: int
    width: int

    def description(self) -> Description:
        """Return inrfit's default network of this width."""
        config = ModelConfig(
            name="partitioned", hidden_features=self.width, first_omega_0=15.0, hidden_omega_0=15.0
        )
        return describe(config, 2, 3)

    def weights(self, description: Description) -> dict[str, Tensor]:
        """Draw one network per region; those beyond the first 64 are copies of them."""
        drawn = initial_weights(description, range(min(self.regions, 64)), 0)
        rows = torch.arange(self.regions) % 64
        return {name: torch.tensor(w)[rows].to(DEVICE) for name, w in drawn.items()}

    def batch(self) -> Batch:
        """Draw coordinates and targets."""
        made = torch.Generator(DEVICE).manual_seed(0)

        def uniform(last: int) -> Tensor:
            shape = (self.regions, self.points, last)
            return torch.rand(shape, device=DEVICE, generator=made) * 2 - 1

        ones = torch.ones(self.regions, self.points, 1, device=DEVICE)
        return Batch(
            features={COORDS: uniform(2)},
            targets=uniform(3),
            mask=ones,
            weight=ones.clone(),
            owner=torch.arange(self.regions, device=DEVICE),
        )


def main() -> int:
    """Run the benchmark."""
    made = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--case", nargs="+", default=CASES, metavar="REGIONSxPOINTSxWIDTH", help="batches")
    made.add_argument("--sweep", action="store_true", help="also try other launches of the fused kernel")
    made.add_argument("--out", type=Path, metavar="FILE", help="JSON file to write, beside printing it")
    arguments = made.parse_args()
    if not torch.cuda.is_available():
        print("cuda_step.py needs a CUDA device, and torch finds none", file=sys.stderr)
        return 2
    reason = triton_fused.available("cuda")
    rows = []
    for text in arguments.case:
        regions, points, width = (int(part) for part in text.split("x"))
        case = Case(regions=regions, points=points, width=width)
        rows += measured(case, fused=reason is None, sweep=arguments.sweep)
    done = json.dumps({"provenance": provenance(), "fused": reason or "available", "rows": rows}, indent=1)
    print(done)
    if arguments.out:
        arguments.out.write_text(done + "\n")
    return 0 if all(row.get("agrees", True) for row in rows) else 1


def measured(case: Case, *, fused: bool, sweep: bool) -> list[dict[str, Any]]:
    """Measure every way to run a case."""
    description = case.description()
    weights, batch = case.weights(description), case.batch()
    exact = in_double(description, weights, batch)
    rows: list[dict[str, Any]] = []

    def add(way: str, step: Step, gradients: Callable[[], Mapping[str, Tensor]], **facts: Any) -> None:
        began = time.perf_counter()
        step()
        torch.cuda.synchronize()
        facts["first_s"] = round(time.perf_counter() - began, 3)
        found = difference(exact, gradients())
        agrees = found <= TOLERANCE[way]
        times = {"eager_ms": timed(step), "graph_ms": timed(captured(step))}
        rows.append({**asdict(case), "way": way, "difference": found, "agrees": agrees, **times, **facts})
        print(rows[-1], file=sys.stderr, flush=True)

    def plain() -> dict[str, Tensor]:
        return reference.errors_and_gradients(description, weights, batch)[1]

    add("reference", plain, plain)
    with tf32_allowed():
        add("reference tf32", plain, plain)
    for precision in triton_fused.PRECISIONS if fused else ():
        for launch in launches(sweep and precision in ("tf32", "bf16")):
            try:
                step = Fused(description, batch, case.regions, precision, launch)
                run = lambda step=step: step.run(weights)  # noqa: E731
                add(precision, run, lambda step=step: step.gradients, launch=asdict(step.launch))
            except Exception as error:  # a launch that does not fit is a result
                row = {"way": precision, "launch": launch and asdict(launch), "error": str(error)[:200]}
                rows.append({**asdict(case), **row, "agrees": launch is not None})
                print(rows[-1], file=sys.stderr, flush=True)
    return rows


def launches(sweep: bool) -> Iterator[Launch | None]:
    """Yield the kernel's own choice, then those of a sweep."""
    yield None
    for block, warps, split in SWEEP if sweep else ():
        yield Launch(block=block, warps=warps, split=split)


def in_double(description: Description, weights: Mapping[str, Tensor], batch: Batch) -> dict[str, Tensor]:
    """Return the gradients of the first regions in double precision."""
    part = slice(0, CHECKED)
    first = Batch(
        features={name: x[part].double() for name, x in batch.features.items()},
        targets=batch.targets[part].double(),
        mask=batch.mask[part].double(),
        weight=batch.weight[part].double(),
        owner=batch.owner[part],
    )
    doubled = {name: w[part].double() for name, w in weights.items()}
    return reference.errors_and_gradients(description, doubled, first)[1]


def difference(exact: Mapping[str, Tensor], gradients: Mapping[str, Tensor]) -> float:
    """Return the largest difference over the largest gradient; infinity where a number is not finite."""
    largest = max(float(g.abs().max()) for g in exact.values())
    apart = max(
        float((gradients[n][: len(g)] - g).abs().nan_to_num(torch.inf).max()) for n, g in exact.items()
    )
    return apart / largest


@contextmanager
def tf32_allowed() -> Iterator[None]:
    """Let torch round the factors of matrix products to tf32."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def captured(step: Step) -> Step:
    """Capture a step in a CUDA graph and return its replay."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        kept = step()

    def replay(kept: Any = kept) -> None:
        graph.replay()

    return replay


def timed(step: Step, runs: int = 7, seconds: float = 0.1) -> float:
    """Return the median milliseconds of a step over some runs of at least so many seconds each."""
    step()
    repetitions = max(3, int(seconds / max(once(step, 3), 1e-6)))
    return round(1000 * statistics.median(once(step, repetitions) for _ in range(runs)), 4)


def once(step: Step, repetitions: int) -> float:
    """Return the seconds of a step, averaged over some repetitions."""
    start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(repetitions):
        step()
    stop.record()
    torch.cuda.synchronize()
    return start.elapsed_time(stop) / 1000 / repetitions


def provenance() -> dict[str, Any]:
    """Return where the numbers come from."""
    try:
        import triton

        version = triton.__version__
    except ImportError:
        version = None
    return {
        "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "device": torch.cuda.get_device_name(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "cuda": torch.version.cuda,
            "triton": version,
            "numpy": np.__version__,
        },
    }


if __name__ == "__main__":
    sys.exit(main())
