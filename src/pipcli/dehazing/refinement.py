"""Edge-aware refinement of the fitted transmission, and the scene from it."""

import torch
from torch import Tensor

from pipcli.degradations.dark_channel import least_transmission
from pipcli.dehazing.guided import guided_plane
from pipcli.dehazing.scaling import enlarged, radius_of, shrunk
from pipcli.settings import DehazeSettings

# Typical standard deviation of the details of a clear picture, against which noise is weighed.
DETAIL_STD = 0.1


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


def clear_scene(
    observation: Tensor,
    explained: Tensor,
    transmission: Tensor,
    airlight: Tensor,
    noise_std: float,
    least: tuple[float, float],
) -> Tensor:
    """Invert the model of haze, with regularisation where noise would be amplified most.

    What the generators explain of the picture is free of noise, and is inverted as it is. The rest, the details, would
    be amplified by 1 / t, and its noise too; Wiener's answer to noise of e times their variance is t / (t^2 + e).

    Args:
        observation: (1, C, H, W).
        explained: (1, C, H, W), the hazy picture that the generators arrived at.
        transmission: (1, 1, H, W).
        airlight: (1, C, 1, 1).
        noise_std: of the observation.
        least: transmissions below which none counts: of the mean of the channels, and of how they differ from it.

    Returns:
        (1, C, H, W) in [0, 1].
    """
    noise = (noise_std / DETAIL_STD) ** 2
    scene = airlight
    for part, floor in zip((_mean_of, _differences_of), least, strict=True):
        share = transmission.clamp(min=floor)
        details = part(observation - explained) * share / (share.square() + noise)
        scene = scene + part(explained - airlight) / share + details
    return scene.clamp(0, 1)


def _mean_of(picture: Tensor) -> Tensor:
    return picture.mean(1, keepdim=True)


def _differences_of(picture: Tensor) -> Tensor:
    return picture - _mean_of(picture)
