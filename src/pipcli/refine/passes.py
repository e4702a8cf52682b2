"""The sequence of filters: a local Wiener filter, then non-local passes."""

import torch
from torch import Tensor

from pipcli.refine.execution import Execution
from pipcli.refine.nonlocal_bayes import nonlocal_bayes
from pipcli.refine.spectrum import Filtered, NoiseBounds
from pipcli.refine.trajectories import followed
from pipcli.refine.wiener import wiener
from pipcli.settings import Patches


def refine(
    pilot: Tensor,
    observation: Tensor,
    noise: NoiseBounds,
    passes: tuple[Patches, ...],
    execution: Execution,
) -> Filtered:
    """Filter an observation, first each place by itself, then with those that resemble it, in some passes.

    Args:
        pilot: (T, C, H, W) float32 in [0, 1], C being 1 or 3: an estimate of the frames; a picture is one.
        observation: (T, C, H, W) float32 in [0, 1].
        noise: what is known of its variance.
        passes: what each looks at; its pilot is the result of the one before. Those that do not fit the picture are
            left out.
        execution: how to run; the motion is asked for before each pass, since better frames show it better.
    """
    workers = execution.workers
    filtered = _frame_by_frame(pilot, observation, noise, workers)
    for patches in passes:
        if patches.fit(*observation.shape[-2:]) and not execution.watch.must_end():
            motion = followed(filtered.picture, patches.frames, execution.motion_of)
            filtered = nonlocal_bayes(filtered.picture, observation, noise, patches, workers, motion)
    return filtered


def _frame_by_frame(pilot: Tensor, observation: Tensor, noise: NoiseBounds, workers: int) -> Filtered:
    pairs = zip(torch.split(pilot, 1), torch.split(observation, 1), strict=True)
    filtered = [wiener(known, seen, noise, workers) for known, seen in pairs]
    influence = sum(frame.influence for frame in filtered) / len(filtered)
    return Filtered(torch.cat([frame.picture for frame in filtered]), influence)
