"""Make the picture of the README: original, decoded, error times four, and regions, side by side.

python examples/picture.py [STEPS] [OUTPUT.png]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import inrfit
from inrfit.partitions.summary import overlay

HERE = Path(__file__).resolve().parent
GAP = 8


def main(steps: str = "500", output: str = "picture.png") -> None:
    photo = inrfit.read(HERE / "astronaut.png")
    field = inrfit.fit(photo, partition="seg", heads=4, steps=int(steps))
    original, decoded = photo.dense().astype(int), field.decode().astype(int)
    error = np.clip(4 * np.abs(original - decoded), 0, 255)
    panels = [original, decoded, error, overlay(photo, field.partition)]
    gap = np.full((original.shape[0], GAP, 3), 255)
    strip = np.concatenate([part for panel in panels for part in (panel, gap)][:-1], axis=1)
    Image.fromarray(strip.astype(np.uint8)).save(output)
    print(f"{output}: {len(field.partition)} regions, {field.params:,} weights, {field.psnr:.2f} dB")


if __name__ == "__main__":
    main(*sys.argv[1:])
