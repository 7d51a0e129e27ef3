"""Encode a photo from Python, look at its regions, and decode a part of it at twice the size.

python examples/encode_photo.py [STEPS]
"""

import sys
from pathlib import Path

import inrfit

HERE = Path(__file__).resolve().parent


def main(steps: int = 100) -> None:
    photo = HERE / "astronaut.png"
    field = inrfit.fit(photo, partition="seg", heads=4, steps=steps)
    print(f"{field.params:,} weights in {len(field.partition)} regions, {field.psnr:.2f} dB")
    for region, mse in zip(field.partition.regions, field.mse, strict=True):
        print(f"  region {region.id}: {region.area:,} samples, mean squared error {mse:.4f}")
    part = field.decode(scale=2, region=((0, 64), (64, 128)))
    print(f"rows 0 to 63 of columns 64 to 127, twice as large: {part.shape} {part.dtype}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
