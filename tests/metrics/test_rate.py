from __future__ import annotations

import pytest

from inrfit.errors import InputError
from inrfit.metrics.rate import bpp, file_bytes


def test_bits_per_sample():
    assert bpp(49152, 768 * 512) == 1.0
    assert bpp(0, 1) == 0


@pytest.mark.parametrize(("size", "samples"), [(10, 0), (-1, 4)])
def test_no_samples_or_negative_sizes_are_errors(size, samples):
    with pytest.raises(InputError, match="give no rate"):
        bpp(size, samples)


def test_the_size_is_that_on_disk(tmp_path):
    path = tmp_path / "x.inr"
    path.write_bytes(b"12345")
    assert file_bytes(path) == file_bytes(str(path)) == 5


@pytest.mark.parametrize("name", ["missing.inr", ".", "nul\0byte", "x" * 5000])
def test_what_is_no_file_is_an_input_error(tmp_path, name):
    with pytest.raises(InputError):
        file_bytes(tmp_path / name)
