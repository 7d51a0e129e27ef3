"""The awkward sounds beside the project: each gives what the reference decoder gives, or an InputError."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from inrfit import api, io
from inrfit.errors import InputError
from inrfit.io.audio_formats import bits_of, full_scale
from inrfit.signal import Bands

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
AWKWARD, MUSIC = DATA / "awkward" / "audio", DATA / "audio" / "music"
REFUSED = {
    "header_only.wav": "holds no samples",
    # libsndfile takes its 4-byte containers for 3-byte ones, and says so in its log alone.
    "hound_pcmwaveformat-24bit-4byte-48kHz-stereo.wav": "ambiguous",
}
CUT_OFF = {"truncated_data.wav"}
LOST = {"float_nan.wav"}  # samples that are not finite

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not AWKWARD.exists(), reason="the shared test material is not there"),
]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))


def reference() -> dict[str, str]:
    """Return the reference decoder's word on each sound by its name."""
    rows = (line.split("\t") for line in (DATA / "awkward" / "REFERENCE_DECODE.tsv").read_text().splitlines())
    return {Path(row[0]).name: row[1] for row in rows if row[0].startswith("awkward/audio/")}


@pytest.mark.parametrize("name", files(AWKWARD))
def test_each_is_read_as_expected_or_refused(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    verdict = reference()[name]
    try:
        signal = io.read(AWKWARD / name)
    except InputError as error:
        assert name in REFUSED or verdict.startswith("FAIL"), error.message
        assert REFUSED.get(name, "cannot be read as a sound") in error.message
        assert error.message.startswith(str(AWKWARD / name))
        assert "\n" not in error.message
    else:
        found = re.match(r"ok (\d+) Hz (\d+)ch (\d+) samples (\w+)/(\w+) peak=(\S+) nonfinite=", verdict)
        assert found is not None
        assert round(signal.domain.per_unit) == int(found[1])
        assert (signal.channels, signal.domain.shape) == (int(found[2]), (int(found[3]),))
        assert (signal.info.tags["format"], signal.info.tags["encoding"]) == (found[4], found[5])
        peak = np.abs(np.asarray(signal.dense(), np.float64)).max() / full_scale(bits_of(signal.info))
        assert peak == pytest.approx(float(found[6]), rel=5e-3)
        assert bool(signal.info.notes) == (name in CUT_OFF | LOST)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "path", [*(AWKWARD / name for name in files(AWKWARD)), *(MUSIC / name for name in files(MUSIC))]
)
def test_each_comes_back_to_the_bit_in_its_own_encoding(path: Path) -> None:
    try:
        signal = io.read(path)
    except InputError:
        return
    suffix = io.decode_suffix(signal.info)
    samples = Bands.of(signal.dense(), signal.domain, signal.info)
    data = b"".join(io.encode(samples, suffix, name=f"x{suffix}"))
    again = io.read(data, name=f"x{suffix}")
    assert np.array_equal(again.dense(), signal.dense())
    assert again.domain == signal.domain
    assert dict(again.info.tags) == dict(signal.info.tags)
    assert again.info.value_range == signal.info.value_range


@pytest.mark.parametrize("name", files(MUSIC))
def test_music_agrees_with_libsndfile(name: str) -> None:
    values, rate = soundfile.read(MUSIC / name, dtype="float64", always_2d=True)
    signal = io.read(MUSIC / name)
    assert round(signal.domain.per_unit) == rate
    assert np.array_equal(np.asarray(signal.dense()) / full_scale(bits_of(signal.info)), values)


@pytest.mark.parametrize(
    "name",
    [
        *("M1F1-uint8-AFsp.wav", "M1F1-int24-AFsp.wav", "float32_over1.wav", "one_sample.wav", "silence.wav"),
        *("hound_nonstandard-01.wav", "scipy_test-8000Hz-be-3ch-5S-24bit.wav", "truncated_data.wav"),
    ],
)
def test_a_few_are_fitted_and_decoded(name: str, tmp_path: Path) -> None:
    signal = io.read(AWKWARD / name)
    field = api.fit(AWKWARD / name, steps=2, threads=1, device="cpu")
    api.save(field, tmp_path / "x.inr")
    target = tmp_path / f"x{io.decode_suffix(field.info)}"
    values = api.decode(tmp_path / "x.inr", target, threads=1)
    again = io.read(target)
    assert values.shape == signal.dense().shape
    assert (again.domain, again.info.dtype) == (signal.domain, signal.info.dtype)
    assert again.info.tags["encoding"] == signal.info.tags["encoding"]
    assert np.isfinite(np.asarray(values, np.float64)).all()
