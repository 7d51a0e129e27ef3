"""Fit the left half of a photo, then add the right half to it: the old half keeps its bytes and its pixels.

python examples/extend_photo.py [STEPS] [OUTPUT.png]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import inrfit

HERE = Path(__file__).resolve().parent


def main(steps: str = "500", output: str = "extend_photo.png") -> None:
    photo = inrfit.read(HERE / "astronaut.png").dense()
    left, right = photo[:, :128], photo[:, 128:]
    old = inrfit.fit(left, model="local-global", steps=int(steps))
    new = inrfit.extend(old, right, side="right", steps=int(steps))
    before, after = old.decode(), new.decode()
    if not np.array_equal(before, after[:, :128]):
        raise SystemExit("the old half has changed")
    print(f"left half {old.psnr:.2f} dB in {old.params:,} weights; both {new.psnr:.2f} dB in {new.params:,}")
    blank = np.full_like(right, 235)
    gap = np.full((256, 8, 3), 255, np.uint8)
    Image.fromarray(np.concatenate([before, blank, gap, after, gap, photo], axis=1)).save(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
