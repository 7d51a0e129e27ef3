"""What every partition rule, metric of arrays, optimiser, schedule and kernel of a CPU must do, by name."""

from __future__ import annotations

import pytest

from inrfit import registry, testing
from inrfit.compare.comparison import OF_FIELD

WORDS = {"grid": {"grid": (2, 3)}, "seg": {"heads": 4}}
"""What a rule needs."""


@pytest.mark.parametrize("name", [name for name in registry.names("partition") if name != "labels"])
def test_partitions(name: str) -> None:
    testing.check_partition(name, **WORDS.get(name, {}))


@pytest.mark.parametrize("name", [name for name in registry.names("metric") if name not in OF_FIELD])
def test_metrics(name: str) -> None:
    testing.check_metric(name, sound=name in ("si-sdr", "lsd"))


@pytest.mark.parametrize("name", registry.names("optimiser"))
def test_optimisers(name: str) -> None:
    testing.check_optimiser(name)


@pytest.mark.parametrize("name", registry.names("schedule"))
def test_schedules(name: str) -> None:
    testing.check_schedule(name)


@pytest.mark.parametrize("name", ["reference", "cpu"])
def test_kernels(name: str) -> None:
    testing.check_kernel(name)


@pytest.mark.parametrize("name", ["volume"])
def test_a_kind_of_signal_in_one_call(name: str) -> None:
    import io

    import numpy as np

    file = io.BytesIO()
    np.save(file, np.arange(7 * 5 * 4, dtype=np.int16).reshape(7, 5, 4))
    testing.check_signal(name, file.getvalue(), suffix=".npy", spacing=(2.5, 0.7, 0.5))


def test_broken_contracts_say_what_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.TABLE["schedule"], "late", f"{__name__}:late")
    monkeypatch.setitem(registry.TABLE["metric"], "odd", f"{__name__}:odd")
    monkeypatch.setattr(registry, "load", lambda kind, name: {"late": late, "odd": odd}[name])
    with pytest.raises(AssertionError, match="schedule late begins with 0"):
        testing.check_schedule("late")
    with pytest.raises(AssertionError, match="metric odd gives 'much', which is neither a number nor None"):
        testing.check_metric("odd")


def late(step: int, steps: int) -> float:
    return step / steps


def odd(reference: object, decoded: object, value_range: object) -> str:
    return "much"
