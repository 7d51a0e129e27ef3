import numpy as np
import pytest

from inrfit.decibel import unit_decibel
from inrfit.domain import image_domain
from inrfit.errors import InputError
from inrfit.metrics.fidelity import psnr
from inrfit.signal import INTEGER_RANGES, ArraySignal, Bands, SignalInfo


@pytest.mark.parametrize(("dtype", "top"), [("uint8", 255), ("uint16", 65535)])
def test_integers_survive_the_unit_range_exactly(dtype, top):
    info = SignalInfo(dtype=dtype, value_range=(0.0, float(top)))
    values = np.arange(top + 1, dtype=dtype)
    unit = info.to_unit(values)
    assert unit.min() == -1
    assert unit.max() == 1
    assert np.array_equal(info.from_unit(unit), values)


def test_values_outside_are_clipped():
    assert SignalInfo().from_unit([-3.0, 0.0, 7.0]).tolist() == [0, 128, 255]


def test_floats_keep_their_range():
    info = SignalInfo(dtype="float32", value_range=(-2.0, 6.0))
    assert info.to_unit([-2.0, 2.0, 6.0]).tolist() == [-1.0, 0.0, 1.0]
    assert info.from_unit([-1.0, 0.5]).tolist() == [-2.0, 4.0]


def test_windows_and_samples_count_from_the_origin():
    values = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    domain = image_domain(3, 4)
    shifted = type(domain)(
        shape=(3, 4), axes=domain.axes, units=domain.units, spacing=domain.spacing, origin=(-1, 2)
    )
    signal = ArraySignal(values=values, domain=shifted)
    assert signal.dense(((0, 2), (3, 5)))[..., 0].tolist() == [[5, 6], [9, 10]]
    assert signal.info.from_unit(signal.sample(np.array([[-1, 2], [1, 5]])))[:, 0].tolist() == [0, 11]


def test_shapes_and_types_are_checked():
    with pytest.raises(InputError, match="does not fit"):
        ArraySignal(values=np.zeros((2, 2, 1), np.uint8), domain=image_domain(3, 2))
    with pytest.raises(InputError, match="sample type"):
        ArraySignal(values=np.zeros((2, 2, 1), np.int64), domain=image_domain(2, 2))


def test_conversion_in_parts_changes_nothing(monkeypatch):
    info = SignalInfo(dtype="uint16", value_range=(0.0, 65535.0))
    values = np.arange(60, dtype=np.uint16).reshape(4, 5, 3)[::-1] * 1000
    whole = info.to_unit(values)
    monkeypatch.setattr("inrfit.signal.PART", 7)
    assert np.array_equal(info.to_unit(values), whole)
    assert np.array_equal(info.from_unit(whole), values)
    assert info.from_unit(np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("dtype", ["int16", "int32"])
@pytest.mark.parametrize("colour", ["waveform", "channels"])
def test_a_range_about_0_neither_wraps_nor_loses_samples(dtype, colour):
    low, high = INTEGER_RANGES[dtype]
    info = SignalInfo(dtype=dtype, value_range=(low, -low), colour=colour)
    assert info.from_unit([-1.0, 0.0, 1.0]).tolist() == [low, 0, high]
    if dtype == "int16":
        values = np.arange(-32768, 32768).astype(dtype)
        assert np.array_equal(info.from_unit(info.to_unit(values)), values)


@pytest.mark.parametrize(
    ("colour", "peak", "peak_range"),
    [
        ("waveform", 1.0, (0.0, 8.0)),
        ("distance", 1.0, (0.0, 8.0)),
        ("occupancy", 2.0, (-8.0, 8.0)),
        ("rgb", 2.0, (-8.0, 8.0)),
    ],
)
def test_the_peak_is_the_high_end_of_what_swings_about_0(colour, peak, peak_range):
    info = SignalInfo(dtype="float32", value_range=(-8.0, 8.0), colour=colour)
    assert (info.peak, info.peak_range) == (peak, peak_range)
    target, made = np.float32([-8, 0, 4]), np.float32([-8, 1, 4])
    error = np.square(info.to_unit(target) - info.to_unit(made)).mean()
    assert unit_decibel(float(error), info.peak) == pytest.approx(
        psnr(target, made, info.peak_range), abs=1e-6
    )


def test_bands_are_one_array_in_pieces():
    values = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)
    info = SignalInfo(colour="grey-alpha")
    bands = Bands(bands=iter([values[:1], values[1:]]), domain=image_domain(4, 3), channels=2, info=info)
    assert bands.shape == (4, 3, 2)
    assert np.array_equal(bands.array(), values)
    part = Bands.of(values[:2, :1], image_domain(4, 3), info)
    assert (part.domain.shape, part.channels, part.shape) == ((2, 1), 2, (2, 1, 2))
    assert np.array_equal(part.array(), values[:2, :1])
