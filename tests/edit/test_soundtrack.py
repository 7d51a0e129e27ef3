"""The sound track of a clip: in its place at any frame rate, told of when it goes, and interrupted like the frames."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import soundfile

from inrfit import api, io
from inrfit.codec.chunks import SOUND, write
from inrfit.codec.container import Reader
from inrfit.device import pick_device
from inrfit.edit.crop import plan
from inrfit.edit.keep import selection
from inrfit.edit.soundtrack import heard
from inrfit.errors import ContainerError, Interrupted
from inrfit.field import Field
from inrfit.fitting.progress import Progress
from inrfit.io.config import ReadConfig
from inrfit.io.video_rate import shown_from
from inrfit.render.output import WHOLE, Output

CPU = pick_device("cpu", 1)
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
    bands = clip.bands(Output(size=(frames, 4, 4), region=((first, last), (None, None), (None, None))), CPU)
    made = heard(bands, CPU)
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
        bands = late.bands(Output(size=(frames, 4, 4)), CPU)
        made = heard(bands, CPU)
        assert shown_from(made.info, made.domain) == pytest.approx(-begin)


def test_a_track_that_goes_is_told(clip: Field) -> None:
    with Reader(api.to_bytes(clip)) as reader:
        assert plan(reader, selection(None, ((0, 8), (None, None), (None, None)), "out")).notes == ()
    copied = replace(clip, info=replace(clip.info, sound=b"RIFF"))
    with Reader(api.to_bytes(copied)) as reader:
        cut = plan(reader, selection(None, ((0, 8), (None, None), (None, None)), "out"))
        assert "its sound track goes" in cut.notes[0]
        assert api.load(b"".join(cut.blocks())).info.sound is None


def test_an_extension_tells_of_the_track_and_of_another_frame_rate(clip: Field) -> None:
    frames = np.zeros((8, 4, 4), np.uint8)
    for rate, side, words in (
        (8, "after", ("the sound track goes",)),
        (8, "before", ("the sound track goes",)),
        (10, "after", ("10 samples or frames per second, the field 8", "the sound track goes")),
    ):
        part = api.read(frames, ReadConfig(kind="video", spacing=(1 / rate,)))
        notes = api.plan_extension(clip, part, side=side, device="cpu", steps=1).notes
        assert len(notes) == len(words)
        assert all(word in note for word, note in zip(words, notes, strict=True))


def test_a_sound_track_that_is_fitted_can_be_interrupted(clip: Field) -> None:
    sound = np.sin(np.arange(2500) / 7).astype(np.float32)
    file = b"".join(io.encode(api.fit(sound, kind="audio", **FAST).bands(WHOLE, CPU), ".wav", name="x"))
    signal = api.read(np.zeros((24, 4, 4), np.uint8), ReadConfig(kind="video"))
    signal = replace(signal, info=replace(signal.info, sound=file))
    asked = []
    stop = lambda: len(asked) > 1 or asked.append(1)  # noqa: E731
    with pytest.raises(Interrupted, match="its sound track stopped after 2 of"):
        api.fit(signal, progress=Progress(stop=stop), **FAST)


def test_a_track_within_a_track_goes(clip: Field, track: Field) -> None:
    inner = replace(track, info=replace(track.info, sound=api.to_bytes(track)))
    outer = replace(clip, info=replace(clip.info, sound=api.to_bytes(inner)))
    cut = api.load(api.crop(api.to_bytes(outer), keep="1"))
    assert cut.info.sound is not None
    assert api.load(cut.info.sound).info.sound is None


def test_a_track_that_is_a_clip_is_refused_however_deep_it_is(clip: Field) -> None:
    data = api.to_bytes(clip)
    for _ in range(40):
        with Reader(data) as reader:
            data = write(reader.header, reader.index, reader.shared, {SOUND: data}, [*reader.parts()])
    with pytest.raises(
        ContainerError, match="the sound track holds a signal of kind 'video', allowed: 'audio'"
    ):
        api.crop(data, keep="1")
