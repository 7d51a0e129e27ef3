"""Native samples band after band: those of the whole, wherever the cuts are, with holes and blended."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from make.data import textured
from make.rendered import render

from inrfit import api
from inrfit.device import pick_device
from inrfit.errors import ConfigError, FitError
from inrfit.render import blend as blending
from inrfit.render import tiles as rendering
from inrfit.render.output import WHOLE, Output

CPU = pick_device("cpu", 1)


@pytest.fixture(scope="module", params=["grid", "seg", "holes"])
def field(request):
    options = {"partition": "seg", "heads": 3} if request.param == "seg" else {"grid": (3, 4)}
    made = api.fit(textured(50, 70), steps=3, hidden_features=9, device="cpu", **options)
    return made.select([0, 2, 5, 11]) if request.param == "holes" else made


@pytest.mark.parametrize("size", [None, (100, 140), (61, 83), (25, 35), (7, 5)])
@pytest.mark.parametrize("band", [1, 70 * 7, 70 * 33])
def test_the_cuts_between_bands_change_no_bit(field, size, band, monkeypatch):
    whole = render(field, Output(size=size), device=pick_device("cpu", 1))
    monkeypatch.setattr(rendering, "BAND", band)
    for threads in (1, 3):
        cut = render(field, Output(size=size), device=pick_device("cpu", threads))
        assert np.array_equal(cut, whole)


@pytest.mark.parametrize("blend", [0, 2])
@pytest.mark.parametrize(
    "shown", [{}, {"scale": 2}, {"size": (25, 35)}, {"region": ((3, 40), (9, 60)), "scale": 1.5}]
)
def test_bands_are_the_rows_of_the_decode(field, shown, blend, monkeypatch):
    options = {**shown, "blend": blend, "fill": (7, 8, 9)}
    whole = field.decode(**options, device="cpu")
    assert (whole[~field.covered(Output(**shown))] == (7, 8, 9)).all()
    monkeypatch.setattr(rendering, "BAND", 600)
    monkeypatch.setattr(blending, "BAND", 600)
    made = field.bands(Output(**options), CPU)
    bands = list(made.bands)
    assert made.shape == whole.shape
    assert len(bands) > 1
    assert np.array_equal(np.concatenate(bands), whole)
    assert np.array_equal(field.decode(**options, device="cpu"), whole)


def test_what_cannot_be_is_said_before_the_first_band(field):
    with pytest.raises(ConfigError, match="both"):
        field.bands(Output(size=(5, 5), scale=2))


def test_values_that_are_not_finite_end_the_bands(field):
    from dataclasses import replace

    huge = replace(field, weights={n: np.full_like(w, 3e38) for n, w in field.weights.items()})
    made = huge.bands(WHOLE, CPU)
    with pytest.raises(FitError, match=r"the network of region \d+ gives values that are not finite"):
        list(made.bands)


def test_a_large_output_is_never_there_whole():
    """8 Mpx in bands: less than its samples in single precision take."""
    field = api.fit(textured(64, 64, 1), grid=(2, 2), steps=1, hidden_features=4, device="cpu")
    next(iter(field.bands(WHOLE, CPU).bands))
    tracemalloc.start()
    try:
        made = field.bands(Output(scale=45), CPU)
        assert sum(len(band) for band in made.bands) == made.shape[0] == 2880
        assert tracemalloc.get_traced_memory()[1] < 4 * 2880 * 2880 * 0.75
    finally:
        tracemalloc.stop()
