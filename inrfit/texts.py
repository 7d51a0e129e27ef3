"""How values of options are read from text; each reader takes the text and the option, for its message."""

from __future__ import annotations

import re
from collections.abc import Callable

from inrfit.errors import ConfigError


def counts(example: str) -> Callable[[str, str], tuple[int, ...]]:
    """Return a reader of whole numbers above 0, one for each axis, written A, AxB or AxBxC."""

    def read(text: str, option: str) -> tuple[int, ...]:
        numbers = _whole(text)
        if min(numbers or (0,)) < 1:
            raise ConfigError(
                f"{option} {text!r} is not made of whole numbers above 0",
                hint=f"for example {option} {example}",
            )
        return numbers

    return read


def one_or_each(example: str) -> Callable[[str, str], int | tuple[int, ...]]:
    """Return a reader of one whole number for all axes, or of one for each; 0 is allowed."""

    def read(text: str, option: str) -> int | tuple[int, ...]:
        numbers = _whole(text)
        if not numbers:
            raise ConfigError(
                f"{option} {text!r} is not a whole number, or one for each axis",
                hint=f"for example {option} {example}",
            )
        return numbers[0] if len(numbers) == 1 else numbers

    return read


def _whole(text: str) -> tuple[int, ...]:
    """Return whole numbers with x or a comma between them; none where the text is something else."""
    found = re.fullmatch(r"\d{1,9}([x×X,]\d{1,9}){0,7}", text.strip())
    return tuple(int(part) for part in re.split("[x×X,]", text.strip())) if found else ()


def numbers(example: str) -> Callable[[str, str], tuple[float, ...]]:
    """Return a reader of numbers with commas between them."""

    def read(text: str, option: str) -> tuple[float, ...]:
        try:
            return tuple(float(part) for part in text.split(","))
        except ValueError:
            raise ConfigError(
                f"{option} {text!r} is not made of numbers", hint=f"for example {option} {example}"
            ) from None

    return read


def ends(text: str, option: str) -> str | tuple[float, ...]:
    """Return two numbers written LOW:HIGH; any other text as it is, which a configuration refuses."""
    try:
        found = tuple(float(part) for part in text.split(":"))
    except ValueError:
        return text
    return found if len(found) == 2 else text


def sample(text: str, option: str) -> str | float:
    """Return a number; any other text as it is, which a configuration refuses."""
    try:
        return float(text)
    except ValueError:
        return text


def bytes_of(text: str, option: str) -> int:
    """Read a size such as 512M or 2G."""
    return int(_scaled(text, option, "size", r"[kKmMgG]?", r"i?[bB]?", 1 << 10, "2G"))


def count_of(text: str, option: str) -> int:
    """Read a count such as 50000, 200k or 1.5M."""
    return int(_scaled(text, option, "count", r"[kKmM]?", "", 10**3, "200k"))


def _scaled(
    text: str, option: str, what: str, letters: str, after: str, thousand: int, example: str
) -> float:
    """Return a number with a letter for thousands, millions or more."""
    found = re.fullmatch(rf"(\d{{1,18}}(?:\.\d{{1,18}})?)\s*({letters}){after}", text.strip())
    if not found:
        raise ConfigError(f"{option} {text!r} is not a {what}", hint=f"for example {option} {example}")
    return float(found[1]) * thousand ** " kmg".index(found[2].lower() or " ")


def seconds_of(text: str, option: str) -> float:
    """Read a time such as 90, 60s or 5m."""
    found = re.fullmatch(r"(\d{1,18}(?:\.\d{1,18})?)\s*(s|m|min|h)?", text.strip())
    if not found:
        raise ConfigError(f"{option} {text!r} is not a time", hint=f"for example {option} 60s")
    return float(found[1]) * {None: 1, "s": 1, "m": 60, "min": 60, "h": 3600}[found[2]]
