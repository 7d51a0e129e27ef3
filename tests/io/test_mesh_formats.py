"""The readers of mesh formats: what other programs write is read rightly, and what cannot be read is refused with figures."""

from __future__ import annotations

import base64
import json
import re
import struct

import numpy as np
import pytest

from inrfit.errors import InputError
from inrfit.io import mesh_read

CORNERS = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 2)], float)
QUADS = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
FACES = np.array([half for a, b, c, d in QUADS for half in ((a, b, c), (a, c, d))])
BLOCK = 2.0
"""Volume of all of these."""


def facets(**words: str) -> str:
    """Return a block as text of an STL file; `words` replace numbers."""
    lines = ["solid part"]
    for face in FACES:
        lines += ["facet normal 0 0 0", " outer loop"]
        lines += ["  vertex " + " ".join(f"{value:.6e}" for value in CORNERS[corner]) for corner in face]
        lines += [" endloop", "endfacet"]
    return "\n".join([*lines, "endsolid part"]) + "\n"


def binary(count: int = 12, behind: bytes = b"", header: bytes = b"solid but binary") -> bytes:
    body = b"".join(bytes(12) + CORNERS[face].astype("<f4").tobytes() + bytes(2) for face in FACES)
    return header.ljust(80, b" ") + struct.pack("<I", count) + body + behind


def block(data: bytes | str, name: str):
    """Return what a file holds, which must be the block."""
    held = mesh_read.read(data.encode() if isinstance(data, str) else data, name)
    assert held.counts["faces"] == "12"
    assert held.body.volume == pytest.approx(BLOCK)  # type: ignore[attr-defined]
    return held


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        str.title,
        lambda text: text.replace("solid part", "solid " + "a long remark " * 200, 1),
        lambda text: text.replace("endsolid part", "end solid part"),
        lambda text: text.replace("endsolid part\n", ""),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace(" ", "\t"),
        lambda text: text.replace("solid part", "solid a solid vertex of facets"),
        lambda text: text.replace("endfacet\n", "endfacet\nendsolid\nsolid next\n", 3),
        lambda text: text + "\x00" * 300,
        lambda text: "\ufeff" + text,
        lambda text: text.replace("solid part\n", "solid part "),
        lambda text: " ".join(text.split()),
        lambda text: text.replace(".000000e+00", ",0"),
        lambda text: text.replace("0 0 0\n", "-nan(ind) nan 0\n"),
        lambda text: text.replace(" endloop", " endloop\n colour 1 0 0"),
    ],
)
def test_text_stl_of_all_sorts_is_read(change) -> None:
    assert block(change(facets()), "block.stl").notes == ()


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-be-sig"])
def test_the_name_of_a_solid_may_have_any_encoding(encoding: str) -> None:
    text = facets().replace("part", "Geh\xe4use")
    data = b"\xfe\xff" + text.encode("utf-16-be") if encoding == "utf-16-be-sig" else text.encode(encoding)
    block(data, "block.stl")


def test_facets_of_text_with_four_corners_are_cut_and_nan_is_told() -> None:
    corners = [" ".join(map(str, CORNERS[corner])) for corner in range(8)]
    text = "solid\n" + "".join(
        "facet normal 0 0 1\nouter loop\n"
        + "".join(f"vertex {corners[c]}\n" for c in quad)
        + "endloop\nendfacet\n"
        for quad in QUADS
    )
    assert block(text, "block.stl").notes == ()
    extra = "facet normal 0 0 0\nouter loop\nvertex nan 0 0\nvertex 0 0 1\nvertex 1 2 x\nendloop\nendfacet\n"
    assert block(text + extra, "block.stl").notes == (
        "1 face with vertices that are NaN or infinite was left out",
    )


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (binary(), None),
        (binary(0), "its header counts 0 facets, its 684 bytes hold 12, which were read"),
        (binary(5), "its header counts 5 facets, its 684 bytes hold 12, which were read"),
        (
            binary(0xFFFFFFFF),
            "its header counts 4,294,967,295 facets, its 684 bytes hold 12, which were read",
        ),
        (binary(behind=bytes(7)), "7 bytes behind its 12 facets were left out"),
    ],
)
def test_binary_stl_goes_by_its_length(data: bytes, note: str | None) -> None:
    assert block(data, "block.stl").notes == (() if note is None else (note,))


def test_a_binary_stl_that_is_cut_off_is_refused_with_the_numbers() -> None:
    with pytest.raises(InputError, match="684 bytes announced for 12 facets, 650 there, which hold 11"):
        mesh_read.read(binary()[:650], "x.stl")


ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">"}


