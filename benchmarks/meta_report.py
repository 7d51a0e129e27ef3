"""The tables of the meta-learning benchmark, made from its JSON files as Markdown; it measures nothing."""

from __future__ import annotations

from typing import Any

from tables import Block, Table


def number(value: Any, digits: int = 2) -> str:
    """Write a number, or a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def inits(data: dict[str, Any]) -> list[Block]:
    """Return the table of starts."""
    rows = [
        [
            f"{row['start']}, {row['optimiser']}",
            number(row["lr"], 4) if row["lr"] else "learned",
            *(number(row[f"psnr_{step}"]["mean"]) for step in range(3)),
            f"{number(row.get('catch_up_steps'), 1)} ± {number(row.get('catch_up_std'), 1)}"
            + (f" ({row['catch_up_missed']} never)" if row.get("catch_up_missed") else ""),
        ]
        for row in data["table"]
    ]
    head = ["start, optimiser", "rate", "0 steps", "1 step", "2 steps", "steps to MAML's 2"]
    return [Table(head, rows, right=True)]


def partition(data: dict[str, Any]) -> list[Block]:
    """Return the table of partitions, and the wins."""
    wins = {step: data.get(f"wins_{step}", {}) for step in (1, 3)}
    rows = [
        [
            row["row"],
            f"{row['adapted']:,}",
            *(number(row[f"psnr_{step}"]["mean"]) for step in range(4)),
            " / ".join(str(wins[step].get(row["row"], "-")) for step in (1, 3)),
            "-" if row["published"] is None else " / ".join(number(p) for p in row["published"]),
        ]
        for row in data["table"]
    ]
    head = ["training, test", "adapted", "0", "1", "2", "3 steps", "wins at 1 / 3", "published 1 / 3"]
    return [Table(head, rows, right=True)]


def composers(data: dict[str, Any]) -> list[Block]:
    """Return the table of composers, and the curves of test-time optimisation."""
    rows = [
        [
            f"{row['signals']}: {row['method']}, {row['optimiser']}",
            f"{row['adapted']:,} / {row['values']:,}",
            *(number(row[f"psnr_{step}"]["mean"]) if f"psnr_{step}" in row else "-" for step in range(3)),
        ]
        for row in data["table"]
    ]
    adapted = Table(["method", "adapted / values", "0 steps", "1 step", "2 steps"], rows, right=True)
    marks = (0, 5, 10, 25, 50, 100)
    rows = [
        [
            f"{row['signals']}: {row['start']}, {row['what']}",
            number(row["lr"], 4),
            number(1000 * row["seconds_per_step_and_signal"], 2),
            *(number(row["psnr"][step]) for step in marks),
        ]
        for row in data["optimised"]
    ]
    head = ["start, what is optimised", "rate", "ms a step", *map(str, marks)]
    return [adapted, Table(head, rows, right=True)]


def interpolation(data: dict[str, Any]) -> list[Block]:
    """Return the table of mixed weights."""
    rows = [
        [
            f"{row['start']}, {row['steps']} steps",
            *(number(row[key]["mean"]) for key in ("psnr_ends", "psnr_middle", "psnr_worst")),
        ]
        for row in data["table"]
    ]
    return [Table(["start", "ends", "middle", "worst on the way"], rows, right=True)]


def cost(data: dict[str, Any]) -> list[Block]:
    """Return the table of outer steps."""
    plain = {
        (row["size"], row["hidden"]): row["seconds"] for row in data["table"] if row["way"] == "torch.func"
    }
    rows = [
        [
            f"{row['size']} px, {row['hidden']} wide: {row['way']}",
            number(row["seconds"], 3),
            number(plain[row["size"], row["hidden"]] / row["seconds"]),
            number(row["memory_mb"], 0),
        ]
        for row in data["table"]
    ]
    return [Table(["outer step", "seconds", "times as fast", "MB"], rows, right=True)]
