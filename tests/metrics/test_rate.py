from __future__ import annotations

import pytest

from inrfit.errors import InputError
from inrfit.metrics.rate import bpp


def test_bits_per_sample():
    assert bpp(49152, 768 * 512) == 1.0
    assert bpp(0, 1) == 0


@pytest.mark.parametrize(("size", "samples"), [(10, 0), (-1, 4)])
def test_no_samples_or_negative_sizes_are_errors(size, samples):
    with pytest.raises(InputError, match="give no rate"):
        bpp(size, samples)
