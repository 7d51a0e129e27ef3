"""Crop a field again and again: fewer bytes each time, the same pixels, no training. Makes a picture of it.

python examples/crop_series.py [STEPS] [OUTPUT.png]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import inrfit
from inrfit.api import to_bytes

HERE = Path(__file__).resolve().parent
SERIES = (
    ("everything", ":,:"),
    ("upper six rows", ":6,:"),
    ("six by five", ":6,2:7"),
    ("with a hole", ["0:4,2:6", "6:8,:"]),
)
"""What is kept of the 8x8 cells of 32 pixels, as for `inrfit crop --keep`."""


def main(steps: str = "500", output: str = "crop_series.png") -> None:
    field = inrfit.fit(HERE / "astronaut.png", grid=(8, 8), model="local-global", steps=int(steps))
    file, whole = to_bytes(field), field.decode()
    print(f"{field.psnr:.2f} dB, {len(file):,} bytes")
    strip = Image.new("RGB", (264 * len(SERIES) - 8, 276), "white")
    for place, (name, keep) in enumerate(SERIES):
        cropped = inrfit.crop(file, keep=keep)
        left = inrfit.load(cropped)
        (top, bottom), (start, end) = left.domain.box
        there, pixels = left.covered(), left.decode()
        if not np.array_equal(pixels[there], whole[top:bottom, start:end][there]):
            raise SystemExit(f"{name}: the pixels have changed")
        parts = inrfit.info(cropped)["bytes_by_part"]
        print(f"{name}: {len(cropped):,} bytes (front matter {parts['front']:,}, shared {parts['shared']:,})")
        panel = np.full((256, 256, 3), 235, np.uint8)
        panel[top:bottom, start:end][there] = pixels[there]
        strip.paste(Image.fromarray(panel), (264 * place, 0))
        ImageDraw.Draw(strip).text((264 * place + 2, 262), f"{name}: {len(cropped):,} bytes", fill="black")
    strip.save(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
