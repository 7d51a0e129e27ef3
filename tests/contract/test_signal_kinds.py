"""What every kind of signal of the registry must do, by name; what one kind alone does is tested beside its file."""

from __future__ import annotations

import io as memory
import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make.data import textured
from PIL import Image

from inrfit import api, io, registry
from inrfit.codec.write import dumps
from inrfit.domain import Domain
from inrfit.errors import ConfigError
from inrfit.io.config import ReadConfig
from inrfit.signal import Signal, SignalInfo
from inrfit.testing import fields, signals

KINDS = registry.names("signal")

SMALL = {"hidden_features": 5, "hidden_layers": 0, "steps": 3, "device": "cpu"}


@dataclass(frozen=True, kw_only=True)
class Maker:
    """How tiny files of a kind are made, and what is known of them.

    Attributes:
        make: shape -> the bytes of a file.
        suffix: of the file.
        whole: shape of the usual one, odd on every axis.
        grid: cells per axis, at least two on the first and one of those left out by a crop.
        single: shape of the least one: a single sample, or a single frame; None where there is none.
        more: shape of a part that is put beside the usual one; None where a kind cannot be extended.
        side: where it is put.
        words: how the files are read.
        knows: facts of domain and info that must survive, by name.
        exact: whether the default format gives samples back as they are.
        fewer: numbers of modules that only make tests longer, and what they are here.
    """

    make: Callable[[tuple[int, ...]], bytes]
    suffix: str
    whole: tuple[int, ...]
    grid: tuple[int, ...]
    single: tuple[int, ...] | None = None
    more: tuple[int, ...] | None = None
    side: str = ""
    words: Mapping[str, Any] = field(default_factory=dict)
    knows: Mapping[str, Callable[[Domain, SignalInfo], bool]] = field(default_factory=dict)
    exact: bool = True
    fewer: Mapping[str, int] = field(default_factory=dict)


def a_picture(shape: tuple[int, ...]) -> bytes:
    file = memory.BytesIO()
    exif = Image.Exif()
    exif[315] = "Someone"
    Image.fromarray(textured(*shape)).save(file, "PNG", icc_profile=profile(), exif=exif)
    return file.getvalue()


@cache
def profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def a_sound(shape: tuple[int, ...]) -> bytes:
    import soundfile

    file = memory.BytesIO()
    t = np.arange(shape[0]) / 8000
    samples = np.stack([0.5 * np.sin(2 * np.pi * 440 * t), 0.3 * np.cos(2 * np.pi * 330 * t)], axis=1)
    with soundfile.SoundFile(file, "w", 8000, 2, "PCM_16", format="WAV") as wav:
        wav.title = "A tone"
        wav.write(samples)
    return file.getvalue()


def a_clip(shape: tuple[int, ...]) -> bytes:
    import imageio_ffmpeg

    frames, height, width = shape
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mkv"
        writer = imageio_ffmpeg.write_frames(
            str(path), (width, height), fps=10, codec="ffv1", pix_fmt_out="bgr0", macro_block_size=1
        )
        writer.send(None)
        for number in range(frames):
            writer.send(np.ascontiguousarray(np.roll(textured(height, width), number, axis=1)))
        writer.close()
        return path.read_bytes()


def a_shape(shape: tuple[int, ...]) -> bytes:
    import trimesh

    return bytes(trimesh.creation.icosphere(subdivisions=1, radius=2.0).export(file_type="ply"))


def a_volume(shape: tuple[int, ...]) -> bytes:
    z, y, x = np.indices(shape)
    file = memory.BytesIO()
    np.save(file, np.rint(1500 * np.sin(z / 2) * np.cos(y / 3 + x / 4)).astype(np.int16))
    return file.getvalue()


MAKERS = {
    "image": Maker(
        make=a_picture,
        suffix=".png",
        whole=(13, 17),
        grid=(3, 2),
        single=(1, 1),
        more=(13, 5),
        side="right",
        knows={
            "profile": lambda domain, info: info.icc == profile(),
            "exif": lambda domain, info: bool(info.exif),
        },
    ),
    "audio": Maker(
        make=a_sound,
        suffix=".wav",
        whole=(401,),
        grid=(3,),
        single=(1,),
        more=(99,),
        side="after",
        knows={
            "rate": lambda domain, info: domain.per_unit == pytest.approx(8000),
            "title": lambda domain, info: "A tone" in info.tags.values(),
        },
    ),
    "video": Maker(
        make=a_clip,
        suffix=".mkv",
        whole=(5, 7, 9),
        grid=(3, 1, 1),
        single=(1, 7, 9),
        more=(3, 7, 9),
        side="after",
        knows={"rate": lambda domain, info: domain.per_unit == pytest.approx(10)},
    ),
    "shape": Maker(
        make=a_shape,
        suffix=".ply",
        whole=(),
        grid=(3, 2, 2),
        words={"resolution": 9},
        knows={"place": lambda domain, info: all(c < 0 < c + n * s for c, n, s in fields.ends(domain))},
        exact=False,
        fewer={"inrfit.compare.shape.PLACES": 2000, "inrfit.compare.shape.ON_SURFACE": 500},
    ),
    "volume": Maker(
        make=a_volume,
        suffix=".npy",
        whole=(7, 9, 5),
        grid=(3, 2, 1),
        single=(1, 1, 1),
        more=(3, 9, 5),
        side="back",
        words={"spacing": (2.5, 0.7, 0.5)},
        knows={"spacing": lambda domain, info: domain.spacing == (2.5, 0.7, 0.5)},
    ),
}


