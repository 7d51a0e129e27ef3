"""Block Gauss-Newton on the regions of a picture, tried beside inrfit's optimisers; it does not have their protocol.

A region's network has a few hundred weights, so the Jacobian of its outputs fits in memory, and a step of the damped
method solves for all its weights at once. Source: Levenberg, Quarterly of Applied Mathematics 2, 1944.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import jacrev, vmap

from inrfit.decibel import unit_decibel
from inrfit.fitting.plan import Plan
from inrfit.kernels.batch import encode
from inrfit.kernels.reference import apply
from inrfit.kernels.threads import tile_threads
from inrfit.kernels.tiles import region_samples
from inrfit.models.description import COORDS, Description, describe, initial_weights

FIRST_DAMPING, EASE, STIFFEN = 1e-2, 1 / 3, 4.0
"""Damping of the first step, and its factors after a step that helped and after one that did not.

It is a share of the diagonal's mean (Levenberg's), which did better here than a share of each entry (Marquardt's).
"""

TRIES = 5
"""Dampings tried with one Jacobian."""


@dataclass(slots=True, kw_only=True)
class Region:
    """One network on its way.

    Attributes:
        run: (weights [weight], features [point, feature]) -> [point, channel].
        features, targets: of all samples.
        weights: all weights in one row.
        damping: that of the next step.
    """

    run: Callable[[Tensor, Tensor], Tensor]
    features: Tensor
    targets: Tensor
    weights: Tensor
    damping: float = FIRST_DAMPING

    def loss(self, weights: Tensor) -> float:
        """Return the mean squared error with some weights."""
        return float((self.run(weights, self.features) - self.targets).square().mean())

    def step(self) -> None:
        """Take a step that lowers the error, if one of the dampings gives one."""
        jacobian = vmap(jacrev(lambda w, x: self.run(w, x[None])[0]), (None, 0))(self.weights, self.features)
        flat = jacobian.flatten(0, 1)
        square = flat.T @ flat
        slope = flat.T @ (self.run(self.weights, self.features) - self.targets).flatten()
        before = self.loss(self.weights)
        mean = square.diagonal().mean()
        for _ in range(TRIES):
            damped = square + torch.eye(len(square)) * self.damping * mean
            factor, failed = torch.linalg.cholesky_ex(damped)
            if not failed:
                there = self.weights - torch.cholesky_solve(slope[:, None], factor)[:, 0]
                if self.loss(there) < before:
                    self.weights, self.damping = there, self.damping * EASE
                    return
            self.damping *= STIFFEN


def curve(
    plan: Plan, seconds: float, weights: Mapping[str, NDArray[np.float32]] | None = None
) -> list[dict[str, Any]]:
    """Fit for so many CPU seconds; return steps, CPU seconds and PSNR of the 8-bit values after each.

    Args:
        plan: what is fitted.
        seconds: time after which no step is begun.
        weights: stack name -> [group, *shape] to begin with; drawn ones when None.
    """
    regions = _regions(plan, weights)
    spent, found = 0.0, []
    with tile_threads(1):
        while spent < seconds:
            began = time.process_time()
            for region in regions:
                region.step()
            spent += time.process_time() - began
            found.append({"steps": len(found) + 1, "cpu_seconds": spent, "psnr": _psnr(regions)})
    return found


def _psnr(regions: list[Region]) -> float:
    """Return the PSNR of all samples, rounded to 8 bits."""
    errors = []
    for region in regions:
        levels = (region.run(region.weights, region.features).clamp(-1, 1) * 127.5 + 127.5).round()
        errors.append((levels / 127.5 - 1 - region.targets).square().flatten())
    return unit_decibel(float(torch.cat(errors).double().mean()))


def _regions(plan: Plan, weights: Mapping[str, NDArray[np.float32]] | None) -> list[Region]:
    """Return the regions of a plan with some weights, or those drawn for them."""
    domain, settings = plan.partition.domain, plan.settings
    description = describe(settings.model, domain.dimensions, plan.signal.channels)
    ids = [region.id for region in plan.partition.regions]
    begun = initial_weights(description, ids, settings.fit.seed) if weights is None else weights
    run = _runner(description)
    found = []
    for position, region in enumerate(plan.partition.regions):
        samples = region_samples(region, 0, domain.box)
        points = samples.index(np.arange(samples.count))
        coords = torch.from_numpy(region.frame(domain.units).coords(points))
        found.append(
            Region(
                run=run,
                features=encode(description, {}, coords),
                targets=torch.from_numpy(np.asarray(plan.signal.sample(points), np.float32)),
                weights=torch.cat(
                    [torch.tensor(begun[s.name][position]).flatten() for s in description.stacks]
                ),
            )
        )
    return found


def _runner(description: Description) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the network as a function of its weights in one row."""
    sizes = [stack.size for stack in description.stacks]

    def run(weights: Tensor, features: Tensor) -> Tensor:
        parts = zip(description.stacks, weights.split(sizes), strict=True)
        stacks = {stack.name: part.view(1, *stack.shape) for stack, part in parts}
        return apply(description, stacks, {COORDS: features[None]}, torch.zeros(1, dtype=torch.long))[0]

    return run
