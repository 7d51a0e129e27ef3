"""From a file to the field that an output needs: only the regions it shows, only those that can be read."""

from __future__ import annotations

from dataclasses import dataclass

from inrfit.codec.container import Damage, Reader
from inrfit.codec.layout import Layout
from inrfit.codec.origin import Find
from inrfit.codec.read import loads
from inrfit.codec.source import Source
from inrfit.field import Field
from inrfit.render.output import WHOLE, Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """What was read of a file.

    Attributes:
        field: the regions that are needed and readable, on the domain of the file.
        damaged: those that are needed and not readable.
        regions: number of all regions of the file.
    """

    field: Field
    damaged: tuple[Damage, ...]
    regions: int


def read(
    source: Source, output: Output = WHOLE, *, partial: bool = False, find: Find | None = None
) -> Excerpt:
    """Read the front matter of a file and the regions that an output shows; no other byte is read.

    Args:
        source: a path, the bytes of a file, or any object with the `read`, `seek` and `tell` of a binary file.
        output: what is wanted. Regions that are blended into it are read too.
        partial: leave out damaged regions; without it they are an error.
        find: finds the init of a file that keeps only what its regions adapted.

    Raises:
        InputError: there is no such file. ContainerError: what is needed of it is damaged, or it is no `.inr` file.
        ConfigError: the output cannot be.
    """
    damaged = list[Damage]()
    with Reader(source, allow_truncated=True) as reader:
        positions = None
        layout = Layout(header=reader.header, index=reader.index)
        output.sizes(layout.domain)
        if output.region is not None:
            boxes = map(layout.box, range(len(layout)))
            positions = output.touched(boxes, layout.domain, reader.header.signal.channels)
        field = loads(reader, positions, damaged=damaged if partial else None, find=find)
        return Excerpt(field=field, damaged=tuple(damaged), regions=len(reader.index.ids))
