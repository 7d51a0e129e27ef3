"""What a file of a mesh holds, before it is cleaned: one value that every reader of a format gives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inrfit.surface import Points


class Held(NamedTuple):
    """Vertices and triangles as they stand in a file.

    Attributes:
        vertices: places [vertex, 3]; NaN where a place could not be read.
        faces: vertices of each triangle [face, 3]; `mesh_polygons.NOWHERE` for such as are not there.
        notes: what was wrong or left out, in words.
        normals: of vertices, [vertex, 3], of formats that clouds of points have too; None where there are none.
    """

    vertices: Points
    faces: NDArray[np.int64]
    notes: tuple[str, ...] = ()
    normals: Points | None = None
