"""The contract of a kind of signal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from inrfit import api, io
from inrfit.domain import Box
from inrfit.errors import OutputError
from inrfit.io.config import ReadConfig
from inrfit.signal import Bands, Signal, SignalInfo
from inrfit.testing import fields

SMALL: dict[str, Any] = {"hidden_features": 5, "hidden_layers": 0, "steps": 3, "device": "cpu"}


def check_signal(kind: str, data: bytes, *, suffix: str, exact: bool = True, **words: Any) -> None:
    """Check a kind of signal: what is read, what a file of it keeps, and what is written.

    Args:
        kind: of the table.
        data: a tiny file of the kind, at least 6 samples long on its first axis.
        suffix: of the file.
        exact: whether what is written in the usual format has the samples to the bit.
        words: how the file is read, fields of `ReadConfig`.

    Raises:
        AssertionError: something does not hold.
    """
    config = ReadConfig(kind=kind, **words)
    signal = io.read(data, config, name="a" + suffix)
    is_found(kind, signal, suffix)
    samples_agree(signal, 1e-6 if exact else 0.05)
    asked: dict[str, Any] = {
        "kind": kind,
        **words,
        "grid": (3, *[1] * (signal.domain.dimensions - 1)),
        **SMALL,
    }
    file = api.to_bytes(api.fit(signal, **asked))
    back = api.load(file)
    assert back.domain == signal.domain, (
        f"a file gives back the domain {back.domain}, read was {signal.domain}"
    )
    assert known(back.info) == known(signal.info), f"a file knows {back.info}, read was {signal.info}"
    regions_are_windows(file)
    fields.ranges_are_typed(file)
    fields.crop_has_the_same_bits(file)
    fields.resumed_is_the_same(signal, file, **asked)
    fields.threads_change_nothing(signal, **asked)
    fields.sizes_span_the_extent(file)
    fields.quality_is_finite(file, data)
    fields.pictures_have_one_shape(file, signal)
    if exact:
        fields.holes_are_written(file, config)
    is_written(kind, signal, config, exact=exact)


def known(info: SignalInfo) -> SignalInfo:
    """Return what is known of a signal but for words to the user, which are no part of a file."""
    return replace(info, notes=(), tags=dict(info.tags))


def is_found(kind: str, signal: Signal, suffix: str) -> None:
    """Check that a kind has the name of the table and reads its suffix."""
    found = io.kind_of(kind)
    assert found.kind == signal.info.kind == kind, (
        f"kind {kind} calls itself {found.kind} and {signal.info.kind}"
    )
    assert suffix in found.suffixes, f"kind {kind} reads {found.suffixes}, not {suffix}"
    assert set(found.written) & set(found.suffixes), f"kind {kind} reads nothing that it writes"


def samples_agree(signal: Signal, tolerance: float) -> None:
    """Check that windows and points of a signal are those of the whole, on the scale of a network."""
    domain, whole = signal.domain, signal.dense()
    assert whole.shape == (*domain.shape, signal.channels), f"samples have the shape {whole.shape}"
    assert whole.dtype == signal.info.dtype, f"samples are {whole.dtype}, not {signal.info.dtype}"
    window = Box((a + (b - a) // 3, b) for a, b in domain.box)
    assert np.array_equal(signal.dense(window), whole[window.slices(domain.origin)]), (
        "a window has other samples than the whole"
    )
    unit = signal.sample(np.array([[a for a, _ in domain.box], [b - 1 for _, b in domain.box]]))
    assert unit.dtype == np.float32, f"sampled values are {unit.dtype}, not float32"
    assert np.abs(unit).max() <= 1 + 1e-6, "sampled values leave -1 to 1"
    ends = signal.info.to_unit(whole.reshape(-1, signal.channels)[[0, -1]])
    assert np.abs(unit - ends).max() <= tolerance, "sampled values are not those of the samples"


def regions_are_windows(file: bytes) -> None:
    """Check that a part of a file decodes to its window of the whole, with any number of threads."""
    whole = api.decode(file, threads=1)
    region = tuple((n // 4, n - n // 3) for n in api.load(file).domain.shape)
    part = api.decode(file, region=region, threads=2)
    same = np.array_equal(part, whole[tuple(slice(*span) for span in region)])
    assert same, f"the region {region} decodes to other samples than the whole has there"


def is_written(kind: str, signal: Signal, config: ReadConfig, *, exact: bool) -> None:
    """Check that what is written is read back, and that formats of others are refused with a hint."""
    found = io.kind_of(kind)
    suffix = found.default_suffix(signal.info)
    assert suffix in found.written, f"kind {kind} writes {suffix} by default, and only {found.written}"
    samples = Bands.of(signal.dense(), signal.domain, signal.info)
    found.check(signal.info, signal.channels, suffix, "a" + suffix)
    back = io.read(b"".join(io.encode(samples, suffix, name="a" + suffix)), config)
    if exact:
        assert np.array_equal(back.dense(), signal.dense()), f"{suffix} gives back other samples"
        assert np.allclose(back.domain.spacing, signal.domain.spacing), f"{suffix} gives back another spacing"
    else:
        assert (back.channels, back.domain.axes) == (signal.channels, signal.domain.axes), (
            f"{suffix} is of another form"
        )
    try:
        found.check(signal.info, signal.channels, ".strange", "a.strange")
    except OutputError as error:
        assert error.message.startswith("a.strange: "), (
            f"the error of another format names no file: {error.message}"
        )
        assert error.hint, "the error of another format has no hint"
    else:
        raise AssertionError(f"kind {kind} takes the format .strange for its own")
