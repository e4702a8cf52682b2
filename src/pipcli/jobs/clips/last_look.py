"""A last look at a restored window of frames, as at a photo: is what was removed noise, or a part of the picture?"""

import dataclasses

from torch import Tensor

from pipcli.guard import took_picture_of_frames
from pipcli.jobs.plan import Plan
from pipcli.restoration.solution import Outcome
from pipcli.restoration.window import Restored
from pipcli.settings import NoiseName

_NOT_DOUBTED = (Outcome.CLEAN, Outcome.UNASKED, Outcome.INTERRUPTED, Outcome.TIME_LIMIT)


def looked_over(plan: Plan, observation: Tensor, restored: Restored) -> Restored:
    """Return a restored window, or its frames as they were where a part of the picture was removed.

    What the user says of the noise is not doubted, nor is an estimate that was cut short.

    Args:
        plan: what the user asked for.
        observation: (T, C, H, W) float32 in [0, 1], the frames of the window.
        restored: what was made of them.
    """
    if plan.kind is not NoiseName.AUTO or not (plan.task.gives_back and plan.task.filtered):
        return restored
    if Outcome[restored.facts.outcome] in _NOT_DOUBTED or not took_picture_of_frames(observation, restored.frames):
        return restored
    facts = dataclasses.replace(restored.facts, outcome=Outcome.KEPT.name)
    return dataclasses.replace(restored, frames=observation, facts=facts)
