"""The examples of docs/extending.md are whole files: added to the table with the lines shown, their commands run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from make.cli import inrfit, save
from make.data import textured
from make.meta import learner_of, leaves, pictures, tasks_of, trained

from inrfit import api, io, registry
from inrfit.meta import inner

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text()
EXAMPLE = re.compile(
    r'^```python\n(?P<code>.*?)^```\n\n`TABLE\["(?P<kind>\w+)"\]`: `"(?P<name>\w+)": "(?P<module>[\w.]+):(?P<attribute>\w+)"`'
    r"\n\n```sh\n(?P<commands>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
FEW = ("--steps", "4", "--seed", "1")


@dataclass(frozen=True, kw_only=True)
class Example:
    """A block of the page, its line of the table and its commands."""

    code: str
    kind: str
    name: str
    module: str
    attribute: str
    commands: str


EXAMPLES = {found["name"]: Example(**found.groupdict()) for found in EXAMPLE.finditer(PAGE)}


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Any]:
    """Return a function that adds an example to the table and gives what its name stands for; work in a new folder."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "photo.png", textured(24, 36))
    (tmp_path / "photos").mkdir()
    for number in range(3):
        save(tmp_path / "photos" / f"{number}.png", np.roll(textured(24, 36), 5 * number, 1))
    t = np.arange(120) / 10
    np.savetxt("waves.csv", np.stack([np.sin(t), np.cos(2 * t), t / 12], axis=1), delimiter=",", fmt="%.6f")

    def add(name: str) -> Any:
        example = EXAMPLES[name]
        module = ModuleType(example.module)
        monkeypatch.setitem(sys.modules, example.module, module)
        exec(compile(example.code, f"{example.module} of the page", "exec"), module.__dict__)
        monkeypatch.setitem(registry.TABLE[example.kind], name, f"{example.module}:{example.attribute}")
        return registry.load(example.kind, name)

    return add


def psnr(name: str | None, steps: int, **words: Any) -> float:
    found = api.fit(
        textured(24, 36),
        grid=(2, 2),
        hidden_features=10,
        steps=steps,
        device="cpu",
        weights="float32",
        **words,
    )
    assert found.psnr is not None
    return found.psnr


def test_every_block_is_an_example_with_its_line_and_commands():
    assert len(EXAMPLES) == PAGE.count("```python")
    wanted = {
        "signal",
        "activation",
        "encoding",
        "model",
        "partition",
        "metric",
        "optimiser",
        "schedule",
        "meta",
        "kernel",
    }
    assert {example.kind for example in EXAMPLES.values()} == wanted
    for example in EXAMPLES.values():
        assert example.name not in registry.TABLE[example.kind]
        room = ROOT.joinpath(*example.module.split(".")[:-1])
        assert room.is_dir()
        assert not room.joinpath(example.module.split(".")[-1] + ".py").exists()


