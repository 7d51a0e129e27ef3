"""Options of `inrfit fit` that describe the network and how its weights are found; `fit.py` has the others."""

from __future__ import annotations

from typing import Annotated

import typer

from inrfit.cli.options import default
from inrfit.registry import names

NETWORK, FITTING = "Network", "Fitting"

Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"{', '.join(names('model'))}; by default the one that suits the partition.",
        rich_help_panel=NETWORK,
    ),
]
Activation = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"{', '.join(names('activation'))}; {default('activation')} by default.",
        rich_help_panel=NETWORK,
    ),
]
HiddenFeatures = Annotated[
    int | None,
    typer.Option(help="Width of a hidden layer, per region. Not with --params.", rich_help_panel=NETWORK),
]
HiddenLayers = Annotated[
    int | None,
    typer.Option(
        help=f"Hidden layers after the first; {default('hidden_layers')} by default.",
        rich_help_panel=NETWORK,
    ),
]
FirstOmega = Annotated[
    float | None,
    typer.Option(
        help="Frequency factor of the first activation; its own by default.", rich_help_panel=NETWORK
    ),
]
HiddenOmega = Annotated[
    float | None,
    typer.Option(help="Frequency factor of the others; their own by default.", rich_help_panel=NETWORK),
]
Scale = Annotated[
    float | None,
    typer.Option(
        help=f"Envelope factor of wire; {default('scale_0'):g} by default.", rich_help_panel=NETWORK
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"{', '.join(names('encoding'))}; {default('encoding')} by default.",
        rich_help_panel=NETWORK,
    ),
]
Bands = Annotated[
    int | None,
    typer.Option(
        help=f"Frequencies per axis of harmonic; {default('bands')} by default.", rich_help_panel=NETWORK
    ),
]
Features = Annotated[
    int | None,
    typer.Option(
        help=f"Frequencies of rff, or of geometric over all axes; {default('features')} by default.",
        rich_help_panel=NETWORK,
    ),
]
Sigma = Annotated[
    float | None,
    typer.Option(
        help=f"Spread of the frequencies of rff and geometric; {default('sigma'):g} by default.",
        rich_help_panel=NETWORK,
    ),
]
OutputActivation = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"{', '.join(names('output'))}; {default('output')} by default.",
        rich_help_panel=NETWORK,
    ),
]
Frame = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"Coordinates of the networks: global or local; {default('frame')} by default.",
        rich_help_panel=NETWORK,
    ),
]
Lr = Annotated[
    float | None,
    typer.Option(help="Peak learning rate; by default one that suits the width.", rich_help_panel=FITTING),
]
Optimiser = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"{', '.join(names('optimiser'))}; {default('optimiser')} by default.",
        rich_help_panel=FITTING,
    ),
]
Beta1 = Annotated[
    float | None,
    typer.Option(
        help=f"Decay of Adam's first moment; {default('beta1'):g} by default.", rich_help_panel=FITTING
    ),
]
Kernel = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"How networks are run: {', '.join(names('kernel'))}; by default the fastest that suits the device.",
        rich_help_panel=FITTING,
    ),
]
Beta2 = Annotated[
    float | None,
    typer.Option(
        help=f"Decay of Adam's second moment; {default('beta2'):g} by default.", rich_help_panel=FITTING
    ),
]
Schedule = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"Of the learning rate: {', '.join(names('schedule'))}; {default('schedule')} by default.",
        rich_help_panel=FITTING,
    ),
]
Points = Annotated[
    str | None,
    typer.Option(
        metavar="COUNT",
        help="Samples drawn per step, such as 50k; all of them by default.",
        rich_help_panel=FITTING,
    ),
]
Span = Annotated[
    float | None,
    typer.Option(
        help="Coordinates of the global frame run over [-SPAN, SPAN]; 1 by default.", rich_help_panel=FITTING
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        metavar="TYPE",
        help=f"Type of the stored weights: quantised, float16 or float32; {default('weights')} by default.",
        rich_help_panel=FITTING,
    ),
]
Rate = Annotated[
    float | None,
    typer.Option(
        help="Percent by which the error may grow for one percent fewer bits, 0.1 to 100; 0 keeps the quality. "
        "2 where a size or a quality is asked for, 0 otherwise.",
        rich_help_panel=FITTING,
    ),
]
TrunkFeatures = Annotated[
    int | None,
    typer.Option(
        help="Width of the shared trunk of local-global. Not with --global-share.", rich_help_panel=NETWORK
    ),
]
TrunkFrame = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"Coordinates of the trunk of local-global: global or local; {default('trunk_frame')} by default.",
        rich_help_panel=NETWORK,
    ),
]
TrunkOmega = Annotated[
    float | None,
    typer.Option(
        "--trunk-omega-0",
        help="Frequency factor of the trunk's first activation; its own by default, that of the regions in local frames.",
        rich_help_panel=NETWORK,
    ),
]
Modulated = Annotated[
    int | None,
    typer.Option(
        help=f"Layer of composer whose weight each region has of its own, from 0; {default('modulated')} by default.",
        rich_help_panel=NETWORK,
    ),
]
Pitch = Annotated[
    float | None,
    typer.Option(
        metavar="SAMPLES",
        help="Samples between the finest features of feature-grid; 2 by default. Not with --params.",
        rich_help_panel=NETWORK,
    ),
]
Levels = Annotated[
    int | None,
    typer.Option(
        help="Lattices of feature-grid, each half as fine as the one before; as many as fit by default, at most 7.",
        rich_help_panel=NETWORK,
    ),
]
FeatureChannels = Annotated[
    int | None,
    typer.Option(
        help=f"Numbers at each point of a lattice of feature-grid; {default('feature_channels')} by default.",
        rich_help_panel=NETWORK,
    ),
]
GlobalShare = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help=f"Share of the weights that all regions of local-global share; {default('global_share'):g} by default. "
        "Not with --trunk-features.",
        rich_help_panel=NETWORK,
    ),
]
Sampling = Annotated[
    str | None,
    typer.Option(
        metavar="RULE",
        help=f"How --points are divided among the regions: error or uniform; {default('sampling')} by default.",
        rich_help_panel=FITTING,
    ),
]
Overlap = Annotated[
    str | None,
    typer.Option(
        metavar="SAMPLES",
        help="Samples around each region that it learns as well, one number or one for each axis such as 1x2x2; "
        f"{default('overlap')} by default.",
        rich_help_panel=FITTING,
    ),
]
