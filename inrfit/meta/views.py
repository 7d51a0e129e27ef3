"""Windows of signals: cut out, scaled, mirrored, and brought to one number of channels; nothing is read or drawn here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inrfit.domain import Box, image_domain
from inrfit.errors import InputError
from inrfit.signal import INTEGER_RANGES, ArraySignal, Signal

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in grey; source: ITU-R BT.601."""

ALPHA = "-alpha"
"""How the meaning of channels ends where the last of them is transparency."""


def opaque(signal: Signal) -> int:
    """Return the number of channels of a signal without transparency."""
    return signal.channels - signal.info.colour.endswith(ALPHA)


def with_channels(signal: ArraySignal, channels: int) -> ArraySignal:
    """Return a signal with so many channels: without transparency, grey repeated, colours or sides of a sound as one.

    Raises:
        InputError: there is no natural way.
    """
    info, values = signal.info, signal.values
    if info.colour.endswith(ALPHA):
        values = values[..., :-1]
        info = replace(info, colour=info.colour.removesuffix(ALPHA))
    have = values.shape[-1]
    if have != channels:
        image, sound = info.kind == "image", info.kind == "audio"
        if have == 1 and (channels == 3 if image else sound):
            values = np.repeat(values, channels, -1)
        elif channels == 1 and (have == 3 if image else sound):
            weights = LUMA if image else (1 / have,) * have
            values = _like(values.astype(np.float64) @ np.array(weights), values.dtype)[..., None]
        else:
            raise InputError(f"has {have} channels, most signals have {channels}")
        if image:
            info = replace(info, colour="grey" if channels == 1 else "rgb")
    if values is signal.values:
        return signal
    return replace(signal, values=np.ascontiguousarray(values), info=info)


def scaled(signal: ArraySignal, size: int) -> ArraySignal:
    """Return an image with its shorter side scaled down to `size` pixels, by the Lanczos filter."""
    height, width = signal.domain.shape
    short = min(height, width)
    if short == size:
        return signal
    shape = (max(size, round(height * size / short)), max(size, round(width * size / short)))
    low, high = signal.info.limits
    made = np.empty((*shape, signal.channels), signal.values.dtype)
    for channel in range(signal.channels):
        plane = Image.fromarray(np.ascontiguousarray(signal.values[..., channel], np.float32))
        resized = np.asarray(plane.resize((shape[1], shape[0]), Image.Resampling.LANCZOS), np.float64)
        made[..., channel] = _like(np.clip(resized, low, high), made.dtype)
    known = None
    if signal.known is not None:
        whole = Image.fromarray(signal.known).resize((shape[1], shape[0]), Image.Resampling.NEAREST)
        known = np.asarray(whole, bool)
    return ArraySignal(values=made, domain=image_domain(*shape), info=signal.info, known=known)


def window(signal: ArraySignal, start: Sequence[int], size: int, *, mirrored: bool = False) -> ArraySignal:
    """Return a window as a signal of its own, whose first sample has the index 0.

    Args:
        signal: what it is cut from.
        start: first sample on each axis, counted from the first of the signal.
        size: samples along each axis.
        mirrored: along the last axis.
    """
    domain = signal.domain
    shape = (size,) * domain.dimensions
    box = Box.of((o + a for o, a in zip(domain.origin, start, strict=True)), shape)
    values, known = signal.dense(box), signal.known_in(box)
    if mirrored:
        values = np.flip(values, -2)
        known = None if known is None else np.flip(known, -1)
    own = replace(domain, shape=shape, origin=(0,) * len(box), offset=())
    return ArraySignal(values=np.array(values, order="C"), domain=own, info=signal.info, known=known)


def _like(values: NDArray[np.float64], dtype: np.dtype) -> NDArray[np.generic]:
    """Return numbers as a sample type, rounded where that is whole."""
    return (np.rint(values) if dtype.name in INTEGER_RANGES else values).astype(dtype)
