"""The geometry of glTF 2.0 files: triangles of a scene where its nodes put them. Materials and textures are not looked at."""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.errors import InputError
from inrfit.io.mesh_held import Held
from inrfit.io.mesh_polygons import NOWHERE, Polygons, strips
from inrfit.surface import Points

NUMBERS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
"""Types of numbers."""

TRIANGLES, STRIP, FAN = 4, 5, 6
"""Modes that are surfaces; the others are points and lines."""

MOST_JSON = 1 << 26
"""Most bytes of the description of a `.glb` file, which takes some twenty times its size in memory."""

COPIES = 2_000_000
"""Corners of triangles that nodes may make of a mesh that stands there once; a larger file may have as many as its bytes."""

KNOWN = ("KHR_mesh_quantization", "KHR_texture_transform", "EXT_texture_webp", "KHR_texture_basisu")
"""Extensions that a file may require: they change nothing here. Those that begin with KHR_materials are none of ours."""


def read(data: bytes, name: str) -> Held:
    """Read the bytes of a `.glb` or `.gltf` file.

    Raises:
        InputError: it is cut off or damaged, needs other files or an extension, or copies a mesh too often.
    """
    try:
        text, binary = _chunks(data) if data[:4] == b"glTF" else (data, b"")
        return _Scene(json.loads(text), binary, len(data), name).read()
    except InputError:
        raise
    except (
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
        struct.error,
    ) as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{name}: cannot be read as glTF: it is damaged, cut off or another format ({words[:200]})",
            hint="save it again as .glb or binary .ply",
        ) from error


def _chunks(data: bytes) -> tuple[bytes, bytes]:
    """Return the description and the binary part of a `.glb` file."""
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise ValueError(f"version {version}, 2 is read")
    if length > len(data):
        raise ValueError(f"{length:,} bytes announced, {len(data):,} there")
    found: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(data) and len(found) < 2:
        size, kind = struct.unpack_from("<I4s", data, at)
        if at + 8 + size > len(data):
            raise ValueError(f"a part of {size:,} bytes announced, {len(data) - at - 8:,} there")
        found.setdefault(kind, data[at + 8 : at + 8 + size])
        at += 8 + size
    text = found[b"JSON"]
    if len(text) > MOST_JSON:
        raise ValueError(f"a description of {len(text):,} bytes, {MOST_JSON:,} are read")
    return text, found.get(b"BIN\0", b"")


