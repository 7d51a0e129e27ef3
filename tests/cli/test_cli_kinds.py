"""What is wrong for one kind of signal is one line on the command line for it, and nothing is left behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from make.cli import FAST, files, inrfit, save
from make.clips import clip
from make.data import textured
from make.shapes import ball, file

RATE = 8000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a sound, a clip with sound, a volume, a mesh and a photo, and the field of each."""
    folder = tmp_path_factory.mktemp("kinds")
    soundfile.write(folder / "a.wav", 0.3 * np.sin(np.arange(4000) / 9), RATE)
    clip(folder / "c.mkv", "-c:v", "ffv1", "-pix_fmt", "bgr0", "-c:a", "flac", sound=True)
    np.save(folder / "v.npy", np.random.default_rng(0).random((6, 7, 8), np.float32))
    (folder / "s.obj").write_bytes(file(ball(1), "obj"))
    save(folder / "p.png", textured(24, 36))
    for name, words in (
        ("a.wav", ("--cell", "1000")),
        ("c.mkv", ()),
        ("v.npy", ("--kind", "volume")),
        ("s.obj", ("--resolution", "12")),
        ("p.png", ()),
    ):
        done = inrfit("fit", folder / name, *words, *FAST, "--points", "1000")
        assert done.code == 0, done.err
    return folder


@pytest.mark.parametrize("name", ["a.wav", "c.mkv", "p.png"])
def test_an_overlap_for_other_axes_is_refused(name: str, folder: Path, tmp_path: Path) -> None:
    words = ("fit", folder / name, "--overlap", "1x1x1x1", "-o", tmp_path / "x.inr", *FAST)
    inrfit(*words).refused("--overlap 1x1x1x1 gives 4 numbers", code=2)
    inrfit("extend", folder / "a.inr", folder / "a.wav", "--side", "after", "--overlap", "1x1", "--steps", "1",
           "-o", tmp_path / "x.inr").refused("--overlap 1x1 gives 2 numbers, the signal has 1 axes (t)", code=2)  # fmt: skip
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("p.png", "iou"),
        ("p.png", "lsd"),
        ("a.wav", "ssim"),
        ("a.wav", "chamfer-l1"),
        ("c.mkv", "iou"),
        ("v.npy", "ssim"),
        ("s.obj", "ssim"),
        ("s.obj", "snr"),
    ],
)
def test_metrics_of_another_kind_are_refused(name: str, metric: str, folder: Path) -> None:
    ran = inrfit(
        "eval", (folder / name).with_suffix(".inr"), "--reference", folder / name, "--metrics", metric
    )
    ran.refused(f"--metrics {metric} is not defined for a signal of the kind", "choose from psnr", code=2)


def test_a_rate_is_kept_whatever_the_length(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", 0.3 * np.sin(np.arange(2345) / 9), RATE)
    assert inrfit("fit", tmp_path / "a.wav", *FAST).code == 0
    for name in ("b.wav", "b.mp3"):
        for words in ((), ("--region", "0.1:0.2")):
            done = inrfit(
                "decode", tmp_path / "a.inr", "-f", "-o", tmp_path / name, "--rate", "44100", *words
            )
            assert done.code == 0, done.err
            assert soundfile.info(tmp_path / name).samplerate == 44100


def test_points_are_read_from_standard_input(tmp_path: Path) -> None:
    mesh = ball(2)
    lines = "\n".join(" ".join(map(str, row)) for row in np.hstack([mesh.vertices, mesh.vertex_normals]))
    words = ("--kind", "shape", "--resolution", "12", *FAST)
    done = inrfit("fit", "-", "-o", tmp_path / "x.inr", *words, stdin=lines.encode())
    assert done.code == 0, done.err
    assert "lattice of 162 points" in done.err


def test_a_region_is_named_as_it_was_typed(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.wav"
    said = ("region 0.2:9 is empty or outside the signal, which spans 0:0.5s (t)",)
    inrfit("decode", folder / "a.inr", "--region", "0.2:9", "-o", out).refused(*said, code=2)
    crop = ("crop", folder / "a.inr", "-o", tmp_path / "x.inr")
    inrfit(*crop, "--region", "0.2:9").refused(*said, code=2)
    inrfit(*crop, "--keep", "0.2s:9s").refused(*said, code=2)
    inrfit(*crop, "--keep", "0s:0.1s", "--keep", "0.2s:0.3s").refused("cannot be joined", code=2)
    inrfit(*crop, "--keep", "0.1:0.2").refused("numbers and ranges", "1.5s:3s", code=2)
    assert files(tmp_path) == []


@pytest.mark.parametrize("name", ["c.mkv", "s.obj"])
def test_kinds_that_draw_samples_are_fitted_alone_in_a_batch(name: str, folder: Path, tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"{number}{Path(name).suffix}").write_bytes((folder / name).read_bytes())
    words = ("fit", tmp_path, *FAST) + (("--resolution", "12") if name == "s.obj" else ())
    together = inrfit(*words, "-o", tmp_path / "together", "--batch")
    assert together.code == 0, together.err
    assert inrfit(*words, "-o", tmp_path / "alone").code == 0
    assert files(tmp_path / "alone") == files(tmp_path / "together") == ["0.inr", "1.inr"]
    for made in files(tmp_path / "alone"):
        assert (tmp_path / "alone" / made).read_bytes() == (tmp_path / "together" / made).read_bytes()
