"""Fitting networks within the memory of the machine: fewer at a time, then smaller tiles, before it is given up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from pipcli.errors import PipRestoreError
from pipcli.fit.device import Device, members_together, ran_out_of_memory, slack, workers_for
from pipcli.fit.fit import Fit
from pipcli.fit.memory import available_bytes, used_bytes
from pipcli.restoration.loop import Keeper, restore
from pipcli.restoration.members import Concurrency, Limits, Picture
from pipcli.restoration.solution import Solution
from pipcli.settings import SMALLEST_TILE
from pipcli.watch import Watch


class Fittable(Protocol):
    """All networks that are fitted side by side."""

    @property
    def count(self) -> int:
        """How many there are."""

    @property
    def tile_side(self) -> int:
        """The side of their windows, in pixels."""

    def to_restore(self) -> Sequence[Picture]:
        """Return what they make, to be restored."""

    def build_fit(self, numbers: Sequence[int], rate_factor: float) -> Fit:
        """Put the fit of some of them together."""

    def with_smaller_tiles(self) -> Self:
        """Return networks of half the side."""

    def peak_bytes(self, concurrency: Concurrency) -> int:
        """Return an estimate of the memory that the fit takes at its peak."""


class Notes(Protocol):
    """Is told, in words for the user, of what had to be changed and what to expect."""

    def say(self, message: str) -> None:
        """Take note of what every user should know."""

    def explain(self, message: str) -> None:
        """Take note of what those want to know who asked for details."""


@dataclass(frozen=True)
class Fitting:
    """How networks are to be fitted.

    Attributes:
        device: where.
        limits: on steps and seconds.
        watch: is told of the progress, and may end the fit.
        reporter: is told of what had to be changed.
        keeper_of: returns who keeps the state, by a name of the way in which the networks are laid out; None where it
            is not kept.
    """

    device: Device
    limits: Limits
    watch: Watch
    reporter: Notes
    keeper_of: Callable[[str], Keeper] | None = None

    def solve(self, networks: Fittable, subject: str) -> list[Solution]:
        """Fit, with fewer networks at a time and then in smaller tiles where memory does not suffice.

        Args:
            networks: to fit.
            subject: what they make, in words for the user.

        Raises:
            PipRestoreError: it does not suffice for the smallest tiles either, or a network diverged twice.
        """
        together = members_together(self.device)
        while True:
            try:
                return self._fit(networks, together)
            except (MemoryError, RuntimeError) as error:
                if not ran_out_of_memory(error):
                    raise
            if together > 1:
                together //= 2
                self.reporter.say(f"out of memory: restarted with {together} networks at a time")
            elif networks.tile_side >= 2 * SMALLEST_TILE:
                networks = networks.with_smaller_tiles()
                self.reporter.say(f"out of memory: restarted in tiles of {networks.tile_side} pixels")
            else:
                raise PipRestoreError(
                    f"{subject} do not fit into the memory of {self.device.torch_device}: "
                    "scale the picture down, cut out a part, or use another --device"
                )

    def _fit(self, networks: Fittable, together: int) -> list[Solution]:
        with workers_for(networks.count, self.device) as workers:
            concurrency = Concurrency(workers, together, slack(self.device))
            self._check_memory(networks, concurrency)
            layout = f"{networks.tile_side}-{together}"
            return restore(
                networks.to_restore(),
                networks.build_fit,
                limits=self.limits,
                watch=self.watch,
                concurrency=concurrency,
                keeper=None if self.keeper_of is None else self.keeper_of(layout),
            )

    def _check_memory(self, networks: Fittable, concurrency: Concurrency) -> None:
        """Tell how much memory the fit will take, and do not begin what the system would end.

        Raises:
            MemoryError: there is not as much.
        """
        peak, available = networks.peak_bytes(concurrency), available_bytes(self.device.torch_device)
        self.reporter.explain(f"about {(used_bytes() + peak) / 1e9:.2f} GB of memory at the peak")
        if available is not None and peak > available:
            raise MemoryError