@pytest.mark.parametrize("words", [["check"], ["format", "--check"]])
@pytest.mark.parametrize("name", EXAMPLES)
def test_blocks_are_in_the_style_of_the_house(name, words):
    example = EXAMPLES[name]
    where = ["--stdin-filename", example.module.replace(".", "/") + ".py", "-"]
    command = [sys.executable, "-m", "ruff", *words, *where]
    ran = subprocess.run(command, input=example.code, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("name", EXAMPLES)
def test_commands_run_as_written(name, added):
    added(name)
    lines = EXAMPLES[name].commands.splitlines()
    assert lines
    for line in lines:
        word, verb, *others = shlex.split(line)
        assert word == "inrfit"
        ran = inrfit(verb, *others, *(FEW if verb == "fit" else ()))
        assert ran.code == 0, ran.err
    if name != "series":
        field = api.load("photo.inr")
        assert field.decode().shape == (24, 36, 3)


def test_a_table_comes_back_as_a_table(added):
    kind = added("series")
    assert inrfit("fit", "waves.csv", "--cell", "20", "--steps", "60").code == 0
    assert inrfit("decode", "waves.inr").code == 0
    table, back = np.loadtxt("waves.csv", delimiter=","), np.loadtxt("waves.dec.csv", delimiter=",")
    assert back.shape == table.shape
    assert np.abs(back - table).mean() < 0.1
    signal = io.read(Path("waves.csv"))
    assert signal.info.kind == kind().kind == "series"
    assert inrfit("crop", "waves.inr", "--keep", "2:4").code == 0
    assert np.array_equal(api.decode("waves.crop.inr"), api.decode("waves.inr")[40:80])
    inrfit("decode", "waves.inr", "-o", "waves.png").refused("is no format of tables")
    for text, said in (("1,a\n", "is no table of numbers"), ("1,nan\n", "NaN or infinite")):
        Path("bad.csv").write_text(text)
        inrfit("fit", "bad.csv").refused(said)


@pytest.mark.parametrize("pre", [-2.0, 0.3])
def test_the_derivative_of_the_activation_is_that_of_autograd(pre, added):
    snake = added("snake")
    z = np.random.default_rng(0).normal(pre, 1, (2, 5, 7)).astype(np.float32)
    value, slope = np.empty_like(z), np.empty_like(z)
    snake.derivative(z.copy(), 5.0, 1.0, value, slope)
    point = torch.tensor(z, requires_grad=True)
    out = snake.function(point, 5.0, 1.0)
    out.sum().backward()
    assert value == pytest.approx(out.detach().numpy(), abs=1e-5)
    assert slope == pytest.approx(point.grad.numpy(), abs=1e-5)
    alone = z.copy()
    snake.derivative(alone, 5.0, 1.0, alone, None)
    assert np.array_equal(alone, value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("snake", {"activation": "snake"}),
        ("triangle", {"encoding": "triangle", "bands": 3}),
        ("skip", {"model": "skip"}),
        ("lion", {"optimiser": "lion", "lr": 3e-3}),
        ("linear", {"schedule": "linear"}),
    ],
)
def test_what_is_added_learns_the_same_on_both_kernels(name, words, added):
    added(name)
    assert psnr(name, 60, **words) > psnr(name, 2, **words) + 2
    fast, plain = (psnr(name, 3, kernel=kernel, **words) for kernel in ("cpu", "reference"))
    assert fast == pytest.approx(plain, abs=0.05)


@pytest.mark.parametrize("name", ["snake", "triangle", "skip"])
def test_a_region_decodes_to_the_bits_of_the_whole(name, added):
    added(name)
    kind = EXAMPLES[name].kind
    field = api.fit(textured(24, 36), grid=(2, 2), hidden_features=7, steps=2, device="cpu", **{kind: name})
    data = api.to_bytes(field)
    assert np.array_equal(api.decode(data, region=((3, 17), (20, 31))), field.decode()[3:17, 20:31])
    assert np.array_equal(api.decode(api.crop(data, keep="1:2,:")), field.decode()[12:])


def test_strips_hold_as_much_detail_each(added):
    strips = added("strips")
    picture = textured(40, 20)
    picture[:20] = 0
    divided = api.partition(picture, partition="strips", heads=4)
    assert divided.grid == (4, 1)
    assert sum(divided.areas) == 800
    assert divided.regions[0].box == ((0, 20), (0, 20))
    assert strips is registry.load("partition", "strips")
    assert len(api.partition(picture[:1], partition="strips")) == 1


def test_the_mean_absolute_error_is_that_of_the_samples(added):
    added("mae")
    field = api.fit(textured(12, 12), partition="none", hidden_features=4, steps=2, device="cpu")
    found = api.evaluate(field, textured(12, 12), metrics=["mae"])
    difference = np.abs(textured(12, 12).astype(float) - field.decode())
    assert found["mae"] == pytest.approx(difference.mean() / 255)


def test_the_kernel_in_double_precision_agrees_with_the_plain_one(added):
    added("double")
    exact, plain = (psnr(None, 20, kernel=kernel) for kernel in ("double", "reference"))
    assert exact == pytest.approx(plain, abs=0.1)


def test_only_output_layers_adapt_and_the_error_after_them_falls(added):
    added("anil")
    learner = learner_of("anil")
    params = leaves(learner)
    tasks = tasks_of(learner, pictures(2), grid=(2, 2))
    *_, ends = inner.steps(learner, params, tasks, 2, through=False)
    assert set(ends) == {"weight2", "bias2"}
    found, before = learner.outer_gradients(params, tasks)
    assert all(value.abs().max() > 0 for value in found.values())
    _, losses = trained(learner, tasks, 20)
    assert losses[-1] < 0.7 * float(before.mean())
