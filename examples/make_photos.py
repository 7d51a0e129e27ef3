"""Cuts the example's photo into 16 tiles of 64x64 pixels: a folder of small pictures to learn from.

python examples/make_photos.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

PHOTO = Path(__file__).parent / "astronaut.png"
SIDE = 64


def main(folder: str = "photos") -> None:
    photo, made = Image.open(PHOTO), Path(folder)
    made.mkdir(exist_ok=True)
    for top in range(0, photo.height, SIDE):
        for left in range(0, photo.width, SIDE):
            photo.crop((left, top, left + SIDE, top + SIDE)).save(made / f"{top}-{left}.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
