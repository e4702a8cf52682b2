"""Non-local Bayes: a filter over groups of similar patches, with an estimate of the picture as its pilot.

Around each of a grid of patches the most similar ones are looked for, in the pilot. Their mean m and covariance S there
describe a Gaussian from which the clean patches are taken to be drawn; the best estimate of each, given its noisy
version y and the covariance V of the noise, is then

    m + S (S + V)^-1 (y - m) = y - V (S + V)^-1 (y - m),

and where patches overlap, estimates average. Source: Lebrun, Buades and Morel, "A Nonlocal Bayesian Image Denoising
Algorithm" (SIAM Journal on Imaging Sciences 2013), the second of its two steps.

In a clip a patch is followed along the motion through a few frames, and the cosine transform is taken along its path
too. Similar paths are looked for in one frame; for each temporal frequency by itself, their patches are a group as
above. What stays the same gathers in the first of these frequencies, and in the others little but noise is left; where
a path was lost they keep what the pilot shows there. That similar patches are looked for along the motion is of Arias
and Morel, "Video Denoising via Empirical Bayesian Estimation of Space-Time Patches" (Journal of Mathematical Imaging
and Vision 60, 2018), the transform in time of Maggioni, Boracchi, Foi and Egiazarian, "Video Denoising, Deblocking, and
Enhancement Through Separable 4-D Nonlocal Spatiotemporal Transforms" (IEEE Transactions on Image Processing 21(9),
2012); docs/decisions.md has what it gains.

Departures: the pilot is whatever the caller knows best, not a first step of the same kind; m is moved towards the mean
of the noisy patches, where the two differ by more than the noise can explain, so that what the pilot lacks in a whole
group is not lost (the positive part of James and Stein's estimate, for each coefficient); V is the diagonal of the
frequencies of a cosine transform instead of a number, so that noise that is not white can be counted as it is.

The work is done in regions of the grid, whose sums add up to what the whole picture would give: no seam can show.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, product

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.refine.spectrum import Filtered, NoiseBounds, cosines, opponent, turn, variances, waves
from pipcli.refine.trajectories import Motion, Place, follow, frames_around
from pipcli.settings import Patches
from pipcli.tiles import Window

# The side of a region in pixels, and the groups that are estimated at once: they bound the memory.
REGION = 128
CHUNK = 512
# A region is not followed into a frame in which less than this share of it is found.
LEAST_FOUND = 0.25
# Of pairs of frames, what of one is found in the other: as many as are looked at from some regions.
PAIRS = 32
# Far from every value of a picture: what lies beyond its edge resembles nothing.
BEYOND = 1e3
# A covariance plus less noise than this, a quarter of a grey level, cannot be inverted in float32.
LEAST_VARIANCE = 1e-6
# Nor can one whose least eigenvalue is less than this share of the mean one.
LEAST_SHARE = 2e-5


@dataclass(frozen=True)
class _Sums:
    """What the estimates of a region add up to in a window of a frame.

    Attributes:
        frame: which.
        window: the part of it that they reach.
        samples: (1, C, h, w) sums of the estimates.
        influences: (1, 1, h, w) sums of their mean derivatives by themselves.
        counts: (1, 1, h, w) number of estimates.
    """

    frame: int
    window: Window
    samples: Tensor
    influences: Tensor
    counts: Tensor


class PatchGrid:
    """A grid of patches over frames whose sides hold a whole number of strides beyond one patch."""

    def __init__(self, pilot: Tensor, patches: Patches) -> None:
        """Take the (T, C, H, W) pilot, in whose frames patches are compared."""
        self.pilot = pilot
        self.patches = patches
        self.height, self.width = pilot.shape[-2:]
        # In a corner of the picture only a quarter of the surroundings is there.
        rows, columns = self.height - patches.side + 1, self.width - patches.side + 1
        reach = patches.radius + 1
        self.similar = min(patches.similar, min(reach, rows) * min(reach, columns))

    def regions(self) -> list[tuple[int, Window]]:
        """Cut the grid of patches of each frame into regions, measured in strides."""
        patches = self.patches
        rows, columns = ((length - patches.side) // patches.stride + 1 for length in (self.height, self.width))
        side = REGION // patches.stride
        return [
            (frame, Window(top, left, min(side, rows - top), min(side, columns - left)))
            for frame, top, left in product(range(len(self.pilot)), range(0, rows, side), range(0, columns, side))
        ]

    def groups(self, frame: int, region: Window) -> tuple[Window, Tensor]:
        """Return where in a frame the patches lie that resemble those of a region of the grid most.

        With them, the part of the frame in which they lie. They are (groups, similar) numbers of positions there, row
        by row, and the first of each group is the patch of the grid itself.
        """
        side, stride = self.patches.side, self.patches.stride
        top, left = region.top * stride, region.left * stride
        core = Window(top, left, (region.height - 1) * stride + side, (region.width - 1) * stride + side)
        window = self._surroundings(core)
        columns = window.width - side + 1
        own = (core.top - window.top + stride * torch.arange(region.height))[:, None] * columns
        own = (own + core.left - window.left + stride * torch.arange(region.width)).flatten()
        rows_off, columns_off = self._similar(frame, core, region)
        return window, own.to(rows_off.device)[:, None] + rows_off * columns + columns_off

    def _surroundings(self, core: Window) -> Window:
        """Return the part of the picture in which similar patches are looked for."""
        radius = self.patches.radius
        top, left = max(0, core.top - radius), max(0, core.left - radius)
        bottom = min(self.height, core.top + core.height + radius)
        right = min(self.width, core.left + core.width + radius)
        return Window(top, left, bottom - top, right - left)

    def _similar(self, frame: int, core: Window, region: Window) -> tuple[Tensor, Tensor]:
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
        around = F.pad(window.cut(self.pilot[frame]), missing, value=BEYOND)
        own = core.cut(self.pilot[frame])
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


class Pass(PatchGrid):
    """One pass over frames, whose noise has the same variance everywhere."""

    def __init__(
        self, pilot: Tensor, observation: Tensor, noise: NoiseBounds, patches: Patches, motion: Motion | None
    ) -> None:
        super().__init__(pilot, patches)
        self.observation = observation
        self.motion = motion
        self.basis = cosines(patches.side).to(pilot)
        differences = self._spectra(observation - pilot, stride=patches.side)
        self.variance = variances(differences.flatten(1).T.square(), noise).clamp(min=LEAST_VARIANCE)
        self._found = lru_cache(PAIRS)(self._found_in)

    def _spectra(self, frames: Tensor, stride: int = 1) -> Tensor:
        """Return the (positions, C, F) spectra of the patches of (T, C, H, W) frames."""
        side, channels = self.patches.side, frames.shape[1]
        samples = F.unfold(frames, side, stride=stride).view(len(frames), channels, side * side, -1)
        return (self.basis @ samples).permute(0, 3, 1, 2).flatten(0, 1).contiguous()

    def _table(self, frames: Tensor, places: list[Place]) -> Tensor:
        """Return the (positions, C, F) spectra of the patches of some places."""
        return torch.cat([self._spectra(place.window.cut(frames[place.frame : place.frame + 1])) for place in places])

    def run(self, part: tuple[int, Window]) -> list[_Sums]:
        """Estimate the groups of patches of a region of a frame."""
        frame, region = part
        window, positions = self.groups(frame, region)
        places, paths = self._paths(frame, window)
        # In the order of the table, which begins with the region's own frame.
        in_order = sorted(places, key=lambda place: place.first)
        known, observed = (self._table(frames, in_order) for frames in (self.pilot, self.observation))
        times = waves(len(places)).to(known)
        paths = paths.to(known.device)
        spectra, influences, counts = torch.zeros_like(known), *known.new_zeros(2, len(known))
        for group in torch.split(positions, max(1, CHUNK // len(places))):
            members = paths[:, group]
            volumes = (torch.tensordot(times, table[members].flatten(3), 1) for table in (known, observed))
            estimates, own_influences = self._estimates(*(volume.flatten(0, 1) for volume in volumes))
            estimates = torch.tensordot(times.T, estimates.view(len(places), *group.shape, -1), 1)
            own_influences = own_influences.view(len(places), -1).mean(0)
            flat = members.flatten()
            spectra.index_add_(0, flat, estimates.reshape(-1, *known.shape[1:]))
            influences.index_add_(0, flat, own_influences[None, :, None].expand_as(members).flatten())
            counts.index_add_(0, flat, torch.ones_like(counts[:1]).expand(len(flat)))
        return [self._sums(place, spectra, influences, counts) for place in places]

    def _paths(self, frame: int, window: Window) -> tuple[list[Place], Tensor]:
        """Return the frames through which a window is followed, as places, and the (frames, patches) paths."""
        around = frames_around(frame, len(self.pilot), self.patches.frames)
        frames = [other for other in around if other == frame or self._is_found(frame, other, window)]
        return follow(self.motion, Place(frame, window, 0), frames, (self.height, self.width), self.patches.side)

    def _is_found(self, frame: int, other: int, window: Window) -> bool:
        return self.motion is not None and float(window.cut(self._found(frame, other)).mean()) >= LEAST_FOUND

    def _found_in(self, frame: int, other: int) -> Tensor:
        assert self.motion is not None
        return self.motion.found(frame, other).float()

    def _sums(self, place: Place, spectra: Tensor, influences: Tensor, counts: Tensor) -> _Sums:
        """Put the patches of a place back where they are from."""
        side, part = self.patches.side, place.positions(self.patches.side)
        size = (place.window.height, place.window.width)
        samples = (spectra[part] @ self.basis).permute(1, 2, 0).flatten(0, 1)
        constants = torch.stack([influences[part], counts[part]])[:, None].expand(-1, side * side, -1).flatten(0, 1)
        constants = F.fold(constants[None], size, side)
        samples = F.fold(samples[None], size, side)
        return _Sums(place.frame, place.window, samples, constants[:, :1], constants[:, 1:])

    def _estimates(self, known: Tensor, observed: Tensor) -> tuple[Tensor, Tensor]:
        """Return the (G, N, D) estimates of groups of N patches, and the (G,) mean derivatives by themselves."""
        similar = known.shape[1]
        mean = known.mean(1, keepdim=True)
        deviations = known - mean
        variance = self._variance_at(mean)
        covariance = self._covariance(torch.bmm(deviations.mT, deviations) / (similar - 1), variance)
        spread = covariance.diagonal(dim1=1, dim2=2).mean(1)
        total = covariance + (variance + LEAST_SHARE * spread[:, None]).diag_embed()
        lacking = observed.mean(1, keepdim=True) - mean
        # Patches overlap: the noise of a sample can be in as many of them as a patch has samples.
        doubt = variance[:, None] * self.patches.side**2 / similar
        mean = mean + lacking * (1 - doubt / lacking.square().clamp(min=LEAST_VARIANCE**2)).clamp(min=0)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(total))
        estimates = torch.baddbmm(observed, observed - mean, inverse * variance[:, None], alpha=-1)
        influences = 1 - (inverse.diagonal(dim1=1, dim2=2) * variance).mean(1)
        return estimates, influences

    def _variance_at(self, mean: Tensor) -> Tensor:
        """Return the (1 or G, D) variances of the noise in groups with (G, 1, D) means."""
        del mean
        return self.variance[None]

    def _covariance(self, covariance: Tensor, variance: Tensor) -> Tensor:
        """Return the (G, D, D) covariance of clean patches, given that of the pilot's."""
        del variance
        return covariance


