"""The room's front door: paths, bytes and arrays in, files out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from make.images import whole

from inrfit import io
from inrfit.errors import ConfigError, InputError, OutputError
from inrfit.io.config import ReadConfig
from inrfit.signal import SignalInfo


def test_a_path_bytes_and_an_array_give_the_same_samples(
    tmp_path: Path, noise: Callable[..., np.ndarray], pillow_file: Callable[..., bytes]
) -> None:
    values = noise(5, 3)
    data = pillow_file(values, "PNG")
    path = tmp_path / "name with spaces äöü.png"
    path.write_bytes(data)
    for source in (path, str(path), data, values):
        assert np.array_equal(io.read(source).dense(), values)
    assert io.read(path).info == io.read(data).info


def test_a_file_without_a_known_suffix_is_recognised_by_content(
    tmp_path: Path, noise: Callable[..., np.ndarray], pillow_file: Callable[..., bytes]
) -> None:
    path = tmp_path / "download.bin"
    path.write_bytes(pillow_file(noise(5, 3), "WEBP"))
    assert io.read(path).info.suffix == ".webp"
    path.write_bytes(b"a letter to somebody")
    with pytest.raises(
        InputError, match=r"download\.bin: is no file inrfit knows, it begins with b'a letter'"
    ):
        io.read(path)


def test_errors_name_the_source(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^<stdin>: is empty"):
        io.read(b"", name="<stdin>")
    with pytest.raises(InputError, match=r"^<bytes>: is no file"):
        io.read(b"???")
    with pytest.raises(InputError, match=r"missing\.png: no such file"):
        io.read(tmp_path / "missing.png")
    with pytest.raises(InputError, match="is a folder"):
        io.read(tmp_path)
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(InputError, match=r"text\.png: is not an image"):
        io.read(tmp_path / "text.png")


def test_an_unknown_kind_is_a_wrong_option() -> None:
    with pytest.raises(ConfigError, match="'imag' is not known"):
        io.read(np.zeros((2, 2)), ReadConfig(kind="imag"))


def test_written_samples_are_read_back(tmp_path: Path, noise: Callable[..., np.ndarray]) -> None:
    values = noise(5, 3, 4, "uint16")
    info = SignalInfo(dtype="uint16", colour="rgb-alpha", value_range=(0, 65535))
    io.write(whole(values, info), tmp_path / "a.PNG", overwrite=False)
    assert np.array_equal(io.read(tmp_path / "a.PNG").dense(), values)
    with pytest.raises(OutputError, match="exists already"):
        io.write(whole(values, info), tmp_path / "a.PNG", overwrite=False)
    io.write(whole(values[:1], info), tmp_path / "a.PNG", overwrite=True)
    assert io.read(tmp_path / "a.PNG").domain.shape == (1, 3)


def test_what_cannot_be_encoded_leaves_no_file(tmp_path: Path, noise: Callable[..., np.ndarray]) -> None:
    with pytest.raises(OutputError, match=r"a\.jpg: JPEG cannot hold"):
        io.write(whole(noise(5, 3, 4), SignalInfo(colour="rgb-alpha")), tmp_path / "a.jpg", overwrite=True)
    assert list(tmp_path.iterdir()) == []


def test_the_suffix_of_decoded_samples_follows_the_source() -> None:
    assert io.decode_suffix(SignalInfo(suffix=".webp")) == ".webp"


def test_folder_suffixes_cover_the_common_formats() -> None:
    wanted = {
        ".png",
        ".jpg",
        ".jpeg",
        ".webp",
        ".avif",
        ".tif",
        ".tiff",
        ".bmp",
        ".npy",
        ".gif",
        ".ppm",
        ".pgm",
    }
    assert wanted <= set(io.input_suffixes())


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from inrfit import io; io.input_suffixes(); "
        "print([name for name in ('torch', 'cv2', 'tifffile', 'skimage', 'scipy') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
