"""WAV files that are not as they ought to be: headers that were never finished, and chunks around the samples."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from inrfit import io
from inrfit.errors import InputError

VALUES = np.arange(-249, 251, dtype=np.int16)
UNKNOWN = 0xFFFFFFFF
TITLE = b"LIST" + struct.pack("<I", 18) + b"INFOINAM" + struct.pack("<I", 5) + b"abcd\0\0"
ODD = b"note" + struct.pack("<I", 3) + b"abc"
NOTE = "its header was never finished"


def wav(
    form: bytes = b"RIFF",
    riff: int | None = None,
    data: int | None = None,
    before: bytes = b"",
    after: bytes = b"",
    samples: bytes | None = None,
) -> bytes:
    """Return a file chunk by chunk, with sizes as they are or as they are given."""
    order = ">" if form == b"RIFX" else "<"
    held = VALUES.astype(f"{order}i2").tobytes() if samples is None else samples
    layout = struct.pack(f"{order}HHIIHH", 1, 1, 8000, 16000, 2, 16)
    body = b"WAVE" + before + b"fmt " + struct.pack(f"{order}I", len(layout)) + layout
    body += b"data" + struct.pack(f"{order}I", len(held) if data is None else data) + held + after
    return form + struct.pack(f"{order}I", len(body) if riff is None else riff) + body


def ds64(size: int) -> bytes:
    return b"ds64" + struct.pack("<IQQQI", 28, size, size, size, 0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (wav(), ""),
        (wav(before=TITLE), ""),
        (wav(after=TITLE), ""),
        (wav(before=ODD + b"\0"), ""),
        (wav(before=ODD), ""),  # lacks the byte after a chunk of odd size
        (wav(riff=0, data=0), NOTE),
        (wav(data=0), NOTE),
        (wav(riff=8, data=0, before=TITLE), NOTE),
        (wav(b"RIFX", riff=0, data=0), NOTE),
        (wav(riff=UNKNOWN, data=UNKNOWN), ""),  # programs write so that do not know the size
        (wav(riff=0x7FFFFFFF, data=0x7FFFFFFF), ""),
        (wav(b"RF64", riff=UNKNOWN, data=UNKNOWN), NOTE),
        (wav(b"RF64", riff=UNKNOWN, data=UNKNOWN, before=ds64(0)), NOTE),
        (wav(b"RF64", riff=UNKNOWN, data=UNKNOWN, before=ds64((1 << 64) - 1)), NOTE),
        (wav(b"RF64", riff=UNKNOWN, data=UNKNOWN, before=ds64(1000)), ""),
        (wav(data=9000), "it is cut off: 9000 bytes announced, 1000 there"),
        (wav(data=0x80000000), "it is cut off"),
        (wav(b"RF64", riff=UNKNOWN, data=UNKNOWN, before=ds64(5000)), "it is cut off"),
        (wav(samples=VALUES.tobytes() + b"\1"), ""),  # half a sample at the end
        (wav(samples=VALUES.tobytes() + b"\1", after=b"\0" + TITLE), ""),
    ],
)
def test_samples_are_read_as_far_as_they_are_there(data: bytes, words: str) -> None:
    signal = io.read(data, name="x.wav")
    assert np.array_equal(signal.dense()[:, 0], VALUES)
    assert round(signal.domain.per_unit) == 8000
    assert len(signal.info.notes) == bool(words)
    assert all(words in note for note in signal.info.notes)


@pytest.mark.parametrize("before", [b"", ODD])
def test_tags_before_the_samples_are_kept(before: bytes) -> None:
    assert io.read(wav(riff=0, data=0, before=before + TITLE), name="x.wav").info.tags["title"] == "abcd"


@pytest.mark.parametrize("after", [b"", TITLE, ODD + b"\0", ODD + b"\0" + TITLE])
def test_a_file_without_samples_has_none(after: bytes) -> None:
    with pytest.raises(InputError, match=r"x\.wav: holds no samples"):
        io.read(wav(samples=b"", after=after), name="x.wav")


@pytest.mark.parametrize("data", [wav()[:30], b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVE" + ODD * 20_000])
def test_what_has_no_samples_at_all_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"x\.wav: "):
        io.read(data, name="x.wav")