def ply(form: str, *, count: str = "uchar", index: str = "int", double: str = "float") -> bytes:
    """Return a block of four quads and four triangles with a property more before, between and behind."""
    kinds = {"uchar": "B", "int": "i", "uint": "I", "short": "h", "float": "f", "double": "d"}
    polygons: list[tuple[int, ...]] = [*QUADS[:2], *map(tuple, FACES[4:8].tolist()), *QUADS[4:]]
    head = (
        f"ply\nformat {form} 1.0\ncomment TextureFile wood.png\nobj_info x\nelement vertex 8\nproperty uchar red\n"
        f"property {double} x\nproperty {double} y\nproperty {double} z\nelement face {len(polygons)}\nproperty short flags\n"
        f"property list {count} {index} vertex_indices\nproperty list uchar float texcoord\nproperty uchar end\n"
        "element edge 1\nproperty int a\nend_header\n"
    )
    if form == "ascii":
        rows = [f"7 {x} {y} {z}" for x, y, z in CORNERS]
        rows += [f"1 {len(p)} {' '.join(map(str, p))} 2 0.5 0.5 9" for p in polygons]
        return (head + "\n".join([*rows, "3", ""])).encode()
    order = ORDERS[form]
    body = b"".join(struct.pack(f"{order}B3{kinds[double]}", 7, *row) for row in CORNERS)
    for polygon in polygons:
        body += struct.pack(f"{order}h{kinds[count]}{len(polygon)}{kinds[index]}", 1, len(polygon), *polygon)
        body += struct.pack(f"{order}B2fB", 2, 0.5, 0.5, 9)
    return head.encode() + body + bytes(4)


@pytest.mark.parametrize("form", ["ascii", *ORDERS])
@pytest.mark.parametrize(
    "types", [{}, {"count": "int", "index": "short"}, {"count": "short", "index": "uint", "double": "double"}]
)
def test_ply_of_mixed_polygons_and_other_properties_is_read(form: str, types: dict[str, str]) -> None:
    held = block(ply(form, **types), "block.ply")
    assert held.notes == ("the element 'edge' (1) is no surface and was left out",)


def test_text_ply_may_be_utf_16() -> None:
    assert block(ply("ascii").decode().encode("utf-16"), "block.ply").counts["faces"] == "12"


@pytest.mark.parametrize("form", ["ascii", *ORDERS])
@pytest.mark.parametrize("cut", [7, 60, 200])
def test_ply_that_is_cut_off_is_refused(form: str, cut: int) -> None:
    with pytest.raises(InputError, match="cut off"):
        mesh_read.read(ply(form)[:-cut], "x.ply")


def test_the_strips_of_a_ply_are_faces() -> None:
    runs = [0, 2, 1, 3, 5, 7, 4, 6, -1, 2, 0, 6, 4, -1, 3, 2, 7, 6, -1, 0, 1, 4, 5, -1]
    rows = "\n".join(" ".join(map(str, row)) for row in CORNERS)
    head = "ply\nformat ascii 1.0\nelement vertex 8\nproperty float x\nproperty float y\nproperty float z\n"
    strips = f"element tristrips 1\nproperty list int int vertex_indices\nend_header\n{rows}\n{len(runs)} {' '.join(map(str, runs))}\n"
    held = mesh_read.read((head + strips).encode(), "x.ply")
    assert held.counts["faces"] == "12"
    assert held.body.volume == pytest.approx(BLOCK)  # type: ignore[attr-defined]


@pytest.mark.parametrize("rows", ["4000000000", "-1", "x"])
def test_the_counts_of_headers_must_be_in_the_bytes(rows: str) -> None:
    text = ply("binary_little_endian").replace(b"element vertex 8", b"element vertex " + rows.encode())
    with pytest.raises(InputError, match=r"cut off|header is damaged"):
        mesh_read.read(text, "x.ply")
    with pytest.raises(InputError, match=r"cut off|does not begin with"):
        mesh_read.read(f"OFF\n{rows} 4 0\n0 0 0\n".encode(), "x.off")


def off(head: str, tail: str = "", colour: str = "") -> str:
    rows = [" ".join(map(str, row)) + tail for row in CORNERS]
    return "\n".join([head, *rows, *(f"4 {' '.join(map(str, quad))}{colour}" for quad in QUADS)])


