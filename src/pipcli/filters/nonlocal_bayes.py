"""A filter of the observation that takes similar patches together, with an estimate of the picture as its pilot.

Around each of a grid of patches the most similar ones are looked for, in the pilot. Their mean m and covariance S there
describe a Gaussian from which the clean patches are taken to be drawn; the best estimate of each, given its noisy
version y and the covariance V of the noise, is then

    m + S (S + V)^-1 (y - m) = y - V (S + V)^-1 (y - m),

and where patches overlap, estimates average. Source: Lebrun, Buades and Morel, "A Nonlocal Bayesian Image Denoising
Algorithm" (SIAM Journal on Imaging Sciences 2013), the second of its two steps.

Departures: the pilot is whatever the caller knows best, not a first step of the same kind; m is moved towards the mean
of the noisy patches, where the two differ by more than the noise can explain, so that what the pilot lacks in a whole
group is not lost (the positive part of James and Stein's estimate, for each coefficient); V is the diagonal of the
frequencies of a cosine transform instead of a number, so that noise that is not white can be counted as it is.

The work is done in regions of the grid, whose sums add up to what the whole picture would give: no seam can show.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.filters.spectrum import Filtered, NoiseBounds, cosines, opponent, turn, variances
from pipcli.settings import Patches
from pipcli.tiles import Window

# The side of a region in pixels, and the groups that are estimated at once: they bound the memory.
REGION = 128
CHUNK = 512
# Far from every value of a picture: what lies beyond its edge resembles nothing.
BEYOND = 1e3
# A covariance plus less noise than this, a quarter of a grey level, cannot be inverted in float32.
LEAST_VARIANCE = 1e-6
# Nor can one whose least eigenvalue is less than this share of the mean one.
LEAST_SHARE = 2e-5


@dataclass(frozen=True)
class _Sums:
    """What the estimates of a region add up to in a window of the picture.

    Attributes:
        window: the part of the picture that they reach.
        samples: (1, C, h, w) sums of the estimates.
        influences: (1, 1, h, w) sums of their mean derivatives by themselves.
        counts: (1, 1, h, w) number of estimates.
    """

    window: Window
    samples: Tensor
    influences: Tensor
    counts: Tensor


class PatchGrid:
    """A grid of patches over a picture whose sides hold a whole number of strides beyond one patch."""

    def __init__(self, pilot: Tensor, patches: Patches) -> None:
        """Take a (1, C, H, W) pilot, in which patches are compared."""
        self.pilot = pilot
        self.patches = patches
        self.height, self.width = pilot.shape[-2:]
        # In a corner of the picture only a quarter of the surroundings is there.
        rows, columns = self.height - patches.side + 1, self.width - patches.side + 1
        reach = patches.radius + 1
        self.similar = min(patches.similar, min(reach, rows) * min(reach, columns))

    def regions(self) -> list[Window]:
        """Cut the grid of patches into regions, measured in strides."""
        patches = self.patches
        rows, columns = ((length - patches.side) // patches.stride + 1 for length in (self.height, self.width))
        side = REGION // patches.stride
        return [
            Window(top, left, min(side, rows - top), min(side, columns - left))
            for top, left in product(range(0, rows, side), range(0, columns, side))
        ]

    def groups(self, region: Window) -> tuple[Window, Tensor]:
        """Return where the patches lie that resemble those of a region of the grid most.

        With them, the part of the picture in which they lie. They are (groups, similar) numbers of positions there, row
        by row, and the first of each group is the patch of the grid itself.
        """
        side, stride = self.patches.side, self.patches.stride
        top, left = region.top * stride, region.left * stride
        core = Window(top, left, (region.height - 1) * stride + side, (region.width - 1) * stride + side)
        window = self._surroundings(core)
        columns = window.width - side + 1
        own = (core.top - window.top + stride * torch.arange(region.height))[:, None] * columns
        own = (own + core.left - window.left + stride * torch.arange(region.width)).flatten()
        rows_off, columns_off = self._similar(core, region)
        return window, own.to(rows_off.device)[:, None] + rows_off * columns + columns_off

    def _surroundings(self, core: Window) -> Window:
        """Return the part of the picture in which similar patches are looked for."""
        radius = self.patches.radius
        top, left = max(0, core.top - radius), max(0, core.left - radius)
        bottom = min(self.height, core.top + core.height + radius)
        right = min(self.width, core.left + core.width + radius)
        return Window(top, left, bottom - top, right - left)

    def _similar(self, core: Window, region: Window) -> tuple[Tensor, Tensor]:
        """Return how far off, in rows and columns, the patches lie that resemble each of a region's most, in the pilot.

        Both are (groups, similar); a patch resembles itself most.
        """
        side, stride, radius = self.patches.side, self.patches.stride, self.patches.radius
        window = self._surroundings(core)
        missing = (
            radius - (core.left - window.left),
            radius - (window.left + window.width - core.left - core.width),
            radius - (core.top - window.top),
            radius - (window.top + window.height - core.top - core.height),
        )
        around = F.pad(window.cut(self.pilot), missing, value=BEYOND)[0]
        own = core.cut(self.pilot)[0]
        offsets = list(product(range(2 * radius + 1), repeat=2))
        distances = own.new_empty(len(offsets), region.height, region.width)
        for distance, (down, across) in zip(distances, offsets, strict=True):
            difference = own - around[:, down : down + core.height, across : across + core.width]
            distance.copy_(F.avg_pool2d(difference.square_().sum(0)[None], side, stride)[0])
        # Where all are alike, each is still one of its own: every pixel then has an estimate.
        distances[len(offsets) // 2] = -1.0
        nearest = distances.flatten(1).T.contiguous().topk(self.similar, dim=1, largest=False).indices
        found = torch.tensor(offsets, device=nearest.device)[nearest] - radius
        return found[..., 0], found[..., 1]


class _Pass(PatchGrid):
    """One pass over a picture whose sides hold a whole number of strides beyond one patch."""

    def __init__(self, pilot: Tensor, observation: Tensor, noise: NoiseBounds, patches: Patches) -> None:
        super().__init__(pilot, patches)
        self.observation = observation
        self.basis = cosines(patches.side).to(pilot)
        differences = self._spectra(observation - pilot, stride=patches.side)
        self.variance = variances(differences.flatten(1).T.square(), noise).clamp(min=LEAST_VARIANCE)

    def _spectra(self, picture: Tensor, stride: int = 1) -> Tensor:
        """Return the (positions, C, F) spectra of the patches of a (1, C, H, W) picture."""
        side, channels = self.patches.side, picture.shape[1]
        samples = F.unfold(picture, side, stride=stride)[0].view(channels, side * side, -1)
        return (self.basis @ samples).permute(2, 0, 1).contiguous()

    def run(self, region: Window) -> _Sums:
        """Estimate the groups of patches of a region."""
        side = self.patches.side
        window, positions = self.groups(region)
        known, observed = (self._spectra(window.cut(picture)) for picture in (self.pilot, self.observation))
        spectra, influences, counts = torch.zeros_like(known), *known.new_zeros(2, len(known))
        for group in torch.split(positions, CHUNK):
            estimates, own_influences = self._estimates(known[group].flatten(2), observed[group].flatten(2))
            flat = group.flatten()
            spectra.index_add_(0, flat, estimates.view(-1, *known.shape[1:]))
            influences.index_add_(0, flat, own_influences[:, None].expand_as(group).flatten())
            counts.index_add_(0, flat, torch.ones_like(counts[:1]).expand(len(flat)))
        samples = (spectra @ self.basis).permute(1, 2, 0).flatten(0, 1)
        size = (window.height, window.width)
        constants = torch.stack([influences, counts])[:, None].expand(-1, side * side, -1).flatten(0, 1)
        constants = F.fold(constants[None], size, side)
        return _Sums(window, F.fold(samples[None], size, side), constants[:, :1], constants[:, 1:])

    def _estimates(self, known: Tensor, observed: Tensor) -> tuple[Tensor, Tensor]:
        """Return the (G, N, D) estimates of groups of N patches, and the (G,) mean derivatives by themselves."""
        similar = known.shape[1]
        mean = known.mean(1, keepdim=True)
        deviations = known - mean
        covariance = torch.bmm(deviations.mT, deviations) / (similar - 1)
        spread = covariance.diagonal(dim1=1, dim2=2).mean(1)
        total = covariance + (self.variance + LEAST_SHARE * spread[:, None]).diag_embed()
        lacking = observed.mean(1, keepdim=True) - mean
        # Patches overlap: the noise of a sample can be in as many of them as a patch has samples.
        doubt = self.variance * self.patches.side**2 / similar
        mean = mean + lacking * (1 - doubt / lacking.square().clamp(min=LEAST_VARIANCE**2)).clamp(min=0)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(total))
        estimates = torch.baddbmm(observed, observed - mean, inverse * self.variance, alpha=-1)
        influences = 1 - (inverse.diagonal(dim1=1, dim2=2) * self.variance).mean(1)
        return estimates, influences


def padded(picture: Tensor, patches: Patches) -> Tensor:
    """Repeat the last row and column until whole strides are there beyond one patch."""
    missing = [-(length - patches.side) % patches.stride for length in picture.shape[-2:]]
    return F.pad(picture, (0, missing[1], 0, missing[0]), mode="replicate")


def nonlocal_bayes(
    pilot: Tensor, observation: Tensor, noise: NoiseBounds, patches: Patches, workers: int = 1
) -> Filtered:
    """Filter an observation.

    Args:
        pilot: (1, C, H, W) float32 in [0, 1], C being 1 or 3: an estimate of the picture.
        observation: (1, C, H, W) float32 in [0, 1].
        noise: what is known of its variance.
        patches: which to look at; they must fit the picture.
        workers: regions that are worked on at the same time.
    """
    height, width = pilot.shape[-2:]
    colours = opponent(pilot.shape[1])
    known, seen = (padded(turn(colours, picture), patches) for picture in (pilot, observation))
    one_pass = _Pass(known, seen, noise.scaled(patches.noise_factor), patches)
    samples, influences, counts = torch.zeros_like(seen), *seen.new_zeros(2, 1, 1, *seen.shape[-2:])
    with ThreadPoolExecutor(workers) as pool:
        for sums in pool.map(one_pass.run, one_pass.regions()):
            sums.window.cut(samples).add_(sums.samples)
            sums.window.cut(influences).add_(sums.influences)
            sums.window.cut(counts).add_(sums.counts)
    picture = turn(colours.T, samples / counts)[..., :height, :width]
    return Filtered(picture.clamp(0, 1), float((influences / counts)[..., :height, :width].mean()))
