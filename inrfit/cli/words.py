"""From declared words to the options of a command, and back to their values; the declarations are in `inrfit.words`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, get_args

import typer

from inrfit.cli.console import say
from inrfit.words import Declared, Words, option


def takes(words: Words) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each word, after its own; Typer reads them from the signature that this makes.

    The command's last parameter takes them, `**given`; `said` makes values of them.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in inspect.signature(command, eval_str=True).parameters.values()
            if parameter.kind is not parameter.VAR_KEYWORD
        ]
        signature = inspect.Signature([*own, *(one for word in words.values() for one in _parameters(word))])

        @functools.wraps(command)
        def run(**given: Any) -> None:
            command(**given)

        del run.__wrapped__
        run.__signature__ = signature  # type: ignore[attr-defined]
        run.__annotations__ = {name: one.annotation for name, one in signature.parameters.items()}
        return run

    return decorate


def said(words: Words, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the options that were given, by the names of their words.

    Raises:
        ConfigError: a text cannot be read.
    """
    found = {}
    for one in words.values():
        for name in (one.name, *one.word.old):
            value = given.get(name)
            if value is None or (value is False and not one.word.paired):
                continue
            if name != one.name:
                say(f"{option(name)} is called {one.option} now; the old spelling goes with the next release")
            if isinstance(one.default, bool) and not one.word.paired:
                value = not one.default  # a flag says the other one
            found[one.name] = one.word.reads(str(value), option(name)) if one.word.reads else value
    return found


def _parameters(one: Declared) -> Iterator[inspect.Parameter]:
    """Yield the parameter of a word, and hidden ones for the names it had."""
    for name in (one.name, *one.word.old):
        yield inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False if isinstance(one.default, bool) and not one.word.paired else None,
            annotation=_annotation(one, name),
        )


def _annotation(one: Declared, name: str) -> Any:
    """Return the type and the option of a word under one of its names."""
    word = one.word
    told: dict[str, Any] = {"help": one.help, "rich_help_panel": word.panel, "hidden": name != one.name}
    if word.paired:
        return Annotated[bool | None, typer.Option(f"{option(name)}/{option(f'no_{name}')}", **told)]
    if isinstance(one.default, bool):
        flag = option(f"no_{name}" if one.default else name)
        return Annotated[bool, typer.Option(flag, **told)]
    kinds = [kind for kind in get_args(one.type) if kind is not type(None)] or [one.type]
    held = str if word.reads else kinds[0]
    spelled = (option(name), *word.flags) if name == one.name else (option(name),)
    return Annotated[held | None, typer.Option(*spelled, metavar=word.metavar, **told)]
