"""The stop rules of a network."""

from torch import Tensor

from pipcli.fit.stopping import Discrepancy, HeldOut, MovingVariance, Never, StopRule
from pipcli.noise import Noise
from pipcli.settings import (
    DISCREPANCY_FACTOR,
    GUARD_FACTOR,
    SHORTEST_PATIENCE,
    VARIANCE_PATIENCE,
    FitSettings,
    StopName,
)


def build_rules(stop: StopName, fit: FitSettings, noise: Noise, observation: Tensor) -> list[StopRule]:
    """Make the stop rules of one network; the first decides which picture is taken.

    Args:
        stop: the rule by its name.
        fit: how many steps there are, and how patient the held-out rule is.
        noise: of the whole observation.
        observation: (1, C, h, w) what this network is fitted to, in [0, 1]: where it is nearly black or white, clipping
            has left less than `noise`.
    """
    std = noise.expected_misfit(observation) ** 0.5
    if stop is StopName.DISCREPANCY:
        return [Discrepancy(std, DISCREPANCY_FACTOR)]
    if stop is StopName.VARIANCE:
        return [MovingVariance(VARIANCE_PATIENCE)]
    if stop is StopName.NONE:
        return [Never()]
    rules: list[StopRule] = [HeldOut(patience=max(SHORTEST_PATIENCE, round(fit.patience * fit.steps)))]
    # An estimate of sigma that is too high would end the fit early, so only the user's own word sets the guard.
    return rules if noise.estimated else [*rules, Discrepancy(std, GUARD_FACTOR)]
