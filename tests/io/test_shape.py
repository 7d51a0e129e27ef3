"""Shapes as signals: values, places, samples that are fitted, files in and out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from make.shapes import CENTRE, RADIUS, ball, file, loaded

from inrfit import io
from inrfit.domain import Box
from inrfit.errors import InputError, OutputError
from inrfit.io import shape_pool
from inrfit.io.config import ReadConfig
from inrfit.io.shape_signal import TAU
from inrfit.signal import Bands


def read(form: str = "ply", resolution: int = 32, target: str = "sdf"):
    config = ReadConfig(kind="shape", resolution=resolution, target=target)
    return io.read(file(ball(), form), config, name=f"ball.{form}")


def places(signal) -> np.ndarray:
    """Return the places of all samples, x, y, z, worked out from the domain."""
    domain = signal.domain
    axes = [o + s * np.arange(n) for o, s, n in zip(domain.offset, domain.spacing, domain.shape, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1)[..., ::-1]


def true_distance(signal) -> np.ndarray:
    return np.linalg.norm(places(signal) - CENTRE, axis=-1) - RADIUS


@pytest.mark.parametrize("form", ["obj", "ply", "stl", "glb", "off"])
def test_a_ball_has_the_distances_of_a_ball_in_every_format(form: str) -> None:
    signal = read(form)
    tau = TAU * signal.domain.spacing[0]
    values = signal.dense()[..., 0]
    assert signal.info.value_range == (-tau, tau)
    assert signal.info.suffix == f".{form}"
    assert signal.info.tags["faces"] == "1280"
    assert np.abs(values - np.clip(true_distance(signal), -tau, tau)).max() < 0.02 * RADIUS


def test_the_lattice_leaves_a_margin_and_keeps_pose_and_scale() -> None:
    domain = read(resolution=40).domain
    assert max(domain.shape) == 40
    assert domain.axes == ("z", "y", "x")
    first = np.array(domain.corner)[::-1]
    low, high = ball().bounds
    margin = (low - first) / domain.spacing[0]
    assert (margin > 3.99).all()
    assert (margin < 4.6).all()
    last = first + (np.array(domain.shape)[::-1] - 1) * domain.spacing[0]
    assert np.allclose(low - first, last - high)


def test_sample_dense_and_a_cached_pool_agree() -> None:
    signal, asked = read(), read()
    points = np.argwhere(np.ones(signal.domain.shape, bool))
    pooled = asked.pool(asked.domain.box)
    whole = signal.info.to_unit(signal.dense()).reshape(-1, 1)
    assert 0 < len(pooled) < len(points)
    assert np.abs(asked.sample(points) - whole).max() < 1e-6
    window = ((3, 9), (10, 12), (5, 30))
    index = tuple(slice(a, b) for a, b in window)
    assert np.array_equal(signal.dense(window), signal.dense()[index])


def test_a_sample_is_in_the_pool_or_not_whatever_box_is_asked() -> None:
    signal = read()
    whole = np.zeros(signal.domain.size, bool)
    whole[signal.pool(signal.domain.box)] = True
    whole = whole.reshape(signal.domain.shape)
    boxes: list[Box] = [
        ((0, 16), (5, 20), (8, 32)),
        ((7, 8), (0, 32), (11, 17)),
        ((10, 30), (10, 30), (10, 30)),
    ]
    for box in boxes:
        there = whole[tuple(slice(a, b) for a, b in box)]
        assert np.array_equal(signal.pool(box), np.flatnonzero(there))


def test_the_pool_is_mostly_near_the_surface_and_holds_nearly_all_of_it() -> None:
    signal = read(resolution=64)
    distance = np.abs(true_distance(signal)) / signal.domain.spacing[0]
    pool = signal.pool(signal.domain.box)
    near = distance.reshape(-1)[pool] < shape_pool.BAND
    assert near.mean() > 0.5
    surface = np.flatnonzero(distance < 1)
    assert np.isin(surface, pool).mean() > 0.97


def test_a_box_without_samples_of_the_pool_gives_its_middle() -> None:
    signal = read()
    empty = np.setdiff1d(np.arange(signal.domain.size), signal.pool(signal.domain.box))[0]
    z, y, x = np.unravel_index(empty, signal.domain.shape)
    assert signal.pool(((z, z + 1), (y, y + 1), (x, x + 1))).tolist() == [0]


@pytest.mark.parametrize("target", ["sdf", "occupancy"])
def test_boxes_are_occupied_where_samples_say_so(target: str) -> None:
    signal = read(resolution=48, target=target)
    values, (low, high) = signal.dense()[..., 0], signal.info.value_range
    edges = [range(0, n, 8) for n in signal.domain.shape]
    ends = [min(n, 48) for n in signal.domain.shape]
    boxes = [
        tuple((a, min(a + 8, end)) for a, end in zip(corner, ends, strict=True))
        for corner in np.array(np.meshgrid(*edges, indexing="ij")).reshape(3, -1).T.tolist()
    ]
    wanted = []
    for box in boxes:
        part = values[tuple(slice(a, b) for a, b in box)]
        wanted.append(bool((part < high).any() if target == "sdf" else (part > low).any()))
    assert signal.occupied(boxes).tolist() == wanted
    assert 0 < sum(wanted) < len(wanted)


def test_occupancy_is_full_inside_and_half_at_the_surface() -> None:
    signal = read(target="occupancy")
    distance, values = true_distance(signal) / signal.domain.spacing[0], signal.dense()[..., 0]
    sure = np.abs(distance) > 1.3
    assert signal.info.value_range == (0.0, 255.0)
    assert np.array_equal(values[sure], np.where(distance < 0, 255, 0)[sure])
    assert np.abs(values[~sure] / 255 - np.clip((1 - distance[~sure]) / 2, 0, 1)).max() < 0.15


@pytest.mark.parametrize("target", ["sdf", "occupancy"])
@pytest.mark.parametrize("form", ["ply", "obj", "stl", "glb", "off"])
def test_the_surface_is_written_where_it_was(form: str, target: str) -> None:
    signal = read(target=target)
    values = signal.dense()
    samples = Bands(
        bands=iter([values[:1], values[1:14], values[14:]]),
        domain=signal.domain,
        channels=1,
        info=signal.info,
    )
    mesh = loaded(b"".join(io.encode(samples, f".{form}", name="x")), form)
    distance = np.linalg.norm(mesh.vertices - CENTRE, axis=1) - RADIUS
    assert np.abs(distance).max() < 0.02 * RADIUS
    mesh.merge_vertices()
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(
        4 / 3 * np.pi * RADIUS**3, rel=0.05
    )  # positive: normals point outward


def test_bands_give_the_mesh_that_all_samples_at_once_give() -> None:
    signal = read(resolution=24)
    values = signal.dense()
    whole = loaded(b"".join(io.encode(Bands.of(values, signal.domain, signal.info), ".ply", name="x")), "ply")
    for planes in (1, 5):
        parts = (values[i : i + planes] for i in range(0, len(values), planes))
        samples = Bands(bands=parts, domain=signal.domain, channels=1, info=signal.info)
        mesh = loaded(b"".join(io.encode(samples, ".ply", name="x")), "ply")
        assert mesh.is_watertight
        assert mesh.faces.shape == whole.faces.shape
        assert mesh.volume == pytest.approx(whole.volume, rel=1e-5)


def test_a_cut_surface_is_left_open_and_none_is_an_error() -> None:
    signal = read(resolution=24)
    half = replace(signal.domain, shape=(12, *signal.domain.shape[1:]))
    samples = Bands.of(signal.dense()[:12], half, signal.info)
    mesh = loaded(b"".join(io.encode(samples, ".ply", name="x")), "ply")
    assert not mesh.is_watertight
    outside = Bands.of(signal.dense()[:3], half, signal.info)
    with pytest.raises(OutputError, match="hold no surface"):
        list(io.encode(outside, ".ply", name="x"))
    thin = Bands.of(signal.dense()[12:13], half, signal.info)
    with pytest.raises(OutputError, match="too thin"):
        list(io.encode(thin, ".ply", name="x"))


def test_npy_holds_the_lattice(tmp_path: Path) -> None:
    signal = read(resolution=24)
    io.write(Bands.of(signal.dense(), signal.domain, signal.info), tmp_path / "x.npy", overwrite=False)
    assert np.array_equal(np.load(tmp_path / "x.npy"), signal.dense()[..., 0])


def test_an_unknown_format_is_refused_early() -> None:
    signal = read(resolution=24)
    with pytest.raises(OutputError, match=r"\.png is not a format"):
        io.kind_of("shape").check(signal.info, 1, ".png", "x.png")


@pytest.mark.parametrize("target", ["sdf", "occupancy"])
def test_places_without_a_region_are_outside(target: str) -> None:
    signal = read(resolution=24, target=target)
    corner = signal.dense()[0, 0, 0, 0]
    assert signal.info.nothing == corner


def test_a_mesh_is_read_onto_the_lattice_of_a_field_or_a_part_of_it() -> None:
    signal = read(resolution=24)
    kind = io.kind_of("shape")
    part = replace(signal.domain, origin=(6, 0, 3), shape=(10, *signal.domain.shape[1:2], 12))
    again = io.read(file(ball(), "stl"), kind.reading(part, signal.info), name="other.stl")
    assert again.domain == part
    assert np.allclose(again.dense(), signal.dense()[6:16, :, 3:15], atol=1e-5)


def test_the_views_are_three_slices_in_colours() -> None:
    signal = read(resolution=24)
    kind = io.kind_of("shape")
    views = kind.views(signal.domain)
    pictures = [kind.picture(Bands.of(signal.dense(box), signal.domain, signal.info)) for box in views]
    assert [picture.shape for picture in pictures] == [(24, 24, 3)] * 3
    middle, corner = pictures[0][12, 12].astype(int), pictures[0][0, 0].astype(int)
    assert middle[0] > middle[2]  # inside is orange, outside blue
    assert corner[2] > corner[0]
    assert (pictures[0] == (20, 20, 30)).all(-1).any()


def test_a_status_line_tells_lattice_and_faces() -> None:
    assert io.kind_of("shape").describe(read(resolution=24)) == "24×24×24 lattice of 1,280 faces, sdf"


def test_a_cloud_with_normals_is_about_its_ball() -> None:
    mesh = ball(4)
    rows = np.concatenate([mesh.vertices, 3 * mesh.vertex_normals], 1)
    data = "\n".join(" ".join(f"{v:.6f}" for v in row) for row in rows).encode()
    signal = io.read(data, ReadConfig(resolution=32), name="ball.xyz")
    tau = TAU * signal.domain.spacing[0]
    assert signal.info.tags["points"] == str(len(rows))
    error = np.abs(signal.dense()[..., 0] - np.clip(true_distance(signal), -tau, tau))
    assert error.max() < 0.04 * RADIUS


def test_a_cloud_without_normals_gets_them_outward(tmp_path: Path) -> None:
    points = ball(3).vertices
    np.savez(tmp_path / "ball.npz", points=points)
    signal = io.read(tmp_path / "ball.npz", ReadConfig(resolution=32, kind="shape"))
    assert any("no normals" in note for note in signal.info.notes)
    tau = TAU * signal.domain.spacing[0]
    error = np.abs(signal.dense()[..., 0] - np.clip(true_distance(signal), -tau, tau))
    assert error.max() < 0.08 * RADIUS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 0 0\n1 0 0\n0 1 0\n", "3 points are too few"),
        ("0 0 0\n1 0 0\n0 1 0\n1 1 0\n0.5 0.2 0\n", "lie in one plane"),
        ("0 0 0\n1 0\n0 1 0 5 6\n", "line 2"),
        ("# nothing\n", "holds no points"),
        ("one two three\n", "line 1"),
    ],
)
def test_a_cloud_that_encloses_nothing_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        io.read(text.encode(), name="cloud.xyz")


def test_two_parts_of_a_scene_lie_where_the_scene_says() -> None:
    import trimesh

    scene = trimesh.Scene()
    scene.add_geometry(trimesh.creation.box())
    scene.add_geometry(
        trimesh.creation.box(), transform=trimesh.transformations.translation_matrix([5, 0, 0])
    )
    signal = io.read(scene.export(file_type="glb"), ReadConfig(resolution=24), name="two.glb")
    low, high = signal.body.box
    assert np.allclose(high - low, (6, 1, 1))
    assert signal.inside(np.array([[0.0, 0, 0], [5, 0, 0], [2.5, 0, 0]])).tolist() == [True, True, False]
