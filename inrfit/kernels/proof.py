"""Whether a kernel gives tiles the bits in company that it gives each alone, tried on the machine at hand."""

from __future__ import annotations

import torch

from inrfit.kernels.batch import Tiles, encode
from inrfit.kernels.protocol import Kernel
from inrfit.models.description import TRUNK_COORDS, Description


def proven(kernel: Kernel, description: Description, points: int, axes: int, size: int) -> bool:
    """Tell whether `size` tiles in one call get the bits that each gets alone, on this machine.

    Nobody promises that a BLAS treats a matrix alike in every batch, though those tried do. So it is tried here, with
    random numbers in arrays of the same sizes at the same addresses modulo those of cache lines: which code runs can
    depend on these, but not on the numbers. Only one BLAS thread may be in use meanwhile.

    Args:
        kernel: of the description.
        description: the network.
        points, axes: of a tile, and of its coordinates.
        size: tiles.
    """
    random = torch.Generator().manual_seed(0)
    weights = {
        stack.name: torch.randn((size if stack.local else 1, *stack.shape), generator=random) / 4
        for stack in description.stacks
    }
    coords = torch.rand((size, points, axes), dtype=torch.float64, generator=random) * 2 - 1
    features = encode(description, weights, coords)
    kinds = description.frames
    with torch.inference_mode():
        apart = [
            kernel.prepare(Tiles(features=dict.fromkeys(kinds, one[None]), owner=None, weight=None))
            for one in features
        ]
        shared = [[apart[0]] * size] if TRUNK_COORDS in kinds else []
        for tiles in (apart, *shared):
            found = kernel.values(weights, kernel.together(tiles, range(size))).clone()
            for row, tile in enumerate(tiles):
                alone = kernel.values(weights, kernel.together([tile], [row]))
                if not torch.equal(alone[0], found[row]):
                    return False
    return True
