"""Where the regions of a `.inr` file lie, from its header and index alone; it reads no region."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from inrfit.codec.header import Header, Index
from inrfit.domain import Box, Domain


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Boxes and areas of the regions, by position in the index, in absolute sample indices.

    Attributes:
        header, index: those of the file; they agree with each other.
    """

    header: Header
    index: Index

    def __len__(self) -> int:
        return len(self.index.ids)

    @property
    def is_grid(self) -> bool:
        """Whether the regions are cells of a grid."""
        return self.header.partition.kind == "grid"

    @property
    def domain(self) -> Domain:
        """The lattice of the file's samples."""
        signal = self.header.signal
        return Domain(
            shape=tuple(signal.shape),
            axes=tuple(signal.axes),
            units=tuple(signal.units),
            spacing=tuple(signal.spacing),
            origin=tuple(signal.origin),
            offset=tuple(signal.offset),
        )

    @property
    def samples(self) -> int:
        """Number of samples that the regions cover."""
        return sum(self.area(position) for position in range(len(self)))

    @property
    def borders(self) -> list[list[int]]:
        """Borders of the cells that lie inside the domain, one more than there are cells, per axis of a grid."""
        found = []
        for edges, (first, last) in zip(self.header.partition.edges, self.domain.box, strict=True):
            found.append([edge for edge in edges if first <= edge <= last])
        return found

    def box(self, position: int) -> Box:
        """Return the half-open index ranges of a region."""
        if not self.is_grid:
            corners = self.index.boxes[position]
            return Box(zip(corners[::2], corners[1::2], strict=True))
        box = []
        rest = self.index.ids[position]
        for edges in reversed(self.header.partition.edges):
            rest, place = divmod(rest, len(edges) - 1)
            box.append((edges[place], edges[place + 1]))
        return Box(reversed(box))

    def area(self, position: int) -> int:
        """Return the number of samples of a region."""
        if not self.is_grid:
            return self.index.areas[position]
        return self.box(position).size

    def around(self, positions: Iterable[int]) -> Box:
        """Return the smallest box around some regions, at least one."""
        return Box.around(map(self.box, positions))

    def cell(self, position: int) -> tuple[int, ...]:
        """Return the place of a region of a grid among the cells of this file, counted from 0 on each axis."""
        box = self.box(position)
        return tuple(borders.index(first) for borders, (first, _) in zip(self.borders, box, strict=True))
