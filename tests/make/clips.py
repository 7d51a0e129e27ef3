"""Tiny clips made by ffmpeg itself, for tests of several rooms."""

from __future__ import annotations

import subprocess
from pathlib import Path

from inrfit.io.ffmpeg import executable


def ffmpeg(*arguments: str | Path) -> None:
    words = [executable(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *map(str, arguments)]
    subprocess.run(words, check=True, capture_output=True)


def clip(
    path: Path,
    *options: str,
    size: str = "32x20",
    frames: int = 12,
    rate: str = "25",
    sound: bool = False,
    filters: str = "null",
) -> Path:
    """Make a clip of a test picture that moves, with a tone of 440 Hz."""
    source = f"testsrc2=size={size}:rate={rate},trim=end_frame={frames},format=rgb24,scale={size},{filters}"
    heard = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=16000:duration=0.48"] if sound else []
    ffmpeg("-f", "lavfi", "-i", source, *heard, *options, path)
    return path
