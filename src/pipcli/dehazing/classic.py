"""Transmission and airlight from the dark channel prior alone.

Source: He, Sun and Tang, "Single Image Haze Removal Using Dark Channel Prior" (CVPR 2009), with the guided filter of
their later paper (ECCV 2010) in place of the matting. The fit starts from its airlight.
"""

import math

from torch import Tensor

from pipcli.degradations.dark_channel import dark_channel, least_transmission
from pipcli.dehazing.guided import guided_plane
from pipcli.dehazing.scaling import radius_of, shrunk
from pipcli.settings import DehazeSettings

# Of the pixels: those whose surroundings are least dark, hence the haziest.
HAZIEST_SHARE = 0.001
# No haze of daylight is darker, and the transmission divides by it.
DARKEST_AIRLIGHT = 0.1
# The share of the dark channel that the paper takes for haze, and the least transmission that it allows.
HAZE_SHARE, LEAST_TRANSMISSION = 0.95, 0.1


def estimate_airlight(observation: Tensor, settings: DehazeSettings) -> Tensor:
    """Return the (1, C, 1, 1) airlight of a hazy (1, C, H, W) picture in [0, 1].

    It is seen where the dark channel is brightest; not, as in the paper, at the brightest pixel there, which may be a
    lamp or a white wall: each channel is the median of those places, in a small picture.
    """
    small = shrunk(observation, settings.side)
    darkest = dark_channel(small, radius_of(small, settings.patch / 2)).flatten()
    places = darkest.topk(math.ceil(HAZIEST_SHARE * len(darkest))).indices
    colours = small.flatten(2)[0, :, places]
    return colours.median(1).values.clamp(DARKEST_AIRLIGHT, 1).view(1, -1, 1, 1)


def as_airlight(colour: Tensor, channels: int) -> Tensor:
    """Return a given airlight of 1 or C numbers in [0, 1] as (1, C, 1, 1)."""
    return colour.float().flatten().clamp(min=DARKEST_AIRLIGHT).expand(channels).view(1, -1, 1, 1)


def classic_transmission(observation: Tensor, airlight: Tensor, settings: DehazeSettings) -> Tensor:
    """Return the (1, 1, H, W) transmission from the dark channel, refined by the guided filter.

    It is what a fit that is ended at once falls back to.
    """
    guide = shrunk(observation, settings.refined_side)
    bound = least_transmission(guide, airlight, radius_of(guide, settings.patch / 2))
    classic = 1 - HAZE_SHARE * (1 - bound)
    plane = guided_plane(guide, classic, radius_of(guide, settings.edge_radius), settings.flatness)
    return plane.at(observation).clamp(LEAST_TRANSMISSION, 1)