class _Scene:
    """A description with its binary part, once it is being read."""

    def __init__(self, held: dict[str, Any], binary: bytes, size: int, name: str) -> None:
        self._held, self._binary, self._name = held, binary, name
        self._room = max(COPIES, size)
        self._buffers: dict[int, bytes] = {}
        needed = [word for word in held.get("extensionsRequired", []) if not _is_known(word)]
        if needed:
            raise InputError(
                f"{name}: needs the extension {needed[0]!r}, which is not read",
                hint="save it without compression",
            )

    def read(self) -> Held:
        """Return the triangles of all nodes of the scene."""
        vertices: list[Points] = []
        faces: list[NDArray[np.int64]] = []
        count = lines = 0
        for matrix, primitive in self._primitives():
            if primitive.get("mode", TRIANGLES) not in (TRIANGLES, STRIP, FAN):
                lines += 1
                continue
            places, corners = self._triangles(primitive)
            corners = np.where(corners < len(places), corners + count, NOWHERE)
            faces.append(corners[:, ::-1] if np.linalg.det(matrix[:3, :3]) < 0 else corners)
            vertices.append(places @ matrix[:3, :3].T + matrix[:3, 3])
            count += len(places)
        notes = (f"parts that are points or lines were left out: {lines:,}",) if lines else ()
        return Held(
            np.concatenate([np.zeros((0, 3)), *vertices]),
            np.concatenate([np.zeros((0, 3), np.int64), *faces]),
            notes,
        )

    def _primitives(self) -> Iterator[tuple[NDArray[np.float64], dict[str, Any]]]:
        """Yield the parts of the meshes of a scene, each with the matrix that puts it in its place."""
        held = self._held
        nodes, meshes = held.get("nodes", []), held.get("meshes", [])
        if not nodes:
            yield from ((np.eye(4), part) for mesh in meshes for part in mesh["primitives"])
            return
        children = {child for node in nodes for child in node.get("children", [])}
        scenes = held.get("scenes", [])
        roots = (
            scenes[held.get("scene", 0)].get("nodes", [])
            if scenes
            else [i for i in range(len(nodes)) if i not in children]
        )
        seen: set[int] = set()
        stack = [(int(root), np.eye(4)) for root in reversed(roots)]
        while stack:
            number, above = stack.pop()
            if number in seen or number < 0:
                raise ValueError(f"node {number} is there twice")
            seen.add(number)
            node = nodes[number]
            matrix = above @ _matrix(node)
            if "mesh" in node:
                yield from ((matrix, part) for part in _at(meshes, node["mesh"])["primitives"])
            stack += [(int(child), matrix) for child in reversed(node.get("children", []))]

    def _triangles(self, primitive: dict[str, Any]) -> tuple[Points, NDArray[np.int64]]:
        """Return the places and the triangles of a part."""
        places = self._accessor(primitive["attributes"]["POSITION"], 3)
        corners = (
            self._accessor(primitive["indices"], 1).reshape(-1).astype(np.int64)
            if "indices" in primitive
            else np.arange(len(places))
        )
        self._room -= max(len(corners), len(places))
        if self._room < 0:
            raise InputError(
                f"{self._name}: its nodes make too many copies of its meshes",
                hint="leave parts out, or simplify them",
            )
        mode = primitive.get("mode", TRIANGLES)
        if mode == TRIANGLES:
            return places, corners[: len(corners) // 3 * 3].reshape(-1, 3)
        if mode == FAN:
            first = np.broadcast_to(corners[:1], max(0, len(corners) - 2))
            return places, np.stack([first, corners[1:-1], corners[2:]], 1)
        run = Polygons(corners=corners, sizes=np.array([len(corners)]))
        return places, strips(run).corners.reshape(-1, 3)

    def _accessor(self, number: int, width: int) -> NDArray[np.float64]:
        """Return rows of numbers [row, width]; whole numbers that stand for 0 to 1 or -1 to 1 as such."""
        held = _at(self._held["accessors"], number)
        if held["type"] != {1: "SCALAR", 3: "VEC3"}[width]:
            raise ValueError(f"accessor {number} holds {held['type']}")
        form, count = np.dtype(NUMBERS[held["componentType"]]), int(held["count"])
        if "bufferView" not in held or "sparse" in held:
            raise ValueError(f"accessor {number} is sparse, which is not read")
        view = _at(self._held["bufferViews"], held["bufferView"])
        row = width * form.itemsize
        stride = int(view.get("byteStride") or row)
        first, inner = int(view.get("byteOffset", 0)), int(held.get("byteOffset", 0))
        there = self._buffer(view["buffer"])[first : first + int(view["byteLength"])]
        if min(first, inner, count, stride - row) < 0 or (
            count and inner + stride * (count - 1) + row > len(there)
        ):
            raise ValueError(f"accessor {number} of {count:,} rows goes beyond its {len(there):,} bytes")
        if not count:
            return np.zeros((0, width))
        values = np.ndarray((count, width), form, there, inner, (stride, form.itemsize)).astype(np.float64)
        return (
            np.maximum(values / np.iinfo(form).max, -1)
            if held.get("normalized") and form.kind in "iu"
            else values
        )

    def _buffer(self, number: int) -> bytes:
        """Return the bytes of a buffer, which must be in the file."""
        if number not in self._buffers:
            address = _at(self._held["buffers"], number).get("uri")
            if address is None and number == 0 and self._binary:
                self._buffers[number] = self._binary
            elif isinstance(address, str) and address.startswith("data:"):
                self._buffers[number] = _data(address)
            else:
                raise InputError(
                    f"{self._name}: its data lie in another file, {str(address)[:80]!r}",
                    hint="save it again as .glb, which holds everything in one file",
                )
        return self._buffers[number]


def _is_known(word: Any) -> bool:
    return word in KNOWN or str(word).startswith("KHR_materials")


def _at(values: list[Any], number: int) -> Any:
    """Return a value by its number, which is not negative."""
    if number < 0:
        raise IndexError(f"number {number}")
    return values[number]


def _data(address: str) -> bytes:
    """Return what an address holds itself."""
    try:
        return base64.b64decode(address.partition("base64,")[2], validate=True)
    except binascii.Error as error:
        raise ValueError(f"data that are no base64: {error}") from error


def _matrix(node: dict[str, Any]) -> NDArray[np.float64]:
    """Return the matrix of a node [4, 4], given as such or as scale, rotation and translation."""
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    found = np.eye(4)
    x, y, z, w = np.array(node.get("rotation", (0, 0, 0, 1)), np.float64)
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    found[:3, :3] = turn * np.array(node.get("scale", (1, 1, 1)), np.float64)
    found[:3, 3] = np.array(node.get("translation", (0, 0, 0)), np.float64)
    return found