@pytest.mark.parametrize(
    "text",
    [
        off("OFF\n8 6 0"),
        off("OFF 8 6 12"),
        off("off\n8 6 0"),
        off("OFF8 6 12"),
        off("# of a program\nOFF # more\n\n8 6 # and\n", colour=" 0.5 0.5 0.5"),
        off("COFF\n8 6 0", " 0 0 1 1"),
        off("NOFF\n8 6 0", " 0 0 1"),
        off("STCNOFF\n8 6 0", " 0 0 1 0 0 1 1 0 0"),
        off("4OFF\n8 6 0", " 1"),
        off("8 6 0"),
        off("OFF\r\n8 6 0").replace("\n", "\r\n"),
        off("OFF\n8 8 0")
        .replace("4 0 2 3 1", "3 0 2 3 255 0 0\n3 0 3 1")
        .replace("4 4 5 7 6", "3 4 5 7\n3 4 7 6"),
    ],
)
def test_off_of_all_sorts_is_read(text: str) -> None:
    assert block(text, "block.off").notes == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: "\ufeff" + text.upper(),
        lambda text: text.replace("\n", "\r"),
        lambda text: re.sub(r"(f \S+ \S+) ", r"\1 \\\n", text),
        lambda text: re.sub(r"(?<=[f ])(\d)(?=[ \n])(?=.*$)", r"\1", text),
        lambda text: re.sub(r"(?m)^v (\S+) (\S+) (\S+)", r"v \1 \2 \3 0.5 0.5 0.5", text),
        lambda text: text.replace(".0", ",0"),
    ],
)
def test_obj_of_all_sorts_is_read(change) -> None:
    vertices = "".join(f"v {x} {y} {z}\n" for x, y, z in CORNERS)
    faces = "".join("f " + " ".join(f"{c + 1}/1/{c - 8}" for c in quad) + "\n" for quad in QUADS[:3])
    negative = "".join("f " + " ".join(f"{c - 8}//1" for c in quad) + "\n" for quad in QUADS[3:])
    assert (
        block(
            change(f"mtllib x.mtl\n{vertices}vt 0 0\nvn 0 0 1\n{faces}{negative}l 1 2\n"), "block.obj"
        ).notes
        == ()
    )


def gltf(change=None, *, glb: bool = True, image: bytes = b"") -> bytes:
    """Return a file of two blocks side by side, the second mirrored."""
    held = CORNERS.astype("<f4").tobytes() + FACES.astype("<u2").tobytes() + image
    text = {
        "asset": {"version": "2.0"},
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "children": [1]}, {"mesh": 0, "translation": [5, 0, 0], "scale": [1, 1, -1]}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        "textures": [{"source": 0}],
        "images": [{"bufferView": 2, "mimeType": "image/png"}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 8, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5123, "count": 36, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteLength": 96},
            {"buffer": 0, "byteOffset": 96, "byteLength": 72},
            {"buffer": 0, "byteOffset": 168, "byteLength": len(image)},
        ],
        "buffers": [{"byteLength": len(held)}],
    }
    if change:
        change(text)
    if not glb:
        text["buffers"] = [
            {"byteLength": len(held), "uri": "data:;base64," + base64.b64encode(held).decode()}
        ]
        return json.dumps(text).encode()
    data = json.dumps(text).encode()
    data += b" " * (-len(data) % 4)
    held += bytes(-len(held) % 4)
    body = struct.pack("<I4s", len(data), b"JSON") + data + struct.pack("<I4s", len(held), b"BIN\0") + held
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


@pytest.mark.parametrize("glb", [True, False])
def test_a_scene_is_put_together_and_its_textures_are_not_opened(
    glb: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    monkeypatch.setattr(Image, "open", lambda *_: pytest.fail("a texture was opened"))
    held = mesh_read.read(gltf(glb=glb, image=b"\x89PNG"), "x.glb" if glb else "x.gltf")
    assert held.counts["faces"] == "24"
    assert held.body.volume == pytest.approx(2 * BLOCK)  # type: ignore[attr-defined]
    assert held.body.box[1].tolist() == [7, 1, 1]
    assert held.notes == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text["accessors"][0].update(count=1 << 40), "goes beyond its 96 bytes"),
        (lambda text: text["accessors"][0].pop("bufferView"), "sparse"),
        (lambda text: text["nodes"][1].update(children=[0]), "node 0 is there twice"),
        (
            lambda text: (
                text["nodes"].extend([{"mesh": 0}] * 60_000)
                or text["scenes"][0].update(nodes=list(range(2, 60_002)))
            ),
            "too many copies",
        ),
        (lambda text: text.update(extensionsRequired=["KHR_draco_mesh_compression"]), "KHR_draco"),
        (lambda text: text["buffers"][0].update(uri="mesh.bin"), "lie in another file, 'mesh.bin'"),
        (lambda text: text.update(extras=None, nodes=[{"mesh": 9}]), "list index out of range"),
    ],
)
def test_a_scene_that_cannot_be_read_is_refused(change, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        mesh_read.read(gltf(change), "x.glb")
    assert "\n" not in refused.value.message


def test_a_nested_description_is_refused() -> None:
    with pytest.raises(InputError, match="recursion"):
        mesh_read.read(b"[" * 200_000, "x.gltf")
