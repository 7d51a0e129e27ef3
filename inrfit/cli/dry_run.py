"""`--dry-run`: what would be done, and what it would take; nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inrfit.cli.console import number, size
from inrfit.fitting.settings import FIT

if TYPE_CHECKING:
    from inrfit.fitting.plan import Plan

KEYS = {
    "plan": "what would be done: `kind`, `shape`, `regions`, `grid`, `steps`, `notes`, and `words` as they were decided",
}
"""Keys of `fit --dry-run` in JSON; `bytes`, `bpp` and `seconds` are estimates there, and `status` is `planned`."""


def told(plan: Plan) -> dict[str, Any]:
    """Return what a plan will do and about what it will take, as keys of a result."""
    from inrfit.fitting.estimate import estimate

    guess, domain, model = estimate(plan), plan.signal.domain, plan.settings.model
    return {
        "bytes": guess.bytes,
        "bpp": 8 * guess.bytes / domain.size,
        "params": plan.params,
        "range": list(plan.signal.info.value_range),
        "seconds": round(guess.seconds, 3),
        "device": plan.device.name,
        "status": "planned",
        "plan": {
            "kind": plan.signal.info.kind,
            "shape": list(domain.shape),
            "channels": plan.signal.channels,
            "dtype": plan.signal.info.dtype,
            "regions": len(plan.partition),
            "grid": list(plan.partition.grid) if plan.partition.grid else None,
            "hidden_features": model.hidden_features,
            "steps": plan.settings.fit.steps,
            "words": plan.settings.words(),
            "notes": [*plan.signal.info.notes, *plan.partition.warnings],
        },
    }


def summary(result: dict[str, Any]) -> list[str]:
    """Return a planned fit in lines for people."""
    plan, words = result["plan"], result["plan"]["words"]
    shape = "×".join(map(str, [*reversed(plan["shape"]), plan["channels"]]))
    grid = "" if plan["grid"] is None else f", a grid of {'×'.join(map(str, plan['grid']))}"
    other = (f"{name} {_shown(value)}" for name, value in words.items() if _decided(name, words))
    return [
        f"{result['input']}  {plan['kind']}  {shape} {plan['dtype']}",
        f"  regions  {plan['regions']:,}{grid}",
        f"  network  {words['model']} {words['activation']}, {plan['hidden_features']} wide, "
        f"{words['hidden_layers']} hidden layers, {result['params']:,} weights",
        f"  steps    {plan['steps']:,}",
        f"  takes    about {number(result['seconds'], 1, 's')} on {result['device']}, {size(result['bytes'])} "
        f"({result['bpp']:.2f} bits per sample)",
        f"  decided  {', '.join(other) or 'the defaults'}",
        *(f"  note     {note}" for note in plan["notes"]),
    ]


def _decided(name: str, words: dict[str, Any]) -> bool:
    """Return whether a word has an effect and another value than by itself."""
    word, only = FIT[name].word, FIT[name].word.only
    applies = only is None or only.applies(words[only.word])
    return applies and words[name] not in (FIT[name].default, word.blank)


def _shown(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
