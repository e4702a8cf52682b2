"""Members that make their steps in one fit."""

from collections.abc import Callable
from copy import copy
from typing import Any

from pipcli.fit.fit import members_of
from pipcli.restoration.members import BuildFit, Concurrency, Run
from pipcli.restoration.solution import Outcome


class Group:
    """Members that make their steps in one fit."""

    def __init__(
        self, runs: list[Run], build_fit: BuildFit, concurrency: Concurrency, rate_factor: float = 1.0
    ) -> None:
        self.runs = runs
        self.build_fit = build_fit
        self.concurrency = concurrency
        self.rate_factor = rate_factor
        self.fit = build_fit([run.number for run in runs], rate_factor)
        self.left = [False] * len(runs)  # whose part of the fit goes on with nobody looking

    @property
    def active(self) -> list[Run]:
        """The members that have neither ended nor left."""
        return [run for run, left in zip(self.runs, self.left, strict=True) if not left]

    def advance(self, steps: int, must_end: Callable[[], Outcome | None]) -> list[Run]:
        """Make some steps, or fewer if all members end; return those that diverged and have left the group."""
        last = self.fit.steps_done + steps
        diverged: list[Run] = []
        while self.active and self.fit.steps_done < last:
            diverged += self._advance_block(last - self.fit.steps_done, must_end)
        self._drop_those_that_left()
        return diverged

    def _advance_block(self, steps: int, must_end: Callable[[], Outcome | None]) -> list[Run]:
        """Make steps up to the next at which a rule must look; return the members that diverged."""
        limits = [rule.longest_block for run in self.active for rule in run.rules if rule.longest_block is not None]
        to_the_end = min(run.last_step for run in self.active) - self.fit.steps_done
        ending: Outcome | None = None

        def ends() -> bool:
            nonlocal ending
            ending = must_end()
            return ending is not None

        iterates = self.fit.advance(min(steps, to_the_end, *limits), ends)
        diverged = []
        for place, (run, iterate) in enumerate(zip(self.runs, iterates, strict=True)):
            if self.left[place]:
                continue
            if not run.diverges(iterate):
                run.see(iterate, ending)
                if run.refit_from == iterate.step:
                    self.fit.show_all(place)
            elif not run.ends_with_its_best(iterate.step):
                run.begin_again(iterate.step)
                diverged.append(run)
            self.left[place] = run.outcome is not None or run in diverged
        return diverged

    def _drop_those_that_left(self) -> None:
        """Go on without the members that left, when there are so many of them that it pays to build a smaller fit."""
        staying = [place for place, left in enumerate(self.left) if not left]
        if not staying or self.left.count(True) > self.concurrency.slack * len(self.left):
            self._keep(staying)

    def _keep(self, places: list[int]) -> None:
        """Go on with the members at some places alone."""
        if len(places) == len(self.runs):
            return
        self.runs = [self.runs[place] for place in places]
        self.left = [self.left[place] for place in places]
        if places:
            state = members_of(self.fit.state_dict(), places)
            self.fit = self.build_fit([run.number for run in self.runs], self.rate_factor)
            self.fit.load_state_dict(state)

    def split(self) -> "Group":
        """Give the second half of the members to a new group and return it."""
        half = len(self.runs) // 2
        other = copy(self)
        other._keep(list(range(half, len(self.runs))))
        self._keep(list(range(half)))
        return other

    def state_dict(self) -> dict[str, Any]:
        """Return who its members are, and the state of their fit."""
        return {
            "members": [run.number for run in self.runs],
            "left": list(self.left),
            "rate_factor": self.rate_factor,
            "fit": self.fit.state_dict(),
        }
