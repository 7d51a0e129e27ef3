"""The command line, run in this process with its own standard streams."""

from __future__ import annotations

import io
import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inrfit.cli.app import main

FAST = ("--steps", "2", "--hidden-features", "4", "--hidden-layers", "0")
"""Options of a fit that takes no time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command did: its exit code, the bytes on standard output and the text on standard error."""

    code: int
    data: bytes
    err: str

    @property
    def out(self) -> str:
        return self.data.decode()

    @property
    def results(self) -> list[dict[str, Any]]:
        """The JSON objects, strictly read: one for each line."""

        def refuse(constant: str) -> None:
            raise ValueError(f"{constant} is no JSON")

        return [json.loads(line, parse_constant=refuse) for line in self.out.splitlines()]

    @property
    def hints(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("Hint: ")]

    def refused(self, *words: str, code: int = 1) -> None:
        """Check that the command ended with one line of error, one of hint and no trace, naming the words."""
        errors = [line for line in self.err.splitlines() if line.startswith("Error: ")]
        assert self.code == code, self.err
        assert len(errors) == 1, self.err
        assert len(self.hints) == 1, self.err
        assert "Traceback" not in self.err
        assert "unexpected" not in self.err
        for word in words:
            assert word in errors[0] + self.hints[0], f"{word!r} is not in {self.err}"


def inrfit(*words: object, stdin: bytes = b"", stdout: BinaryIO | None = None, terminal: bool = False) -> Ran:
    """Run a command line."""
    raw_out, raw_err = stdout or io.BytesIO(), io.BytesIO()
    out = io.TextIOWrapper(raw_out, encoding="utf-8")
    err = io.TextIOWrapper(raw_err, encoding="utf-8", errors="backslashreplace")
    if terminal:
        err.isatty = lambda: True  # type: ignore[method-assign]
    with ExitStack() as stack:
        stack.enter_context(patch.object(sys, "argv", ["inrfit", *map(str, words)]))
        stack.enter_context(patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))))
        stack.enter_context(patch.object(sys, "stdout", out))
        stack.enter_context(patch.object(sys, "stderr", err))
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        err.flush()
        if isinstance(raw_out, io.BytesIO):
            out.flush()
    data = raw_out.getvalue() if isinstance(raw_out, io.BytesIO) else b""
    return Ran(code=int(code), data=data, err=raw_err.getvalue().decode())


HEARS = (
    "import os, signal, sys\n"
    "for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):\n"
    "    signal.signal(number, signal.SIG_DFL)\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'inrfit', *sys.argv[1:]])\n"
)
"""A program that runs the command line and hears every signal, also where it is started by `nohup` or in the background."""


def hearing(*words: str) -> list[str]:
    """Return the command of a process that runs a command line and ends by signals, whoever starts it."""
    return [sys.executable, "-c", HEARS, *words]


def save(path: Path, pixels: NDArray[np.uint8]) -> Path:
    """Write an image, and the folders it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.squeeze()).save(path)
    return path


def pixels(path: Path | io.BytesIO) -> NDArray[Any]:
    """Read an image by Pillow alone."""
    with Image.open(path) as image:
        return np.asarray(image)


def files(folder: Path) -> list[str]:
    """Return the files below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
