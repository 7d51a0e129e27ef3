"""3D shapes as signals: the entry of the registry, which reads meshes and clouds and writes meshes; it computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inrfit.domain import Box, Domain
from inrfit.io import mesh_formats, mesh_read, mesh_write, shape_thin
from inrfit.io.config import ReadConfig
from inrfit.io.files import digest, read_bytes
from inrfit.io.kinds import SignalKind
from inrfit.io.shape_signal import ShapeSignal, lattice
from inrfit.signal import Bands, Signal, SignalInfo

OUTSIDE, INSIDE, SURFACE = (214, 226, 240), (240, 150, 60), (20, 20, 30)
"""Colours of a picture."""


LENGTH, CELL, WEIGHTS = 256, 48, 200_000
"""Samples along the longest side of a lattice, and the side of its cells and the number of weights that suit it."""


class ShapeIO(SignalKind):
    """Reads meshes and clouds of points as signed distances or occupancy on a lattice, and writes their surface."""

    kind = "shape"
    sparse = True
    suffixes = mesh_read.SUFFIXES
    written = mesh_write.WRITTEN
    told = mesh_formats.TOLD
    words = ("target", "resolution")
    defaults = {"points": 60_000, "steps": 400}  # noqa: RUF012 (a ClassVar Mapping)
    extends = False
    metrics = ("psnr", "iou", "chamfer-l1", "chamfer-l2", "normal-consistency")

    def recognises(self, start: bytes) -> bool:
        """Tell whether the first bytes of a file are those of a mesh."""
        return mesh_read.recognise(start) is not None

    def read(self, source: Path | bytes, name: str, config: ReadConfig) -> ShapeSignal:
        """Read a mesh or a cloud of points.

        Args:
            source: its path, or its bytes.
            name: what messages call it; its suffix names the format.
            config: target and resolution, or the lattice.

        Raises:
            InputError: it cannot be read, is damaged, or encloses nothing.
        """
        held = mesh_read.read(read_bytes(source), name)
        domain = config.lattice or lattice(held.body.box, config.resolution)
        thin = () if config.lattice else shape_thin.notes(held.body, held.sides, domain)
        info = SignalInfo(
            suffix=held.suffix, tags=held.counts, notes=(*held.notes, *thin), sha256=digest(source)
        )
        return ShapeSignal(held.body, domain, info, config.target)

    def defaults_for(self, signal: Signal) -> Mapping[str, object]:
        """Return the defaults for a lattice: cells and weights go by its length and by its area."""
        share = max(signal.domain.shape) / LENGTH
        budget = round(WEIGHTS * min(1.0, share**2))
        return {**self.defaults, "cell": max(8, round(CELL * share)), "budget": max(2000, budget)}

    def reading(self, domain: Domain, info: SignalInfo) -> ReadConfig:
        """Return how a mesh is read onto the lattice of a field, or onto the part of it that a crop has left."""
        target = "occupancy" if info.colour == "occupancy" else "sdf"
        return ReadConfig(kind=self.kind, target=target, lattice=domain)

    def encode(self, samples: Bands, suffix: str, name: str) -> Iterator[bytes]:
        """Yield the bytes of a mesh of the surface, in the units of the source, or of the samples as `.npy`.

        Args:
            samples: samples [z, y, x, 1] in bands of planes.
            suffix: file suffix, which picks the format.
            name: what to call the file in messages.

        Raises:
            OutputError: the suffix is unknown, or the samples hold no surface.
        """
        return mesh_write.encode(samples, suffix, name)

    def check(self, info: SignalInfo, channels: int, suffix: str, name: str) -> None:
        """Refuse a format that is not written; see `SignalKind.check`."""
        mesh_write.check(info, channels, suffix, name)

    def losses(self, info: SignalInfo, domain: Domain, channels: int, suffix: str) -> tuple[str, ...]:
        """Return what a format loses of places far from 0; see `SignalKind.losses`."""
        lost = mesh_write.losses(domain, suffix)
        return (lost,) if lost else ()

    def default_suffix(self, info: SignalInfo) -> str:
        """Return the suffix of the source where its format is written, else ".ply"."""
        return info.suffix if info.suffix in mesh_write.MESHES else ".ply"

    def views(self, domain: Domain) -> list[Box]:
        """Return the middle slices across z, y and x."""
        return [domain.box.middle(axis) for axis in range(domain.dimensions)]

    def picture(self, samples: Bands) -> NDArray[np.uint8]:
        """Return a slice in colours: inside orange, outside blue, both darker towards the surface, which is black."""
        values = samples.array()[..., 0].astype(np.float64)
        flat = values.reshape(([n for n in values.shape if n > 1] + [1, 1])[:2])
        distance = samples.info.colour == "distance"
        inside = flat < 0 if distance else flat > sum(samples.info.value_range) / 2
        near = np.abs(flat) / samples.info.value_range[1] if distance else np.ones(flat.shape)
        colours = (
            np.where(inside[..., None], np.array(INSIDE), np.array(OUTSIDE)) * (0.4 + 0.6 * near)[..., None]
        )
        colours[_borders(inside)] = SURFACE
        return np.rint(colours).astype(np.uint8)

    def describe(self, signal: Signal) -> str:
        """Return the size of the lattice and what lies on it, for example "200×256×180 lattice of 29,000 faces, sdf"."""
        tags = signal.info.tags
        what = next(
            (f"{int(tags[word]):,} {word}" for word in ("faces", "points") if word in tags), "a shape"
        )
        return (
            f"{'×'.join(map(str, reversed(signal.domain.shape)))} lattice of {what}, {tags.get('target', '')}"
        )


def _borders(inside: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which pixels have a neighbour on the other side, below or to the right."""
    found = np.zeros(inside.shape, bool)
    found[:-1] |= inside[:-1] != inside[1:]
    found[:, :-1] |= inside[:, :-1] != inside[:, 1:]
    return found
