"""Impulse noise (salt and pepper): some samples are replaced by black or white, the others are unchanged."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.noise.base import Evidence, Noise, Whitened, origin_of
from pipcli.noise.laplace import smooth_absolute
from pipcli.noise.scattering import is_scattered
from pipcli.settings import NoiseName

# A sample at an end of the range is a hit when it is this far from the median of its neighbourhood, five grey levels:
# a hit that is taken for a dark or bright sample then costs no more.
FAR = 0.02
SIDE = 5
# A neighbourhood in which hits show has a median this far from both ends.
MIDDLING = 0.2
# What surely is a hit is this far from the median, and this many times as far as half of all samples are.
SURELY_FAR, TEXTURE_FACTOR = 0.2, 8.0
# A sample counts as black or white within this of the end: half a grey level, below which 16 bits still tell levels.
END = 0.5 / 255
# A drawing in two colours, also one that was a JPEG, has fewer samples than this between the two.
TONES, LEAST_MIDDLE = 0.2, 0.005
# Of a larger picture some strips of rows from all over it are looked at to tell whether there are any hits.
STRIP, MOST_SAMPLES = 64, 6_000_000
# Hit samples take over how far the pilot is off around them, weighted by a bell of this standard deviation in pixels.
BELL_STD, BELL_MARGIN = 1.0, 3


@dataclass(frozen=True)
class Impulse(Noise):
    """Impulse noise; its level is the share of affected samples."""

    name: ClassVar[NoiseName] = NoiseName.IMPULSE
    unit: ClassVar[str] = "share of hit samples"
    misfit_is_squared_error: ClassVar[bool] = False

    @classmethod
    def of(cls, evidence: Evidence, level: float | None) -> "Impulse":
        """Return the noise of an observation, whose level is estimated where none is given."""
        medians = medians_of(evidence.observation)
        hit = _hits(evidence.observation, medians)
        share = _share(hit, medians) if level is None else level
        clean = evidence.observation[~hit]
        # Black and white are equally likely: half of the square of the distance from each.
        power = float((clean.square() + (1 - clean).square()).mean()) / 2 if len(clean) else 0.5
        return cls(share, origin_of(level), math.sqrt(share * power))

    def scaled(self, strength: float) -> Self:
        """Return the noise of which so large a part is taken out of each sample that was hit, all from 1."""
        return replace(super().scaled(strength), level=self.level)

    def misfit(self, prediction: Tensor, observation: Tensor) -> Tensor:
        """Return the absolute difference, which undetected hits influence little."""
        return smooth_absolute(prediction - observation)

    def expected_misfit(self, observation: Tensor) -> float:
        """Return 0: samples that were not hit are as they were."""
        del observation
        return 0.0

    def observed(self, observation: Tensor) -> Tensor:
        """Return the (1, C, H, W) samples that were not hit."""
        return ~hit_samples(observation)

    def whitened(self, observation: Tensor, pilot: Tensor) -> Whitened:
        """Return the observation with the hits replaced, with nothing to filter.

        What replaces a hit is the pilot plus what the pilot lacks at the samples around it that were not hit.
        """
        clean = self.observed(observation)
        lacking = _blurred((observation - pilot) * clean) / _blurred(clean.float()).clamp(min=1e-3)
        mended = torch.where(clean, observation, (pilot + lacking).clamp(0, 1))
        part = min(self.strength, 1.0)
        return Whitened(mended, pilot, 0.0, lambda estimate: torch.lerp(observation, estimate, part))


def hit_samples(observation: Tensor) -> Tensor:
    """Return the (1, C, H, W) booleans of the samples that are black or white in a neighbourhood that is neither."""
    return _hits(observation, medians_of(observation))


def _hits(observation: Tensor, medians: Tensor) -> Tensor:
    end = (observation <= END) | (observation >= 1 - END)
    return end & ((observation - medians).abs() > FAR)


def _share(hit: Tensor, medians: Tensor) -> float:
    """Return the share of hits where the picture is neither dark nor bright, so that all can be seen."""
    middling = (medians > MIDDLING) & (medians < 1 - MIDDLING)
    return float(hit[middling].float().mean() if middling.any() else hit.float().mean())


def end_shares(observation: Tensor) -> tuple[float, float]:
    """Return the shares of black and of white samples."""
    return float((observation <= END).float().mean()), float((observation >= 1 - END).float().mean())


def shows_impulses(observation: Tensor, least_share: float) -> bool:
    """Return whether black and white outliers lie at random places, with at least a share of all samples at each end.

    Those count that are far outside of what the picture's own texture and noise reach, in a neighbourhood that is
    neither black nor white: ink on paper and light on black are a drawing.
    """
    observation = _some_strips(observation)
    middle = float(((observation > TONES) & (observation < 1 - TONES)).float().mean())
    if min(end_shares(observation)) <= least_share or middle < LEAST_MIDDLE:
        return False
    medians = medians_of(observation)
    distance = (observation - medians).abs()
    far = distance > max(SURELY_FAR, TEXTURE_FACTOR * float(distance.median()))
    far &= (medians > END) & (medians < 1 - END)
    ends = [(observation <= END) & far, (observation >= 1 - END) & far]
    if min(float(end.float().mean()) for end in ends) <= least_share:
        return False
    return all(is_scattered(end.float()) for end in ends)


def medians_of(observation: Tensor) -> Tensor:
    """Return the medians over `SIDE` x `SIDE` samples around each of (N, C, H, W) pictures, edges repeated."""
    import cv2  # torch's median of unfolded neighbourhoods takes 50 times as long

    channels = [cv2.medianBlur(plane.contiguous().numpy(), SIDE) for plane in observation.float().cpu().flatten(0, 1)]
    return torch.stack([torch.from_numpy(plane) for plane in channels]).view(observation.shape).to(observation)


def _some_strips(observation: Tensor) -> Tensor:
    """Return a (1, C, H, W) picture, or of a larger one strips of its rows, one below the other."""
    height = observation.shape[2]
    count = MOST_SAMPLES // max(1, STRIP * observation.shape[1] * observation.shape[3])
    if observation.numel() <= MOST_SAMPLES or count * STRIP >= height:
        return observation
    tops = torch.linspace(0, height - STRIP, max(1, count)).long().tolist()
    return torch.cat([observation[:, :, top : top + STRIP] for top in tops], dim=2)


def _blurred(picture: Tensor) -> Tensor:
    """Return each channel of a picture, 0 around it, under a bell."""
    place = torch.arange(-BELL_MARGIN, BELL_MARGIN + 1, dtype=torch.float32)
    bell = torch.exp(-place.square() / (2 * BELL_STD**2))
    channels = picture.shape[1]
    for shape in ((1, 1, -1, 1), (1, 1, 1, -1)):
        kernel = bell.reshape(shape).expand(channels, *[-1] * 3)
        picture = F.conv2d(picture, kernel, padding="same", groups=channels)
    return picture
