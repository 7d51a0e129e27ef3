"""Makes the golden files that are missing: `python tests/golden/write.py` with `tests` on PYTHONPATH. What is here is frozen.

A golden file stands for all files that were written in its time. A change that makes a test of it fail is a change of
the format, which needs a new version; making it anew is no way out. New kinds of files get new names.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from make.data import textured

from inrfit import api
from inrfit.codec.contents import coded, kept
from inrfit.field import Field
from inrfit.fitting.size import with_steps
from inrfit.models.coding import Coding, quantised

HERE = Path(__file__).parent
SMALL = {"hidden_features": 8, "hidden_layers": 1, "steps": 60, "device": "cpu"}
LABELS = (np.add.outer(np.arange(24) // 9, np.arange(36) // 17) % 3 * 2 + 1).astype(np.uint8)
CASES = {
    "grid": {"grid": (2, 3)},
    "segments": {"partition": "labels.npy"},
    "local-global": {"grid": (2, 2), "model": "local-global", "trunk_features": 8},
    "composer-rff": {"grid": (2, 2), "model": "composer", "encoding": "rff", "features": 5},
    "feature-grid": {
        "grid": (1, 2),
        "model": "feature-grid",
        "pitch": 1.0,
        "feature_channels": 2,
        "levels": 3,
    },
    "float16": {"grid": (2, 2), "weights": "float16"},
    "float32-none": {"partition": "none", "weights": "float32"},
    "bound-grid": {"grid": (2, 3)},
    "bound-segments": {"partition": "labels.npy", "weights": "float16"},
    "bound-feature-grid": {"grid": (1, 2), "model": "feature-grid", "pitch": 2.0, "levels": 2},
}
"""Those whose names begin with "bound" have the sums of version 1.2."""


CROPS = {
    "grid": ["0,1", "1,2"],
    "segments": ["0", "2"],
    "bound-grid": ["0,1", "1,2"],
    "bound-segments": ["0", "2"],
}


def integers(field: Field) -> dict[str, np.ndarray]:
    """Return the integers of a field's quantised arrays, name -> [group, *shape]; none of other weights."""
    if field.coding is None:
        return {}
    numbers, items = kept(field)
    return {name: quantised(numbers[name], field.coding.exponents[name]) for name in coded(items)}


def escaping() -> Field:
    """Return a field whose integers need escapes and several tables: from 0 to the largest that there are."""
    field = api.fit(textured(24, 36), grid=(1, 2), **SMALL)
    weights = {name: value.copy() for name, value in field.weights.items()}
    weights["weight0"][0, 0, :3] = 3000.0, -70000.0, 2.0**31
    weights["bias2"][1] = 20.0
    exponents = dict.fromkeys(weights, -150) | {"weight0": 0, "bias2": -500}
    tables = ((1, 60000), (4, 5000, 4, 2000), (900, 30))
    return with_steps(
        replace(field, weights=weights),
        Coding(exponents=exponents, tables=tables, choice=(20000, 40000, 5536)),
    )


def make(name: str) -> Field:
    """Return the field of a golden file."""
    if name == "escapes":
        return escaping()
    case = CASES[name]
    with TemporaryDirectory() as folder:
        if "partition" in case and case["partition"] != "none":
            case = {**case, "partition": str(Path(folder) / "labels.npy")}
            np.save(case["partition"], LABELS)
        return api.fit(textured(24, 36), **case, **SMALL)


def main() -> None:
    """Write the files that are not there."""
    for name in [*CASES, "escapes"]:
        path = HERE / f"{name}.inr"
        if path.exists():
            continue
        path.write_bytes(api.to_bytes(make(name)))
        back = api.load(path)
        samples = back.decode(device="cpu")
        np.savez_compressed(path.with_suffix(".npz"), samples=samples, **integers(back))
        if name in CROPS:
            keep = CROPS[name]
            path.with_suffix(".crop.inr").write_bytes(api.crop(path, keep=keep))
        sys.stderr.write(f"{path.name}: {path.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
