"""What a `.inr` file holds, as plain values for people and JSON; nothing is decoded, torch is not used."""

from __future__ import annotations

from typing import Any

from inrfit.codec.container import Reader
from inrfit.codec.contents import info_of, misfits, network_of
from inrfit.codec.layout import Layout
from inrfit.decibel import unit_decibel
from inrfit.metrics.bits import bpp


def summary(reader: Reader) -> dict[str, Any]:
    """Return what a file holds; all of its regions are read to check them.

    Args:
        reader: the file. Damaged regions, and those whose bytes cannot hold their weights, are listed; they are no error.

    Raises:
        ContainerError: the model is not one this version knows, or cannot be in the bytes of the file.
    """
    header, index = reader.header, reader.index
    description = network_of(reader)
    info = info_of(header)
    samples = Layout(header=header, index=index).samples
    return {
        "bytes": reader.size,
        "bpp": bpp(reader.size, samples),
        "samples": samples,
        "params": description.count(len(index.ids)),
        "regions": len(index.ids),
        "grid": [len(edges) - 1 for edges in header.partition.edges],
        **info.figures(header.psnr),
        "steps": header.steps,
        "seed": header.seed,
        "weights": header.weight_type,
        "init": header.init or None,
        "macs_per_sample": description.macs(),
        "signal": _plain(header.signal),
        "model": _plain(header.model),
        "partition": header.partition.kind,
        "bytes_by_part": {
            "front": reader.size - len(reader.shared) - sum(index.lengths),
            "shared": len(reader.shared),
            "regions": sum(index.lengths),
        },
        "region_ids": list(index.ids),
        "region_bytes": list(index.lengths),
        "region_psnr": [unit_decibel(error, info.peak) for error in index.mse],
        "metadata": {tag.strip(): len(blob) for tag, blob in reader.ancillary.items()},
        "version": list(reader.version),
        "writer": header.writer,
        "damaged": [damage.id for damage in misfits(reader)],
    }


def _plain(struct: Any) -> dict[str, Any]:
    """Return a header structure as a dictionary."""
    return {name: getattr(struct, name) for name in struct.__struct_fields__}
