"""How values of options are read from text; each reader takes the text and the option, for its message."""

from __future__ import annotations

import re
from collections.abc import Callable

from inrfit.domain import Typed
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


def size(text: str, option: str) -> tuple[int, ...]:
    """Read a size written as width x height, or x x y x z; slowest axis first, as samples lie."""
    return counts("1024x768")(text, option)[::-1]


def region(text: str, option: str) -> tuple[tuple[Typed | None, Typed | None], ...]:
    """Read half-open ranges written y0:y1,x0:x1, with open ends as in Python slices; seconds on axes of time."""
    number = r"(-?\d{1,10}(?:\.\d{1,9})?)?s?"
    spans = [re.fullmatch(f"{number}:{number}", part.strip()) for part in text.split(",")]
    if not all(spans):
        raise ConfigError(
            f"{option} {text!r} is not a range for each axis",
            hint=f"slowest axis first, for example {option} 0:64,32:96, or {option} 1.5:3 for seconds of a sound",
        )
    return tuple((Typed(s[1]) if s[1] else None, Typed(s[2]) if s[2] else None) for s in spans if s)


def colour(text: str, option: str) -> list[float] | str:
    """Return the numbers of a sample, or the name of a colour as it is: what it is depends on the samples."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        named(text, "uint8", "rgb", option)
        return text


def named(name: str, dtype: str, colour: str, option: str) -> list[float]:
    """Return the sample that a name or #rrggbb stands for.

    Raises:
        ConfigError: it is no colour, or samples of this type and colour have no names.
    """
    from PIL import ImageColor

    try:
        found = ImageColor.getcolor(name, "L" if colour.startswith("grey") else "RGB")
    except ValueError:
        found = None
    if found is None or dtype != "uint8" or colour == "channels":
        raise ConfigError(
            f"{option} {name!r} is no value of {dtype} {colour} samples",
            hint="give a number, or one per channel such as 255,0,0; names and #rrggbb are for 8-bit grey and RGB",
        )
    return [float(found)] if isinstance(found, int) else [float(value) for value in found]


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
