"""Work that is stopped on its way, and its checkpoint as a file gives it back."""

from __future__ import annotations

from pathlib import Path

import pytest

from inrfit.errors import Interrupted
from inrfit.fitting import checkpoint
from inrfit.fitting.plan import Plan
from inrfit.fitting.progress import Progress


def broken(plan: Plan, after: int, folder: Path) -> checkpoint.Checkpoint:
    """Return the state of a plan that was stopped after some steps."""
    path, asked = folder / "x.ckpt", []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > after

    hooks = Progress(stop=stop, save=lambda state: checkpoint.save(state, path, plan.identity()))
    with pytest.raises(Interrupted):
        plan.run(hooks)
    state = checkpoint.load(path, plan.identity())
    assert (state.step, state.steps > after) == (after, True)
    return state
