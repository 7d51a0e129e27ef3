"""Images as signals: the entry of the registry, which picks a reader or a writer by format; it opens no files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io import arrays, formats, image_read, image_write, transparency
from inrfit.signal import ArraySignal, SignalInfo


class ImageIO:
    """Reads and writes images.

    Attributes:
        kind: name of the kind in the registry.
        suffixes: file suffixes that count as images when a folder is read.
    """

    kind = "image"
    suffixes = formats.SUFFIXES

    def recognises(self, data: bytes) -> bool:
        """Tell whether the first bytes of a file are those of an image."""
        return formats.recognise(data) is not None

    def read(self, data: bytes, name: str) -> ArraySignal:
        """Read the bytes of a file; their content decides the format, not the suffix of `name`.

        Raises:
            InputError: the file is not an image, damaged, truncated, too large or of a kind that is not read.
        """
        form = formats.recognise(data)
        if form is None:
            known = ", ".join(form.name for form in formats.FORMATS)
            raise InputError(
                f"{name}: is not an image inrfit knows, it begins with {data[:8]!r}",
                hint=f"readable are {known}; convert others (HEIC, JPEG XL, raw, SVG) to PNG",
            )
        named = formats.by_suffix(PurePath(name).suffix)
        misnamed = named is not None and named is not form
        return arrays.with_source(
            image_read.read(data, form, name),
            suffix=form.suffixes[0],
            sha256=hashlib.sha256(data).hexdigest(),
            notes=(f"the file is named {PurePath(name).suffix} but holds {form.name}",) if misnamed else (),
        )

    def from_array(self, array: NDArray[Any]) -> ArraySignal:
        """Make a signal from an array [H, W] or [H, W, C] with up to 64 channels.

        Args:
            array: bool, integers from 0 to 65535 or floats. Floats within [0, 1] keep that range, others
                take their own; 2, 3 and 4 channels are grey with alpha, RGB and RGB with alpha.

        Raises:
            InputError: the array cannot be an image.
        """
        return arrays.from_array(array)

    def encode(self, values: NDArray[Any], info: SignalInfo, suffix: str, name: str) -> bytes:
        """Return native samples [H, W, C] as the bytes of a file.

        Args:
            values: samples of the type `info.dtype`.
            info: where the ICC profile and the EXIF block come from.
            suffix: file suffix, which picks the format.
            name: what to call the file in messages.

        Raises:
            OutputError: the suffix is unknown, or its format cannot hold these samples.
        """
        return image_write.encode(values, info, suffix, name)

    def encode_bands(
        self,
        bands: Iterable[NDArray[Any]],
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        info: SignalInfo,
        suffix: str,
        name: str,
    ) -> Iterator[bytes]:
        """Yield the file that `encode` returns piece by piece, where its format allows.

        Args:
            bands: samples in bands of rows, [some rows, W, C], in order.
            shape, dtype: of all of them together.
            info, suffix, name: as for `encode`.

        Raises:
            OutputError: as for `encode`, at the first piece.
        """
        return image_write.encode_bands(bands, shape, dtype, info, suffix, name)

    def transparent(
        self, values: NDArray[Any], info: SignalInfo, covered: NDArray[np.bool_], suffix: str
    ) -> tuple[NDArray[Any], SignalInfo] | None:
        """Return an image with alpha 0 where it is not covered; see `transparency.transparent`."""
        return transparency.transparent(values, info, covered, suffix)

    def default_suffix(self, info: SignalInfo) -> str:
        """Return the suffix that decoded samples take when the user names none."""
        return image_write.default_suffix(info)
