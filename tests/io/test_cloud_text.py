"""Clouds of points as text: columns by their names, separators, decimal commas, scans; nothing is guessed in silence."""

from __future__ import annotations

import numpy as np
import pytest

from inrfit.errors import InputError
from inrfit.io import cloud_text

ROWS = np.array([[1.5, -2.25, 3], [4, 5, 6.125]])


def rows(separator: str = " ", decimal: str = ".", more: tuple[str, ...] = ()) -> str:
    lines = [
        separator.join([*(f"{value:.3f}".replace(".", decimal) for value in row), *more]) for row in ROWS
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        rows(),
        rows("\t"),
        rows(","),
        rows(", "),
        rows(";"),
        rows("; "),
        rows(";", ","),
        rows("\t", ","),
        rows(" ", ","),
        rows(" ").replace("\n", "\r\n"),
        rows(" ").replace("\n", "\r"),
        rows(" ").replace("\n", "   \n\n"),
        "\ufeff" + rows(),
        "// made by a program\n" + rows(),
        "# x to the right\n\n% more\n! and more\n" + rows(),
        "2\n" + rows(),
        "//X Y Z\n2\n" + rows(),
        "X,Y,Z\n" + rows(","),
        "1.5D+00 -0.225d1 3\n4 5 0.6125D+01\n",
        '"x";"y";"z"\n' + rows(";", ","),
        "x[m] y[m] z[m]\n" + rows(),
        "Easting Northing Elevation\n" + rows(),
        "1\n1.5 -2.25 3\n1\n4 5 6.125\n",
        rows(more=("200", "100", "0", "9")),
        "//X Y Z R G B\n" + rows(more=("1", "2", "3")),
        "# z y x are named otherwise here, and not for columns\n" + rows(),
        "id,x,y,z\n1,1.5,-2.25,3\n2,4,5,6.125\n",
        "z y x\n3 -2.25 1.5\n6.125 5 4\n",
    ],
)
def test_points_are_read_however_they_are_written(text: str) -> None:
    places, normals = cloud_text.read(text.encode(), "x.xyz")
    assert places.tolist() == ROWS.tolist()
    assert normals is None


def test_utf_16_is_read() -> None:
    assert cloud_text.read(rows().encode("utf-16"), "x.xyz")[0].tolist() == ROWS.tolist()


@pytest.mark.parametrize(
    "text",
    [
        "1.5 -2.25 3 0 0 1\n4 5 6.125 0 -1 0\n",
        "//X Y Z R G B Nx Ny Nz\n1.5 -2.25 3 9 9 9 0 0 1\n4 5 6.125 9 9 9 0 -1 0\n",
        "nx;ny;nz;x;y;z\n0;0;1;1,5;-2,25;3\n0;-1;0;4;5;6,125\n",
        "x y z normal_x normal_y normal_z\n1.5 -2.25 3 0 0 1\n4 5 6.125 0 -1 0\n",
    ],
)
def test_normals_are_found(text: str) -> None:
    places, normals = cloud_text.read(text.encode(), "x.xyz")
    assert places.tolist() == ROWS.tolist()
    assert normals is not None
    assert normals.tolist() == [[0, 0, 1], [0, -1, 0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("20,000,70,000,45,000\n20,500,70,050,45,125\n", "not clear what its commas mean: b'20,000,70"),
        ("1.0,2.0 3.0 4,5\n", "not clear what its commas mean"),
        ("1 2 3\n4 5 6\n\n7 8\n", "line 4 does not hold the 3 numbers of a point: '7 8'"),
        ("# a\n1 2 3\n4 5 6 7\n", "line 3 does not hold the 3 numbers"),
        ("1 2 3\n4 x 6\n", "line 2 does not hold the 3 numbers of a point: '4 x 6'"),
        ("1,2,3\n4;5;6\n", "line 1 does not hold"),
        ("1.234,5;2;3\n", "line 1 does not hold"),
        ("station a b\n1 2 3\n", "line 1 does not hold three numbers"),
        ("x y z\n1 2 3 4\n", "line 1 names 3 columns, the points have 4"),
        ("5\n", "holds no points"),
        ("# nothing\n", "holds no points"),
    ],
)
def test_what_is_no_point_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        cloud_text.read(text.encode(), "x.xyz")
    assert "\n" not in refused.value.message


def test_a_fast_reading_and_a_slow_one_agree() -> None:
    values = np.random.default_rng(0).normal(size=(50, 4)).round(5)
    text = "\n".join(" ".join(map(str, row)) for row in values)
    fast = cloud_text.read(text.encode(), "x.xyz")[0]
    slow = cloud_text.read(f"{text}\n50\n{text}".encode(), "x.xyz")[0]
    assert np.array_equal(np.concatenate([fast, fast]), slow)
    assert np.array_equal(fast, values[:, :3])
