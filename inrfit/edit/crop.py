"""Crop: a new front matter and a copy of the regions that are kept; nothing is decoded, torch is not used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from inrfit.codec import tags
from inrfit.codec.chunks import EXIF, ICC, NEEDS, SOUND, TAGS, front_matter, part_end, parts_size
from inrfit.codec.container import Reader
from inrfit.codec.contents import least
from inrfit.codec.header import Header, Index
from inrfit.codec.layout import Layout
from inrfit.codec.write import metadata
from inrfit.domain import Domain
from inrfit.edit import soundtrack
from inrfit.edit.choose import choose
from inrfit.edit.keep import Selection, selection
from inrfit.errors import ConfigError
from inrfit.field import pooled_psnr
from inrfit.io.metadata import of_part
from inrfit.partitions.counted import counts
from inrfit.signal import SignalInfo
from inrfit.version import __version__


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crop:
    """A crop that is decided and not yet written.

    Attributes:
        reader: the file it is taken from; it must stay open.
        positions: places in the index of `reader` of the regions kept, rising.
        header, index: those of the crop.
        front: the bytes of the crop before its first region.
        notes: what the user should know, in words.
    """

    reader: Reader
    positions: tuple[int, ...]
    header: Header
    index: Index
    front: bytes
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the crop: those of its front matter and of the regions kept."""
        return len(self.front) + parts_size(self.index)

    @property
    def samples(self) -> int:
        """Number of samples that the regions kept cover."""
        return Layout(header=self.header, index=self.index).samples

    @property
    def removed(self) -> int:
        """Number of regions that are not kept."""
        return len(self.reader.index.ids) - len(self.positions)

    def blocks(self) -> Iterator[bytes]:
        """Yield the bytes of the crop, a piece at a time; no more than one region is in memory.

        Raises:
            ContainerError: a region that is kept is damaged; the message names it.
        """
        yield self.front
        for position in self.positions:
            yield from _part(self.reader, position)

    def check(self) -> None:
        """Read every region that is kept, for outputs that cannot be taken back; errors as in `blocks`."""
        for position in self.positions:
            self.reader.part(position)


def plan(reader: Reader, wanted: Selection) -> Crop:
    """Decide on a crop; reads regions only where the mask of a segment is needed to choose it.

    The header keeps frames, borders and ids, so that a crop of a crop is a crop of the whole. Where regions go, so
    does what tells of them: the hash of the source, and tags of the EXIF block (see `exif.of_part`).

    Args:
        reader: the file; one opened with `allow_truncated` can be cropped to the regions that are there.
        wanted: what to keep.

    Raises:
        ConfigError: the selection does not suit the file, or no region is there.
        ContainerError: the mask of a segment is needed and damaged, or the file claims more than its bytes can hold.
    """
    layout = Layout(header=reader.header, index=reader.index)
    positions = choose(reader, layout, wanted)
    told = tags.decode(reader.ancillary.get(TAGS, b""), reader.name)
    header, index = _header(layout, positions, told), _index(layout, positions)
    ancillary = reader.ancillary
    if len(positions) < len(layout):
        ancillary = _of_part(ancillary, layout.domain, Layout(header=header, index=index).domain)
    silent = SOUND in reader.ancillary and SOUND not in ancillary
    return Crop(
        reader=reader,
        positions=tuple(positions),
        header=header,
        index=index,
        front=front_matter(header, index, reader.shared, ancillary, least(reader, len(positions))),
        notes=("its sound track goes: it is a copied one, or ends before this part",) if silent else (),
    )


def _part(reader: Reader, position: int) -> Iterator[bytes]:
    """Yield one region in two pieces; as one they would be in memory twice."""
    payload = reader.part(position)
    yield payload
    yield part_end(payload)


def _header(layout: Layout, positions: Sequence[int], told: Mapping[str, str]) -> Header:
    """Return the header of a crop: the box around the regions kept, and their PSNR; `told` are the tags of the signal."""
    header = layout.header
    box = layout.around(positions)
    signal = replace(header.signal, origin=[*box.origin], shape=[*box.shape])
    psnr = header.psnr
    if len(positions) < len(layout):
        mse = [layout.index.mse[position] for position in positions] if layout.index.mse else []
        peak = SignalInfo(colour=header.signal.colour).peak
        ids, areas = zip(*((layout.index.ids[p], layout.area(p)) for p in positions), strict=True)
        psnr = pooled_psnr(mse, counts(told, ids, areas), peak)
    return replace(header, signal=signal, psnr=psnr, writer=f"inrfit {__version__}")


def _index(layout: Layout, positions: Sequence[int]) -> Index:
    """Return the rows of the index for the regions kept."""
    index = layout.index
    lists = {name: getattr(index, name) for name in ("ids", "lengths", "boxes", "areas", "mse")}
    kept = {name: [rows[p] for p in positions] if rows else [] for name, rows in lists.items()}
    sums = [index.sums[p] for p in (0, *(position + 1 for position in positions))] if index.sums else []
    return replace(index, **kept, sums=sums)


def _of_part(ancillary: Mapping[str, bytes], whole: Domain, part: Domain) -> dict[str, bytes]:
    """Return the metadata that is true of a part, with the sound of its time; tags stay as they are."""
    info = SignalInfo(icc=ancillary.get(ICC), exif=ancillary.get(EXIF), sound=ancillary.get(SOUND))
    kept = {
        **metadata(of_part(info, whole, part, _track)),
        TAGS: ancillary.get(TAGS, b""),
        NEEDS: ancillary.get(NEEDS, b""),
    }
    return {tag: blob for tag, blob in kept.items() if blob}


def _track(sound: bytes, clip: Domain) -> bytes | None:
    """Return what is left of a track where its clip was cropped in time; None where nothing can be.

    A field is cropped to the cells that the clip meets. A copied track would have to be decoded to be cut, and would
    tell of what was cropped away: it goes.

    Args:
        sound: the track.
        clip: the domain of the cropped clip.

    Raises:
        ContainerError: the track is damaged, or holds something else than a sound.
    """
    if not soundtrack.is_field(sound):
        return None
    with soundtrack.opened(sound) as reader:
        domain = Layout(header=reader.header, index=reader.index).domain
        try:
            time = soundtrack.time_of(domain, clip.corner[0], clip.shape[0] * clip.spacing[0])
            return b"".join(plan(reader, selection(None, (time,), "out")).blocks())
        except ConfigError:  # the track ends before the clip begins
            return None