@cache
def data_of(kind: str, which: str = "whole") -> bytes:
    maker = MAKERS[kind]
    return maker.make(getattr(maker, which))


def config_of(kind: str) -> ReadConfig:
    return ReadConfig(kind=kind, **MAKERS[kind].words)


@cache
def signal_of(kind: str, which: str = "whole") -> Signal:
    return api.read(data_of(kind, which), config_of(kind))


def words_of(kind: str, **more: Any) -> dict[str, Any]:
    return {**SMALL, "kind": kind, **MAKERS[kind].words, "grid": MAKERS[kind].grid, **more}


@cache
def field_of(kind: str) -> Any:
    return api.fit(signal_of(kind), **words_of(kind))


@cache
def file_of(kind: str) -> bytes:
    return dumps(field_of(kind))


def test_there_is_a_maker_for_every_kind():
    assert set(KINDS) <= set(MAKERS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_name_is_that_of_the_table_and_the_suffix_finds_it(kind):
    suffix = MAKERS[kind].suffix
    signals.is_found(kind, signal_of(kind), suffix)
    first = next(name for name in KINDS if suffix in io.kind_of(name).suffixes)
    if first == kind:
        assert io.read(data_of(kind), ReadConfig(**MAKERS[kind].words), name="a" + suffix).info.kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_those_of_a_window_on_the_scale_of_a_network(kind):
    # far from a surface a distance may be a cheaper one
    signals.samples_agree(signal_of(kind), 1e-6 if MAKERS[kind].exact else 0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_gives_back_the_field_and_what_is_known(kind, tmp_path):
    field, signal, path = field_of(kind), signal_of(kind), tmp_path / "a.inr"
    path.write_bytes(file_of(kind))
    back = api.load(path)
    assert np.array_equal(back.decode(), field.decode())
    assert back.psnr == field.psnr
    assert math.isfinite(back.psnr)
    assert back.domain == signal.domain
    assert signals.known(back.info) == signals.known(signal.info)
    assert back.info.sha256
    for name, holds in MAKERS[kind].knows.items():
        assert holds(back.domain, back.info), name


@pytest.mark.parametrize("kind", [kind for kind in KINDS if MAKERS[kind].single])
def test_a_single_sample_or_frame_is_a_signal(kind):
    signal = signal_of(kind, "single")
    assert signal.domain.shape == MAKERS[kind].single
    field = api.fit(signal, **words_of(kind, grid=None, partition="none"))
    values = api.decode(dumps(field))
    assert values.shape == signal.dense().shape
    assert io.kind_of(kind).describe(signal)


@pytest.mark.parametrize("kind", KINDS)
def test_a_crop_decodes_to_the_same_bits(kind):
    fields.crop_has_the_same_bits(file_of(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_region_decodes_to_its_window_of_the_whole(kind):
    signals.regions_are_windows(file_of(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_ends_of_ranges_are_seconds_on_axes_of_time_and_samples_on_others(kind):
    fields.ranges_are_typed(file_of(kind))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if MAKERS[kind].more is not None])
def test_an_extension_keeps_the_old_part_bit_for_bit(kind):
    more = data_of(kind, "more")
    fields.extension_keeps_the_old_part(
        file_of(kind), more, MAKERS[kind].side, signal_of(kind, "more").domain
    )


@pytest.mark.parametrize("kind", [kind for kind in KINDS if MAKERS[kind].more is None])
def test_what_cannot_be_extended_says_so(kind):
    with pytest.raises(ConfigError, match="cannot be extended"):
        api.extend(file_of(kind), data_of(kind), side="right", steps=2)


@pytest.mark.parametrize("kind", KINDS)
def test_interrupted_and_resumed_gives_the_same_bytes(kind):
    fields.resumed_is_the_same(signal_of(kind), file_of(kind), **words_of(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_the_number_of_threads_changes_no_byte(kind):
    fields.threads_change_nothing(signal_of(kind), **words_of(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_decoding_at_another_size_spans_the_same_extent(kind):
    fields.sizes_span_the_extent(file_of(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_eval_gives_finite_numbers(kind, monkeypatch):
    for name, number in MAKERS[kind].fewer.items():
        monkeypatch.setattr(name, number)
    fields.quality_is_finite(file_of(kind), data_of(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_read_back_and_other_formats_are_refused(kind):
    signals.is_written(kind, signal_of(kind), config_of(kind), exact=MAKERS[kind].exact)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if MAKERS[kind].exact])
def test_holes_of_a_crop_are_written_as_they_are_decoded(kind):
    fields.holes_are_written(file_of(kind), config_of(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_has_pictures_of_one_shape(kind):
    fields.pictures_have_one_shape(file_of(kind), signal_of(kind))
