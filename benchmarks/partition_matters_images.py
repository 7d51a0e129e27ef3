"""What partition_matters.py fits: pictures, their divisions, and the ways to present them; it fits nothing itself."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import common
import numpy as np
from numpy.typing import NDArray

from inrfit.device import Device
from inrfit.domain import image_domain
from inrfit.field import Field
from inrfit.partitions import Partition
from inrfit.partitions.grid import divide, near_square
from inrfit.partitions.labels import from_labels
from inrfit.partitions.merge import components, merge
from inrfit.partitions.segments import enlarged, hfs
from inrfit.signal import ArraySignal, SignalInfo

PAPER_PIXELS = 380 * 254
"""Pixels of the landscape in the paper."""

Grey = NDArray[np.uint8]
"""A picture [height, width]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One way to divide an image: a rule, a number of heads, and the coordinates they see."""

    name: str
    rule: str
    heads: int
    frame: str = "global"


METHODS = (
    Method(name="none", rule="none", heads=1),
    Method(name="PoG", rule="grid", heads=4),
    Method(name="PoS", rule="seg", heads=4),
    Method(name="PoG, local frames", rule="grid", heads=4, frame="local"),
    Method(name="PoS, local frames", rule="seg", heads=4, frame="local"),
)
"""What is compared: the paper's three, and partitions whose heads see coordinates of their own region."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """An image to fit: its grey values and its segments by number of heads; absent where there are too few."""

    name: str
    values: Grey
    segments: Mapping[int, NDArray[np.integer]]

    def labels(self, method: Method) -> NDArray[np.integer] | None:
        """Return the label map of a method; None where the picture has too few segments."""
        if method.rule == "seg":
            return self.segments.get(method.heads)
        return divide(image_domain(*self.values.shape), near_square(method.heads, self.values.shape)).labels()

    def partition(self, method: Method) -> Partition | None:
        """Return the partition of a method; None where the picture has too few segments."""
        domain = image_domain(*self.values.shape)
        if method.rule != "seg":
            return divide(domain, near_square(method.heads, domain.shape))
        labels = self.labels(method)
        return None if labels is None else from_labels(domain, labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """The pictures of a run; the last of the first two lists is for choosing learning rates only.

    `shown` may be published: results keep pictures of these alone.
    """

    compared: Sequence[Picture]
    half: Sequence[Picture]
    shown: Sequence[Picture]

    def save(self, path: Path) -> None:
        """Write everything to one file, for a machine that has neither the images nor OpenCV's segmentation."""
        arrays: dict[str, Any] = {}
        for name in ("compared", "half", "shown"):
            pictures: Sequence[Picture] = getattr(self, name)
            arrays[f"{name} names"] = np.array([picture.name for picture in pictures])
            for number, picture in enumerate(pictures):
                arrays[f"{name} {number} values"] = picture.values
                for heads, labels in picture.segments.items():
                    arrays[f"{name} {number} segments {heads}"] = labels.astype(np.uint8)
        np.savez_compressed(path, **arrays)

    @classmethod
    def load(cls, path: Path) -> Material:
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            lists: dict[str, list[Picture]] = {"compared": [], "half": [], "shown": []}
            for name, pictures in lists.items():
                for number, title in enumerate(arrays[f"{name} names"]):
                    start = f"{name} {number} segments "
                    found = [key for key in arrays.files if key.startswith(start)]
                    segments = {int(key.removeprefix(start)): arrays[key] for key in found}
                    values = arrays[f"{name} {number} values"]
                    pictures.append(Picture(name=str(title), values=values, segments=segments))
        return cls(**lists)


def read_picture(path: Path, pixels: int, heads: set[int]) -> Picture:
    """Read an image at a size, with its segments.

    The segments are found on the colour image at the paper's size, as by the released code, and reduced with it: on
    an image as small as those of the CPU scale HFS finds two or three.
    """
    colour = common.read_colour(path)
    small = common.shrunk(colour, pixels)
    pieces = components(hfs(common.shrunk(colour, PAPER_PIXELS)))
    segments: dict[int, NDArray[np.integer]] = {}
    for number in sorted(heads):
        labels = enlarged(merge(pieces, number), small.shape[:2])
        if len(np.unique(labels)) == number:
            segments[number] = labels
    return Picture(name=path.name, values=common.grey(small), segments=segments)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """What a case is fitted to.

    Attributes:
        name: name of the picture.
        values: its grey values.
        signal: the samples as the network sees them.
        partition: its regions.
        excess: dB by which the PSNR that a fit tells exceeds that of the grey values.
    """

    name: str
    values: Grey
    signal: ArraySignal
    partition: Partition
    excess: float = 0.0

    def picture(self, field: Field, device: Device) -> Grey:
        """Return a decoded field as 8-bit grey values."""
        decoded = field.decode(device=device.name, threads=device.threads)[..., 0]
        return decoded.astype(np.uint8) if decoded.dtype == np.uint8 else _eight_bit(decoded)


def true_subject(picture: Picture, method: Method) -> Subject | None:
    """Return a picture as it is; None where it has too few segments."""
    partition = picture.partition(method)
    if partition is None:
        return None
    return Subject(
        name=picture.name, values=picture.values, signal=_signal(picture.values), partition=partition
    )


def scrambled_subject(picture: Picture, method: Method) -> Subject | None:
    """Return the picture that the released code fits.

    Its coordinates are listed column by column, its pixels and masks row by row: the network at (x, y) is trained
    with pixel number x * height + y. Fitting the picture S[y, x] = I.flat[x * height + y] is the same.
    """
    labels = picture.labels(method)
    if labels is None:
        return None
    values = scrambled(picture.values)
    partition = from_labels(image_domain(*values.shape), scrambled(labels))
    return Subject(name=picture.name, values=values, signal=_signal(values), partition=partition)


def unit_subject(picture: Picture, method: Method) -> Subject | None:
    """Return a picture whose samples lie on [0, 1], as in the paper, in place of [-1, 1]."""
    subject = true_subject(picture, method)
    if subject is None:
        return None
    info = SignalInfo(dtype="float32", value_range=(-1.0, 1.0), colour="grey")
    values = (picture.values[..., None] / 255).astype(np.float32)
    signal = ArraySignal(values=values, domain=subject.signal.domain, info=info)
    return replace(subject, signal=signal, excess=10 * math.log10(4))


def scrambled(values: NDArray[Any]) -> NDArray[Any]:
    """Return S[y, x] = I.flat[x * height + y] for I = `values` [height, width]."""
    height, width = values.shape
    return np.ascontiguousarray(values.reshape(width, height).T)


def _signal(values: Grey) -> ArraySignal:
    return ArraySignal(
        values=values[..., None], domain=image_domain(*values.shape), info=SignalInfo(colour="grey")
    )


def _eight_bit(values: NDArray[Any]) -> Grey:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def png(values: Grey) -> str:
    """Return a picture as a PNG file in base64."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
