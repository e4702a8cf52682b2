"""Pictures of few colours: each pixel's expected colour, given a palette that is estimated from the picture itself.

In text, charts, line art, pixel art, dithers and screens, pixels of quite different colours lie side by side. Few
patches of such a picture resemble each other, but its pixels have few colours. Their distribution is estimated by
maximum likelihood as a mixture of points (Kiefer and Wolfowitz, Annals of Mathematical Statistics 1956) with
expectation maximisation, the noise being known. A sample at which the noise was cut off tells that the value was there
or beyond. The estimate of a pixel is its posterior mean, for which no other pixel is looked at.

Where Stein's estimate says that this is much nearer to the picture than the filters are, the two are joined.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pipcli.noise.clipping import censored_mean
from pipcli.refine.spectrum import Filtered
from pipcli.refine.stein import Probed, Seen, cut_off, joined, probed

# Colours to begin with. A picture of more is left to the filters.
MOST_COLOURS = 48
# Pixels that the palette is estimated from, and rounds of expectation maximisation before and after it is simplified.
PIXELS, ROUNDS = 5000, 20
# Fewer pixels say too little of their colours.
LEAST_SEEN = 1000
# A colour of fewer of these pixels is a chance of the noise.
LEAST_PIXELS = 3
# Distances between colours in standard deviations of the noise: nearer ones begin as one; nearer ones may be one that
# the noise has split.
NEAREST, SPLIT = 0.5, 4.0
# By how much of the variance of the noise the palette's error must be below that of the filters. Both are estimates; a
# wrong level of the noise is in both. The palette's error was above the filters' in photos, and 0.066 and more below it
# in drawings that gained.
LEAST_GAIN = 0.06
# By how much of the variance of the noise the filters' error may be above the estimate that leaves their pilots out.
# It was 0.45 at most, on drawings and photos with noise of sigma 10 to 50.
PILOTS = 0.45
# Pixels whose posterior is computed at once.
CHUNK = 1 << 16


@dataclass(frozen=True)
class Palette:
    """A discrete distribution of colours, and the noise through which they are seen.

    Attributes:
        colours: (K, C) float64.
        shares: (K,) float64, above 0, of sum 1.
        std: standard deviation of the noise.
        clipped: whether the noise was cut off at 0 and 1.
    """

    colours: Tensor
    shares: Tensor
    std: float
    clipped: bool

    def joint(self, pixels: Tensor) -> Tensor:
        """Return the (N, K) logarithms of the probability of colour and pixel, less what is the same for all."""
        low, high = cut_off(pixels, clipped=self.clipped)
        inside = 1 - low - high
        values = inside * pixels
        square = values.square().sum(1, keepdim=True) - 2 * values @ self.colours.T + inside @ self.colours.square().T
        logarithms = self.shares.log() - square / (2 * self.std**2)
        if self.clipped:
            below, above = (torch.special.log_ndtr(side / self.std) for side in (-self.colours, self.colours - 1))
            logarithms = logarithms + low @ below.T + high @ above.T
        return logarithms

    def likelihood(self, pixels: Tensor) -> float:
        """Return the logarithm of the likelihood of (N, C) pixels, less what is the same for all palettes."""
        return float(torch.logsumexp(self.joint(pixels), dim=1).sum())

    def improved(self, pixels: Tensor) -> "Palette":
        """Return the palette after a round of expectation maximisation on (N, C) pixels."""
        responsible = torch.softmax(self.joint(pixels), dim=1)
        weights = responsible.sum(0)
        low, high = cut_off(pixels, clipped=self.clipped)
        total = responsible.T @ ((1 - low - high) * pixels)
        if self.clipped:
            total = total + (responsible.T @ low) * self._beyond(-1.0) + (responsible.T @ high) * self._beyond(1.0)
        kept = weights >= min(LEAST_PIXELS, float(weights.max()))
        colours = (total[kept] / weights[kept, None]).clamp(0, 1)
        return Palette(colours, weights[kept] / weights[kept].sum(), self.std, self.clipped)

    def united(self, first: int, second: int) -> "Palette":
        """Return the palette with two of its colours made one."""
        pair = [first, second]
        share = self.shares[pair].sum(0, keepdim=True)
        colour = (self.shares[pair] @ self.colours[pair] / share)[None]
        kept = torch.ones(len(self.shares), dtype=torch.bool)
        kept[pair] = False
        colours, shares = torch.cat([self.colours[kept], colour]), torch.cat([self.shares[kept], share])
        return Palette(colours, shares, self.std, self.clipped)

    def means(self) -> Tensor:
        """Return the (K, C) means of the samples that are seen of the colours."""
        return torch.from_numpy(censored_mean(self.colours.numpy(), self.std)) if self.clipped else self.colours

    def _beyond(self, side: float) -> Tensor:
        """Return what values beyond an end are expected to be, (K, C): side -1 is the lower end, 1 the upper one."""
        place = side * (self.colours - (1.0 if side > 0 else 0.0)) / self.std
        hazard = torch.exp(-place.square() / 2 - 0.5 * math.log(2 * math.pi) - torch.special.log_ndtr(place))
        return self.colours + side * self.std * hazard


def palette_of(pixels: Tensor, std: float, clipped: bool) -> Palette:
    """Estimate the palette of (N, C) float64 pixels through noise of a standard deviation above 0."""
    generator = torch.Generator().manual_seed(0)
    some = pixels[torch.randperm(len(pixels), generator=generator)[:PIXELS]]
    colours = _distant(some, std, generator)
    palette = Palette(colours, torch.full((len(colours),), 1 / len(colours), dtype=torch.float64), std, clipped)
    return _rounds(_simplest(_rounds(palette, some), some), some)


def _rounds(palette: Palette, pixels: Tensor) -> Palette:
    for _ in range(ROUNDS):
        palette = palette.improved(pixels)
    return palette


def _distant(pixels: Tensor, std: float, generator: torch.Generator) -> Tensor:
    """Draw colours to begin with, each the more probably the farther it is from those that there are."""
    chosen = [0]
    distances = (pixels - pixels[0]).square().sum(1)
    while len(chosen) < MOST_COLOURS and float(distances.max()) > (NEAREST * std) ** 2:
        chosen.append(int(torch.multinomial(distances, 1, generator=generator)))
        distances = torch.minimum(distances, (pixels - pixels[chosen[-1]]).square().sum(1))
    return pixels[chosen]


def _simplest(palette: Palette, pixels: Tensor) -> Palette:
    """Unite neighbouring colours as long as Schwarz's criterion (Annals of Statistics 1978) prefers it."""
    allowed = (pixels.shape[1] + 1) / 2 * math.log(len(pixels))
    best, distances = palette.likelihood(pixels), _apart(palette)
    while float(distances.min()) < SPLIT * palette.std:
        first, second = divmod(int(distances.argmin()), len(distances))
        tried = palette.united(first, second)
        likelihood = tried.likelihood(pixels)
        if likelihood < best - allowed:
            distances[first, second] = distances[second, first] = math.inf
            continue
        palette = tried.improved(pixels)
        best, distances = palette.likelihood(pixels), _apart(palette)
    return palette


