"""What is told of the file formats of shapes; `mesh_read` and `mesh_write` have what they do."""

from __future__ import annotations

from inrfit.io.told import Told

_BECOMES = (
    "faces to samples on a lattice, written as marching cubes; degenerate and double faces left out (told)"
)
_CUT = "polygons to triangles"
_LEFT = "the vertices themselves, colours, textures, normals, names, parts of a scene"
_WRITTEN = "triangles, counterclockwise from outside, in the units of the source"

TOLD = (
    Told(
        name="PLY",
        suffixes=(".ply",),
        read="text and binary in either byte order, polygons of any sizes, strips of triangles, any types; without faces a cloud of points",
        kept="place, size, units",
        converted=f"{_CUT}, {_BECOMES}",
        dropped=f"{_LEFT}, other elements (told); textures are never opened",
        written=f"binary, in double where places need it; {_WRITTEN}",
    ),
    Told(
        name="Wavefront OBJ",
        suffixes=(".obj",),
        read="vertices and faces, concave ones too; decimal commas, UTF-8 and UTF-16",
        kept="place, size, units",
        converted=f"{_CUT}, {_BECOMES}",
        dropped=f"{_LEFT}, curves, materials",
        written=_WRITTEN,
    ),
    Told(
        name="STL",
        suffixes=(".stl",),
        read="text in any case and encoding, with several solids, facets of four corners, decimal commas; binary, also with a count "
        "of 0, of 0xFFFFFFFF or too low (told)",
        kept="size, units, place as far as single precision has it (told)",
        converted=f"equal corners to one vertex, {_BECOMES}",
        dropped=f"{_LEFT}, attributes",
        written=f"binary; {_WRITTEN}",
    ),
    Told(
        name="glTF",
        suffixes=(".glb",),
        read="glTF 2: meshes of the scene, placed; triangles, strips and fans; not compressed",
        kept="place, size, units",
        converted=_BECOMES,
        dropped=f"{_LEFT}, animations, cameras",
        written=_WRITTEN,
    ),
    Told(
        name="glTF as text",
        suffixes=(".gltf",),
        read="as `.glb`, with its data within the file",
        kept="place, size, units; written in another format",
        converted=_BECOMES,
        dropped=f"{_LEFT}, animations, cameras",
    ),
    Told(
        name="OFF",
        suffixes=(".off",),
        read="text, polygons of any sizes; OFF, COFF, NOFF, STOFF, 4OFF",
        kept="place, size, units",
        converted=f"{_CUT}, {_BECOMES}",
        dropped=_LEFT,
        written=_WRITTEN,
    ),
    Told(
        name="points as text",
        suffixes=(".xyz", ".pts"),
        read="x y z, perhaps with normals, a point a line; names of columns, remarks, several scans, commas, semicolons, tabs, "
        "decimal commas where they are plain",
        kept="place, size, units; written as a mesh",
        converted="points to samples on a lattice; normals, where there are none, are estimated, and "
        "turned where all look inward (told)",
        dropped="other columns",
    ),
    Told(
        name="NumPy archive",
        suffixes=(".npz",),
        read="`points` and `normals` of a cloud, or `vertices` and `faces`; up to 1 GiB, and 50 times its bytes above 32 MiB",
        kept="place, size, units; written as a mesh",
        converted="points or faces to samples on a lattice",
        dropped="other arrays",
    ),
    Told(name="NumPy", suffixes=(".npy",), written="the samples of the lattice, [z, y, x]"),
)
"""What is read of each format, and what becomes of it."""
