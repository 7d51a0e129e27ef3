"""Broken and unusual meshes: each gives a shape with a word on what was wrong, or an InputError."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inrfit import io
from inrfit.errors import InputError
from inrfit.io.config import ReadConfig

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
AWKWARD = DATA / "awkward"
CUBE = """v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 0 0 1\nv 1 0 1\nv 1 1 1\nv 0 1 1
f 1 4 3 2\nf 5 6 7 8\nf 1 2 6 5\nf 2 3 7 6\nf 3 4 8 7\nf 4 1 5 8\n"""
NO_SURFACE = {"tinyobjlo_invalid-relative-texture-index.obj", "no_faces.obj", "tinyobjlo_line-prim.obj"}
READ_AS_WELL = {"index_out_of_range.obj", "tinyobjlo_test-nan.obj"}
"""What trimesh alone does not read."""


def read(text: str | bytes, name: str = "cube.obj"):
    data = text.encode() if isinstance(text, str) else text
    return io.read(data, ReadConfig(kind="shape", resolution=24), name=name)


@pytest.mark.parametrize(
    ("added", "note"),
    [
        ("f 0 1 2\n", "1 face with vertices that are not there was left out"),
        ("f 1 2 99\nf -50 1 2\n", "2 faces with vertices that are not there were left out"),
        ("v nan 0 0\nf 1 2 9\n", "1 face with vertices that are NaN or infinite was left out"),
        ("f 1 1 2\nv 2 0 0\nf 1 2 9\n", "2 faces without area were left out"),
        ("f 1 2 3 4\n", "2 faces that are there twice were left out"),
        ("f 1 x 2\nv 1 2\n", "lines that could not be read: 2"),
        ("l 1 2 3\np 1\nvt 0 0\n", None),
    ],
)
def test_what_is_broken_goes_and_is_counted(added: str, note: str | None) -> None:
    signal = read(CUBE + added)
    assert signal.info.notes == (() if note is None else (note,))
    assert signal.info.tags["faces"] == "12"
    assert signal.inside(np.array([[0.5, 0.5, 0.5], [1.5, 0.5, 0.5]])).tolist() == [True, False]


def test_a_cube_without_a_face_still_has_an_inside() -> None:
    signal = read(CUBE.rsplit("f ", 1)[0])
    assert signal.info.notes == (
        "the mesh is open (4 border edges): inside and outside go by the winding number",
    )
    assert signal.inside(np.array([[0.5, 0.5, 0.5], [0.5, 1.5, 0.5]])).tolist() == [True, False]


@pytest.mark.parametrize("which", ["one", "all"])
def test_faces_that_look_inward_are_turned(which: str) -> None:
    lines = CUBE.splitlines()
    turned = [
        "f " + " ".join(reversed(line.split()[1:]))
        if line.startswith("f") and (which == "all" or number == 8)
        else line
        for number, line in enumerate(lines)
    ]
    signal = read("\n".join(turned))
    (note,) = signal.info.notes
    assert note == (
        "the faces looked inward and were turned"
        if which == "all"
        else "2 faces looked another way than the faces beside and were turned"
    )
    assert signal.inside(np.array([[0.5, 0.5, 0.5], [1.5, 0.5, 0.5]])).tolist() == [True, False]


def test_a_line_may_go_on_in_the_next() -> None:
    assert read(CUBE.replace("f 1 4 3 2", "f 1 4 \\\n3 2")).info.tags["faces"] == "12"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("hello world\nthis is text\n", "no vertices and no faces"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\n", "3 vertices and no faces"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "encloses nothing: 1 face that make up an open sheet"),
        ("v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n", "none is a triangle with an area"),
        ("v 0 0 0\nv 1 0 0\nv 0 1e38 0\nv 0 0 1\nf 1 2 3\nf 1 2 4\n", "spans 1e\\+38 units"),
    ],
)
def test_what_is_no_shape_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(text)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.ply", b"not a mesh at all"),
        ("x.stl", b"not a mesh at all"),
        ("x.stl", b"\0" * 80 + b"\x10\0\0\0" + b"\0" * 100),
        ("x.off", b"OFF\n8 12 0\n0 0 0\n"),
        ("x.glb", b"glTF\2\0\0\0\xff\0\0\0"),
        ("x.gltf", b"{}"),
        ("x.npz", b"PK\3\4"),
        ("x.xyz", b"\xff\xfe\0\1"),
    ],
)
def test_damaged_files_are_refused_in_one_line(name: str, data: bytes) -> None:
    with pytest.raises(InputError) as refused:
        read(data, name)
    assert refused.value.message.startswith(name)
    assert "\n" not in refused.value.message


def reference() -> dict[str, str]:
    """Return the reference decoder's word on each mesh by its name."""
    table = AWKWARD / "REFERENCE_DECODE.tsv"
    if not table.exists():
        return {}
    rows = (line.split("\t") for line in table.read_text().splitlines())
    return {
        row[0].removeprefix("awkward/mesh/"): row[1] for row in rows if row[0].startswith("awkward/mesh/")
    }


