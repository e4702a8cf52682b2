"""Which samples of the observations a fit sees, and by what its error is told.

Where the noise of each pixel is its own, pixels are held out. Where it is correlated, its neighbours tell the noise of
a pixel, so that pixels that are held out do not show that a fit begins to reproduce the noise. There a fit sees the
observation with more noise of the same covariance, and its error is told by the observation less that noise, in such
amounts that the noises of the two are independent:

    seen = y + a w,   witness = y - w / a

Source: Oliveira, Lei and Tibshirani, "Unbiased Risk Estimation in the Normal Means Problem via Coupled Bootstrap
Techniques" (2021); the pairs are those of Pang et al., "Recorrupted-to-Recorrupted" (CVPR 2021). Holding out blocks
wider than the correlation was tried: networks fill such holes so badly that the error there says nothing of the noise.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

# Below this many pixels a held-out share is too small a sample to stop by, and too dear a loss for the fit.
FEWEST_PIXELS_TO_HOLD_OUT = 256
# How strong the noise is that is added, in units of that which is there: with more the fit is of a worse picture, with
# less the witness is so noisy that its error says little. On a photo of a camera 0.3 and 0.5 told the error as well.
AMOUNT = 0.4


def draw_held_out(size: tuple[int, ...], share: float, generator: torch.Generator) -> Tensor:
    """Draw the pixels to hold out: none of tiny pictures or for a share of 0, else at least one.

    Args:
        size: height and width of a picture, or before them the number of frames.
        share: of the pixels, in [0, 1).
        generator: draws them.
    """
    if math.prod(size) < FEWEST_PIXELS_TO_HOLD_OUT or share == 0:
        return torch.zeros(size, dtype=torch.bool)
    draws = torch.rand(size, generator=generator)
    return draws <= max(share, float(draws.min()))


@dataclass(frozen=True)
class Counting:
    """What counts of the observations (K, C, h, w), or (K, C, T, h, w), of the members of a fit; all on the CPU.

    Attributes:
        observed: like the observations, or with one channel, booleans: the samples that say anything of the picture,
            which alone are fitted or held out; None is all of them.
        witness: like the observations, float32, where those are seen with the noise that is added: the same less that
            noise, by which the error is told; None where pixels are held out.
    """

    observed: Tensor | None = None
    witness: Tensor | None = None

    def shares(self, pixels: Tensor, channels: int) -> Tensor:
        """Return what each observed sample of each member's pixels, (K, h, w) booleans, counts: 1 in sum, or 0."""
        samples = pixels[:, None] if self.observed is None else pixels[:, None] & self.observed
        repeats = channels // samples.shape[1]
        counts = samples.sum(tuple(range(1, samples.ndim)), keepdim=True).clamp(min=1)
        return samples.float() / (repeats * counts)


ALL = Counting()


def pair(observation: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Return what is seen and the witness, given fresh noise of the covariance that the observation's has."""
    return observation + AMOUNT * noise, observation - noise / AMOUNT


def of_pair(seen: Tensor, witness: Tensor) -> Tensor:
    """Return the observation of which two are a pair."""
    return (seen + AMOUNT**2 * witness) / (1 + AMOUNT**2)
