"""The partition command: the label image, the preview and the numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make.cli import files, inrfit, pixels, save
from make.data import textured


def test_label_image_preview_and_numbers(here: Path) -> None:
    ran = inrfit("partition", "photo.png", "--grid", "2x2", "--preview", "regions.jpg", "--json")
    assert ran.code == 0, ran.err
    assert files(here) == ["photo.labels.png", "photo.png", "regions.jpg"]
    labels = pixels(here / "photo.labels.png")
    assert (labels == np.kron(np.arange(4).reshape(2, 2), np.ones((12, 18)))).all()
    assert pixels(here / "regions.jpg").shape == (24, 36, 3)
    result = ran.results[0]
    assert (result["regions"], result["grid"], result["areas"]) == (4, [2, 2], [216] * 4)
    assert result["adjacent"] == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    assert (result["output"], result["preview"]) == ("photo.labels.png", "regions.jpg")


def test_segments_are_the_default_and_their_labels_can_be_fitted(here: Path) -> None:
    ran = inrfit("partition", "photo.png", "--heads", "2")
    assert f"{here / 'photo.labels.png'}  2 regions" in ran.out
    labels = pixels(here / "photo.labels.png")
    areas = np.bincount(labels.reshape(-1))
    assert f"areas      {areas[0]} {areas[1]} samples" in ran.out
    assert "adjacency  0-1" in ran.out
    assert "% of the work" in ran.out
    assert inrfit("fit", "photo.png", "--partition", "photo.labels.png", "--steps", "1").code == 0
    info = inrfit("info", "photo.inr", "--json").results[0]
    assert info["regions"] == 2


def test_labels_on_standard_output(here: Path) -> None:
    import io

    ran = inrfit("partition", "-", "-o", "-", "--grid", "1x2", stdin=(here / "photo.png").read_bytes())
    assert pixels(io.BytesIO(ran.data)).tolist() == [[0] * 18 + [1] * 18] * 24
    assert "2 regions" in ran.err


def test_more_than_256_regions_take_16_bit(here: Path) -> None:
    assert inrfit("partition", "photo.png", "--grid", "20x20", "-o", "many.npy").code == 0
    assert np.load("many.npy").max() == 399


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "labels.jpg"], "-o labels.jpg: .jpg does not keep labels as they are"),
        (["--preview", "p.txt"], "--preview p.txt: .txt is not a format inrfit writes"),
        (["--preview", "photo.labels.png"], "--preview photo.labels.png is an input or an output"),
        (["other.png", "--preview", "p.png"], "--preview takes one input, 2 were given"),
        (["--partition", "seg", "--grid", "2x2"], "--grid needs --partition grid"),
        (["--partition", "labels"], "--partition labels needs a label image"),
    ],
)
def test_refused_before_any_work(here: Path, words: list[str], said: str) -> None:
    save(here / "other.png", textured(5, 5))
    inrfit("partition", "photo.png", *words).refused(said, code=2)
    assert files(here) == ["other.png", "photo.png"]


def test_a_preview_is_not_replaced(here: Path) -> None:
    inrfit("partition", "photo.png", "--preview", "p.png")
    inrfit("partition", "photo.png", "-o", "x.png", "--preview", "p.png").refused("--preview p.png exists")
