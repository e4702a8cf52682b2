"""A last look at a restored window of frames, as at a photo: is what was removed noise, or a part of the picture?"""

import dataclasses

from torch import Tensor

from pipcli.guard import took_picture_of_frames
from pipcli.jobs.doubt import is_doubted
from pipcli.jobs.plan import Plan
from pipcli.restoration.solution import Outcome
from pipcli.restoration.window import Restored


def looked_over(plan: Plan, observation: Tensor, restored: Restored) -> Restored:
    """Return a restored window, or its frames as they were where a part of the picture was removed.

    Args:
        plan: what the user asked for.
        observation: (T, C, H, W) float32 in [0, 1], the frames of the window.
        restored: what was made of them.
    """
    doubted = is_doubted(plan, Outcome[restored.facts.outcome])
    if not doubted or not took_picture_of_frames(observation, restored.frames):
        return restored
    facts = dataclasses.replace(restored.facts, outcome=Outcome.KEPT.name)
    return dataclasses.replace(restored, frames=observation, facts=facts)
