"""Pictures as JPEG, WebP and AVIF at a quality, by Pillow: real files, and what they cost; no field is known here.

These are files to compare with, not those that `inrfit decode` writes: no profile and no EXIF block is in them, and
their settings are those of a patient user. AVIF is made in one thread, since its bytes depend on the number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import ConfigError, InputError
from inrfit.metrics import fidelity
from inrfit.registry import load, names

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""Channels -> mode of Pillow."""

QUALITIES = (1, 5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 95)
"""Qualities of a curve; finer where files are small."""

BEST = 100
"""Highest quality of every codec."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureCodec:
    """A codec of pictures as Pillow offers it.

    Attributes:
        name: its name for Pillow.
        setting: what else but the quality was chosen, in words.
        options: the same for Pillow.
        grey: options that differ for one channel.
        lowest: lowest quality; the highest is `BEST`.
        alpha: whether it holds transparency.
    """

    name: str
    setting: str
    options: Mapping[str, Any] = field(default_factory=dict)
    grey: Mapping[str, Any] = field(default_factory=dict)
    lowest: int = 0
    alpha: bool = True


JPEG = PictureCodec(
    name="JPEG",
    setting="4:2:0, optimised, progressive",
    options={"subsampling": "4:2:0", "optimize": True, "progressive": True},
    lowest=1,  # Pillow takes 0 for its default
    alpha=False,
)
WEBP = PictureCodec(
    name="WEBP", setting="lossy, method 6", options={"method": 6, "exact": True}
)  # exact: keep the colours under transparent pixels
AVIF = PictureCodec(
    name="AVIF",
    setting="speed 6, 4:4:4, one thread",
    options={"speed": 6, "subsampling": "4:4:4", "max_threads": 1},
    grey={"subsampling": "4:0:0"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What a picture costs at a quality, and how good it is.

    Attributes:
        quality: that of the codec.
        bytes: size of the file.
        psnr: dB of the decoded file, all channels together, peak 255; inf when it is exact.
    """

    quality: int
    bytes: int
    psnr: float


def codec(name: str) -> PictureCodec:
    """Return a codec of the registry.

    Raises:
        ConfigError: there is no such codec, or this Pillow was built without it.
    """
    from PIL import features

    found: PictureCodec = load("picture-codec", name)
    if name in ("webp", "avif") and not features.check(name):
        others = [other for other in names("picture-codec") if other != name]
        raise ConfigError(
            f"{name} is not there: Pillow was built without it",
            hint=f"choose from {', '.join(others)}, or install a Pillow with it",
        )
    return found


def refusal(samples: NDArray[Any], name: str) -> str | None:
    """Return why a codec cannot hold samples [height, width, channel] of uint8, in words; None where it can."""
    channels = samples.shape[-1]
    if channels not in MODES:
        return f"it holds 1 to 4 channels, the picture has {channels}"
    return "it holds no transparency" if channels in (2, 4) and not codec(name).alpha else None


def encode(samples: Picture, name: str, quality: int) -> bytes:
    """Return a picture as a file.

    Args:
        samples: [height, width, channel] uint8; 1 to 4 channels are grey, grey and alpha, RGB, RGB and alpha.
        name: "jpeg", "webp" or "avif".
        quality: a whole number from the lowest of the codec to 100.

    Raises:
        ConfigError: the codec is not there, or the quality is not one of its own.
        InputError: the codec cannot hold the picture.
    """
    from PIL import Image

    chosen = codec(name)
    _check(samples, name)
    if not chosen.lowest <= quality <= BEST:
        raise ConfigError(f"quality {quality} of {name} is not one of {chosen.lowest} to {BEST}")
    options = {**chosen.options, **(chosen.grey if samples.shape[-1] == 1 else {})}
    file = BytesIO()
    image = Image.fromarray(np.ascontiguousarray(samples[..., 0] if samples.shape[-1] == 1 else samples))
    try:
        image.save(file, chosen.name, quality=quality, **options)
    except (OSError, ValueError) as error:
        raise InputError(
            f"the picture cannot be written as {name}: {' '.join(str(error).split())}", hint="leave it out"
        ) from error
    return file.getvalue()


def decode(data: bytes, channels: int) -> Picture:
    """Return the samples [height, width, channel] of a file from `encode` of so many channels.

    Codecs that store grey as colours, or leave out an alpha that is full everywhere, give it back.
    """
    from PIL import Image

    with Image.open(BytesIO(data)) as image:
        made = np.asarray(image.convert(MODES[channels]))
    return made.reshape(*made.shape[:2], channels)


def point(samples: Picture, name: str, quality: int) -> Point:
    """Return what a picture costs at a quality, and how good it is; args and errors as for `encode`."""
    data = encode(samples, name, quality)
    decoded = decode(data, samples.shape[-1])
    return Point(quality=quality, bytes=len(data), psnr=fidelity.psnr(samples, decoded, (0.0, 255.0)))


def curve(samples: Picture, name: str, qualities: Sequence[int] = QUALITIES) -> list[Point]:
    """Return what a picture costs at several qualities, and how good it is; args and errors as for `encode`."""
    return [point(samples, name, quality) for quality in qualities]


def _check(samples: NDArray[Any], name: str) -> None:
    if samples.ndim != 3 or samples.dtype != np.uint8 or samples.size == 0:
        raise InputError(
            f"{name} needs a picture [height, width, channel] of uint8, not {samples.shape} of {samples.dtype}"
        )
    reason = refusal(samples, name)
    if reason is not None:
        raise InputError(f"{name} cannot hold the picture: {reason}", hint="leave it out")
