"""The log of a meta-training beside its init: a CSV file that grows step by step, and a curve drawn from it."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING

from inrfit.cli.outputs import put_extra
from inrfit.errors import OutputError
from inrfit.io.files import atomic_write

if TYPE_CHECKING:
    from inrfit.meta.events import MetaEvent

COLUMNS = ("step", "loss", "train_psnr", "val_psnr", "lr", "seconds", "skipped")
"""Of the file. `step` counts the outer steps done; what was not measured is empty."""


class Log:
    """A CSV file with a line for every outer step.

    Args:
        path: of the file; None for no file.
        after: steps whose lines stay as they are, when a run goes on; None for a new file.
    """

    def __init__(self, path: Path | None, after: int | None = None) -> None:
        self._path, self._before = path, 0.0
        self.rows: list[tuple[str, ...]] = []
        if path is None:
            return
        if after is not None:
            self.rows = [row for row in _rows(path) if int(row[0]) <= after]
        if self.rows:
            self._before = float(self.rows[-1][5])
        text = "".join(",".join(row) + "\n" for row in (COLUMNS, *self.rows))
        atomic_write(path, text.encode(), overwrite=True)

    def add(self, event: MetaEvent) -> None:
        """Add the line of a step.

        Raises:
            OutputError: it cannot be written.
        """
        row = (
            str(event.step + 1),
            _written(event.loss),
            _written(event.psnr),
            _written(event.val_psnr),
            _written(event.lr if event.step >= 0 else None),
            f"{self._before + event.seconds:.3f}",
            str(event.skipped),
        )
        self.rows.append(row)
        if self._path is None:
            return
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(",".join(row) + "\n")
        except OSError as error:
            raise OutputError(
                f"{self._path}: cannot be written ({error.strerror})", hint="free some space, then --resume"
            ) from error

    def draw(self, path: Path, inner_steps: int, *, force: bool) -> None:
        """Draw the PSNR of held-out signals over the steps, or that of the crops where there are none.

        Raises:
            OutputError: it cannot be written, or without `force` there is a file; then it is beside that.
        """
        from inrfit.report.curve import drawing

        held_out = any(row[3] for row in self.rows)
        column = 3 if held_out else 2
        points = [(float(row[0]), float(row[column])) for row in self.rows if row[column]]
        what = "held-out signals" if held_out else "crops"
        title = f"PSNR of {what} after {inner_steps} inner step{'' if inner_steps == 1 else 's'}"
        put_extra(path, (drawing(points, title, "outer step").encode(),), force=force)


def is_log(path: Path) -> bool:
    """Return whether a file is a log of a meta-training, which a run that goes on may change."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.readline().strip() == ",".join(COLUMNS)
    except (OSError, ValueError):
        return False


def _rows(path: Path) -> list[tuple[str, ...]]:
    """Return the whole lines of a log; none where it cannot be read or is of another form."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file)
    except (OSError, ValueError, csv.Error):
        return []
    whole = [row for row in rows if len(row) == len(COLUMNS) and row[0].isdigit()]
    return [tuple(row) for row in whole] if tuple(head) == COLUMNS else []


def _written(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.6g}"
