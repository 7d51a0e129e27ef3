"""Draco on the shapes of `signals.py`: bytes and Chamfer distance of meshes coded at several numbers of bits.

What a mesh codec gives for its bytes, to lay beside the fields of `signals.py --only shape`, by the same measure: mean
distance from 100,000 places on each surface to the other, in diagonals of the box. Needs DracoPy, which inrfit does not.

    pip install DracoPy
    python benchmarks/draco.py [--data FOLDER] [--out FILE] [--table FILE]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import common
import numpy as np
from signals import DATA, MESHES

from inrfit import api
from inrfit.compare.shape import ON_SURFACE, SEED
from inrfit.errors import InputError
from inrfit.io.config import ReadConfig
from inrfit.surface import Surface

BITS = (7, 8, 9, 10, 11, 12, 14)
"""Bits of a coordinate."""

LEVEL = 10
"""Effort of the coder, 0 to 10."""


def coded(mesh: Surface, bits: int) -> tuple[int, Surface]:
    """Code a mesh with so many bits a coordinate; return the bytes, and what they are decoded to."""
    import DracoPy

    data = DracoPy.encode(
        np.asarray(mesh.vertices, np.float32),
        np.asarray(mesh.faces, np.uint32),
        quantization_bits=bits,
        compression_level=LEVEL,
    )
    made = DracoPy.decode(data)
    vertices, faces = np.asarray(made.points, np.float64), np.asarray(made.faces, np.int64)
    return len(data), Surface(vertices=vertices, faces=faces)


def chamfer_l1(mesh: Surface, other: Surface) -> float:
    """Return the mean distance from each surface to the other, in diagonals of the box around the first."""
    size = float(np.linalg.norm(mesh.box[1] - mesh.box[0]))
    there, _ = other.closest(mesh.points(ON_SURFACE, np.random.default_rng(SEED))[0])
    here, _ = mesh.closest(other.points(ON_SURFACE, np.random.default_rng(SEED))[0])
    return float((there.mean() + here.mean()) / 2 / size)


def measure(path: Path) -> list[dict[str, Any]]:
    """Code one mesh at every number of bits."""
    signal: Any = api.read(path, ReadConfig(kind="shape"))
    mesh = signal.body
    rows = []
    for bits in BITS:
        size, made = coded(mesh, bits)
        chamfer = chamfer_l1(mesh, made)
        rows.append(
            {
                "signal": path.stem,
                "bits": bits,
                "bytes": size,
                "chamfer_l1": chamfer,
                "faces": len(mesh.faces),
            }
        )
        common.log(f"{path.stem} {bits} bits: {size} bytes, Chamfer-L1 {chamfer:.2e}")
    return rows


def table(data: dict[str, Any]) -> str:
    """Return a result as a Markdown table."""
    lines = ["| signal | faces | bits | KiB | Chamfer-L1 |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['signal']} | {row['faces']:,} | {row['bits']} | {row['bytes'] / 1024:.1f} | {row['chamfer_l1']:.1e} |"
        for row in data["rows"]
    ]
    return "\n".join(lines)


def main() -> None:
    """Run, or print the table of a result."""
    parser = common.parser(__doc__ or "")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the test material")
    parser.add_argument("--table", type=Path, metavar="FILE", help="print the table of a result")
    chosen = parser.parse_args()
    if chosen.table:
        print(table(common.read_json(chosen.table)))
        return
    if not chosen.data.is_dir():
        raise InputError(f"{chosen.data}: no such folder", hint="name the test material with --data")
    out = chosen.out or common.default_out("draco")
    data: dict[str, Any] = {"provenance": common.provenance(common.device_for("cpu")), "rows": []}
    for source in MESHES:
        data["rows"] += measure(chosen.data / source)
        common.write_json(out, data)


if __name__ == "__main__":
    common.start(main)
