"""How progress is shown: a bar on a terminal, few lines elsewhere, a prediction for long fits."""

from __future__ import annotations

from pathlib import Path

import pytest
from make.cli import FAST, inrfit, save
from make.data import textured

from inrfit.cli import progress
from inrfit.cli.progress import Display, TimeLeft
from inrfit.fitting.events import FitEvent


def event(step: int, seconds: float, steps: int = 100) -> FitEvent:
    return FitEvent(step=step, steps=steps, loss=0.1, psnr=16.02, seconds=seconds)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(progress, "say", lines.append)
    return lines


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that shows its only element."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_the_first_step_is_shown_and_then_one_line_in_ten_seconds(
    said: list[str], clock: list[float]
) -> None:
    display = Display(quiet=False, limited=True)
    for name in ("a.png", "b.png"):
        with display.fit(name) as show:
            for step in range(100):
                show(event(step, (step + 1) * 0.1))
                if step == 0 and name == "a.png":
                    assert said == ["a.png: step 1 of 100, 16.02 dB"]
                clock[0] += 0.1
    assert said == [
        "a.png: step 1 of 100, 16.02 dB",
        "b.png: step 1 of 100, 16.02 dB",
    ]  # twenty seconds in all
    with display.fit("c.png") as show:
        for step in range(100):
            show(event(step, (step + 1) * 0.5))
            clock[0] += 0.5
    assert said[3] == "c.png: step 21 of 100, 16.02 dB, 40 s left"
    assert len(said) == 7


def test_a_long_fit_is_announced_after_a_few_steps(said: list[str], clock: list[float]) -> None:
    with Display(quiet=False, limited=False).fit("a.png") as show:
        for step in range(10):
            show(event(step, step + 1.0, steps=301))
    announced = [line for line in said if "to go" in line]
    assert announced == ["a.png: about 5 min to go for 301 steps; --steps or --max-time shorten it"]
    said.clear()
    with Display(quiet=False, limited=False, shorten="--steps shortens it").fit("a.png") as show:
        for step in range(10):
            show(event(step, step + 1.0, steps=301))
    assert [line for line in said if line.endswith("to go for 301 steps; --steps shortens it")]
    said.clear()
    for limited, steps in ((False, 60), (True, 301)):
        with Display(quiet=False, limited=limited).fit("a.png") as show:
            for step in range(10):
                show(event(step, step + 1.0, steps=steps))
    assert not [line for line in said if "to go" in line]


def test_the_time_left_of_a_resumed_fit_counts_from_where_it_went_on() -> None:
    left = TimeLeft()
    assert left(event(80, 2.0)) == 2.0 * 19
    assert left(event(89, 20.0)) == 2.0 * 10


def test_quiet_shows_nothing(said: list[str]) -> None:
    with Display(quiet=True, limited=False).fit("a.png") as show:
        show(event(0, 1000.0))
    assert said == []


def test_a_terminal_gets_a_bar_with_the_name_as_it_is(here: Path) -> None:
    save(here / "[bold]x.png", textured(8, 8))
    ran = inrfit("fit", "[bold]x.png", *FAST, terminal=True)
    assert ran.code == 0, ran.err
    assert "[bold]x.png" in ran.err.split("\n", 1)[1]
    assert " dB" in ran.err


def test_standard_output_holds_no_progress(here: Path) -> None:
    ran = inrfit("fit", "photo.png", *FAST, terminal=True)
    assert len(ran.out.splitlines()) == 1
    assert "step" not in ran.out
