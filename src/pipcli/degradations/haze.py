"""Haze after the model of Koschmieder (1924): I = J t + A (1 - t).

J is the scene without haze, t the transmission, the share of its light that arrives, and A the airlight, the colour of
the haze. All three are unknown, and any J can be explained by a t that is low enough: what decides are the priors.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.degradations.base import Degradation
from pipcli.degradations.dark_channel import least_transmission
from pipcli.noise import Noise
from pipcli.settings import HazePriors


def split(maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the (N, C, H, W) picture, (N, 1, H, W) transmission and (N, C, H, W) airlight side by side in maps."""
    channels = (maps.shape[1] - 1) // 2
    picture, transmission, airlight = torch.split(maps, [channels, 1, channels], dim=1)
    return picture, transmission, airlight


class Haze(Degradation):
    """The degradation of dehazing: what is restored is the scene with transmission and airlight beside it.

    Its data term holds, besides the misfit, what is known of the transmission. No scene is darker than black, hence
    t >= 1 - D(I / A), D being the dark channel; and nearly everywhere something close by is nearly black, hence t is
    seldom much above that. The price of the difference is that of a high quantile (Koenker and Bassett, 1978): a
    transmission that is smooth then runs along the upper edge of those bounds, over the bright things, which have no
    dark channel. The airlight stays close to where it started.
    """

    def __init__(self, noise: Noise, airlight: Tensor, radius: int, priors: HazePriors) -> None:
        """Keep what is known beforehand.

        Args:
            noise: of the observation.
            airlight: (N, C, 1, 1) above 0, from where the airlight starts.
            radius: of the dark channel's neighbourhoods, in pixels.
            priors: what is known of the transmission.
        """
        super().__init__(noise)
        self.radius = radius
        self.priors = priors
        self.register_buffer("start", airlight)

    start: Tensor

    def forward(self, unknowns: Tensor) -> Tensor:
        """Map (N, C + 1 + C, H, W), scene, transmission and airlight, to the hazy picture with the last two beside it.

        The data term asks for them.
        """
        scene, transmission, airlight = split(unknowns)
        hazy = torch.lerp(airlight, scene, transmission)
        return torch.cat([hazy, transmission, airlight], dim=1)

    def target_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return `size`."""
        return size

    def data_term(self, prediction: Tensor, observation: Tensor) -> Tensor:
        """Return the misfit of each (N, C, h, w) sample of the hazy picture, and the price of the priors on top."""
        hazy, transmission, airlight = split(prediction)
        # The airlight is for the misfit to find: it could lower the price of the bounds by a wrong colour.
        above = transmission - least_transmission(observation, airlight.detach(), self.radius)
        quantile = self.priors.quantile
        bound = torch.maximum((1 - quantile) * above, -quantile * above)
        steep = self.priors.smoothness * steepness(transmission)
        return super().data_term(hazy, observation) + bound + steep + (airlight - self.start).square()


def steepness(plane: Tensor) -> Tensor:
    """Return the squared slope of a (N, 1, H, W) plane at each pixel, lengths being shares of its sides."""
    height, width = plane.shape[-2:]
    down = F.pad(height * plane.diff(dim=-2), (0, 0, 0, 1))
    right = F.pad(width * plane.diff(dim=-1), (0, 1, 0, 0))
    return down.square() + right.square()
