"""`python -m inrfit.cli.signatures inrfit/options.py`: writes the types of the words of each verb from their declarations."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, get_args

from inrfit.edit.config import EXTEND
from inrfit.fitting.settings import DIVISION, FIT
from inrfit.io.files import atomic_write
from inrfit.meta.settings import ADAPT, TRAIN
from inrfit.render.output import SHOW
from inrfit.words import Words

VERBS = {
    "FitWords": (FIT, "fit"),
    "PartitionWords": (DIVISION, "partition"),
    "AdaptWords": (ADAPT, "adapt"),
    "ExtendWords": (EXTEND, "extend"),
    "ShowWords": (SHOW, "decode"),
    "TrainWords": (TRAIN, "meta_train"),
}
"""Type -> words, and the function of `inrfit` that takes them."""

BEFORE = '''"""The words that each verb takes, for type checkers; `docs/cli.md` says what they mean.

Made from their declarations by `python -m inrfit.cli.signatures inrfit/options.py`; a test fails when it is stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict
'''


def source() -> str:
    """Return the source of the module."""
    return BEFORE + "".join(_class(name, words, verb) for name, (words, verb) in VERBS.items())


def _class(name: str, words: Words, verb: str) -> str:
    rows = "".join(f"    {one.name}: {_shown(one.type)}\n" for one in words.values())
    return f'\n\nclass {name}(TypedDict, total=False):\n    """The words of `inrfit.{verb}`."""\n\n{rows}'


def _shown(kind: Any) -> str:
    """Return a type as it is written."""
    name = kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind)
    return name.replace("collections.abc.", "")


if __name__ == "__main__":
    atomic_write(Path(sys.argv[1]), source().encode(), overwrite=True)
