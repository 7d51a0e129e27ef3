"""What other packages add to the table: found when it is asked for, refused where it takes what is not theirs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from inrfit import plugins, registry
from inrfit.errors import ConfigError, PluginError

Install = Callable[..., None]
Write = Callable[[str, str], str]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget afterwards what was found."""
    monkeypatch.setattr(registry, "_used", {})
    monkeypatch.setattr(sys, "path", [*sys.path])
    caches = plugins.installed, plugins.declared
    caches[0].cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that installs a package which has only metadata."""
    monkeypatch.syspath_prepend(tmp_path)

    def made(package: str, version: str = "0.1", **groups: str) -> None:
        info = tmp_path / f"{package.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        lines = [f"[inrfit.{kind}]\n{line}\n" for kind, line in groups.items()]
        info.joinpath("entry_points.txt").write_text("\n".join(lines))

    return made


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Return a function that writes a module into the current folder."""
    monkeypatch.chdir(tmp_path)
    made: list[str] = []

    def one(name: str, text: str) -> str:
        Path(f"{name}.py").write_text(text)
        made.append(name)
        return name

    yield one
    for name in made:
        sys.modules.pop(name, None)


def test_a_name_of_an_installed_package_is_found_when_it_is_asked_for(install: Install) -> None:
    install("inrfit-sinc", activation="sinc = inrfit.steps.activations:gauss", picture_codec="two = math:pi")
    assert registry.check("activation", "sinc") == "sinc"
    assert registry.load("activation", "sinc") is registry.load("activation", "gauss")
    assert registry.load("picture-codec", "two") > 3
    assert "sinc" not in registry.names("activation")
    assert [*registry.every("activation")] == [*registry.names("activation"), "sinc"]
    assert registry.added("activation")["sinc"].origin == "the package inrfit-sinc 0.1"
    with pytest.raises(ConfigError, match="wire, sinc") as caught:
        registry.check("activation", "xsinc")
    assert caught.value.hint == "did you mean 'sinc'?"


def test_packages_are_not_looked_for_where_a_name_is_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "installed", lambda kind: pytest.fail("looked"))
    assert registry.check("activation", "sine") == "sine"
    assert registry.load("activation", "sine")
    assert next(registry.every("signal")) == "image"


def test_what_cannot_be_loaded_names_package_entry_and_reason(install: Install) -> None:
    install("inrfit-far", activation="far = nowhere.at_all:far", model="gone = math:nothing")
    with pytest.raises(PluginError) as caught:
        registry.load("activation", "far")
    assert caught.value.message == (
        "activation 'far' of the package inrfit-far 0.1 cannot be loaded from 'nowhere.at_all:far': "
        "ModuleNotFoundError: No module named 'nowhere'"
    )
    assert caught.value.hint == "mend or uninstall inrfit-far"
    with pytest.raises(PluginError, match="has no attribute 'nothing'"):
        registry.load("model", "gone")


def test_a_name_of_inrfit_cannot_be_taken(install: Install, write: Write) -> None:
    install("thief", activation="sine = math:sin")
    with pytest.raises(
        PluginError, match=r"the package thief 0\.1 adds activation 'sine', which is a name of inrfit"
    ):
        registry.check("activation", "sinc")
    assert registry.load("activation", "sine")
    write("thieves", 'INRFIT = {"model": {"mlp": "math:pi"}}')
    with pytest.raises(
        PluginError, match="the module thieves adds model 'mlp', which is a name of inrfit itself"
    ):
        registry.use("thieves")


def test_two_packages_cannot_have_one_name(install: Install) -> None:
    install("one", activation="same = math:sin")
    install("two", activation="same = math:cos")
    with pytest.raises(PluginError, match=r"'same' is added by the package .* and by the package"):
        registry.check("activation", "same")


def test_a_module_is_used_by_name(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'INRFIT = {"metric": {"zero": "zeros:zero"}}\nzero = lambda *given: 0.0'
    write("zeros", text)
    with pytest.raises(ConfigError, match="'zero' is not known"):
        registry.check("metric", "zero")
    registry.use("zeros")
    assert registry.load("metric", "zero")() == 0.0
    assert registry.added("metric")["zero"].origin == "the module zeros"
    monkeypatch.setattr(registry, "_used", {})
    monkeypatch.setenv("INRFIT_IMPORT", "json, zeros")
    with pytest.raises(PluginError, match="--import json: it has no INRFIT"):
        registry.check("metric", "zero")
    monkeypatch.setenv("INRFIT_IMPORT", "zeros")
    assert registry.check("metric", "zero") == "zero"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 / 0", "cannot be imported: ZeroDivisionError"),
        ("", "has no INRFIT that says what it adds"),
        ("INRFIT = 3", "has no INRFIT that says what it adds"),
        ("INRFIT = {'metric': {'a': 'math'}}", "has no INRFIT that says what it adds"),
        ("INRFIT = {'metrics': {'a': 'math:pi'}}", "adds metrics 'a'; there are only signal, partition"),
    ],
)
def test_modules_that_add_nothing_say_so(write: Write, text: str, said: str) -> None:
    with pytest.raises(PluginError, match=said) as caught:
        registry.use(write("faulty", text))
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_the_command_imports_modules_and_lists_what_they_add(tmp_path: Path) -> None:
    tmp_path.joinpath("humps.py").write_text(
        'INRFIT = {"activation": {"hump": "humps:hump"}}\n'
        "def __getattr__(name):\n    from inrfit.steps import activations\n    return activations.gauss\n"
    )

    def run(*words: str) -> SimpleNamespace:
        command = [sys.executable, "-m", "inrfit", *words]
        ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        return SimpleNamespace(code=ran.returncode, out=" ".join(ran.stdout.split()), err=ran.stderr)

    assert "activation hump" in run("--import", "humps", "fit", "--help").out
    assert "Added by plug-ins" not in run("fit", "--help").out
    lost = run("--import", "hump", "info", "a.inr")
    assert lost.code == 2
    assert lost.err.startswith("Error: --import hump: it cannot be imported: ModuleNotFoundError")
    assert len(lost.err.splitlines()) == 2


def test_finding_packages_is_no_part_of_a_start() -> None:
    program = (
        "import sys\nsys.argv = ['inrfit', '--help']\nfrom inrfit.cli.app import main\ntry:\n    main()\n"
        "finally:\n    print('importlib.metadata' in sys.modules, file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stderr.strip() == "False"
