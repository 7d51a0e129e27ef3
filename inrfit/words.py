"""Words: what an option is called, may hold and says of itself, declared once beside the field of the value it sets.

A configuration is a frozen dataclass whose fields are `Annotated[type, Word(...)]`. The command line, the Python
signatures, the checks, the defaults and the pages are made from these declarations. Nothing here knows a terminal.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from inrfit import registry
from inrfit.errors import ConfigError, require

Layer = Mapping[str, Any] | Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Words with their values, or what makes them of those decided so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """Where a word applies.

    Attributes:
        word: the word that decides.
        values: what it must be, or of what inrfit has where `never` says the rest.
        never: what it may not be, where names of other packages will do.
        sets: what goes without saying otherwise, for messages: "lattices of features".
    """

    word: str
    values: tuple[str, ...]
    never: tuple[str, ...] = ()
    sets: str = ""

    def applies(self, value: Any) -> bool:
        """Return whether the word applies as the word that decides is `value`."""
        return value not in self.never if self.never else value in self.values

    def refused(self, options: list[str], value: Any) -> ConfigError:
        """Return the error for options that do not apply, as the word that decides is `value`."""
        those, deciding = " and ".join(options), option(self.word)
        if not self.sets:
            return ConfigError(
                f"{those} needs {deciding} {' or '.join(self.values)}, not {value}",
                hint=f"give {deciding} {self.values[0]}, or leave {those} out",
            )
        return ConfigError(
            f"{those} set{'' if len(options) > 1 else 's'} {self.sets}, which only {deciding} "
            f"{' or '.join(self.values)} has",
            hint=f"add {deciding} {self.values[0]}, or leave this out",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """Words of which one is said: those of a lower layer go where one is said above.

    Attributes:
        words: which.
        what: what they do, for the message about two that are given together: "both set the width"; "" where both may be.
        fills: whether one is filled in by the other, so that a configuration may hold both.
    """

    words: tuple[str, ...]
    what: str = ""
    fills: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What is known of an option.

    Attributes:
        help: a line; `{default}`, `{names}` and `{names_or}` stand for the default and for what it may be.
        name: where it differs from the field.
        metavar, panel: how the command line shows its value, and under which heading.
        least, most: bounds of a number, or of each number of a tuple, which are allowed themselves.
        above, below: bounds that are not.
        unit: of the bounds, for the message: "samples".
        allowed: what may be, in words, in place of the bounds.
        hint: what mends a value out of bounds.
        blank: a value of the configuration that stands for "not said" and is out of bounds where it is said.
        names: kind of the registry that its values are names of.
        choices: its values where they are few, or those beside the names.
        reads: makes the value of a text and the option, for values that are not text, a number or a flag.
        flags: further spellings on the command line, such as "-q".
        paired: of a flag, whether it is spelled both ways, --name and --no-name.
        old: names it had, which are understood for a release, with a warning.
        only: where it applies.
        by_kind: whether it means something for some kinds of signal only, which say so.
    """

    help: str
    name: str = ""
    metavar: str | None = None
    panel: str | None = None
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    unit: str = ""
    allowed: str = ""
    hint: str | None = None
    blank: Any = None
    names: str = ""
    choices: tuple[str, ...] = ()
    reads: Callable[[str, str], Any] | None = None
    flags: tuple[str, ...] = ()
    paired: bool = False
    old: tuple[str, ...] = ()
    only: Only | None = None
    by_kind: bool = False

    @property
    def known(self) -> tuple[str, ...]:
        """What it may be, where that is one of a few names."""
        return (*self.choices, *(registry.names(self.names) if self.names else ()))

    def check(self, option: str, value: Any) -> None:
        """Refuse a value that is not allowed; None, and `blank`, is none.

        Raises:
            ConfigError: the value is out of bounds, is no number, or is not known.
        """
        if value is None or (self.blank is not None and value == self.blank):
            return
        if (
            self.known
            and value not in self.choices
            and not (self.names and registry.knows(self.names, str(value)))
        ):
            every = registry.every(self.names) if self.names else ()
            raise registry.unknown(str(value), (*self.choices, *every), option=option)
        if all(bound is None for bound in (self.least, self.most, self.above, self.below)):
            return
        several = value if self.reads and isinstance(value, tuple | list) else (value,)
        if not (several and all(isinstance(one, numbers.Real) and self._within(one) for one in several)):
            raise ConfigError(
                f"{option} {'x'.join(map(str, several))} {self._range()}",
                hint=self.hint or f"give a value that is allowed, or leave {option} out",
            )

    def _within(self, value: Any) -> bool:
        return (
            (self.least is None or self.least <= value)
            and (self.most is None or value <= self.most)
            and (self.above is None or self.above < value)
            and (self.below is None or value < self.below)
        )

    def _range(self) -> str:
        if self.allowed:
            return f"must be {self.allowed}"
        unit = f" {self.unit}" if self.unit else ""
        low = self.least if self.above is None else self.above
        high = self.most if self.below is None else self.below
        if high is None:
            return f"must be {'at least' if self.above is None else 'above'} {_shown(low)}{unit}"
        if self.below is not None and self.above is None:
            return f"must be at least {_shown(low)} and below {_shown(high)}{unit}"
        return f"must lie between {_shown(low)} and {_shown(high)}{unit}"


