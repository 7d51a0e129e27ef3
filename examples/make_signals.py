"""Makes the small sound, clip and shape of `examples/signals`, all of them by formula; not needed to use inrfit.

python examples/make_signals.py
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from inrfit import io
from inrfit.io.config import ReadConfig
from inrfit.signal import Bands

FOLDER = Path(__file__).parent / "signals"
RATE, SECONDS = 16_000, 1.0
FRAMES, HEIGHT, WIDTH, FPS = 24, 48, 64, 24.0


def chime() -> np.ndarray:
    """Return a struck bell, [samples, 1] int16: partials that decay, the high ones first."""
    t = np.arange(int(RATE * SECONDS)) / RATE
    partials = [(440, 1.0, 3), (1213, 0.6, 6), (2376, 0.35, 9), (3928, 0.2, 14)]
    wave = sum(level * np.exp(-decay * t) * np.sin(2 * np.pi * f * t) for f, level, decay in partials)
    return np.rint(0.8 * 32767 * wave / np.abs(wave).max()).astype(np.int16)[:, None]


def ball() -> np.ndarray:
    """Return a ball that bounces over a meadow, [frame, row, column, colour] uint8."""
    t, y, x = np.meshgrid(np.arange(FRAMES) / FPS, np.arange(HEIGHT), np.arange(WIDTH), indexing="ij")
    sky = np.stack([120 + 1.5 * y, 170 + 0.8 * y, 225 - 0.5 * y], axis=-1)
    meadow = np.stack([90 + 12 * np.sin(x / 3), 150 + 10 * np.sin(x / 5 + y), 70 + 0 * x], axis=-1)
    frame = np.where((y > 38)[..., None], meadow, sky)
    middle = 8 + 48 * t, 32 - 22 * np.abs(np.sin(2 * np.pi * t))
    distance = np.hypot(x - middle[0], y - middle[1])
    share = np.clip(7.5 - distance, 0, 1)[..., None]
    red = np.array([215, 60, 50]) + 25 * np.clip((middle[1] - y)[..., None] / 7, -1, 1)
    return np.rint(np.clip(share * red + (1 - share) * frame, 0, 255)).astype(np.uint8)


def knot(around: int = 160, across: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners [corner, 3] and triangles [face, 3] of a trefoil knot, a tube of radius 0.35."""
    t = np.linspace(0, 2 * np.pi, around, endpoint=False)
    line = np.stack([np.sin(t) + 2 * np.sin(2 * t), np.cos(t) - 2 * np.cos(2 * t), -np.sin(3 * t)], axis=1)
    along = np.roll(line, -1, 0) - np.roll(line, 1, 0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = np.cross(along, [0.0, 0.0, 1.0])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(side, along)
    angle = np.linspace(0, 2 * np.pi, across, endpoint=False)[None, :, None]
    corners = line[:, None] + 0.35 * (np.cos(angle) * side[:, None] + np.sin(angle) * up[:, None])
    i, j = np.meshgrid(np.arange(around), np.arange(across), indexing="ij")
    a, b = i * across + j, i * across + (j + 1) % across
    c, d = (i + 1) % around * across + j, (i + 1) % around * across + (j + 1) % across
    faces = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    return corners.reshape(-1, 3), faces


def main() -> None:
    """Write the three files."""
    FOLDER.mkdir(exist_ok=True)
    sound = io.read(chime(), ReadConfig(kind="audio", spacing=(1 / RATE,)))
    io.write(Bands.of(chime(), sound.domain, sound.info), FOLDER / "chime.flac", overwrite=True)
    clip = io.read(ball(), ReadConfig(kind="video", spacing=(1 / FPS,)))
    wav = b"".join(io.encode(Bands.of(chime(), sound.domain, sound.info), ".wav", name="chime"))
    info = replace(clip.info, sound=wav)
    io.write(Bands.of(ball(), clip.domain, info), FOLDER / "ball.mp4", overwrite=True)
    import trimesh

    corners, faces = knot()
    (FOLDER / "knot.ply").write_bytes(
        trimesh.Trimesh(corners.astype(np.float32), faces, process=False).export(file_type="ply")
    )


if __name__ == "__main__":
    main()
