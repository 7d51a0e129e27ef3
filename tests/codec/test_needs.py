"""A file that uses a name of another package says which; without that package it is refused by its name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from make.data import textured

from inrfit import api, plugins, registry
from inrfit.codec import needs
from inrfit.codec.container import Reader
from inrfit.errors import ContainerError
from inrfit.plugins import Plugin
from inrfit.steps.activations import gauss, unchanged

SMALL = {"hidden_features": 4, "hidden_layers": 0, "steps": 2, "device": "cpu", "grid": (2, 2)}


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module that adds an activation and an output."""
    made = ModuleType("bumps")
    made.INRFIT = {"activation": {"bump": "bumps:bump"}, "output": {"plain": "bumps:plain"}}  # type: ignore[attr-defined]
    made.bump = replace(gauss)  # type: ignore[attr-defined]
    made.plain = replace(registry.load("output", "linear"), derivative=unchanged)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bumps", made)
    monkeypatch.setattr(registry, "_used", {})
    plugins.declared.cache_clear()
    yield made
    plugins.declared.cache_clear()


@pytest.fixture
def data(module: ModuleType) -> bytes:
    registry.use("bumps")
    return api.to_bytes(api.fit(textured(8, 12), activation="bump", output_activation="plain", **SMALL))


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_used", {})


def test_files_of_our_own_names_have_no_such_chunk() -> None:
    with Reader(api.to_bytes(api.fit(textured(8, 12), **SMALL))) as reader:
        assert "need" not in reader.ancillary
        assert reader.version == (1, 2)


def test_the_chunk_names_what_adds_each_name(data: bytes) -> None:
    with Reader(data) as reader:
        assert reader.version == (1, 3)
        assert msgspec.msgpack.decode(reader.ancillary["need"]) == [
            ["activation", "bump", "bumps", ""],
            ["output", "plain", "bumps", ""],
        ]
    assert api.load(data).model.activation == "bump"
    assert api.info(data)["metadata"]["need"] > 10


def test_a_crop_keeps_it(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    cropped = api.crop(data, keep="0,:")
    forget(monkeypatch)
    with pytest.raises(ContainerError, match="comes from the module bumps"):
        api.load(cropped)


def test_without_the_module_it_is_named_by_everything_that_reads(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(monkeypatch)
    for read in (api.load, api.info, api.decode, lambda file: api.crop(file, keep="0,:")):
        with pytest.raises(ContainerError) as caught:
            read(data)
        assert caught.value.message.endswith(
            ": activation 'bump' comes from the module bumps, which was not imported"
        )
        assert caught.value.hint == "inrfit --import bumps, before the command"


@pytest.mark.parametrize(
    ("package", "said", "hint"),
    [
        ("inrfit-bumps", "the package inrfit-bumps 0.1, which is not installed", "pip install inrfit-bumps"),
        ("msgspec", f"the package msgspec 0.1; {msgspec.__version__}, which is", "pip install msgspec==0.1"),
    ],
)
def test_without_the_package_it_is_named_with_its_version(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch, package: str, said: str, hint: str
) -> None:
    plugin = Plugin(kind="activation", name="bump", target="bumps:bump", package=package, version="0.1")
    monkeypatch.setattr(plugins, "installed", lambda kind: (plugin,) if kind == "activation" else ())
    data = api.to_bytes(api.fit(textured(8, 12), activation="bump", **SMALL))
    monkeypatch.setattr(plugins, "installed", lambda kind: ())
    with pytest.raises(ContainerError) as caught:
        api.load(data)
    assert f"activation 'bump' comes from {said}" in caught.value.message
    assert caught.value.hint == hint


def test_a_package_that_does_not_load_is_named_too(data: bytes, module: ModuleType) -> None:
    from inrfit.models.description import describe

    del module.bump
    describe.cache_clear()
    with pytest.raises(
        ContainerError, match=r"activation 'bump' of the module bumps cannot be loaded from 'bumps:bump'"
    ):
        api.load(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\xc1",
        msgspec.msgpack.encode([["activation", "a"]]),
        msgspec.msgpack.encode([["activation", "a", "b\x1b", ""]]),
        msgspec.msgpack.encode([["activation", "a", "b" * 257, ""]]),
        msgspec.msgpack.encode([["activation", "a", "b", ""]] * 65),
        bytes(needs.MAX_BYTES + 1),
    ],
)
def test_lists_that_cannot_be_are_refused(data: bytes) -> None:
    with pytest.raises(ContainerError, match=r"^a\.inr has a list of packages "):
        needs.decode(data, "a.inr")


def test_golden_files_need_nothing() -> None:
    for path in sorted((Path(__file__).parents[1] / "golden").glob("*.inr")):
        with Reader(path) as reader:
            assert needs.encode(reader.header) == b""