def _shown(value: Any) -> str:
    """Return a number as it is written in a message: 0.25, 65536, 1e6."""
    return f"{value:g}".replace("e+0", "e") if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A word with its place.

    Attributes:
        name: what the user calls it; `field` is its field in `owner`.
        type, default: of the field.
        word: what is known of it.
    """

    name: str
    field: str
    owner: type
    type: Any
    default: Any
    word: Word

    @property
    def option(self) -> str:
        """How messages name it."""
        return option(self.name)

    @property
    def help(self) -> str:
        """The line of help, with the default and the names filled in."""
        default = f"{self.default:g}" if isinstance(self.default, float) else self.default
        named = {"names": ", ".join(self.word.known), "names_or": " or ".join(self.word.known)}
        return self.word.help.format(default=default, **named)

    def check(self, value: Any) -> None:
        """Refuse a value that is not allowed; see `Word.check`.

        Raises:
            ConfigError: it is not, or it is no whole number where one is wanted.
        """
        self.word.check(self.option, value)
        kinds = (self.type, *get_args(self.type))
        if int in kinds and float not in kinds and isinstance(value, float):
            raise ConfigError(
                f"{self.option} {value} is not {self.word.allowed or 'a whole number'}",
                hint=f"for example {self.option} 2",
            )


class Words(Mapping[str, Declared]):
    """Words by name, in the order of their declaration, and what is said of several together."""

    def __init__(self, declared: Iterable[Declared], clashes: Iterable[Clash] = ()) -> None:
        self._by_name = {one.name: one for one in declared}
        self.clashes = tuple(clashes)

    def __getitem__(self, name: str) -> Declared:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def only(self, *names: str) -> Words:
        """Return some of the words."""
        return Words((self[name] for name in self if name in names), self.clashes)

    def without(self, *names: str) -> Words:
        """Return the other words."""
        return Words((self[name] for name in self if name not in names), self.clashes)

    def saying(self, **words: str | Mapping[str, Any]) -> Words:
        """Return the words with another line of help, or other attributes, for some: what a verb says differently."""
        changed = {
            name: replace(self[name].word, **({"help": new} if isinstance(new, str) else new))
            for name, new in words.items()
        }
        made = (replace(self[n], word=changed[n]) if n in changed else self[n] for n in self)
        return Words(made, self.clashes)

    def __or__(self, other: Words) -> Words:
        return Words([*self.values(), *other.values()], dict.fromkeys((*self.clashes, *other.clashes)))

    def of(self, owner: type, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a configuration that are given."""
        return {
            one.field: given[one.name] for one in self.values() if one.owner is owner and one.name in given
        }

    def taken(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was said, by its names of today; what is None, or not said, is left out.

        Raises:
            ConfigError: a word is not known, or a value is not allowed.
        """
        old = {before: one.name for one in self.values() for before in one.word.old}
        said: dict[str, Any] = {}
        for name, value in given.items():
            now = old.get(name, name)
            if now not in self._by_name:
                raise registry.unknown(name, tuple(self), option="option")
            if now != name and value is not None:
                _warn(f"{name} is called {now} now; the old name goes with the next release")
            if value is not None:
                replace(self[now], word=replace(self[now].word, blank=None)).check(value)
                said[now] = value
        self.check_given(said)
        return said

    def check_given(self, said: Mapping[str, Any], *, filled: bool = False) -> None:
        """Refuse two words that clash; those that fill each other in only where none is `filled` in yet.

        Raises:
            ConfigError: there are two.
        """
        for clash in self.clashes:
            if filled and clash.fills:
                continue
            both = [option(word) for word in clash.words if said.get(word) is not None]
            require(
                len(both) < 2 or not clash.what,
                f"{' and '.join(both)} {clash.what}",
                hint="give one of them",
            )

    def check_applies(self, said: Mapping[str, Any], decided: Mapping[str, Any]) -> None:
        """Refuse words that were said and mean nothing, as another one was decided.

        Raises:
            ConfigError: there is one.
        """
        refused: dict[Only, list[str]] = {}
        for name in said:
            only = self[name].word.only if name in self else None
            if only is not None and only.sets and not only.applies(decided.get(only.word)):
                refused.setdefault(only, []).append(option(name))
        for only, options in refused.items():
            raise only.refused(options, decided.get(only.word))

    def resolve(self, *layers: Layer) -> dict[str, Any]:
        """Return what holds: each word by the first layer that says it.

        A word of a lower layer goes where it clashes with one above, where it does not apply to what is said above,
        and where what is said above would not apply to it.

        Args:
            layers: what is given first, what is usual last; a function gets what is decided above it.
        """
        held: dict[str, Any] = {}
        for layer in layers:
            filled = layer(held) if callable(layer) else layer
            held |= {
                name: value
                for name, value in filled.items()
                if value is not None and name not in held and not self._contradicts(name, value, held)
            }
        return held

    def _contradicts(self, name: str, value: Any, held: Mapping[str, Any]) -> bool:
        """Return whether a word of a lower layer goes with what is said above."""
        if any(name in clash.words and held.keys() & clash.words for clash in self.clashes):
            return True
        only = self[name].word.only if name in self else None
        if only is not None and only.word in held and not only.applies(held[only.word]):
            return True
        above = (self[word].word.only for word in held if word in self)
        return any(one is not None and one.word == name and not one.applies(value) for one in above)


def option(name: str) -> str:
    """Return the option of a word."""
    return "--" + name.replace("_", "-")


def _warn(message: str) -> None:
    import warnings

    warnings.warn(message, FutureWarning, stacklevel=4)


@cache
def words_of(*configs: type) -> Words:
    """Return the words of configurations, in the order of their fields."""
    declared, clashes = [], []
    for config in configs:
        clashes += getattr(config, "clashes", ())
        for field in fields(config):
            if get_origin(field.type) is not Annotated:
                continue
            held, *notes = get_args(field.type)
            for word in notes:
                default = None if field.default is MISSING else field.default
                name = word.name or field.name
                declared.append(
                    Declared(name=name, field=field.name, owner=config, type=held, default=default, word=word)
                )
    return Words(declared, clashes)


def check(config: Any) -> None:
    """Refuse values of a configuration that are not allowed; what its `__post_init__` calls.

    Raises:
        ConfigError: a value is not allowed, two words clash, or one needs another value of a second.
    """
    words = words_of(type(config))
    held = {one.name: getattr(config, one.field) for one in words.values()}
    said = {one.name: held[one.name] for one in words.values() if held[one.name] != one.default}
    for name, value in said.items():
        words[name].check(value)
    words.check_given(said, filled=True)
    for name in said:
        only = words[name].word.only
        if only is not None and not only.sets and not only.applies(held.get(only.word)):
            raise only.refused([option(name)], held.get(only.word))
