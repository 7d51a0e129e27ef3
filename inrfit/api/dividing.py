"""How a signal is read for a fit, and divided; torch is not imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from inrfit import io
from inrfit.api.files import Source, read
from inrfit.errors import require
from inrfit.fitting.settings import DIVISION, FIT, Settings, settings
from inrfit.partitions import Partition, build
from inrfit.signal import Signal

if TYPE_CHECKING:
    from inrfit.options import PartitionWords


def partition(source: Source, **words: Unpack[PartitionWords]) -> Partition:
    """Divide a signal into regions.

    Args:
        source: what to divide.
        words: those of `fit` that say how a signal is read and divided.

    Raises:
        InputError, ConfigError: the source or an option cannot work.
    """
    signal, wanted = read_for(source, None, DIVISION.taken(words))
    return build(signal, wanted.partition)


def read_for(source: Source, name: str | None, given: Mapping[str, Any]) -> tuple[Signal, Settings]:
    """Return a signal, and the settings of its fit: those of its kind where the words leave them open.

    Raises:
        InputError, ConfigError: the source or an option cannot work, or an option is for another kind of signal.
    """
    said = FIT.taken(given)
    signal = read(source, settings(**said).read, name=name)
    kind = io.kind_of(signal.info.kind)
    for word in said:
        require(
            not FIT[word].word.by_kind or word in kind.words,
            f"{FIT[word].option} means nothing for a signal of the kind {kind.kind}",
            hint="leave it out, or name another kind with --kind",
        )
    return signal, settings(kind.defaults_for(signal), **{**said, "kind": kind.kind})
