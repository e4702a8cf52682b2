"""Which results get a last look: whether what was removed is noise or a part of the picture."""

from pipcli.jobs.plan import Plan
from pipcli.restoration.solution import Outcome
from pipcli.settings import NoiseName

_NOT_DOUBTED = (Outcome.CLEAN, Outcome.UNASKED, Outcome.INTERRUPTED, Outcome.TIME_LIMIT)


def is_doubted(plan: Plan, outcome: Outcome) -> bool:
    """Return whether a result gets a last look.

    What the user says of the noise is not doubted, nor is an estimate that was cut short.
    """
    asked = plan.kind is NoiseName.AUTO and plan.task.gives_back and plan.task.filtered
    return asked and outcome not in _NOT_DOUBTED
