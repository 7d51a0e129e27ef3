"""What the user chooses about the networks, as a validated value."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from inrfit import texts
from inrfit.errors import require
from inrfit.presets import DEFAULT_EFFORT, EFFORTS
from inrfit.words import Clash, Only, Word, check

NETWORK = "Network"

MAX_LEVELS, MAX_FEATURE_CHANNELS = 7, 64
"""Most lattices of a feature grid, and most numbers at a point of one."""

MAX_LATTICE = 1 << 26
"""Most features of a region."""

WITH_TRUNK = ("local-global",)
"""Models whose regions share a trunk."""

WITH_GRID = ("feature-grid",)
"""Models whose regions have lattices of features."""

_TRUNK = Only(word="model", values=WITH_TRUNK, sets="weights that regions share")
_GRID = Only(word="model", values=WITH_GRID, sets="lattices of features")
_OPEN = {"panel": NETWORK, "above": 0, "below": 1e6}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The network of one region, or of the signal where there is one region; the help of each word says what it is.

    Attributes:
        name: the word is `model`; None picks "mlp" or "partitioned" by the partition.
        hidden_features: None sizes it from `params`.
        hidden_layers: hidden-to-hidden layers: 3 means an input layer, 3 hidden layers and a linear output.
        first_omega_0, hidden_omega_0: None takes the activation's own, which for the first layer of a local frame grows
            with the size of the regions. For `gauss` it is the width factor, for `relu` it has no meaning.
        features: they yield twice as many inputs.
        sigma: of `rff`, standard deviation in periods per unit coordinate: about 1 suits the local frame of a region of 32
            samples, 10 the global frame of a photo. Of `geometric` the ratio of the highest to the lowest frequency,
            which is half a period per unit coordinate.
        trunk_features: None sizes it from `global_share`. 0 for models without a trunk.
        global_share: used when `trunk_features` is None.
        pitch: None sizes it from `params`, or takes 2.
        levels: 0 for as many as fit, and for models without lattices.
        lattice: points of the finest lattice along each axis; filled in by `sizing.resolve`.
        extent: coordinate in a region's own frame of the last points along each axis; filled in likewise, and empty
            for 1 on every axis.
        params: used when `hidden_features` is None.
        budget: upper bound that need not be met closely, a default of a kind of signal; used when neither is given.
        weights_per_sample: used when none of the three is given.
    """

    clashes: ClassVar = (
        Clash(words=("hidden_features", "params", "weights_per_sample", "budget")),
        Clash(words=("pitch", "params"), what="both set the number of features"),
        Clash(words=("trunk_features", "global_share"), what="both set the width of the trunk", fills=True),
    )

    name: Annotated[
        str | None,
        Word(
            name="model",
            help="{names}; by default the one that suits the partition.",
            metavar="NAME",
            panel=NETWORK,
            names="model",
        ),
    ] = None
    activation: Annotated[
        str, Word(help="{names}; {default} by default.", metavar="NAME", panel=NETWORK, names="activation")
    ] = "sine"
    hidden_features: Annotated[
        int | None,
        Word(
            help="Width of a hidden layer, per region. Not with --params.",
            panel=NETWORK,
            least=1,
            most=1 << 16,
        ),
    ] = None
    hidden_layers: Annotated[
        int,
        Word(help="Hidden layers after the first; {default} by default.", panel=NETWORK, least=0, most=64),
    ] = EFFORTS[DEFAULT_EFFORT]["hidden_layers"]
    first_omega_0: Annotated[
        float | None, Word(help="Frequency factor of the first activation; its own by default.", **_OPEN)
    ] = None
    hidden_omega_0: Annotated[
        float | None, Word(help="Frequency factor of the others; their own by default.", **_OPEN)
    ] = None
    scale_0: Annotated[float, Word(help="Envelope factor of wire; {default} by default.", **_OPEN)] = 3.0
    encoding: Annotated[
        str, Word(help="{names}; {default} by default.", metavar="NAME", panel=NETWORK, names="encoding")
    ] = "none"
    bands: Annotated[
        int,
        Word(
            help="Frequencies per axis of harmonic; {default} by default.", panel=NETWORK, least=1, most=512
        ),
    ] = 6
    features: Annotated[
        int,
        Word(
            help="Frequencies of rff, or of geometric over all axes; {default} by default.",
            panel=NETWORK,
            least=1,
            most=1 << 16,
        ),
    ] = 16
    sigma: Annotated[
        float, Word(help="Spread of the frequencies of rff and geometric; {default} by default.", **_OPEN)
    ] = 1.0
    output: Annotated[
        str,
        Word(
            name="output_activation",
            help="{names}; {default} by default.",
            metavar="NAME",
            panel=NETWORK,
            names="output",
        ),
    ] = "linear"
    frame: Annotated[
        str,
        Word(
            help="Coordinates of the networks: global or local; {default} by default.",
            metavar="NAME",
            panel=NETWORK,
            choices=("global", "local"),
        ),
    ] = "local"
    trunk_features: Annotated[
        int | None,
        Word(
            help="Width of the shared trunk of local-global. Not with --global-share.",
            panel=NETWORK,
            least=1,
            most=1 << 16,
            blank=0,
            only=_TRUNK,
        ),
    ] = None
    global_share: Annotated[
        float,
        Word(
            help="Share of the weights that all regions of local-global share; {default} by default. "
            "Not with --trunk-features.",
            metavar="SHARE",
            panel=NETWORK,
            above=0,
            below=1,
            only=_TRUNK,
        ),
    ] = 0.1
    trunk_frame: Annotated[
        str,
        Word(
            help="Coordinates of the trunk of local-global: global or local; {default} by default.",
            metavar="NAME",
            panel=NETWORK,
            choices=("global", "local"),
            only=_TRUNK,
        ),
    ] = "local"
    trunk_omega_0: Annotated[
        float | None,
        Word(
            help="Frequency factor of the trunk's first activation; its own by default, that of the regions in local frames.",
            only=_TRUNK,
            **_OPEN,
        ),
    ] = None
    modulated: Annotated[
        int,
        Word(
            help="Layer of composer whose weight each region has of its own, from 0; {default} by default.",
            panel=NETWORK,
            least=0,
            most=65,
        ),
    ] = 1
    pitch: Annotated[
        float | None,
        Word(
            help="Samples between the finest features of feature-grid; 2 by default. Not with --params.",
            metavar="SAMPLES",
            panel=NETWORK,
            least=0.25,
            most=4096,
            unit="samples",
            only=_GRID,
        ),
    ] = None
    levels: Annotated[
        int,
        Word(
            help="Lattices of feature-grid, each half as fine as the one before; as many as fit by default, at most 7.",
            panel=NETWORK,
            least=1,
            most=MAX_LEVELS,
            blank=0,
            only=_GRID,
        ),
    ] = 0
    feature_channels: Annotated[
        int,
        Word(
            help="Numbers at each point of a lattice of feature-grid; {default} by default.",
            panel=NETWORK,
            least=1,
            most=MAX_FEATURE_CHANNELS,
            only=_GRID,
        ),
    ] = 1
    lattice: tuple[int, ...] = ()
    extent: tuple[float, ...] = ()
    params: Annotated[
        int | None,
        Word(
            help="At most so many weights, such as 200k, in a coarser grid where they are few; half a weight per sample by "
            "default. Not with --hidden-features.",
            metavar="COUNT",
            least=1,
            most=1 << 40,
            reads=texts.count_of,
        ),
    ] = None
    budget: int | None = None
    weights_per_sample: Annotated[
        float,
        Word(
            help="The number of weights as a share of the samples; {default} by default. Not with --params or "
            "--hidden-features.",
            metavar="SHARE",
            above=0,
            below=1e6,
        ),
    ] = 0.5

    def __post_init__(self) -> None:
        check(self)
        require(
            self.hidden_features is None or self.params is None or self.name in WITH_GRID,
            "--hidden-features and --params both set the width",
            hint="give one of them",
        )
