"""Which packages a file needs beside inrfit: those that add the names in its header, as metadata of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from inrfit.codec.header import Header
from inrfit.errors import ContainerError
from inrfit.registry import TABLE, added, knows

MAX_NEEDS = 64
"""Most packages of a file."""

MAX_TEXT = 256
"""Most characters of a text in it."""

MAX_BYTES = 1 << 16
"""Most bytes of all of them."""


class Need(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """A name of the header that is not inrfit's own.

    Attributes:
        kind, name: as in the table, for example "activation" and "sinc".
        package: that adds it, or the module that was imported by name.
        version: of the package that wrote the file; empty for a module.
    """

    kind: str
    name: str
    package: str
    version: str = ""


def encode(header: Header) -> bytes:
    """Return what a header needs as bytes; empty where all of its names are inrfit's own."""
    found = []
    for kind, name in _named(header):
        if name not in TABLE[kind] and (plugin := added(kind).get(name)) is not None:
            found.append(Need(kind=kind, name=name, package=plugin.package, version=plugin.version))
    return msgspec.msgpack.encode(found) if found else b""


def decode(data: bytes, name: str) -> list[Need]:
    """Return the packages in `data`; `name` is what messages call the file.

    Raises:
        ContainerError: it is not what `encode` returns.
    """
    if len(data) > MAX_BYTES:
        raise ContainerError(
            f"{name} has a list of packages of {len(data)} bytes, allowed: at most {MAX_BYTES}"
        )
    try:
        found = msgspec.msgpack.decode(data, type=list[Need]) if data else []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise ContainerError(f"{name} has a list of packages that cannot be read: {error}") from error
    texts = [text for need in found for text in msgspec.structs.astuple(need)]
    if len(found) > MAX_NEEDS or not all(len(text) <= MAX_TEXT and text.isprintable() for text in texts):
        raise ContainerError(
            f"{name} has a list of packages that cannot be, allowed: at most {MAX_NEEDS} of at most {MAX_TEXT} "
            "printable characters"
        )
    return found


def check(header: Header, data: bytes, name: str) -> None:
    """Refuse a file with a name that another package adds, which is not there; of other names nothing is known here.

    Args:
        header: of the file.
        data: what `encode` returned when it was written; empty for a file that needs nothing else.
        name: what messages call the file.

    Raises:
        ContainerError: it needs a package that is not there, or not in a version that knows the name.
    """
    needs: Mapping[tuple[str, str], Need] = {(need.kind, need.name): need for need in decode(data, name)}
    for named in _named(header) if needs else ():
        if named in needs and not knows(*named):
            raise _missing(needs[named], name)


def _missing(need: Need, name: str) -> ContainerError:
    """Return the error for a package that is not there."""
    start = f"{name}: {need.kind} {need.name!r} comes from the"
    if not need.version:
        return ContainerError(
            f"{start} module {need.package}, which was not imported",
            hint=f"inrfit --import {need.package}, before the command",
        )
    installed = _installed(need.package)
    if installed is None:
        return ContainerError(
            f"{start} package {need.package} {need.version}, which is not installed",
            hint=f"pip install {need.package}",
        )
    return ContainerError(
        f"{start} package {need.package} {need.version}; {installed}, which is installed, does not have it",
        hint=f"pip install {need.package}=={need.version}",
    )


def _installed(package: str) -> str | None:
    """Return the version of a package that is installed; None where there is none."""
    from importlib.metadata import PackageNotFoundError, version  # only where it is needed: it takes long

    try:
        return version(package)
    except (PackageNotFoundError, ValueError):
        return None


def _named(header: Header) -> Iterator[tuple[str, str]]:
    """Yield the names in a header that the table knows, each with its kind."""
    yield "signal", header.signal.kind
    yield "model", header.model.name
    for kind in ("activation", "encoding", "output"):
        yield kind, getattr(header.model, kind)
