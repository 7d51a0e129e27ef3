"""Images as signals: the entry of the registry, which picks a reader or a writer by format; it opens no files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Domain
from inrfit.errors import InputError
from inrfit.io import arrays, formats, image_read, image_write, transparency
from inrfit.io.config import ReadConfig
from inrfit.io.files import read_bytes
from inrfit.io.holes import settled
from inrfit.io.kinds import SignalKind
from inrfit.rgb import rgb8
from inrfit.signal import ArraySignal, Bands, SignalInfo


class ImageIO(SignalKind):
    """Reads and writes images.

    Attributes:
        kind: name of the kind in the registry.
        suffixes: file suffixes that count as images when a folder is read.
    """

    kind = "image"
    suffixes = formats.SUFFIXES
    written = formats.WRITTEN
    words = ("range", "nodata")
    told = formats.TOLD
    shows_holes = True
    metrics = ("psnr", "psnr-minmax", "ssim", "ms-ssim")

    def recognises(self, start: bytes) -> bool:
        """Tell whether the first bytes of a file are those of an image, also of one that is only known by name."""
        return (formats.unread(start) or formats.recognise(start)) is not None

    def read(self, source: Path | bytes, name: str, config: ReadConfig) -> ArraySignal:
        """Read a file; its content decides the format, not the suffix of `name`.

        Raises:
            InputError: the file is not an image, damaged, truncated, too large or of a kind that is not read.
        """
        data = read_bytes(source)
        if what := formats.unread(data):
            raise InputError(f"{name}: is a {what}, which is not read", hint="convert it to TIFF or PNG")
        form = formats.recognise(data)
        if form is None:
            known = ", ".join(form.name for form in formats.FORMATS)
            raise InputError(
                f"{name}: is not an image inrfit knows, it begins with {data[:8]!r}",
                hint=f"readable are {known}; convert others (SVG, PDF) to PNG",
            )
        named = formats.by_suffix(PurePath(name).suffix)
        misnamed = named is not None and named is not form
        signal = arrays.with_source(
            image_read.read(data, form, name),
            suffix=form.suffixes[0],
            sha256=hashlib.sha256(data).hexdigest(),
            notes=(f"the file is named {PurePath(name).suffix} but holds {form.name}",) if misnamed else (),
        )
        return settled(signal, config, name, full=signal.info.value_range)

    def from_array(self, array: NDArray[Any], config: ReadConfig) -> ArraySignal:
        """Make a signal from an array [H, W] or [H, W, C] with up to 64 channels.

        Args:
            array: bool, integers from 0 to 65535 or floats; 2, 3 and 4 channels are grey with alpha, RGB and RGB
                with alpha. The range of samples that use less than a quarter of their type's, and of floats outside
                of [0, 1], is their own; see `holes.settled`.
            config: `range` and `nodata`.

        Raises:
            InputError: the array cannot be an image.
        """
        signal = arrays.from_array(array)
        return settled(signal, config, "array", full=signal.info.value_range)

    def encode(self, samples: Bands, suffix: str, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file piece by piece, where its format allows.

        Args:
            samples: samples [H, W, C] in bands of rows; the ICC profile and the EXIF block come from their `info`.
            suffix: file suffix, which picks the format.
            name: what to call the file in messages.

        Raises:
            OutputError: the suffix is unknown, or its format cannot hold these samples; at the first piece.
        """
        return image_write.encode(samples, suffix, name)

    def check(self, info: SignalInfo, channels: int, suffix: str, name: str) -> None:
        """Refuse a format that cannot hold samples; see `SignalKind.check`."""
        image_write.check(info, channels, suffix, name)

    def transparent(
        self, values: NDArray[Any], info: SignalInfo, covered: NDArray[np.bool_], suffix: str
    ) -> tuple[NDArray[Any], SignalInfo] | None:
        """Return an image with alpha 0 where it is not covered; see `transparency.transparent`."""
        return transparency.transparent(values, info, covered, suffix)

    def picture(self, samples: Bands) -> NDArray[np.uint8]:
        """Return an image as 8-bit red, green, blue; see `inrfit.rgb`."""
        return np.concatenate([rgb8(band, samples.info) for band in samples.bands])

    def losses(self, info: SignalInfo, domain: Domain, channels: int, suffix: str) -> tuple[str, ...]:
        """Return what a format cannot hold of what is known; see `SignalKind.losses`."""
        return image_write.losses(info, suffix)

    def default_suffix(self, info: SignalInfo) -> str:
        """Return the suffix that decoded samples take when the user names none."""
        return image_write.default_suffix(info)
