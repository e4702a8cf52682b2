"""Restoring a window of frames: jointly, frame by frame, or by interpolation."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor

from pipcli.errors import PipRestoreError
from pipcli.fit.device import ran_out_of_memory, room_for_members
from pipcli.fit.fit import Fit
from pipcli.motion import Motion, estimate_motion, interpolate
from pipcli.refine.denoising import finish
from pipcli.refine.observation import Degraded, Observation
from pipcli.restoration.frame_networks import ClipNetworks
from pipcli.restoration.loop import Keeper
from pipcli.restoration.members import Limits
from pipcli.restoration.networks import Networks, NetworksOfPictures
from pipcli.restoration.problem import Problem
from pipcli.restoration.solution import Outcome, Solution
from pipcli.restoration.window import ClipContext, KeeperOf, Restored, WindowInput, WindowReport, WindowWatch
from pipcli.restoration.within_memory import Fitting


class Unchanged:
    """Gives every frame back: there is no noise to take out."""

    leaves_warm = False

    def __init__(self, context: ClipContext) -> None:
        self._context = context

    def __call__(self, shown: WindowInput, seconds: float | None, keeper_of: KeeperOf) -> Restored:
        """Return the frames."""
        del seconds, keeper_of
        self._context.watch_of(None).must_end()
        return Restored(shown.observation, WindowReport(Outcome.CLEAN.name))


class FramesApart:
    """Restores each frame as if it were a picture."""

    leaves_warm = False

    def __init__(self, context: ClipContext) -> None:
        self._context = context

    def __call__(self, shown: WindowInput, seconds: float | None, keeper_of: KeeperOf) -> Restored:
        """Fit as many frames side by side as keep the device busy, and filter each."""
        watch = WindowWatch(self._context, shown.observation, seconds)
        frames, solutions = [], []
        pictures = [self._networks(shown, frame) for frame in range(len(shown.observation))]
        together = max(1, room_for_members(self._context.device) // len(pictures[0].windows))
        for first in range(0, len(pictures), together):
            part = pictures[first : first + together]
            solved = self._solved(part, watch, partial(_keeper_at, keeper_of, first))
            solutions += solved
            for networks, solution in zip(part, solved, strict=True):
                frames.append(filtered(self._context, networks, solution, watch, None))
        facts = WindowReport.of(solutions, watch.spent)
        fitting = sum(solution.seconds for solution in solutions[::together])
        return Restored(
            self._context.as_known(torch.cat(frames), shown), dataclasses.replace(facts, fitting_seconds=fitting)
        )

    def _networks(self, shown: WindowInput, frame: int) -> Networks:
        context, place = self._context, slice(frame, frame + 1)
        known = None if shown.known is None else shown.known[place]
        problem = Problem(shown.observation[place], context.degradation, context.noise, known)
        return Networks(context.settings, problem, context.device, context.stop, context.seed)

    def _solved(self, pictures: list[Networks], watch: WindowWatch, keeper_of: KeeperOf) -> list[Solution]:
        limits = Limits(self._context.settings.fit.steps, watch.left)
        fitting = Fitting(self._context.device, limits, watch, self._context.notes, keeper_of)
        return fitting.solve(NetworksOfPictures(pictures), "frames of this size")


class _Together(NetworksOfPictures):
    """The networks of one window of frames, to be fitted; knows those that memory sufficed for in the end."""

    def __init__(self, networks: ClipNetworks) -> None:
        super().__init__([networks])
        self.networks = networks

    def build_fit(self, numbers: Sequence[int], rate_factor: float) -> Fit:
        """Put the fit of some networks together, which the block remembers."""
        return self.networks.build_fit(numbers, rate_factor)

    def with_smaller_tiles(self) -> "_Together":
        """Go on with networks of half the side."""
        self.networks = self.networks.with_smaller_tiles()
        super().__init__([self.networks])
        return self


class _WithWhatWasLearned:
    """Keeps, with the state of a fit, what the networks that have ended have learned, for the next window."""

    def __init__(self, keeper: Keeper, together: _Together) -> None:
        self._keeper = keeper
        self._together = together

    def kept(self) -> dict[str, Any] | None:
        """Return the state to go on from; None to begin."""
        state = self._keeper.kept()
        if state is not None:
            learned = state.pop("learned", None)
            if not isinstance(learned, dict):
                raise self.unusable()
            self._together.networks.remember(learned)
        return state

    def unusable(self) -> PipRestoreError:
        """Return the refusal of a state that no fit has written."""
        return self._keeper.unusable()

    def is_due(self) -> bool:
        """Return whether to keep the state of now."""
        return self._keeper.is_due()

    def keep(self, state: dict[str, Any]) -> None:
        """Keep a state."""
        self._keeper.keep({**state, "learned": self._together.networks.learned()})


class FramesTogether:
    """Fits generators of blocks of frames, which see all frames of a window."""

    def __init__(self, context: ClipContext) -> None:
        self._context = context
        # The published networks begin anew with every window.
        self.leaves_warm = not context.paper

    def __call__(self, shown: WindowInput, seconds: float | None, keeper_of: KeeperOf) -> Restored:
        """Fit the networks of the window, and filter what they make."""
        watch = WindowWatch(self._context, shown.observation, seconds)
        together = _Together(self._networks(shown))
        limits = Limits(self._context.settings.fit.steps, seconds)

        def keeper(layout: str) -> Keeper:
            return _WithWhatWasLearned(keeper_of(layout), together)

        fitting = Fitting(self._context.device, limits, watch, self._context.notes, keeper)
        (solution,) = fitting.solve(together, f"{len(shown.observation)} frames of this size")
        warm = {"tile": together.tile_side, "state": together.networks.state()} if self.leaves_warm else None
        motion_of = None if self._context.paper else estimate_motion
        frames = filtered(self._context, together.networks, solution, watch, motion_of)
        return Restored(self._context.as_known(frames, shown), WindowReport.of([solution], watch.spent), warm)

    def _networks(self, shown: WindowInput) -> ClipNetworks:
        context = self._context
        tiles, warm = context.settings.tiles, shown.warm
        if warm is not None and (tiles is None or warm["tile"] != tiles.side):
            warm = None  # what networks of other tiles have learned is of no use
        # The published method knows of no motion.
        motion_of = None if context.paper else estimate_motion
        problem = Problem(shown.observation, context.degradation, context.noise, shown.known, motion_of=motion_of)
        state = None if warm is None else warm["state"]
        return ClipNetworks(context.settings, problem, context.device, context.stop, context.seed, state)


def _keeper_at(keeper_of: KeeperOf, first: int, layout: str) -> Keeper:
    return keeper_of(f"{first}-{layout}")


def filtered(
    context: ClipContext,
    networks: Networks,
    solution: Solution,
    watch: WindowWatch,
    motion_of: Callable[[Tensor], Motion] | None,
) -> Tensor:
    """Return what filters make of the networks' frames: (T, C, H, W), as the user gets them.

    Raises:
        PipRestoreError: memory does not suffice.
    """
    degradation = context.degradation
    counted = None if networks.counted is None else networks.as_pictures(networks.counted)
    image, observation = networks.as_pictures(solution.image), networks.as_pictures(networks.observation)
    limits = degradation.limits(observation)
    degraded = Degraded(degradation, degradation.naive, counted, networks.held_out, limits)
    settings, device, seed = context.settings.finish, context.device, context.seed
    with _told_of_memory():
        finished = finish(
            image, Observation(observation, context.noise, degraded, motion_of), settings, device, seed, watch
        )
    return degradation.visible(finished.image)


@contextmanager
def _told_of_memory() -> Iterator[None]:
    """Have a lack of memory of the filters end in a sentence for the user."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not ran_out_of_memory(error):
            raise
        raise PipRestoreError(
            "the filters ran out of memory: take fewer frames at a time with --window, or use another --device"
        ) from error


