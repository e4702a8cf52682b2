"""From a fitted transmission to one with the picture's edges, and from that to the scene."""

import torch
from torch import Tensor

from pipcli.degradations.dark_channel import least_transmission
from pipcli.dehazing.guided import guided_plane
from pipcli.dehazing.scaling import enlarged, radius_of, shrunk
from pipcli.settings import DehazeSettings


def refined(fitted: Tensor, observation: Tensor, airlight: Tensor, settings: DehazeSettings) -> Tensor:
    """Return the fitted transmission in full size, with the edges of depth that the picture shows.

    Where a neighbourhood is darker than the fitted transmission allows it is raised to what is possible; where it has
    nothing dark, it may be farther off, but more often it is just bright: it is lowered by a share of the difference.
    The difference is smoothed by the guided filter.

    Args:
        fitted: (1, 1, h, w).
        observation: (1, C, H, W).
        airlight: (1, C, 1, 1).
        settings: of the filter.
    """
    guide = shrunk(observation, settings.refined_side)
    bound = least_transmission(guide, airlight, radius_of(guide, settings.patch / 2))
    above = bound - enlarged(fitted, guide)
    change = torch.where(above > 0, above, settings.trust * above)
    plane = guided_plane(guide, change, radius_of(guide, settings.edge_radius), settings.flatness)
    return (enlarged(fitted, observation) + plane.at(observation)).clamp(0, 1)


def without_haze(picture: Tensor, transmission: Tensor, airlight: Tensor) -> Tensor:
    """Return J of I = J t + A (1 - t), for t above 0; not clipped."""
    return airlight + (picture - airlight) / transmission
