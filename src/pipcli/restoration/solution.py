"""What a restoration arrives at, and why it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from torch import Tensor

from pipcli.settings import StopName


class Outcome(Enum):
    """Why the fit ended; the value is the sentence that the user reads."""

    HELD_OUT = "the error on held-out pixels stopped falling"
    DISCREPANCY = "the residual came down to the noise level"
    VARIANCE = "the variance of the outputs stopped falling"
    STEP_LIMIT = "the step limit was reached"
    TIME_LIMIT = "the time limit was reached"
    CLEAN = "hardly any noise was found: the picture is returned unchanged"
    KEPT = (
        "what would be removed has the structure of the picture, not of noise: the picture is returned unchanged; "
        "give --sigma or --noise to remove it all the same"
    )
    FILTERED = "noise of this kind is removed by the filters alone"
    UNASKED = "--strength 0 removes nothing: the picture is returned unchanged"
    INTERRUPTED = "interrupted: this is the estimate so far"
    BETWEEN = "the frames in between were interpolated along the motion"


RULE_OUTCOMES = {
    StopName.HELD_OUT: Outcome.HELD_OUT,
    StopName.DISCREPANCY: Outcome.DISCREPANCY,
    StopName.VARIANCE: Outcome.VARIANCE,
}


@dataclass(frozen=True)
class Solution:
    """What a restoration arrived at.

    Attributes:
        image: (1, C, H, W) float32 in [0, 1], on the CPU: the members' answers, joined.
        spread: (1, 1, H, W) standard deviation of the answers of the members that see a pixel.
        last_output: (1, C, H, W) the members' last raw outputs, joined: what the published code returns.
        outcome: why most members ended.
        steps: of each member, the step whose estimate was taken.
        steps_done: of each member, how many were made.
        seconds: of fitting, of all pictures that were restored together.
        restarts: how many fits diverged and were begun again.
        found: what else a task with a way of its own has arrived at, by name.
    """

    image: Tensor
    spread: Tensor
    last_output: Tensor
    outcome: Outcome
    steps: tuple[int, ...]
    steps_done: tuple[int, ...]
    seconds: float
    restarts: int
    found: Mapping[str, Tensor] = field(default_factory=dict)
