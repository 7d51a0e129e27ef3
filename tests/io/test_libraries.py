"""The door to the libraries: warnings, limits, exceptions and stray output stay behind it."""

from __future__ import annotations

import os
import threading
import warnings

import pytest
from PIL import Image

from inrfit.errors import InputError, OutputError
from inrfit.io.libraries import guarded, opencv_decode, silent_stderr


def test_any_exception_becomes_one_line() -> None:
    with (
        pytest.raises(InputError, match=r"^x: first second$"),
        guarded(lambda reason: InputError(f"x: {reason}")),
    ):
        raise ValueError("first\n  second")
    with pytest.raises(InputError, match=r"^MemoryError$"), guarded(InputError):
        raise MemoryError


def test_errors_on_purpose_and_interrupts_pass() -> None:
    with pytest.raises(OutputError, match="mine"), guarded(InputError):
        raise OutputError("mine")
    with pytest.raises(KeyboardInterrupt), guarded(InputError):
        raise KeyboardInterrupt


def test_warnings_are_dropped_inside_only() -> None:
    with guarded(InputError):
        warnings.warn("of a library", stacklevel=1)
    with pytest.warns(UserWarning, match="of ours"):
        warnings.warn("of ours", stacklevel=1)


def test_threads_leave_the_limit_of_pillow_as_it_was() -> None:
    before = Image.MAX_IMAGE_PIXELS

    def work() -> None:
        for _ in range(200):
            with guarded(InputError):
                assert Image.MAX_IMAGE_PIXELS is None

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert before == Image.MAX_IMAGE_PIXELS


def test_standard_error_comes_back(capfd: pytest.CaptureFixture[str]) -> None:
    with silent_stderr():
        os.write(2, b"hidden")
    os.write(2, b"shown")
    assert capfd.readouterr().err == "shown"


def test_a_process_without_standard_error_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: int) -> int:
        raise OSError("Bad file descriptor")

    monkeypatch.setattr(os, "dup", closed)
    reached = False
    with silent_stderr():
        reached = True
    assert reached


def test_opencv_says_nothing_about_what_it_cannot_decode(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="damaged"):
        opencv_decode(b"II*\0\x08\0\0\0\0\0nonsense")
    assert capfd.readouterr() == ("", "")
