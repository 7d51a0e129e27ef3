"""A shape against the field that was fitted to it: volume and surface in numbers; nothing here reads files.

The metrics are called with the signal, the field and the device, and give a Python float, or None where they are not
defined. Lengths are in units of the diagonal of the box around the shape, so that scales do not matter. After a crop
all is about the part of the shape that is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import OutputError
from inrfit.isosurface import isosurface
from inrfit.render.output import WHOLE
from inrfit.surface import Points, Surface

if TYPE_CHECKING:
    from typing import Any

    from inrfit.device import Device
    from inrfit.field import Field

PLACES = 1_000_000
"""Places at which insides are compared: half all over the box, half near the surface."""

SIGMA = 0.01
"""Standard deviation of the places near the surface, in diagonals of the box."""

ON_SURFACE = 100_000
"""Places on each surface whose distance to the other is taken."""

SEED = 0x10C
"""Seed of the places."""


def iou(signal: Any, field: Field, device: Device) -> float | None:
    """Return the intersection over the union of both insides, 0 to 1, from a million places.

    Half of them lie anywhere in the box around the shape, half near its surface: the number is lower than
    that of a volume alone, where most places are easy. Inside the shape is where its winding number is above a half.
    Places that no region covers are outside.

    None for a cloud of points, whose inside is an estimate, and where no place is inside.
    """
    if not signal.body.exact:
        return None
    places = _places(signal)
    truth, found = signal.inside(places), _inside(signal, field, places, device)
    union = int((truth | found).sum())
    return int((truth & found).sum()) / union if union else None


def chamfer_l1(signal: Any, field: Field, device: Device) -> float | None:
    """Return the mean distance from each surface to the other, mean of the two directions.

    From 100,000 places on each to the nearest place of the other, not to the nearest of its places: there is no floor
    from the sampling. None where the field has no surface.
    """
    pair = _pair(signal, field, device)
    return None if pair is None else float((pair[0].mean() + pair[1].mean()) / 2)


def chamfer_l2(signal: Any, field: Field, device: Device) -> float | None:
    """Return the mean squared distance from each surface to the other, mean of the two directions.

    As `chamfer_l1`, with the distances squared.
    """
    pair = _pair(signal, field, device)
    return None if pair is None else float((np.square(pair[0]).mean() + np.square(pair[1]).mean()) / 2)


def normal_consistency(signal: Any, field: Field, device: Device) -> float | None:
    """Return the mean of |cos| between normals of a place on one surface and the nearest place of the other.

    Mean of the two directions; None where the field has no surface.

    Source: Mescheder et al., Occupancy Networks, CVPR 2019.
    """
    pair = _pair(signal, field, device)
    return None if pair is None else float((pair[2].mean() + pair[3].mean()) / 2)


def _places(signal: Any) -> Points:
    """Return the places at which insides are compared, all on the lattice."""
    low, high = signal.extent
    random = np.random.default_rng(SEED)
    spread = low + random.random((PLACES // 2, 3)) * (high - low)
    near, _ = signal.surface(PLACES // 2, SEED)
    near = near + random.normal(size=near.shape) * SIGMA * _diagonal(signal)
    return np.concatenate([spread, near[((near >= low) & (near <= high)).all(1)]])


def _inside(signal: Any, field: Field, places: Points, device: Device) -> NDArray[np.bool_]:
    """Return where a field says inside."""
    domain = field.domain
    zero = np.array(domain.offset or (0.0,) * 3)
    index = (places[:, ::-1] - zero) / np.array(domain.spacing)
    values = field(field.frame.coords(index), device=device.name)[:, 0]
    return values < 0 if field.info.colour == "distance" else values > 0


_LAST: list[tuple[Any, Any, Any]] = []
"""The last pair of surfaces that were compared, since three metrics ask for it."""


def _pair(signal: Any, field: Field, device: Device) -> tuple[NDArray[np.float64], ...] | None:
    """Return distances of places on the shape and on the decoded surface to the other, and |cos| of normals there."""
    if not (_LAST and _LAST[0][0] is signal and _LAST[0][1] is field):
        _LAST[:] = [(signal, field, _compared(signal, field, device))]
    return _LAST[0][2]


def _compared(signal: Any, field: Field, device: Device) -> tuple[NDArray[np.float64], ...] | None:
    decoded = field.bands(WHOLE, device)
    try:
        surface = isosurface(decoded.bands, decoded.domain, decoded.info)
    except OutputError:
        return None
    ours, ours_normals = _on(surface, signal)
    theirs, theirs_normals = signal.surface(ON_SURFACE, SEED)
    if not len(ours) or not len(theirs):
        return None
    there, at_ours = surface.closest(theirs)
    here, at_theirs = signal.closest(ours)
    size = _diagonal(signal)
    cosines = (np.abs((a * b).sum(1)) for a, b in ((theirs_normals, at_ours), (ours_normals, at_theirs)))
    return there / size, here / size, *cosines


def _on(surface: Surface, signal: Any) -> tuple[Points, Points]:
    """Return places on a decoded surface."""
    return surface.points(ON_SURFACE, np.random.default_rng(SEED))


def _diagonal(signal: Any) -> float:
    """Return the diagonal of the box around a whole shape."""
    low, high = signal.body.box
    return float(np.linalg.norm(high - low))
