"""How a picture is dehazed."""

from dataclasses import dataclass

from pipcli.settings.generators import AxisWaves, HourglassSettings, Merge, Sampling
from pipcli.settings.records import FitSettings, Settings
from pipcli.settings.rows import PIP, geometric


@dataclass(frozen=True)
class HazePriors:
    """What is known of haze beforehand, and how much it counts beside the misfit.

    Attributes:
        quantile: share of the neighbourhoods in which the transmission lies above what their darkest sample says.
        smoothness: weight of the squared slope of the transmission, lengths being shares of the picture's sides.
    """

    quantile: float
    smoothness: float


@dataclass(frozen=True)
class DehazeSettings:
    """How a picture is dehazed. Lengths that are shares are of the picture's longer side.

    Attributes:
        scene: the generator of the scene, and how it is fitted together with the others.
        transmission: the generator of the transmission, of low frequencies.
        priors: of the transmission.
        side: of the small picture that the unknowns are fitted to, its longer one in pixels at most.
        patch: share that is the side of the neighbourhoods of the dark channel.
        patience: steps without a lower error on held-out pixels after which the fit stops.
        refined_side: of the picture in which edges are found, its longer one in pixels at most.
        edge_radius: share that is the radius of the guided filter.
        flatness: variance of the picture below which the guided filter sees no edge.
        trust: share of what a dark channel lies below the fitted transmission that is believed, in [0, 1].
        least_transmission: for the scene, lower ones count as this: what is left of it there is mostly rounding.
        least_colour: the same for how far the channels differ from their mean, else a grey sky would get a colour.
    """

    scene: Settings
    transmission: Settings
    priors: HazePriors
    side: int
    patch: float
    patience: int
    refined_side: int
    edge_radius: float
    flatness: float
    trust: float
    least_transmission: float
    least_colour: float


_HAZE_FIT = FitSettings(steps=200, learning_rate=0.02, average_decay=0.95, held_out_fraction=0.04)
DEHAZE = DehazeSettings(
    scene=Settings(PIP.encoding, PIP.network, _HAZE_FIT),
    transmission=Settings(
        AxisWaves(frequencies=geometric(1.0, 8.0, 4)),
        HourglassSettings((16,), (16,), 1, Sampling.MEAN, Merge.SUM, redundant_biases=False),
        _HAZE_FIT,
    ),
    priors=HazePriors(quantile=0.95, smoothness=0.005),
    side=128,
    patch=0.04,
    patience=40,
    refined_side=384,
    edge_radius=0.05,
    flatness=1e-3,
    trust=0.1,
    least_transmission=0.22,
    least_colour=0.4,
)
