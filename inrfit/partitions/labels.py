"""Partitions from label maps, in memory or in the user's own file; it merges and segments nothing."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Box, Domain
from inrfit.errors import InputError, InrfitError, require
from inrfit.partitions import Partition, Region
from inrfit.partitions.config import PartitionConfig
from inrfit.signal import Signal

MAX_LABELS = 65535
"""Regions in a label image: as many as fit a 16-bit PNG beside a value for uncovered samples."""

MAX_BOXES = 1 << 30
"""Samples in all bounding boxes together; a photo taken for a label image would need far more."""


def from_labels(domain: Domain, labels: NDArray[Any], *, notes: tuple[str, ...] = ()) -> Partition:
    """Make a region of each distinct value, in increasing order of value and numbered from 0.

    A value may lie in several pieces. A region that fills its bounding box carries no mask.

    Args:
        domain: what is divided.
        labels: whole numbers [*domain.shape].
        notes: becomes the `warnings` of the partition.

    Raises:
        InputError: the map does not have the shape of the domain, or is too scattered to hold as masks.
    """
    from scipy.ndimage import find_objects

    if labels.shape != domain.shape:
        raise InputError(
            f"labels of {_sizes(labels.shape)} do not fit a signal of {_sizes(domain.shape)} samples"
        )
    _, ranks = np.unique(labels, return_inverse=True)
    ranks = ranks.reshape(domain.shape)
    windows = find_objects(ranks + 1)
    boxes = sum(math.prod(s.stop - s.start for s in window) for window in windows)
    if boxes > MAX_BOXES:
        raise InputError(
            f"{len(windows)} labels are scattered: their bounding boxes hold {boxes} samples "
            f"(at most {MAX_BOXES})",
            hint="give a label image with fewer or more compact labels; a photo is not one",
        )
    regions = tuple(
        _region(number, window, ranks[window] == number, domain) for number, window in enumerate(windows)
    )
    return Partition(domain=domain, regions=regions, kind="labels", warnings=notes)


def from_file(signal: Signal, config: PartitionConfig) -> Partition:
    """Take the regions from the user's label image `config.labels`: the rule "labels".

    Grey values, palette indices, colours (each distinct one, alpha included, is a label) and `.npy` arrays of
    whole numbers are read. The orientation tag of a photo is not applied to a label image.

    Raises:
        ConfigError: no path was given, or the signal is not an image.
        InputError: the file cannot be read, has another size than the signal or too many labels.
    """
    domain = signal.domain
    require(
        config.labels is not None,
        "--partition labels needs a label image",
        hint="give the path of a PNG, TIFF or .npy file instead of the word: --partition regions.png",
    )
    require(
        domain.dimensions == 2,
        f"--partition {config.labels} needs an image, the signal has {domain.dimensions} axes "
        f"({', '.join(domain.axes)})",
        hint="use --partition grid",
    )
    path = Path(str(config.labels))
    labels = read_labels(path, domain.shape)
    count = len(np.unique(labels))
    if count > MAX_LABELS:
        raise InputError(
            f"label image {path} has {count} distinct labels (at most {MAX_LABELS})",
            hint="save labels without smoothing and lossless, as PNG and not as JPEG",
        )
    return from_labels(domain, labels)


def read_labels(path: Path, shape: tuple[int, ...]) -> NDArray[np.integer]:
    """Read a label file of the given height and width.

    Returns:
        Whole numbers [height, width]; a colour is packed into one number that orders as (red, green, blue).

    Raises:
        InputError: the file is missing, damaged, of another size or holds no whole numbers.
    """
    if not path.is_file():
        raise InputError(f"label image {path} is not a file", hint="check the path")
    try:
        labels = _read_npy(path, shape) if path.suffix.lower() == ".npy" else _read_image(path, shape)
    except InrfitError:
        raise
    except Exception as error:  # the decoders raise errors of every type on damaged files
        raise InputError(
            f"label image {path} cannot be read: {' '.join(str(error).split()) or type(error).__name__}",
            hint="give a PNG, TIFF or .npy file",
        ) from error
    if labels.dtype.kind not in "biu":
        raise InputError(
            f"label image {path} holds {labels.dtype.name} values (whole numbers are needed)",
            hint="convert the labels to 8 or 16-bit integers",
        )
    return labels.astype(np.uint8) if labels.dtype.kind == "b" else labels


def _read_npy(path: Path, shape: tuple[int, ...]) -> NDArray[Any]:
    """Read an array file; it is mapped first, so that a false header cannot ask for memory."""
    array = np.lib.format.open_memmap(path, mode="r")
    _check_size(path, array.shape, shape)
    return np.array(array)


def _read_image(path: Path, shape: tuple[int, ...]) -> NDArray[Any]:
    """Read an image file; its size is checked before its samples are decoded."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as image:
            _check_size(path, (image.height, image.width), shape)
            values = np.asarray(image)
    return values if values.ndim == 2 else _packed(_deep(path, values))


def _deep(path: Path, values: NDArray[Any]) -> NDArray[Any]:
    """Return the 16-bit samples of a colour image that Pillow reduced to 8 bits, or else `values`."""
    import cv2

    deep = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if deep is None or deep.dtype != np.uint16 or deep.shape[:2] != values.shape[:2]:
        return values
    return deep[..., [2, 1, 0, 3][: deep.shape[2]]] if deep.ndim == 3 else deep[..., None]


def _packed(colours: NDArray[Any]) -> NDArray[np.uint64]:
    """Pack colours [height, width, channel] of at most 4 channels and 16 bits into one number each."""
    packed = np.zeros(colours.shape[:2], np.uint64)
    for channel in range(colours.shape[2]):
        packed = (packed << np.uint64(16)) | colours[..., channel].astype(np.uint64)
    return packed


def _check_size(path: Path, found: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """Raise an InputError unless a label image has the signal's height and width."""
    if tuple(found) != tuple(shape):
        raise InputError(
            f"label image {path} is {_sizes(found)}, the signal is {_sizes(shape)} (height x width)",
            hint="the label image needs one value per sample, after the photo's orientation tag is applied",
        )


def _region(number: int, window: tuple[slice, ...], mask: NDArray[np.bool_], domain: Domain) -> Region:
    """Return the region of a window of the label map and its mask there."""
    box = Box((o + s.start, o + s.stop) for o, s in zip(domain.origin, window, strict=True))
    side = math.sqrt(np.count_nonzero(mask))
    nominal = (side,) * domain.dimensions
    return Region(id=number, box=box, nominal=nominal, mask=None if mask.all() else mask)


def _sizes(numbers: tuple[int, ...]) -> str:
    """Write a shape as, for example, 480x640."""
    return "x".join(map(str, numbers))
