"""Folders as streams of crops: which files, which windows, what is skipped and kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from make.cli import save
from make.data import textured

from inrfit import io
from inrfit.errors import ConfigError, InputError
from inrfit.io.config import ReadConfig
from inrfit.meta import folder
from inrfit.meta.config import MetaConfig
from inrfit.meta.folder import Folder, find, split
from inrfit.signal import ArraySignal, Signal

IMAGE = ReadConfig(kind="image")
CONFIG = MetaConfig(size=8, seed=3)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [save(tmp_path / f"{n}.png", textured(12 + n, 20)) for n in range(4)]


def values(signal: Signal) -> np.ndarray:
    assert isinstance(signal, ArraySignal)
    return signal.values


def test_a_crop_is_a_function_of_seed_step_and_number(files: list[Path]) -> None:
    one, other = Folder(files, IMAGE, CONFIG), Folder(files, IMAGE, CONFIG)
    late = values(other.crop(7, 1))
    crops = [values(one.crop(step, number)) for step in range(8) for number in range(2)]
    assert np.array_equal(crops[-1], late)
    assert len({crop.tobytes() for crop in crops}) > 12
    assert {crop.shape for crop in crops} == {(8, 8, 3)}
    moved = Folder(files, IMAGE, replace(CONFIG, seed=4))
    assert not np.array_equal(values(moved.crop(7, 1)), late)


def test_crops_are_windows_of_the_files_some_of_them_mirrored(files: list[Path]) -> None:
    whole = [values(io.read(file)) for file in files]
    windows = {
        w[y : y + 8, x : x + 8].tobytes()
        for w in whole
        for y in range(w.shape[0] - 7)
        for x in range(w.shape[1] - 7)
    }
    found = [values(Folder(files, IMAGE, CONFIG).crop(step, 0)) for step in range(24)]
    straight = [crop.tobytes() in windows for crop in found]
    mirrored = [np.ascontiguousarray(crop[:, ::-1]).tobytes() in windows for crop in found]
    assert all(a or b for a, b in zip(straight, mirrored, strict=True))
    assert 4 < sum(straight) < 20
    plain = Folder(files, IMAGE, replace(CONFIG, augment=False))
    assert all(values(plain.crop(step, 0)).tobytes() in windows for step in range(24))


def test_domains_of_crops_begin_at_zero(files: list[Path]) -> None:
    domain = Folder(files, IMAGE, CONFIG).crop(0, 0).domain
    assert (domain.shape, domain.origin) == ((8, 8), (0, 0))


def test_bad_and_small_files_are_skipped_once_and_the_rest_stays_the_same(
    files: list[Path], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    small = save(tmp_path / "small.png", textured(7, 30))
    told: list[tuple[str, str]] = []
    entries = [bad, *files, small]
    one = Folder(entries, IMAGE, CONFIG, on_skip=lambda name, reason: told.append((name, reason)))
    crops = [values(one.crop(step, 0)) for step in range(20)]
    again = Folder(entries, IMAGE, CONFIG)
    assert all(np.array_equal(values(again.crop(step, 0)), crops[step]) for step in reversed(range(20)))
    assert sorted(name for name, _ in told) == [str(bad), str(small)]
    assert dict(told)[str(small)] == "has 7x30 samples, fewer than --size 8 along an axis"
    assert "is not an image" in one.skipped[str(bad)] or "is no file" in one.skipped[str(bad)]


def test_nothing_left_is_one_error(tmp_path: Path) -> None:
    small = [save(tmp_path / f"{n}.png", textured(5, 5)) for n in range(3)]
    with pytest.raises(InputError, match="none of the 3 signals can be used"):
        Folder(small, IMAGE, CONFIG)


def test_whole_views_show_all_of_the_shorter_side(tmp_path: Path) -> None:
    file = save(tmp_path / "a.png", textured(32, 16))
    whole = Folder([file], IMAGE, replace(CONFIG, view="whole", augment=False))
    wanted = values(io.read(file)).reshape(16, 2, 8, 2, 3).mean((1, 3))
    crop = values(whole.crop(0, 0)).astype(float)
    errors = [np.abs(crop - wanted[y : y + 8]).mean() for y in range(9)]
    assert crop.shape == (8, 8, 3)
    assert min(errors) < 6 < sorted(errors)[4]
    with pytest.raises(ConfigError, match="--view whole is for images"):
        Folder([file], ReadConfig(kind="audio"), replace(CONFIG, view="whole"))


def test_images_are_brought_to_the_channels_of_most(tmp_path: Path) -> None:
    grey = [save(tmp_path / f"g{n}.png", textured(9, 9, 1)) for n in range(2)]
    colour = [save(tmp_path / f"c{n}.png", textured(9, 9, 3)) for n in range(3)]
    clear = save(tmp_path / "t.png", np.dstack([textured(9, 9), np.full((9, 9), 7, np.uint8)]))
    mixed = Folder([*grey, *colour, clear], IMAGE, CONFIG)
    assert mixed.channels == 3
    assert {mixed.crop(step, 0).channels for step in range(20)} == {3}
    assert mixed.notes == ["signals differ in channels; all are brought to 3", "transparency is left out"]
    light = Folder([*grey, colour[0]], IMAGE, CONFIG)
    assert (light.channels, light.skipped) == (1, {})
    assert {light.crop(step, 0).info.colour for step in range(20)} == {"grey"}


def test_memory_bounds_what_is_kept(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []
    read = io.read
    monkeypatch.setattr(folder.io, "read", lambda path, config: (reads.append(path), read(path, config))[1])
    ample = Folder(files, IMAGE, CONFIG)
    before = len(reads)
    first = [values(ample.crop(step, 0)) for step in range(30)]
    assert len(reads) - before == len(files)
    scarce = Folder(files, IMAGE, CONFIG, memory=1000)
    before = len(reads)
    assert all(np.array_equal(values(scarce.crop(step, 0)), first[step]) for step in range(30))
    assert len(reads) - before > 20


def test_held_out_signals_are_chosen_by_name(tmp_path: Path) -> None:
    entries: list[folder.Entry] = [tmp_path / f"{n}.png" for n in range(50)]
    learned, held = split(entries, 0.1)
    assert len(held) == 5
    assert sorted([*learned, *held]) == sorted(entries)
    moved: list[folder.Entry] = [tmp_path / "below" / f"{n}.png" for n in range(50)]
    assert [e.name for e in split(moved, 0.1)[1] if isinstance(e, Path)] == [
        e.name for e in held if isinstance(e, Path)
    ]
    assert [len(part) for part in split(entries[:2], 0.1)] == [1, 1]
    assert [len(part) for part in split(entries[:1], 0.5)] == [1, 0]
    assert [len(part) for part in split(entries, 0.0)] == [50, 0]
    assert len(split(entries * 20, 0.9)[1]) == folder.MOST_HELD_OUT


def test_centres_are_the_middle_windows(files: list[Path]) -> None:
    centres = Folder(files, IMAGE, CONFIG).centres()
    assert np.array_equal(values(centres[2]), values(io.read(files[2]))[3:11, 6:14])


def test_files_are_found_by_kind(tmp_path: Path) -> None:
    picture = save(tmp_path / "a.png", textured(8, 8))
    below = save(tmp_path / "below" / "b.png", textured(8, 8))
    (tmp_path / "c.wav").write_bytes(b"RIFF")
    (tmp_path / "notes.txt").write_text("no signal")
    assert find([tmp_path], None)[:2] == ("image", [picture])
    kind, found, notes = find([tmp_path], None, recursive=True)
    assert (kind, sorted(found)) == ("image", [picture, below])
    assert "1 files of other kinds are left out" in notes[0]
    assert find([tmp_path], "audio")[1] == [tmp_path / "c.wav"]
    assert find([str(tmp_path / "*.png")], None)[1] == [picture]
    with pytest.raises(ConfigError, match="there are no shape files"):
        find([tmp_path], "shape")
    with pytest.raises(ConfigError, match="no such file or folder"):
        find([tmp_path / "gone"], None)


def test_clips_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    for kind in (None, "video"):
        with pytest.raises(ConfigError, match="fields of clips cannot be meta-trained") as caught:
            find([tmp_path], kind)
        assert "take single frames as images" in str(caught.value.hint)


def test_sounds_are_cut_and_mixed_down(tmp_path: Path) -> None:
    mono = io.read(np.sin(np.arange(500) / 9).astype(np.float32), ReadConfig(kind="audio"))
    stereo = io.read(np.ones((400, 2), np.float32) * [[0.25, 0.75]], ReadConfig(kind="audio"))
    sounds = Folder([mono, mono, stereo], ReadConfig(kind="audio"), replace(CONFIG, size=64))
    assert sounds.channels == 1
    crops = [values(sounds.crop(step, 0)) for step in range(20)]
    assert {crop.shape for crop in crops} == {(64, 1)}
    assert any(np.allclose(crop, 0.5) for crop in crops)


def test_hidden_files_are_left_out(files: list[Path], tmp_path: Path) -> None:
    save(tmp_path / ".thumbnails" / "small.png", textured(12, 12))
    save(tmp_path / "._0.png", textured(12, 12))
    assert find([tmp_path], None, recursive=True)[1] == files


def test_sounds_of_several_rates_are_noted() -> None:
    from inrfit.domain import Domain

    def sound(rate: float) -> Signal:
        made = io.read(np.zeros(40, np.float32), ReadConfig(kind="audio"))
        assert isinstance(made, ArraySignal)
        assert isinstance(made.domain, Domain)
        return replace(made, domain=replace(made.domain, spacing=(1 / rate,)))

    made = Folder([sound(8000), sound(44100)], ReadConfig(kind="audio"), CONFIG)
    assert any("differ in sample rate (44100, 8000 Hz)" in note for note in made.notes)
    assert not Folder([sound(8000), sound(8000)], ReadConfig(kind="audio"), CONFIG).notes
