"""Whether this tree writes the same bytes as another commit: fits, adaptations, crops, extensions, decodes, trainings.

    python benchmarks/same_bytes.py --against COMMIT [--only WORD]

The commit is unpacked beside, each tree makes every case in a process of its own with nothing but the public functions,
and what differs is printed as JSON: {"cases": 93, "differ": [...], "missing": [...], "errors": {}}. The exit code is 1 where one differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]

CUBE = """OFF
8 6 0
0 0 0
1 0 0
1 1 0
0 1 0
0 0 1
1 0 1
1 1 1
0 1 1
4 0 3 2 1
4 4 5 6 7
4 0 1 5 4
4 1 2 6 5
4 2 3 7 6
4 3 0 4 7
"""


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Return a picture [height, width, 3] of waves, edges and a little noise."""
    y, x = np.mgrid[:height, :width] / 24
    noise = np.random.default_rng(seed).normal(0, 4, (height, width, 3))
    waves = np.stack([np.sin(5 * x + seed), np.cos(4 * y), np.sign(np.sin(3 * (x + y)))], -1)
    return np.clip(128 + 90 * waves + noise, 0, 255).astype(np.uint8)


def signals(folder: Path) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return signals of each kind, and what says their kind."""
    (folder / "cube.off").write_text(CUBE, encoding="ascii")
    time = np.arange(3000) / 8000
    sound = (0.5 * np.sin(2 * np.pi * 440 * time) * np.exp(-3 * time)).astype(np.float32)
    clip = np.stack([picture(16, 24, seed) for seed in range(4)])
    z, y, x = np.mgrid[:10, :12, :14] / 6
    volume = (1000 * (1 + np.sin(3 * x) * np.cos(2 * y) * np.sin(z))).astype(np.uint16)
    return {
        "image": (picture(24, 36), {"kind": "image", "grid": (2, 3)}),
        "image16": (picture(20, 20).astype(np.uint16) * 200, {"kind": "image", "cell": 12}),
        "audio": (sound, {"kind": "audio", "cell": 512}),
        "video": (clip, {"kind": "video", "cell": (2, 8, 12), "points": None}),
        "volume": (volume, {"kind": "volume", "cell": 7}),
        "shape": (str(folder / "cube.off"), {"kind": "shape", "resolution": 14, "points": 900}),
    }


def fits() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the name of a fit, its signal and its words."""
    for weights in ("quantised", "float16", "float32"):
        for model in ("partitioned", "local-global", "composer", "feature-grid"):
            yield f"{model} {weights}", "image", {"model": model, "weights": weights}
    for kind in ("image16", "audio", "video", "volume", "shape"):
        for model in ("partitioned", "local-global", "feature-grid"):
            yield f"{kind} {model}", kind, {"model": model}
    plain = {
        "mlp": {"model": "mlp", "grid": None},
        "segments": {"partition": "seg", "grid": None, "heads": 3},
        "paper": {"preset": "paper", "hidden_features": 6, "grid": None, "heads": 4},
        "paper-lg": {"preset": "paper-lg", "hidden_features": 6, "trunk_features": 8},
        "effort 1": {"effort": 1},
        "adam": {"optimiser": "adam"},
        "sgd": {"optimiser": "sgd", "lr": 1e-3},
        "constant": {"schedule": "constant"},
        "points": {"points": 200},
        "points, uniform": {"points": 200, "sampling": "uniform"},
        "overlap": {"overlap": 2},
        "target psnr": {"target_psnr": 22.0, "steps": 80},
        "quality": {"quality": 40.0},
        "small file": {"target_size": 1200, "grid": None},
        "small file of networks": {"target_size": 1500, "model": "partitioned"},
        "saved bits": {"rate": 2.0},
        "rff": {"encoding": "rff", "frame": "global"},
        "geometric": {"encoding": "geometric"},
        "harmonic relu": {"encoding": "harmonic", "activation": "relu"},
        "wire": {"activation": "wire"},
        "gauss": {"activation": "gauss"},
        "finer": {"activation": "finer"},
        "sigmoid": {"output_activation": "sigmoid"},
        "little memory": {"memory": 1 << 20, "cell": 4, "grid": None},
        "one thread": {"threads": 1},
        "reference kernel": {"kernel": "reference"},
        "seed": {"seed": 5},
    }
    for name, words in plain.items():
        yield name, "image", words


