"""Mix the weights of four fields into a grid of pictures: from weights drawn alone, and from a start that was learned.

python examples/interpolate_faces.py [STEPS] [OUTPUT.png] [INIT.safetensors] [A.png B.png C.png D.png]

Without an init one is learned from drawn faces in STEPS outer steps; without four pictures four more are drawn. From left
to right the output has the mixes of fields that were adapted from a drawn start of their own each (apart), from one drawn
start (standard), and from the init (meta), all with one network and to the same PSNR.
"""

import json
import sys
from dataclasses import replace
from itertools import combinations

import numpy as np
from PIL import Image

import inrfit
from inrfit.edit.interpolate import path
from inrfit.meta import init as inits
from inrfit.registry import load

SIDE, CELLS, FACES = 32, 5, 200
NETWORK = {
    "size": SIDE,
    "partition": "none",
    "frame": "global",
    "hidden_features": 32,
    "hidden_layers": 3,
    "first_omega_0": 20.0,
    "hidden_omega_0": 20.0,
    "inner_lr": 0.03,
    "outer_lr": 2e-3,
}
MOST = 500
"""Steps from drawn weights at most."""


def face(seed: int) -> np.ndarray:
    """Return a drawn face [SIDE, SIDE, 3]: a head with hair, eyes and a mouth, no two alike."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1) * 2 - 1
    x, y = x - random.uniform(-0.1, 0.1), y - random.uniform(-0.1, 0.1)

    def spot(cy: float, cx: float, height: float, width: float) -> np.ndarray:
        away = np.sqrt(((y - cy) / height) ** 2 + ((x - cx) / width) ** 2)
        return np.clip((1 - away) * 8, 0, 1)[..., None]

    tall, wide, apart = random.uniform(0.65, 0.8), random.uniform(0.5, 0.62), random.uniform(0.2, 0.28)
    picture = np.broadcast_to(random.uniform(60, 220, 3), (SIDE, SIDE, 3))
    hair, skin = random.uniform(20, 140, 3), np.array([225, 185, 160]) * random.uniform(0.6, 1.1)
    for where, colour in (
        (spot(-0.15, 0, tall + 0.1, wide + 0.12), hair),
        (spot(0.05, 0, tall, wide), skin),
        (spot(-0.1, -apart, 0.1, 0.12), np.full(3, 30)),
        (spot(-0.1, apart, 0.1, 0.12), np.full(3, 30)),
        (spot(0.42, 0, random.uniform(0.06, 0.14), random.uniform(0.15, 0.3)), np.array([170, 40, 50])),
    ):
        picture = picture * (1 - where) + colour * where
    return np.clip(picture, 0, 255).astype(np.uint8)


def opened(file: str) -> np.ndarray:
    """Return the middle of a picture [64, 64, 3]."""
    picture = Image.open(file).convert("RGB")
    side, (width, height) = min(picture.size), picture.size
    left, top = (width - side) // 2, (height - side) // 2
    return np.asarray(picture.crop((left, top, left + side, top + side)).resize((64, 64)))


def learned(steps: int):
    """Return an init that was learned from drawn faces."""
    faces = [face(1000 + number) for number in range(FACES)]
    return inrfit.meta_train(faces, steps=steps, **NETWORK)


def grid(fields) -> np.ndarray:
    """Return the pictures of the mixes of four corners."""
    rows = []
    for v in np.linspace(0, 1, CELLS):
        shares = [[(1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u] for u in np.linspace(0, 1, CELLS)]
        rows.append(np.concatenate([inrfit.interpolate(fields, share).decode() for share in shares], axis=1))
    return np.concatenate(rows)


def measured(fields, pictures) -> dict[str, float]:
    """Return how good the fields are, and what is halfway between two of them, on average over pairs."""
    signals = [inrfit.read(picture) for picture in pictures]
    pairs = list(combinations(range(len(fields)), 2))
    ways = [path(fields[a], fields[b], (signals[a], signals[b]), points=5) for a, b in pairs]
    own = [inrfit.evaluate(f, s, metrics=["psnr"])["psnr"] for f, s in zip(fields, signals, strict=True)]
    return {
        "corner_dB": round(float(np.mean(own)), 2),
        "midpoint_dB": round(float(np.mean([way.midpoint_psnr for way in ways])), 2),
        "barrier": round(max(way.barrier for way in ways), 4),
    }


def main(steps: str = "100", output: str = "interpolate_faces.png", init: str = "", *files: str) -> None:
    if len(files) not in (0, 4):
        sys.exit(f"{len(files)} pictures were given: give four, or none to have them drawn")
    pictures = [opened(file) for file in files] or [face(seed) for seed in range(4)]
    start = inits.read(init) if init else learned(int(steps))
    meta = [inrfit.adapt(picture, start) for picture in pictures]
    wanted = max(1.0, measured(meta, pictures)["corner_dB"])

    def drawn(seed: int):
        """Return an init of the same network that has seen nothing."""
        learner = load("meta", "standard")(start.model, 2, 3, start.config)
        config = replace(start.config, method="standard")
        return replace(start, config=config, params=learner.parameters(seed))

    def fitted(seeds):
        pairs = zip(pictures, map(drawn, seeds), strict=True)
        return [inrfit.adapt(p, one, steps=MOST, target_psnr=wanted, weights="float32") for p, one in pairs]

    fields = {"apart": fitted([0, 1, 2, 3]), "standard": fitted([0, 0, 0, 0]), "meta": meta}
    gap = np.full((CELLS * len(pictures[0]), 8, 3), 255, np.uint8)
    parts = [part for corners in fields.values() for part in (gap, grid(corners))]
    Image.fromarray(np.concatenate(parts[1:], axis=1)).save(output)
    found = {name: measured(corners, pictures) for name, corners in fields.items()}
    print(json.dumps({"output": output, **found}))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except inrfit.InrfitError as error:
        sys.exit(f"Error: {error}")
