"""The noise of a photo or clip: as given by the user, else as detected."""

from pipcli.jobs.plan import Plan
from pipcli.noise import NOISES, Evidence, Gaussian, Noise, detect
from pipcli.settings import CLEAN_SIGMA, NoiseName


def noise_of(plan: Plan, evidence: Evidence, bit_depth: int, *, span: float = 1.0, sigma: float | None = None) -> Noise:
    """Return the noise that the user named, or that an observation shows.

    Args:
        plan: what the user asked for.
        evidence: the observation.
        bit_depth: of its samples.
        span: the share of their range that is [0, 1] in it.
        sigma: what the user said, in grey levels of 255 of that.

    Raises:
        UnusableInputError: the kind named cannot be told from it.
    """
    if plan.task.noiseless and plan.says_nothing_of_noise:
        return Gaussian.of_rounding(bit_depth, span)
    kind = plan.kind
    if kind is NoiseName.AUTO:
        kind = detect(evidence)
    noise = NOISES[kind].of(evidence, sigma if plan.level is None else plan.level)
    strength = plan.task.strength
    return noise if strength in (0, 1) else noise.scaled(strength)


def shows_no_noise(plan: Plan, noise: Noise, step: float = 0.0) -> bool:
    """Return whether there is nothing to take out: none is asked for, or so little noise was found.

    The user's word is not doubted.

    Kinds that the user names may be of few samples, such as dead pixels. Little is less than the rounding of 8 bits, or
    than a coarser one of the samples themselves, whose step is a share of the range that the picture is seen in.
    """
    if plan.task.strength == 0:
        return True
    unnamed = plan.kind in (NoiseName.AUTO, NoiseName.GAUSSIAN)
    little = noise.estimated and noise.std < CLEAN_SIGMA * max(1 / 255, step) * noise.strength
    return plan.task.gives_back and unnamed and little and not plan.paper
