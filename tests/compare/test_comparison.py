"""A crop is compared with its part of a whole original, as with that part alone."""

from __future__ import annotations

import numpy as np
import pytest
from make.data import textured

from inrfit import api
from inrfit.errors import InputError


@pytest.fixture(scope="module")
def field():
    return api.fit(textured(24, 30), grid=(2, 3), hidden_features=5, steps=5, device="cpu")


@pytest.mark.parametrize("kept", [[5], [1, 2], [0, 3]])
def test_the_part_is_cut_out_of_the_original(field, kept):
    part = field.select(kept)
    window = tuple(slice(a, b) for a, b in part.domain.box)
    whole, alone = (api.evaluate(part, p, device="cpu") for p in (textured(24, 30), textured(24, 30)[window]))
    assert whole == alone
    assert whole["psnr"] == pytest.approx(part.psnr, abs=1e-3)


def test_what_is_no_part_of_the_original_is_refused(field):
    with pytest.raises(InputError, match="differs in size"):
        api.evaluate(field, textured(24, 29), device="cpu")
    with pytest.raises(InputError, match="differs in size"):
        api.evaluate(field.select([5]), np.ascontiguousarray(textured(24, 30)[:, :25]), device="cpu")
