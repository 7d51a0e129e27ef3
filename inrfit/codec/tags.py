"""Tags of a signal as bytes: text by name, as one MessagePack map; what the names mean is known to `io`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from inrfit.errors import ContainerError

MAX_TAGS = 1024
"""Most tags of a file."""


def encode(tags: Mapping[str, str]) -> bytes:
    """Return tags as bytes; empty where there are none."""
    return msgspec.msgpack.encode(dict(sorted(tags.items()))) if tags else b""


def decode(data: bytes, name: str) -> dict[str, str]:
    """Return the tags in `data`.

    Args:
        data: what `encode` returned.
        name: what messages call the file.

    Raises:
        ContainerError: it is no map of text.
    """
    if not data:
        return {}
    count = _count(data)
    if count > MAX_TAGS:
        raise ContainerError(f"{name} has {count} tags, allowed: at most {MAX_TAGS}")
    try:
        found = msgspec.msgpack.decode(data, type=dict[str, str])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise ContainerError(f"{name} has tags that cannot be read: {error}") from error
    return found


def _count(data: bytes) -> int:
    """Return the entries of a MessagePack map by its first bytes; 0 for anything else."""
    size = {0xDE: 2, 0xDF: 4}.get(data[0], 0)
    few = data[0] & 0xF if data[0] >> 4 == 0x8 else 0
    return int.from_bytes(data[1 : 1 + size], "big") if size else few
