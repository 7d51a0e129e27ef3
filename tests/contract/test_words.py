"""Every word is in its verb's command, in its Python signature and on the page, and holds what it says it may."""

from __future__ import annotations

import inspect
import typing
from pathlib import Path

import pytest

import inrfit.options
from inrfit.cli import adapt, decode, extend, fit, meta_train, partition, signatures
from inrfit.errors import ConfigError
from inrfit.words import Declared, Words, option

ROOT = Path(__file__).resolve().parents[2]

COMMANDS = {
    "FitWords": ("fit", fit.command),
    "PartitionWords": ("partition", partition.command),
    "AdaptWords": ("adapt", adapt.command),
    "ExtendWords": ("extend", extend.command),
    "ShowWords": ("decode", decode.command),
    "TrainWords": ("meta-train", meta_train.command),
}

EVERY = [(kind, word) for kind, (words, _) in signatures.VERBS.items() for word in words.values()]


def test_the_types_are_those_of_the_declarations():
    assert (ROOT / "inrfit" / "options.py").read_text(encoding="utf-8") == signatures.source()


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_verb_takes_the_same_words_in_python_and_on_the_command_line(kind):
    words, _ = signatures.VERBS[kind]
    assert list(typing.get_type_hints(getattr(inrfit.options, kind))) == list(words)
    _, command = COMMANDS[kind]
    parameters = inspect.signature(command).parameters
    assert [name for name in parameters if name in words] == list(words)


@pytest.mark.parametrize("kind", COMMANDS)
def test_every_word_is_on_the_page(kind):
    name, _ = COMMANDS[kind]
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    section = page.split(f"## `inrfit {name}`")[1].split("\n## ")[0]
    for word in signatures.VERBS[kind][0].values():
        flag = option(f"no_{word.name}") if word.default is True else word.option
        assert f"`{flag}" in section.replace("`-q, ", "`").replace(", -q", "").replace(" / ", "` / `"), (
            word.name
        )


def _ends(word: Declared) -> list[float]:
    said = word.word
    return [end for end in (said.least, said.most) if end is not None]


def _beyond(word: Declared) -> list[float]:
    said = word.word
    low = [] if said.least is None else [said.least - 1]
    high = [] if said.most is None else [said.most + 1]
    return [*low, *high, *(end for end in (said.above, said.below) if end is not None)]


@pytest.mark.parametrize(("kind", "word"), EVERY, ids=lambda one: getattr(one, "name", one))
def test_a_word_holds_what_it_may_and_nothing_else(kind, word):
    for value in (*_ends(word), *word.word.known, None):
        word.word.check(word.option, value)
    for value in _beyond(word):
        if value == word.word.blank:
            continue
        with pytest.raises(ConfigError, match=word.option) as caught:
            word.word.check(word.option, value)
        assert str(value) in caught.value.message
    if word.word.known:
        with pytest.raises(ConfigError, match=f"{word.option} 'nonesuch' is not known"):
            word.word.check(word.option, "nonesuch")


@pytest.mark.parametrize(("kind", "word"), EVERY, ids=lambda one: getattr(one, "name", one))
def test_naming_a_default_is_allowed(kind, word):
    word.word.check(word.option, word.default)


def test_words_under_their_old_names_are_understood_and_told():
    words, _ = signatures.VERBS["FitWords"]
    with pytest.warns(FutureWarning, match="rate is called saving now"):
        assert words.taken({"rate": 2.0}) == {"saving": 2.0}


def test_numbers_are_no_words_and_words_no_numbers():
    words: Words = signatures.VERBS["FitWords"][0]
    with pytest.raises(ConfigError, match="--steps many"):
        words.taken({"steps": "many"})
    with pytest.raises(ConfigError, match=r"--steps 2\.5 is not a whole number"):
        words.taken({"steps": 2.5})
    with pytest.raises(ConfigError, match="--kind '3'"):
        words.taken({"kind": 3})
