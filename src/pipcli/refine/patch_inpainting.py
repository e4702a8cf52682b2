"""Patch-based inpainting: unknown pixels of a patch from its known ones and from similar patches.

Around each patch of a grid the most similar ones are looked for, in the picture as it stands. Their mean m and
covariance S describe a Gaussian from which the patch is taken to be drawn, and the best estimate of it, of which some
samples y are known with the variance v, is

    m + S_k (S_kk + v)^-1 (y - m_k),

with k the known ones; where patches overlap, estimates average. Source: Yu, Sapiro and Mallat, "Solving Inverse
Problems with Piecewise Linear Estimators: From Gaussian Mixture Models to Structured Sparsity" (IEEE Transactions on
Image Processing 21(5), 2012), with a Gaussian of its own for each patch, as in Lebrun, Buades and Morel, "A Nonlocal
Bayesian Image Denoising Algorithm" (SIAM Journal on Imaging Sciences 2013).

A filter that takes the picture to be wrong by the same everywhere, as that of `splitting`, takes thin lines for errors.
Here what is known is believed, and a patch counts the less for a Gaussian the less it resembles the patch in the
middle. Each colour has Gaussians of its own, of patches that resemble each other in all.
"""

from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.refine.execution import Execution
from pipcli.refine.half_quadratic import ROUNDING, LinearProblem
from pipcli.refine.nonlocal_bayes import CHUNK, PatchGrid, padded
from pipcli.refine.spectrum import opponent, turn
from pipcli.settings import Round
from pipcli.tiles import Window

# No sample is known better than this, a grey level, in [0, 1] units squared: smaller ones make the sums unstable.
LEAST_VARIANCE = 1 / 255**2
# The variance of what is not known; so far above that of any picture that it has no say.
UNKNOWN = 1e4
# Patches that differ no more than this from the one in the middle, in [0, 1] units squared, count alike.
ALIKE = 1e-8


class _Filling:
    """One round over frames whose sides hold a whole number of strides beyond one patch."""

    def __init__(self, picture: Tensor, observation: Tensor, known: Tensor, variance: float, step: Round) -> None:
        self.grid = PatchGrid(picture, step.patches)
        self.observation = observation
        self.variances = torch.where(known, max(variance, LEAST_VARIANCE), UNKNOWN)
        self.least = step.std**2

    def run(self, part: tuple[int, Window]) -> tuple[int, Window, Tensor, Tensor]:
        """Return a part of a frame with the sums of the estimates of a region's patches, and how many they are."""
        frame, region = part
        window, positions = self.grid.groups(frame, region)
        pilot, observation, variances = (
            self._patches(window.cut(frames[frame : frame + 1]))
            for frames in (self.grid.pilot, self.observation, self.variances)
        )
        sums, counts = torch.zeros_like(pilot), torch.zeros_like(pilot[:, :1])
        for group in torch.split(positions, CHUNK):
            own = group[:, 0]
            sums[own] = self._estimates(pilot[group].transpose(1, 2), observation[own], variances[own])
            counts[own] = 1
        return frame, window, self._added(sums, window)[0], self._added(counts, window)[0]

    def _patches(self, picture: Tensor) -> Tensor:
        """Return the (positions, C, D) patches of a (1, C, H, W) picture."""
        samples = F.unfold(picture, self.grid.patches.side)[0]
        return samples.view(picture.shape[1], -1, samples.shape[-1]).permute(2, 0, 1).contiguous()

    def _added(self, patches: Tensor, window: Window) -> Tensor:
        """Return the (1, C, H, W) sums of (positions, C, D) patches where they overlap."""
        return F.fold(patches.flatten(1).T[None], (window.height, window.width), self.grid.patches.side)

    def _estimates(self, similar: Tensor, observed: Tensor, variances: Tensor) -> Tensor:
        """Return the (G, C, D) estimates of patches.

        Args:
            similar: (G, C, N, D) groups of patches of the picture as it stands; the first are those estimated.
            observed: (G, C, D) what was observed of them.
            variances: (G, 1, D) of that.
        """
        differences = (similar - similar[:, :, :1]).square().mean((1, 3))
        weights = (-differences / differences.mean(1, keepdim=True).clamp(min=ALIKE)).softmax(1)[:, None, :, None]
        mean = (weights * similar).sum(2, keepdim=True)
        deviations = similar - mean
        covariance = (weights * deviations).mT @ deviations
        covariance.diagonal(dim1=-2, dim2=-1).add_(self.least)
        total = covariance + variances.diag_embed()
        lacking = (observed - mean[:, :, 0])[..., None]
        lacking = torch.where(variances[..., None] < UNKNOWN, lacking, 0.0)
        solved = torch.cholesky_solve(lacking, torch.linalg.cholesky(total))
        return mean[:, :, 0] + (covariance @ solved)[..., 0]


def fill_in(
    picture: Tensor,
    problem: LinearProblem,
    rounds: tuple[Round, ...],
    execution: Execution,
) -> Tensor:
    """Return (T, C, H, W) frames in [0, 1] whose pixels were estimated from the known ones, each by itself.

    Args:
        picture: (T, C, H, W) float32, C being 1 or 3: an estimate of them.
        problem: what was observed of them; a pixel is known if all of its samples were observed. Known samples stay as
            they are if the noise is not above that of their rounding. The map is taken for the identity.
        rounds: what each looks at, and the standard deviation that patches have at least, however alike they look.
            Those that do not fit the picture are left out.
        execution: how to run.
    """
    observation, variance = problem.observation, problem.variance
    observed = torch.ones_like(observation, dtype=torch.bool) if problem.observed is None else problem.observed
    known = observed.all(1, keepdim=True)
    for step in rounds:
        if step.patches.fit(*picture.shape[-2:]) and not execution.watch.must_end():
            filled = _filled(picture, observation, known, variance, step, execution.workers)
            picture = torch.where(observed, observation, filled) if variance <= ROUNDING else filled
    return picture


def _filled(picture: Tensor, observation: Tensor, known: Tensor, variance: float, step: Round, workers: int) -> Tensor:
    height, width = picture.shape[-2:]
    colours = opponent(picture.shape[1])
    pilot, seen = (padded(turn(colours, whole), step.patches) for whole in (picture, observation))
    filling = _Filling(pilot, seen, padded(known.to(pilot), step.patches) > 0, variance, step)
    samples, counts = torch.zeros_like(pilot), torch.zeros_like(pilot[:, :1])
    with ThreadPoolExecutor(workers) as pool:
        for frame, window, sums, numbers in pool.map(filling.run, filling.grid.regions()):
            window.cut(samples[frame]).add_(sums)
            window.cut(counts[frame]).add_(numbers)
    return turn(colours.T, samples / counts)[..., :height, :width].clamp(0, 1)