def outcome(path: Path) -> tuple[int, str]:
    """Return the number of faces or points, and what was said; 0 where a file is refused."""
    try:
        signal = io.read(path, ReadConfig(kind="shape", resolution=16))
    except InputError as error:
        assert "\n" not in error.message
        assert error.message.startswith(str(path))
        return 0, error.message
    values = signal.sample(np.argwhere(np.ones((2, 2, 2))))
    assert np.isfinite(values).all()
    return int(signal.info.tags.get("faces") or signal.info.tags["points"]), "; ".join(signal.info.notes)


@pytest.mark.shared
@pytest.mark.skipif(not AWKWARD.exists(), reason="the shared test material is not there")
@pytest.mark.parametrize("name", sorted(reference()))
def test_each_has_the_faces_that_a_reference_reads_or_says_what_is_missing(name: str) -> None:
    verdict = reference()[name]
    count, said = outcome(AWKWARD / "mesh" / name)
    if not verdict.startswith("ok") or "Scene" in verdict:
        assert (count > 0) == (name in READ_AS_WELL)
        assert said
    elif " F=" in verdict:
        faces = int(verdict.split(" F=")[1].split()[0])
        assert (
            count == faces or "left out" in said or "could not be read" in said or "encloses nothing" in said
        )
        if "watertight=True finite=True" in verdict:
            assert count > 0
            assert "open" not in said
    else:
        assert (count > 0) == (name not in NO_SURFACE)


@pytest.mark.shared
@pytest.mark.skipif(not DATA.exists(), reason="the shared test material is not there")
@pytest.mark.parametrize(
    "name",
    [
        "mesh/armadillo.obj",
        "mesh/fandisk.obj",
        "mesh/goathead.obj",
        "mesh/lionstatue_open.obj",
        "mesh/spot.obj",
        "mesh/suzanne_quads.obj",
        "mesh/teapot_open.obj",
        "mesh/wingnut.obj",
        "mesh/chairs/modelnet_chair_0890.off",
        "mesh/shapenet/chair_341c9b05.obj",
        "mesh/shapenet/vase_18b41cb0.obj",
        "pointcloud/armadillo_12k.xyz",
    ],
)
def test_real_shapes_have_an_inside_and_an_outside(name: str) -> None:
    signal = io.read(DATA / name, ReadConfig(kind="shape", resolution=24))
    values = signal.dense()
    assert 0.002 < (values < 0).mean() < 0.6
    edges = np.concatenate(
        [values[[0, -1]].reshape(-1), values[:, [0, -1]].reshape(-1), values[:, :, [0, -1]].reshape(-1)]
    )
    assert (edges > 0).all()
    assert ("open" in " ".join(signal.info.notes)) == (name.split("/")[-1] not in CLOSED)


CLOSED = {"armadillo.obj", "fandisk.obj", "goathead.obj", "spot.obj", "wingnut.obj", "armadillo_12k.xyz"}
