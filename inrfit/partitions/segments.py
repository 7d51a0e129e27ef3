"""Segments that follow the picture (PoS): over-segmentation, components, greedy merge; no grids, no files."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from inrfit.coords import nearest, resampled_positions
from inrfit.errors import require
from inrfit.partitions import Partition
from inrfit.partitions.config import PartitionConfig
from inrfit.partitions.labels import from_labels
from inrfit.partitions.merge import components, merge
from inrfit.registry import load
from inrfit.rgb import rgb8
from inrfit.signal import Signal

DEFAULT_HEADS = 4
"""Segments when their number is not given: the k of "Partition Matters"."""

MAX_PIXELS = 1 << 20
"""Pixels that are segmented; larger images are reduced first, since the tables of HFS grow with the square of
the pixel count (measured with OpenCV 5.0: 15 GB and half a minute at 6 megapixels, 390 GB asked for at 24)."""

HFS_MIN_SIDE = 3
"""Below this HFS finds no neighbours and returns its 8-pixel superpixels, even on a flat image."""

BAND = 1 << 20
"""Samples converted at a time, so that the double-precision copies stay small."""


def segments(signal: Signal, config: PartitionConfig) -> Partition:
    """Divide an image into exactly `config.heads` segments (4 when not given): the rule "seg".

    The pieces found by `config.segmenter` are split into 8-connected components and merged, smallest first.

    Source: PoS, Algorithm 1 of "Partition Matters in Learning and Learning-to-Learn Implicit Neural
    Representation".

    Raises:
        ConfigError: the signal is not an image, or more segments are asked for than it has samples.
    """
    domain = signal.domain
    require(
        domain.dimensions == 2,
        f"--partition seg needs an image, the axes of the signal are {', '.join(domain.axes)}",
        hint="use --partition grid",
    )
    heads = config.heads or min(DEFAULT_HEADS, domain.size)
    size = f"{domain.shape[0]}x{domain.shape[1]}"
    require(
        heads <= domain.size,
        f"--heads {heads} is more than the {size} samples of the image allow (at most {domain.size})",
        hint=f"give --heads {domain.size} or fewer",
    )
    picture = reduced(to_rgb8(signal))
    labels = merge(components(load("segmenter", config.segmenter)(picture)), heads)
    notes = _notes(config.segmenter, picture.shape, domain.shape, int(labels.max()) + 1, heads)
    return from_labels(domain, enlarged(labels, domain.shape), notes=notes)


def hfs(image: NDArray[np.uint8]) -> NDArray[np.integer]:
    """Over-segment by hierarchical feature selection, OpenCV's CPU path with its default settings.

    The default settings leave no segment below 200 pixels. The order of the channels changes the result: the
    script of "Partition Matters" for single images feeds blue-green-red, its meta-learning script
    red-green-blue. Here it is always blue-green-red. Images less than 3 pixels high or wide go to
    `felzenszwalb`. Memory grows with the square of the pixel count; `segments` therefore stays below
    `MAX_PIXELS`.

    Source: Cheng et al., "HFS: Hierarchical Feature Selection for Efficient Image Segmentation", ECCV 2016.

    Args:
        image: red, green, blue [height, width, 3].

    Returns:
        Labels [height, width].
    """
    import cv2

    height, width = image.shape[:2]
    if min(height, width) < HFS_MIN_SIDE:
        return felzenszwalb(image)
    # OpenCV's type stubs leave out the HFS module.
    segmenter = cv2.hfs.HfsSegment_create(height, width)  # pyright: ignore[reportAttributeAccessIssue]
    return segmenter.performSegmentCpu(np.ascontiguousarray(image[..., ::-1]), False)


def felzenszwalb(image: NDArray[np.uint8]) -> NDArray[np.integer]:
    """Over-segment by graph merging, scikit-image's version.

    The smallest segment is half a percent of the image and at most 200 pixels (the limit of HFS); scale 100
    then gives about as many segments as HFS on photos. Both are our choice, not the paper's.

    Source: Felzenszwalb and Huttenlocher, "Efficient Graph-Based Image Segmentation", IJCV 2004.

    Args:
        image: red, green, blue [height, width, 3].

    Returns:
        Labels [height, width].
    """
    from skimage.segmentation import felzenszwalb as segment

    smallest = min(200, max(1, image.shape[0] * image.shape[1] // 200))
    return segment(image, scale=100, sigma=0.8, min_size=smallest, channel_axis=-1)


def to_rgb8(signal: Signal) -> NDArray[np.uint8]:
    """Return an image signal as 8-bit red, green, blue [height, width, 3], to look at and to segment.

    Alpha is ignored, grey is repeated, and channels without a colour meaning are averaged to grey.
    """
    return np.concatenate([rgb8(signal.dense(band), signal.info) for band in signal.domain.box.bands(BAND)])


def reduced(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image [height, width, 3] averaged down to at most `MAX_PIXELS`; smaller ones as they are."""
    import cv2

    height, width = image.shape[:2]
    if height * width <= MAX_PIXELS:
        return image
    factor = math.sqrt(MAX_PIXELS / (height * width))
    rows = max(1, int(height * factor))
    columns = max(1, min(int(width * factor), MAX_PIXELS // rows))
    rows = min(rows, MAX_PIXELS // columns)
    return np.asarray(cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)


def enlarged(labels: NDArray[np.integer], shape: tuple[int, ...]) -> NDArray[np.integer]:
    """Return a label map [height, width] at another size, each sample with the label nearest to it."""
    rows, columns = (
        nearest(resampled_positions((0, old), new)) for old, new in zip(labels.shape, shape, strict=True)
    )
    return labels[rows][:, columns]


def _notes(
    segmenter: str, used: tuple[int, ...], shape: tuple[int, ...], found: int, heads: int
) -> tuple[str, ...]:
    """Say in words what the user would not expect of the segments found."""
    notes: list[str] = []
    if used[:2] != shape:
        notes.append(
            f"the segments were found at {used[0]}x{used[1]} pixels and enlarged to {shape[0]}x{shape[1]}"
        )
    thin = segmenter == "hfs" and min(used[:2]) < HFS_MIN_SIDE
    if thin:
        notes.append(
            f"hfs needs {HFS_MIN_SIDE} pixels on each side, the image is {used[0]}x{used[1]}: "
            "felzenszwalb was used"
        )
    if found < heads:
        other = " (--segmenter felzenszwalb can find smaller ones)" if segmenter == "hfs" and not thin else ""
        notes.append(
            f"the image has only {found} segment{'s' if found > 1 else ''}, {heads} were asked for{other}"
        )
    return tuple(notes)