def _apart(palette: Palette) -> Tensor:
    """Return the (K, K) distances of colours; infinite from each to itself."""
    return torch.cdist(palette.colours, palette.colours).fill_diagonal_(math.inf)


def expected_colours(frames: Tensor, palette: Palette) -> Probed:
    """Return the posterior means of what is seen of (T, C, H, W) frames' samples."""
    pixels = frames.movedim(1, -1)
    means = palette.means()
    parts, spreads = [], []
    for part in pixels.reshape(-1, frames.shape[1]).split(CHUNK):  # type: ignore[no-untyped-call]
        values = part.double()
        low, high = cut_off(values, clipped=palette.clipped)
        posterior = torch.softmax(palette.joint(values), dim=1)
        mean = posterior @ means
        parts.append(mean)
        spreads.append((1 - low - high) * (posterior @ means.square() - mean.square()))
    picture, spread = (torch.cat(one).reshape(pixels.shape).movedim(-1, 1).to(frames) for one in (parts, spreads))
    return Probed(picture, spread / palette.std**2)


def with_palette(filtered: Filtered, again: Callable[[Tensor], Tensor], seen: Seen, seed: int) -> Filtered | None:
    """Join what filters made with the expected colours of a palette.

    Args:
        filtered: what filters made of the frames.
        again: filters (T, C, H, W) frames in the same way.
        seen: the frames.
        seed: of the probe of the filters.

    Returns:
        The joined picture; None where that of the palette is not clearly the better one, or the picture is tiny.
    """
    if seen.frames[:, 0].numel() < LEAST_SEEN:
        return None
    cpu = Seen(seen.frames.cpu(), seen.std, seen.clipped, seen.variances)
    pixels = cpu.frames.movedim(1, -1).reshape(-1, cpu.frames.shape[1]).double()
    palette = palette_of(pixels, seen.std, seen.clipped)
    flat = expected_colours(cpu.frames, palette)
    variance = seen.variances(flat.picture)
    risk, noise = flat.risk(cpu, variance), float(variance.mean())
    picture = filtered.picture.cpu()
    without_pilots = Probed(picture, torch.full_like(picture, filtered.influence)).risk(cpu, variance)
    if risk + LEAST_GAIN * noise > without_pilots + PILOTS * noise:
        return None
    rich = probed(picture, lambda frames: again(frames.to(seen.frames)).cpu(), cpu, seed)
    if risk + LEAST_GAIN * noise > rich.risk(cpu, variance):
        return None
    result = joined(rich, flat, cpu)
    return Filtered(result.picture.to(seen.frames), float(result.influence.mean()))
