"""The program ffmpeg as a process with pipes: started, listened to and always ended; it knows no clips."""

from __future__ import annotations

import re
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from time import monotonic
from typing import IO

from inrfit.errors import InrfitError

SCALER = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
"""Flags of ffmpeg's scaler: exact rounding, and chroma at the full size."""

_LINE = 4096
"""Bytes of a line of ffmpeg's that are looked at together."""

_PIPE = 1 << 20
"""Bytes that are buffered of a pipe, and that are written to one at a time."""

PATIENCE = 300.0
"""Seconds for which ffmpeg may neither take nor give a byte while it is waited for; then it is ended."""

_MESSAGE = re.compile(r"^(?:\[[^\]]*@[^\]]*\] )*\[(panic|fatal|error|warning|info|verbose)\] (.*)$")
_VAGUE = (
    *("Error", "At least one output", "Conversion failed", "Nothing was written"),
    *("Terminating thread", "Task finished", "Application provided"),
)
"""Starts of messages that say less than one before them."""

_UNWANTED = "Format not on whitelist"


def executable() -> str:
    """Return the path of ffmpeg: that of IMAGEIO_FFMPEG_EXE, else the one that came with imageio-ffmpeg.

    Raises:
        InrfitError: there is none.
    """
    import imageio_ffmpeg

    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise _missing() from error


def source(path: Path, demuxers: str) -> list[str]:
    """Return the arguments that open a file, whatever is in its name, and only that file.

    Args:
        path: the file.
        demuxers: formats that it may be taken for; among them are no playlists, which name other files.
    """
    return ["-protocol_whitelist", "file", "-format_whitelist", demuxers, "-i", f"file:{path.absolute()}"]


def passthrough() -> tuple[str, str]:
    """Return the option that takes frames as they come; it was called -vsync before ffmpeg 5.1."""
    return ("-vsync" if _version(executable()) < (5, 1) else "-fps_mode", "passthrough")


@cache
def _version(program: str) -> tuple[int, int]:
    """Return the version of ffmpeg; one that is none, as of a build of a day, is taken for the newest."""
    done = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    found = re.match(r"ffmpeg version n?(\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2])) if found else (99, 0)


def _missing() -> InrfitError:
    return InrfitError(
        "clips need ffmpeg, which was not found",
        hint="install it, or name it with the environment variable IMAGEIO_FFMPEG_EXE",
    )


class Ffmpeg:
    """A run of ffmpeg; a context manager that leaves no process behind.

    What it says is read by a thread of its own, so that it never waits for us. It lives in a session of its own: a
    Ctrl-C stops this program, which stops it, and cannot cut a stream short in silence. One that hangs is ended.

    Attributes:
        errors: the last of its messages of errors.
        code: its exit status, after `wait`.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        write: bool = False,
        read: bool = False,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        """Start ffmpeg.

        Args:
            arguments: what follows the options that every run has.
            write: give it a pipe as standard input.
            read: take its standard output.
            on_line: is told of every line it says, without its level; called from another thread.

        Raises:
            InrfitError: there is no ffmpeg.
        """
        self.errors: deque[str] = deque(maxlen=32)
        self.code = 0
        self._on_line = on_line
        command = [executable(), "-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+info"]
        try:
            self._process = subprocess.Popen(
                [*command, *arguments],
                stdin=subprocess.PIPE if write else subprocess.DEVNULL,
                stdout=subprocess.PIPE if read else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                bufsize=_PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise _missing() from error
        self._since: float | None = None
        self._ended = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def __enter__(self) -> Ffmpeg:
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._process.kill()
        self._process.wait()
        self._listener.join()
        self._watcher.join()
        self._close(self._process.stdin, self._process.stdout, self._process.stderr)

    def read(self, count: int) -> bytes:
        """Read so many bytes of its standard output, fewer at its end; only with `read`, as all that reads."""
        with self._waiting():
            return self._pipe(self._process.stdout).read(count)

    def readline(self, limit: int) -> bytes:
        """Read a line of its standard output, of at most so many bytes."""
        with self._waiting():
            return self._pipe(self._process.stdout).readline(limit)

    def readinto(self, view: memoryview) -> int:
        """Fill a buffer from its standard output, and return how many bytes there were."""
        with self._waiting():
            return self._pipe(self._process.stdout).readinto(view)  # type: ignore[attr-defined] (it is buffered)

    def feed(self, data: bytes | memoryview) -> bool:
        """Write to its standard input; False when it has stopped to read."""
        pipe, left = self._pipe(self._process.stdin), memoryview(data)
        try:
            while left:
                with self._waiting():
                    pipe.write(left[:_PIPE])
                left = left[_PIPE:]
        except OSError:
            return False
        return True

    def wait(self) -> int:
        """End its input, take no more of its output, wait until it is done, and return its exit status."""
        with self._waiting():
            self._close(self._process.stdin, self._process.stdout)
            self.code = self._process.wait()
            self._listener.join()
        return self.code

    @property
    def reason(self) -> str:
        """The last error it told of, or its exit status."""
        clear = [error for error in self.errors if not error.startswith(_VAGUE)]
        if clear:
            return "it is of a format that is not read" if clear[-1].startswith(_UNWANTED) else clear[-1]
        return self.errors[-1] if self.errors else f"ffmpeg ended with status {self.code}"

    @staticmethod
    def _close(*pipes: IO[bytes] | None) -> None:
        for pipe in pipes:
            if pipe is not None:
                with suppress(OSError):  # what was left in the buffer has nowhere to go
                    pipe.close()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None:
            raise ValueError("this run of ffmpeg has no such pipe")
        return pipe

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Note that it is waited for."""
        self._since = monotonic()
        try:
            yield
        finally:
            self._since = None

    def _watch(self) -> None:
        """End it where it was waited for in vain."""
        while not self._ended.wait(min(1.0, PATIENCE)):
            since = self._since
            if since is not None and monotonic() - since > PATIENCE:
                self.errors.append(f"ffmpeg did nothing for {PATIENCE:g} s")
                self._process.kill()
                return

    def _listen(self) -> None:
        for line in iter(lambda: self._pipe(self._process.stderr).readline(_LINE), b""):
            text = line.decode("utf-8", "replace").rstrip()
            found = _MESSAGE.match(text)
            if found and found[1] in ("panic", "fatal", "error"):
                self.errors.append(found[2].strip())
            if self._on_line is not None:
                self._on_line(found[2] if found else text)
