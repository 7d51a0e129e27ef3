"""Meta-learning: starts compared, Partition Matters' Table 3 with controls and a better recipe, composers, and what it costs.

Trained inits are kept in a folder and taken again, so that a part can be run again alone. The CPU scale is 32 pixels and
networks of 64; all of it takes less than two hours on two cores.

    python benchmarks/meta.py [--only inits|partition|composers|interpolation|cost] [--scale cpu|gpu] [--data FOLDER] [--inits FOLDER]
        [--steps N] [--out FILE]
"""

from __future__ import annotations

import importlib
import time
from pathlib import Path

import common
from meta_runs import Runs

PARTS = ("inits", "partition", "composers", "interpolation", "cost")


def main() -> None:
    """Run the parts and write one JSON file for each."""
    parser = common.parser(__doc__ or "")
    parser.add_argument("--only", choices=PARTS, help="run one part")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="test material in place of the project's")
    parser.add_argument("--inits", type=Path, metavar="FOLDER", help="where trained inits are kept")
    parser.add_argument("--steps", type=int, help="outer steps of each training, in place of the scale's")
    args = parser.parse_args()
    device = common.device_for(args.scale)
    for part in PARTS if args.only is None else (args.only,):
        kept = args.inits or common.ROOT / "benchmarks" / "inits"
        runs = Runs(args.scale, device.name, kept, args.data, args.steps)
        before = common.provenance(device)
        began = time.monotonic()
        found = importlib.import_module(f"meta_{part}").run(runs)
        out = args.out or common.default_out(f"meta_{part}_{args.scale}")
        seconds = round(time.monotonic() - began, 1)
        common.write_json(
            out,
            {**before, "scale": vars(runs.scale), "seconds": seconds, **found, "trained": runs.trained},
        )
        common.log(f"wrote {out}")


if __name__ == "__main__":
    common.start(main)
