"""What is told of the file formats of shapes; `mesh_read` and `mesh_write` have what they do."""

from __future__ import annotations

from inrfit.io.told import Told

_BECOMES = (
    "faces to samples on a lattice, written as marching cubes; degenerate and double faces left out (told)"
)
_LEFT = "the vertices themselves, colours, textures, normals, names, parts of a scene"
_WRITTEN = "triangles, counterclockwise from outside, in the units of the source"

TOLD = (
    Told(
        name="PLY",
        suffixes=(".ply",),
        read="text and binary, triangles and polygons; without faces a cloud of points",
        kept="place, size, units",
        converted=_BECOMES,
        dropped=_LEFT,
        written=_WRITTEN,
    ),
    Told(
        name="Wavefront OBJ",
        suffixes=(".obj",),
        read="vertices and faces",
        kept="place, size, units",
        converted=f"polygons to triangles, {_BECOMES}",
        dropped=f"{_LEFT}, curves, materials",
        written=_WRITTEN,
    ),
    Told(
        name="STL",
        suffixes=(".stl",),
        read="text and binary",
        kept="place, size, units",
        converted=f"equal corners to one vertex, {_BECOMES}",
        dropped=f"{_LEFT}, attributes",
        written=f"binary; {_WRITTEN}",
    ),
    Told(
        name="glTF",
        suffixes=(".glb",),
        read="meshes of the scene, placed",
        kept="place, size, units",
        converted=_BECOMES,
        dropped=f"{_LEFT}, animations, cameras",
        written=_WRITTEN,
    ),
    Told(
        name="glTF as text",
        suffixes=(".gltf",),
        read="meshes of the scene, placed, with their data within the file",
        kept="place, size, units; written in another format",
        converted=_BECOMES,
        dropped=f"{_LEFT}, animations, cameras",
    ),
    Told(
        name="OFF",
        suffixes=(".off",),
        read="text",
        kept="place, size, units",
        converted=_BECOMES,
        dropped=_LEFT,
        written=_WRITTEN,
    ),
    Told(
        name="points as text",
        suffixes=(".xyz", ".pts"),
        read="x y z, perhaps with normals, a point a line",
        kept="place, size, units; written as a mesh",
        converted="points to samples on a lattice; normals, where there are none, are estimated",
        dropped="other columns",
    ),
    Told(
        name="NumPy archive",
        suffixes=(".npz",),
        read="`points` and `normals` of a cloud, or `vertices` and `faces`",
        kept="place, size, units; written as a mesh",
        converted="points or faces to samples on a lattice",
        dropped="other arrays",
    ),
    Told(name="NumPy", suffixes=(".npy",), written="the samples of the lattice, [z, y, x]"),
)
"""What is read of each format, and what becomes of it."""
