"""Cuts a `.inr` file into its pieces by the words of `docs/format.md`, for second readers; nothing of inrfit is used."""

from __future__ import annotations

import struct
import zlib

import msgspec


def cut(data: bytes) -> tuple[list, list, bytes, list[bytes]]:
    """Return header and index as plain lists, the ids filled in, the shared weights, and the weights of each region."""
    assert data[:12] == bytes.fromhex("89494E520D0A1A0A") + b"\1\0\0\0"
    assert int.from_bytes(data[12:16], "little") == zlib.crc32(data[:12])
    offset, payloads = 16, []
    for wanted in (b"HEAD", b"INDX", b"SHRD"):
        tag, length, checksum = struct.unpack_from("<4sII", data, offset)
        payload = data[offset + 12 : offset + 12 + length]
        assert (tag, checksum) == (wanted, zlib.crc32(data[offset : offset + 8] + payload))
        payloads.append(payload)
        offset += 12 + length
    head, index = (msgspec.msgpack.decode(payload) for payload in payloads[:2])
    index[0] = index[0] or list(range(len(index[1])))
    offset += index[5]
    parts = []
    for length in index[1]:
        parts.append(data[offset : offset + length])
        assert data[offset + length : offset + length + 4] == struct.pack("<I", zlib.crc32(parts[-1]))
        offset += length + 4
    assert offset == len(data)
    return head, index, payloads[2], parts


def errors(codes: bytes) -> list[float]:
    """Return the mean squared errors of the regions from the field `mse` of an index."""
    found = struct.unpack(f"<{len(codes) // 2}H", codes)
    return [2 ** ((u - 61440) / 1024) if u else 0 for u in found]