def made(folder: Path, only: str) -> dict[str, str]:
    """Return the hash of what each case makes."""
    import inrfit

    known, found, kept = signals(folder), {}, {}

    def take(name: str, make: Callable[[], Any]) -> None:
        if only not in name:
            return
        try:
            value = make()
        except inrfit.InrfitError as error:
            found[name] = f"{type(error).__name__}: {error}"
            return
        data = value if isinstance(value, bytes) else np.ascontiguousarray(value).tobytes()
        found[name] = hashlib.sha256(data).hexdigest()

    def stored(field: Any, name: str) -> bytes:
        path = folder / f"{name.replace(' ', '-')}.inr"
        inrfit.save(field, path, overwrite=True)
        kept[name] = path
        return path.read_bytes()

    for name, kind, words in fits():
        signal, usual = known[kind]
        options = {"steps": 10, "hidden_features": 7, "device": "cpu", **usual, **words}
        if (
            "preset" in words
            or {"quality", "target_size"} & words.keys()
            or words.get("model") == "feature-grid"
        ):
            options.pop("hidden_features") if "hidden_features" not in words else None
        options = {word: value for word, value in options.items() if value is not None}
        options = _today(options)
        take(f"fit {name}", lambda o=options, s=signal, n=name: stored(inrfit.fit(s, **o), n))
    others = {"grid": (2, 3), "steps": 10, "hidden_features": 7, "device": "cpu"}
    several = [picture(24, 36, seed) for seed in range(3)]
    take("fit many", lambda: b"".join(stored(f, "many") for f in inrfit.fit_many(several, **others)))

    base = kept.get("partitioned quantised")
    whole = kept.get("local-global quantised")
    if base is not None and whole is not None:
        take("crop", lambda: inrfit.crop(base, keep="0:1,1:3"))
        take("crop shared", lambda: inrfit.crop(whole, region=((0, 12), (12, 30))))
        for mode, path in (("strict", base), ("strict", whole), ("joint", whole)):
            words = {"side": "right", "mode": mode, "steps": 10, "device": "cpu"}
            name = f"extend {mode} {path.stem}"
            take(name, lambda p=path, w=words, n=name: stored(inrfit.extend(p, picture(24, 12, 9), **w), n))
        for name, words in {
            "plain": {},
            "size": {"size": (17, 50)},
            "scale": {"scale": 1.7},
            "region": {"region": ((3, 20), (-9, None))},
            "blend": {"blend": 2},
        }.items():
            take(f"decode {name}", lambda w=words: inrfit.decode(base, device="cpu", **w))
    for kind in ("audio", "video", "volume", "shape", "image16"):
        path = kept.get(f"{kind} partitioned")
        if path is not None:
            take(f"decode {kind}", lambda p=path: inrfit.decode(p, device="cpu"))

    train = {"size": 16, "cell": 8, "steps": 3, "hidden_features": 6, "kind": "image", "device": "cpu"}
    for method in ("maml", "reptile", "ipc"):
        init = folder / f"{method}.safetensors"
        take(
            f"train {method}",
            lambda m=method, i=init: (
                inrfit.meta_train(
                    several, i, overwrite=True, method=m, **({"rank": 4} if m == "ipc" else {}), **train
                ),
                i,
            )[1].read_bytes(),
        )
        if not init.exists():
            continue
        for name, given in {
            "": {},
            "start": {"steps": 0},
            "all": {"adapt": "all", "steps": 8},
            "adam": {"optimiser": "adam", "steps": 8},
            "reference": {"reference": True},
            "points": {"points": 100, "steps": 5},
            "segments": {"partition": "seg", "heads": 3},
        }.items():
            label, words = f"adapt {method} {name}".strip(), _today(given)
            take(
                label,
                lambda i=init, w=words, n=label: stored(inrfit.adapt(several[0], i, device="cpu", **w), n),
            )
    return found


def _today(words: dict[str, Any]) -> dict[str, Any]:
    """Return words by the names that the tree under test has for them."""
    try:
        from inrfit import options
    except ImportError:
        return words
    del options
    renamed = {"rate": "saving", "reference": "reference_init"}
    return {renamed.get(word, word): value for word, value in words.items()}


def unpacked(commit: str, folder: Path) -> Path:
    """Unpack the package as it was at a commit."""
    data = subprocess.run(
        ["git", "archive", commit, "inrfit"], cwd=ROOT, stdout=subprocess.PIPE, check=True
    ).stdout
    with tarfile.open(fileobj=BytesIO(data)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def child(tree: Path, only: str) -> dict[str, str]:
    """Make every case with the package of a tree."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(Path(__file__).resolve()), "--make", folder, "--only", only]
        environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONSAFEPATH": "1"}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, cwd=folder)
    return json.loads(done.stdout)


def main() -> int:
    """Compare two trees; print what differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", help="commit to compare with")
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--make", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.make:
        print(json.dumps(made(Path(chosen.make), chosen.only)))
        return 0
    if not chosen.against:
        parser.error("--against COMMIT is missing")
    with tempfile.TemporaryDirectory() as folder:
        before = child(unpacked(chosen.against, Path(folder)), chosen.only)
    after = child(ROOT, chosen.only)
    differ = sorted(name for name in before.keys() & after.keys() if before[name] != after[name])
    missing = sorted(before.keys() ^ after.keys())
    errors = {name: value for name, value in after.items() if ": " in value}
    print(json.dumps({"cases": len(after), "differ": differ, "missing": missing, "errors": errors}, indent=1))
    return 1 if differ or missing else 0


if __name__ == "__main__":
    sys.exit(main())