def padded(frames: Tensor, patches: Patches) -> Tensor:
    """Repeat the last row and column until whole strides are there beyond one patch."""
    missing = [-(length - patches.side) % patches.stride for length in frames.shape[-2:]]
    return F.pad(frames, (0, missing[1], 0, missing[0]), mode="replicate")


def nonlocal_bayes(
    pilot: Tensor,
    observation: Tensor,
    noise: NoiseBounds,
    patches: Patches,
    workers: int = 1,
    motion: Motion | None = None,
) -> Filtered:
    """Filter an observation.

    Args:
        pilot: (T, C, H, W) float32 in [0, 1], C being 1 or 3: an estimate of the frames; a picture is one.
        observation: (T, C, H, W) float32 in [0, 1].
        noise: what is known of its variance.
        patches: which to look at; they must fit the picture.
        workers: regions that are worked on at the same time.
        motion: of the frames; None filters each by itself.
    """
    bounds = noise.scaled(patches.noise_factor)
    return passed(lambda known, seen: Pass(known, seen, bounds, patches, motion), pilot, observation, patches, workers)


def passed(
    made: Callable[[Tensor, Tensor], Pass], pilot: Tensor, observation: Tensor, patches: Patches, workers: int
) -> Filtered:
    """Make a pass over the opponent colours of frames, and join what it estimates.

    Args:
        made: makes the pass of a pilot and an observation, both padded.
        pilot: (T, C, H, W) float32 in [0, 1], C being 1 or 3.
        observation: (T, C, H, W) float32 in [0, 1].
        patches: which to look at; they must fit the picture.
        workers: regions that are worked on at the same time.
    """
    height, width = pilot.shape[-2:]
    colours = opponent(pilot.shape[1])
    known, seen = (padded(turn(colours, frames), patches) for frames in (pilot, observation))
    one_pass = made(known, seen)
    samples, influences, counts = torch.zeros_like(seen), *seen.new_zeros(2, len(seen), 1, *seen.shape[-2:])
    with ThreadPoolExecutor(workers) as pool:
        for sums in chain.from_iterable(pool.map(one_pass.run, one_pass.regions())):
            sums.window.cut(samples[sums.frame]).add_(sums.samples[0])
            sums.window.cut(influences[sums.frame]).add_(sums.influences[0])
            sums.window.cut(counts[sums.frame]).add_(sums.counts[0])
    frames = turn(colours.T, samples / counts)[..., :height, :width]
    return Filtered(frames.clamp(0, 1), float((influences / counts)[..., :height, :width].mean()))
