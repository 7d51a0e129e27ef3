"""`python -m inrfit.cli.reference docs/cli.md`: writes the page on the command line from the command line itself."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from typer.cli import get_docs_for_click

from inrfit.cli.app import app
from inrfit.cli.batch import RESULT
from inrfit.cli.verbs import VERBS, loaded, module
from inrfit.io.files import atomic_write

ORDER = ("fit", "adapt", "decode", "info", "partition", "crop", "extend", "meta-train", "meta-eval", "eval")
"""Commands as the page tells what each adds in JSON."""

BEFORE = """\
# The command line

This page is made from the program by `python -m inrfit.cli.reference docs/cli.md`; a test fails when it is stale.
`inrfit COMMAND --help` says the same.

## Files in and out

- Inputs are files, folders (`-r` looks into the folders within), globs, or `-` for standard input.
- An output goes beside its input: `photo.png` to `photo.inr`, `photo.inr` to `photo.dec.png`, `photo.inr` to
  `photo.crop.inr` or `photo.ext.inr`, `photo.png` to `photo.labels.png`. `-o` names a file, a folder (one that
  exists, or any name without a suffix; the tree of a folder given as input is kept below it) or `-` for standard
  output.
- Nothing is replaced without `--force`. `fit --skip-existing` leaves outputs that are intact and were made from
  their input as it is now, and fits the others.
- A file is written under a temporary name in its folder and then gets its own, so it is whole or not there. What a killed
  run left there goes when the same output is written or asked for again; a temporary folder of `inrfit-scratch-` and
  eight characters in `TMPDIR` goes with the next that is made.
- A file that is replaced keeps its permissions, and its owner where the system allows it; of a link, the target is
  replaced. A file that appears while its output is made is not replaced without `--force`: the result lies beside it, as
  `photo.1.inr`, is told, and counts as failed.
- One bad input never stops the others; a full disk does, and the command that goes on is printed. What is wrong with the command itself (an option, an output that exists,
  two inputs with one output, a device that is not there) is found before any work.
- Standard output carries data: the file with `-o -`, JSON with `--json`, otherwise one summary per input.
  Everything else goes to standard error. `--quiet` leaves only what failed.

## Exit codes

| code | meaning |
|---|---|
| 0 | all good |
| 1 | some input failed, or an output could not be written |
| 2 | the command line cannot work: an unknown option, name or value, a device that is not there |
| 130 | interrupted by Ctrl-C |
| 143, 129 | interrupted by SIGTERM, by SIGHUP |

The first Ctrl-C lets `fit` and `meta-train` finish their step, writes a checkpoint (`photo.inr.ckpt`) and prints the
command that goes on; the file it makes has the same bytes as without the break, with any number of `--threads`. The
second stops at once. SIGTERM and SIGHUP do the same, unless they were ignored from the start, as by `nohup`.

A checkpoint is neither replaced nor removed by a command that does not go on from it: without `--resume` and `--force` it
is an error, and `--skip-existing` goes on where it belongs to the same fit. It goes when the output is there; `--resume`
of an output that is done already says so.

## JSON

`--json` prints one object per input on a line of its own, and nothing else, on standard output. Every object has
these keys:

"""

OWN = """\
A number that is infinite or not a number is written as `"inf"`, `"-inf"` or `"nan"`: the PSNR of an exact copy is
`"inf"`. An error that comes before any work gives one object with `input` null. The codes of errors are the names
of the exceptions in `inrfit`, such as `InputError`. An interrupted fit is an error with the code `Interrupted`, and
the inputs after it have no object. `fit` adds no keys (`fit --dry-run` adds `plan`, what would be
done, and its `bytes`, `bpp` and `seconds` are estimates); the others add their own, which are null for a failed input:

"""

AFTER = """\
## Pipelines

```sh
# Fit what is new in a folder, with a result for each image
inrfit fit examples -r --kind image -o fields --steps 20 --skip-existing --json > results.json

# No file in between: an image in, an image out
inrfit fit - -o - --steps 20 < examples/astronaut.png | inrfit decode - -o - --format png > photo.png

# How good a folder of fields is, against its originals
inrfit eval fields -r --reference examples --json > quality.json

# Half the size, for a preview
inrfit decode fields -r -o previews --scale 0.5

# Is everything intact?
inrfit info fields -r --quiet && echo intact
```

"""


def page() -> str:
    """Return the page."""
    command: Any = typer.main.get_command(app)
    command.commands = {name: loaded(name) for name in VERBS}
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="inrfit", indent=1)
    own = "".join(f"`{name}`:\n\n{_table(keys)}\n" for name in ORDER if (keys := module(name).KEYS))
    return BEFORE + _table(RESULT) + "\n" + OWN + own + AFTER + text.strip() + "\n"


def _table(keys: Mapping[str, str]) -> str:
    rows = "".join(f"| `{key}` | {meaning} |\n" for key, meaning in keys.items())
    return f"| key | holds |\n|---|---|\n{rows}"


if __name__ == "__main__":
    atomic_write(Path(sys.argv[1]), page().encode(), overwrite=True)