class FramesFiltered:
    """Filters frames along their motion where networks would fit the noise too."""

    leaves_warm = False

    def __init__(self, context: ClipContext, *, apart: bool) -> None:
        """Take with what to restore, and whether each frame is seen by itself."""
        self._context = context
        self._motion_of = None if apart else estimate_motion

    def __call__(self, shown: WindowInput, seconds: float | None, keeper_of: KeeperOf) -> Restored:
        """Filter the frames of the window."""
        del keeper_of
        context = self._context
        watch = WindowWatch(context, shown.observation, seconds)
        observation = Observation(shown.observation, context.noise, None, self._motion_of)
        with _told_of_memory():
            finished = finish(
                shown.observation, observation, context.settings.finish, context.device, context.seed, watch
            )
        return Restored(finished.image, WindowReport(Outcome.FILTERED.name, seconds=watch.spent))


class FramesBetween:
    """Makes frames at moments that were never shown; those that were come back as they are."""

    leaves_warm = False

    def __init__(self, context: ClipContext) -> None:
        self._context = context

    def __call__(self, shown: WindowInput, seconds: float | None, keeper_of: KeeperOf) -> Restored:
        """Follow the motion to the wanted moments."""
        del seconds, keeper_of
        self._context.watch_of(None).must_end()
        began = time.perf_counter()
        frames = interpolate(shown.observation, shown.positions)
        return Restored(frames, WindowReport(Outcome.BETWEEN.name, seconds=time.perf_counter() - began))
