"""The frames of a clip without haze, with one airlight for the whole clip."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pipcli.dehazing.classic import estimate_airlight
from pipcli.dehazing.joint import dehaze
from pipcli.errors import UnusableInputError
from pipcli.restoration.members import Limits
from pipcli.restoration.solution import Outcome
from pipcli.restoration.window import ClipContext, KeeperOf, Restored, WindowInput, WindowReport, WindowWatch
from pipcli.settings import DEHAZE


class WithoutHaze:
    """Removes haze from each frame, with one airlight for the whole clip."""

    leaves_warm = False

    def __init__(self, context: ClipContext, strip: Tensor, airlight: Sequence[float] | None) -> None:
        """Settle the airlight: as given, or as the dark channel of some frames together tells it.

        Args:
            context: with what to restore.
            strip: (1, C, H, W) frames from all over the clip, as one picture.
            airlight: one number or three in [0, 1]; None to find it.

        Raises:
            UnusableInputError: there are three numbers, and the clip is grey.
        """
        self._context = context
        if airlight is not None and len(airlight) > strip.shape[1]:
            raise UnusableInputError("--airlight is a colour, and this clip is grey: give one number")
        self._airlight = estimate_airlight(strip, DEHAZE) if airlight is None else torch.tensor(airlight)

    def __call__(self, shown: WindowInput, seconds: float | None, keeper_of: KeeperOf) -> Restored:
        """Fit each frame's scene and transmission."""
        del keeper_of
        watch = WindowWatch(self._context, shown.observation, seconds)
        frames, facts = [], []
        for frame in torch.split(shown.observation, 1):
            self._context.watch_of(None).must_end()
            limits = Limits(self._context.settings.fit.steps, watch.left)
            dehazed = dehaze(
                frame,
                DEHAZE,
                self._context.device,
                self._context.seed,
                airlight=self._airlight,
                limits=limits,
                watch=watch,
            )
            frames.append(dehazed.scene)
            facts.append(dehazed)
        return Restored(
            torch.cat(frames),
            WindowReport(
                outcome=_of_time(facts[0].outcome).name,
                steps=[one.steps for one in facts],
                steps_done=[one.steps_done for one in facts],
                fitting_seconds=sum(one.seconds for one in facts),
                seconds=watch.spent,
                restarts=sum(one.restarts for one in facts),
            ),
        )


def _of_time(outcome: Outcome) -> Outcome:
    """Return the outcome of a fit whose watch ends it for no other reason than that time is up."""
    return Outcome.TIME_LIMIT if outcome is Outcome.INTERRUPTED else outcome
