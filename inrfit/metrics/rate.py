"""What a file costs: its real size and bits per sample; estimates from entropies or weights do not belong here."""

from __future__ import annotations

from pathlib import Path

from inrfit.errors import InputError


def file_bytes(path: str | Path) -> int:
    """Return the size of a file on disk in bytes.

    Raises:
        InputError: the path is not a file that can be looked at.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise InputError(f"{path}: no such file to take the size of")
        return path.stat().st_size
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: size cannot be read ({error})") from error


def bpp(size: int, samples: int) -> float:
    """Return bits per sample: 8 times `size` bytes over the samples of the domain (pixels of an image).

    Raises:
        InputError: there are no samples, or the size is negative.
    """
    if samples < 1 or size < 0:
        raise InputError(f"{size} bytes for {samples} samples give no rate (0 bytes and 1 sample at least)")
    return 8 * size / samples
