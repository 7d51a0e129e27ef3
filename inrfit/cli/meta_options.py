"""Options of `inrfit meta-train` that say how an init is learned; those of the network are in `fit_options.py`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from inrfit.cli.options import RUN
from inrfit.meta.config import ORDERS, RATES, SOLVES, VIEWS, MetaConfig
from inrfit.meta.defaults import META_DEFAULTS, META_PRESETS, METHOD_DEFAULTS
from inrfit.meta.settings import PRECISIONS, RunConfig
from inrfit.registry import names

LEARNING, HYPER = "Learning", "Hypernetworks and composers"


def default(name: str) -> Any:
    """Return the default of a setting, for the help text: that of images, where it goes by the kind of signal."""
    fields = {**MetaConfig.__dataclass_fields__, **RunConfig.__dataclass_fields__}
    found = META_DEFAULTS["image"].get(name, fields[name].default)
    return f"{found:g}" if isinstance(found, float) else found


def by_kind(name: str) -> str:
    """Return the default of a setting that goes by the kind of signal, for the help text."""
    found = {kind: f"{words[name]:g}" for kind, words in META_DEFAULTS.items() if name in words}
    if len(found) == len(META_DEFAULTS) and len(set(found.values())) == 1:
        return found["image"]
    return ", ".join(f"{value} for {kind}" for kind, value in found.items())


def _one_of(words: tuple[str, ...], name: str) -> str:
    return f"{', '.join(words)}; {default(name)} by default."


Method = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"{_one_of(names('meta'), 'method')} The defaults below are those of {default('method')}; "
        f"{', '.join(METHOD_DEFAULTS)} have others.",
        rich_help_panel=LEARNING,
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"Settings of a paper to start from: {', '.join(META_PRESETS)}. Other options override them.",
        rich_help_panel=LEARNING,
    ),
]
Steps = Annotated[
    int | None, typer.Option(help=f"Outer steps; {default('steps')} by default.", rich_help_panel=LEARNING)
]
InnerSteps = Annotated[
    int | None,
    typer.Option(
        help=f"Steps on each signal, after which the error counts; {default('inner_steps')} by default.",
        rich_help_panel=LEARNING,
    ),
]
InnerLr = Annotated[
    float | None,
    typer.Option(
        help=f"Rate of the inner steps: where learned rates begin; {default('inner_lr')} by default.",
        rich_help_panel=LEARNING,
    ),
]
OuterLr = Annotated[
    float | None,
    typer.Option(
        help=f"Peak rate of the outer steps; {default('outer_lr')} by default.", rich_help_panel=LEARNING
    ),
]
Rates = Annotated[
    str | None,
    typer.Option(
        metavar="WHAT",
        help=f"Which inner rates are learned: {', '.join(RATES)}. One for each weight and step (parameter, the default; linear: "
        "also below 0, as published), one for each array and step (tensor), none (fixed).",
        rich_help_panel=LEARNING,
    ),
]
RateLr = Annotated[
    float | None,
    typer.Option(
        help=f"Rate for the logarithms of inner rates, as a factor of --outer-lr; {default('rate_lr')} by default.",
        rich_help_panel=LEARNING,
    ),
]
Order = Annotated[
    str | None,
    typer.Option(
        metavar="WHICH",
        help=f"Of the outer gradients: {_one_of(ORDERS, 'order')} first takes inner gradients for constants, which is cheaper.",
        rich_help_panel=LEARNING,
    ),
]
FirstOrder = Annotated[
    bool, typer.Option("--first-order", help="Short for --order first.", rich_help_panel=LEARNING)
]
Loss = Annotated[
    str | None,
    typer.Option(
        metavar="WHAT",
        help="What a region's inner loss is a mean over, its own samples or the whole signal: "
        "region or signal; region by default, for segments signal.",
        rich_help_panel=LEARNING,
    ),
]
Solve = Annotated[
    str | None,
    typer.Option(
        metavar="STEP",
        help=f"Inner steps that set the output layer in closed form: {_one_of(SOLVES, 'solve')}",
        rich_help_panel=LEARNING,
    ),
]
Batch = Annotated[
    int | None,
    typer.Option(
        "--batch", help=f"Signals in an outer step; {default('batch')} by default.", rich_help_panel=LEARNING
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        "--size",
        help=f"Samples along each axis of a crop, along the longest side of a shape; by default {by_kind('size')}.",
        rich_help_panel=LEARNING,
    ),
]
View = Annotated[
    str | None,
    typer.Option(
        metavar="WHAT",
        help=f"{' or '.join(VIEWS)}: a window of each signal, or of the image once its shorter side is scaled to --size; "
        f"{default('view')} by default.",
        rich_help_panel=LEARNING,
    ),
]
NoAugment = Annotated[
    bool, typer.Option("--no-augment", help="Do not mirror crops at random.", rich_help_panel=LEARNING)
]
Points = Annotated[
    str | None,
    typer.Option(
        metavar="COUNT",
        help=f"Samples drawn of each signal in an outer step; all by default, {by_kind('points')}.",
        rich_help_panel=LEARNING,
    ),
]
Clip = Annotated[
    float | None,
    typer.Option(
        help=f"Largest norm of an outer gradient; {default('clip')} by default.", rich_help_panel=LEARNING
    ),
]
Schedule = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"Of the outer rate: {_one_of(names('schedule'), 'schedule')}",
        rich_help_panel=LEARNING,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        help=f"Seed of every random number; {default('seed')} by default.", rich_help_panel=LEARNING
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="INIT",
        help="The init that one of the methods matched and shuffled is made from.",
        rich_help_panel=LEARNING,
    ),
]
Val = Annotated[
    list[str] | None,
    typer.Option(
        "--val",
        metavar="PATH",
        help="Signals for validation, a folder or a file; several times for more. A share of the inputs by default.",
        rich_help_panel=LEARNING,
    ),
]
Holdout = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help=f"Share of the inputs that is kept for validation; {default('holdout')} by default. Not with --val.",
        rich_help_panel=LEARNING,
    ),
]
ValEvery = Annotated[
    int | None,
    typer.Option(
        metavar="STEPS",
        help="Outer steps between validations; by default so that there are about 20.",
        rich_help_panel=LEARNING,
    ),
]
Rank = Annotated[
    int | None,
    typer.Option(
        help=f"Rank of a composer's factor; {default('rank')} by default, at most the width.",
        rich_help_panel=HYPER,
    ),
]
Patch = Annotated[
    int | None,
    typer.Option(
        help=f"Samples along each axis of a hypernetwork's token; {default('patch')} by default.",
        rich_help_panel=HYPER,
    ),
]
Groups = Annotated[
    int | None,
    typer.Option(
        help=f"Tokens for each layer of TransINR; {default('groups')} by default.", rich_help_panel=HYPER
    ),
]
HyperFeatures = Annotated[
    int | None,
    typer.Option(
        help=f"Width of the transformer; {default('hyper_features')} by default.", rich_help_panel=HYPER
    ),
]
HyperBlocks = Annotated[
    int | None,
    typer.Option(
        help=f"Blocks of the transformer; {default('hyper_blocks')} by default.", rich_help_panel=HYPER
    ),
]
HyperHeads = Annotated[
    int | None,
    typer.Option(
        help=f"Attention heads of the transformer; {default('hyper_heads')} by default.",
        rich_help_panel=HYPER,
    ),
]
HyperDropout = Annotated[
    float | None,
    typer.Option(
        help=f"Dropout of the transformer; {default('hyper_dropout')} by default.", rich_help_panel=HYPER
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        metavar="TYPE",
        help=f"Of matrix products: {_one_of(PRECISIONS, 'precision')} bfloat16 needs CUDA.",
        rich_help_panel=RUN,
    ),
]
Memory = Annotated[
    str, typer.Option(metavar="SIZE", help="What may be kept of decoded signals.", rich_help_panel=RUN)
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on from the checkpoint of an interrupted run.", rich_help_panel=LEARNING
    ),
]
