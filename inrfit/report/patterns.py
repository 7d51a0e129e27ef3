"""Activation maps: what the units of a layer give over a signal, as pictures; no file is written here.

Of an instance pattern composer they show the patterns that all signals share (the layers before and after) and how a
signal puts them together (the modulated layer). Source: Kim et al., CVPR 2023, figures of activations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from inrfit.errors import ConfigError
from inrfit.field import Field
from inrfit.kernels import reference
from inrfit.kernels.batch import encode
from inrfit.kernels.tiles import coordinates
from inrfit.models.description import Step

BORDER = 255
"""Value of the lines between maps."""


def maps(field: Field, layer: int = 1) -> NDArray[np.float32]:
    """Return what each unit of a layer gives at each sample of an image, behind the activation.

    Args:
        field: of two axes; each sample is seen by the network of its region. Samples of no region are 0.
        layer: from 0, the input layer.

    Returns:
        [unit, *shape].

    Raises:
        ConfigError: the field has not two axes, or there is no such layer.
    """
    if field.domain.dimensions != 2:
        raise ConfigError(
            f"activation maps are for images, and this field has {field.domain.dimensions} axes",
            hint="give the field of an image",
        )
    description = field.description
    weights = {name: torch.from_numpy(np.asarray(w, np.float32)) for name, w in field.weights.items()}
    affine = next((s.target for s in description.steps if f"weight{layer}" in s.stacks), None)
    if affine is None:
        raise ConfigError(
            f"layer {layer} must lie between 0 and {field.model.hidden_layers + 1}",
            hint="layer 1 is the second",
        )
    made: NDArray[np.float32] | None = None
    for position, region in enumerate(field.partition.regions):
        index = region.points()
        features = {
            register: encode(
                description,
                weights,
                torch.from_numpy(coordinates(kind, index, region, field.frame, field.domain.units))[None],
            )
            for register, kind in description.frames.items()
        }
        values = _values(field, weights, features, affine, position)
        if made is None:
            made = np.zeros((values.shape[-1], *field.domain.shape), np.float32)
        place = tuple(index[:, axis] - origin for axis, origin in enumerate(field.domain.origin))
        made[:, *place] = values.T
    return np.zeros((0, *field.domain.shape), np.float32) if made is None else made


def _values(
    field: Field,
    weights: dict[str, torch.Tensor],
    features: dict[str, torch.Tensor],
    affine: str,
    position: int,
) -> NDArray[np.float32]:
    """Return what the activation behind an affine step gives, [point, unit]."""
    seen: list[torch.Tensor] = []

    def watch(step: Step, inputs: Sequence[torch.Tensor]) -> None:
        if step.sources == (affine,) and not step.stacks:
            seen.append(step.forward(inputs[0]))

    with torch.inference_mode():
        reference.apply(field.description, weights, features, torch.tensor([position]), None, watch)
    return seen[0][0].numpy()


def sheet(pictures: NDArray[np.floating], columns: int | None = None) -> NDArray[np.uint8]:
    """Return maps as one picture of rows and columns, each from its least (black) to its greatest value (white).

    Args:
        pictures: [unit, height, width].
        columns: maps in a row; about as many as rows when None. Places that are left are black.

    Returns:
        [rows * (height + 1) - 1, columns * (width + 1) - 1], with lines of one sample between maps.
    """
    count, height, width = pictures.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = -(-count // columns)
    low = pictures.min((1, 2), keepdims=True)
    span = pictures.max((1, 2), keepdims=True) - low
    grey = np.rint((pictures - low) / np.where(span > 0, span, 1) * 255).astype(np.uint8)
    made = np.full((rows, height + 1, columns, width + 1), BORDER, np.uint8)
    made[:, :-1, :, :-1] = 0
    for number, picture in enumerate(grey):
        row, column = divmod(number, columns)
        made[row, :-1, column, :-1] = picture
    return made.reshape(rows * (height + 1), columns * (width + 1))[:-1, :-1]
