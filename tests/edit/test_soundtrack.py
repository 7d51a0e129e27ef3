"""The sound of a decoded clip is that of the time its frames are shown, whatever their rate."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import soundfile

from inrfit import api
from inrfit.edit.soundtrack import heard
from inrfit.io.video_write import shown_from
from inrfit.models.field import Field

FAST = {"steps": 2, "hidden_features": 4, "hidden_layers": 0, "device": "cpu"}


@pytest.fixture(scope="module")
def track() -> Field:
    """Two and a half seconds of sound at 1000 Hz."""
    values = np.sin(np.arange(2500) / 7).astype(np.float32)
    return api.fit(values, kind="audio", spacing=(0.001,), **FAST)


@pytest.fixture(scope="module")
def clip(track: Field) -> Field:
    """Three seconds of frames, 8 of them each second, with the sound."""
    frames = np.random.default_rng(0).integers(0, 256, (24, 4, 4), np.uint8)
    field = api.fit(frames, kind="video", spacing=(0.125,), **FAST)
    return replace(field, info=replace(field.info, sound=api.to_bytes(track)))


@pytest.mark.parametrize("frames", [24, 6, 3, 48, 23])
@pytest.mark.parametrize(("first", "last"), [(0, 24), (8, 16)])
def test_other_frame_rates_keep_the_sound_in_its_place(
    clip: Field, track: Field, frames: int, first: int, last: int
) -> None:
    bands = clip.bands(size=(frames, 4, 4), region=((first, last), (None, None), (None, None)), device="cpu")
    made = heard(bands, device="cpu", threads=1)
    begin = shown_from(clip.info, bands.domain)
    end = begin + bands.shape[0] * 3 / frames
    wanted = track.decode(region=((round(begin * 1000), min(2500, round(end * 1000))),), device="cpu")
    found, rate = soundfile.read(BytesIO(made.info.sound or b""), dtype="float32", always_2d=True)
    assert rate == 1000
    assert np.array_equal(found, wanted)
    assert shown_from(made.info, made.domain) == pytest.approx(0)
    if (first, last) == (0, 24):
        assert begin == pytest.approx(0)
        assert len(found) == 2500


def test_a_track_that_begins_later_is_put_later(clip: Field, track: Field) -> None:
    part = api.crop(api.to_bytes(track), region=((500, 2500),))
    late = replace(clip, info=replace(clip.info, sound=part))
    begin = api.load(part).domain.corner[0]
    assert begin > 0
    for frames in (24, 6):
        bands = late.bands(size=(frames, 4, 4), device="cpu")
        made = heard(bands, device="cpu", threads=1)
        assert shown_from(made.info, made.domain) == pytest.approx(-begin)
