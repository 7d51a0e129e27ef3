from __future__ import annotations

import pytest

from inrfit.errors import InputError
from inrfit.metrics.bits import bpp, parts


def test_bits_per_sample():
    assert bpp(49152, 768 * 512) == 1.0
    assert bpp(0, 1) == 0


@pytest.mark.parametrize(("size", "samples"), [(10, 0), (-1, 4)])
def test_no_samples_or_negative_sizes_are_errors(size, samples):
    with pytest.raises(InputError, match="give no rate"):
        bpp(size, samples)


def test_parts_name_the_sums_and_the_spread_of_the_regions():
    found = parts({"header": 50, "shared": 12, "metadata": 0, "regions": 60, "each": [10, 30, 20]})
    assert found == {
        "header": 50,
        "shared": 12,
        "metadata": 0,
        "regions": 60,
        "region_smallest": 10,
        "region_median": 20,
        "region_largest": 30,
    }
