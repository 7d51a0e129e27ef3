"""The comments at the head of a FLAC file; see RFC 9639, sections 8.1 and 8.6. No samples."""

from __future__ import annotations

import struct
from typing import IO

COMMENTS = 4
"""Type of the block that holds them."""

MASK = "WAVEFORMATEXTENSIBLE_CHANNEL_MASK"
"""Name of the comment that says where channels belong, where they have not their usual places."""


def with_speakers(file: IO[bytes], number: int) -> bytes:
    """Read what is before the first frame, and return it with a comment that says where channels belong.

    Args:
        file: a FLAC file that is whole, at its start; behind it is at its first frame.
        number: where channels belong; see `speakers`.
    """
    made, last = [file.read(4)], False
    while not last:
        head = file.read(4)
        last, kind = head[0] >= 0x80, head[0] & 0x7F
        data = file.read(int.from_bytes(head[1:], "big"))
        if kind == COMMENTS:
            data = _with_comment(data, f"{MASK}=0x{number:04X}".encode())
        made += [head[:1], len(data).to_bytes(3, "big"), data]
    return b"".join(made)


def _with_comment(data: bytes, text: bytes) -> bytes:
    """Return a block of comments with one more."""
    at = 4 + struct.unpack_from("<I", data)[0]
    count = struct.unpack_from("<I", data, at)[0]
    return data[:at] + struct.pack("<I", count + 1) + data[at + 4 :] + struct.pack("<I", len(text)) + text
