"""Which parts of a shape a lattice is too coarse for, in words; it changes nothing."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Domain
from inrfit.io.shape_signal import MARGIN
from inrfit.io.words import counted
from inrfit.surface import Body

PLACES = 2048
"""Places on the surface at which it is asked how thick the shape is."""

PROBED = 256
"""Most of these of which the thickness is found."""

SHARE = 0.02
"""Share of the surface up to which thin parts are not told: that of the edges of wedges."""

STEPS = 2.0
"""Lattice steps that a part must be thick to be held."""

MOST = 2048
"""Highest resolution."""

DEPTHS = np.geomspace(1, 1 / 512, 28)
"""Depths at which a thin place is probed, in steps."""


def notes(body: Body, sides: NDArray[np.float64], domain: Domain) -> tuple[str, ...]:
    """Return notes on parts that are thinner than a lattice resolves.

    A place on the surface is thin where, a step below it, the shape has ended.

    Args:
        body: the shape.
        sides: shortest side of the box around each closed part of it.
        domain: the lattice.
    """
    if not body.exact:
        return ()
    step = domain.spacing[0]
    small = sides[sides < STEPS * step]
    share, thickness = _thin(body, step)
    told = []
    if len(small):
        told.append(f"{len(small):,} of {counted(len(sides), 'part')} below two steps")
    if share > SHARE:
        told.append(f"walls of {share:.0%} of the surface below one")
    if not told:
        return ()
    least = min([thickness] * (share > SHARE) + small.tolist())
    return (
        f"too thin for the lattice, whose step is {step:.3g}: {' and '.join(told)}, down to {least:.2g}; "
        f"{_advice(least, domain)}",
    )


def _advice(least: float, domain: Domain) -> str:
    """Return which resolution gives a part two steps."""
    margin = min(MARGIN, max(domain.shape) // 4)
    length = (max(domain.shape) - 1 - 2 * margin) * domain.spacing[0]
    if least < 1e-6 * length:
        return "give them a thickness"
    needed = math.ceil(length / (least / STEPS)) + 1 + 2 * MARGIN
    if needed <= MOST:
        return f"--resolution {needed} would hold them"
    return f"they would need --resolution {needed:,}, {MOST:,} is the highest; give them more thickness, or cut the shape"


def _thin(body: Body, step: float) -> tuple[float, float]:
    """Return the share of the surface below which a shape ends within a step, and how thick the thinnest tenth of that is."""
    places, normals = body.points(PLACES, np.random.default_rng(0))
    inward = -normals * step
    thin = ~body.inside(places + inward)
    # Where nothing lies below at any depth, the surface is open or lies within the shape.
    rows = np.flatnonzero(thin)[:PROBED]
    probes = places[rows, None] + DEPTHS[:, None] * inward[rows, None]
    within = body.inside(probes.reshape(-1, 3)).reshape(len(rows), len(DEPTHS))
    depth = np.where(within.any(1), DEPTHS[within.argmax(1)], 0) * step
    depth = depth[depth > 0]
    share = float(thin.mean()) * len(depth) / max(1, len(rows))
    return share, float(np.quantile(depth, 0.1)) if len(depth) else step
