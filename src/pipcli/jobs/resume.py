"""The identity of a task on a photo for `--resume`, and the folder of its checkpoints."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

from pipcli import __version__
from pipcli.checkpoint import Identity, Kept, folder_beside
from pipcli.errors import UnusableInputError
from pipcli.jobs.photos.files import Files
from pipcli.jobs.plan import Plan
from pipcli.tasks.options import STANDARD_STREAM
from pipcli.tasks.shared import PhotoOptions
from pipcli.tasks.units import InSamples

# The options that the fit does not depend on. Of a device its kind decides, and of the uncertainty whether it is given.
NOT_OF_THE_FIT = {
    "output", "device", "reference", "sheet", "uncertainty", "resume", "json", "overwrite", "quiet", "verbose",
}  # fmt: skip


def identity_of(plan: Plan, input_checksum: str, device: str) -> Identity:
    """Return what decides the result of a plan on a kind of device.

    Args:
        plan: of one input.
        input_checksum: of what was read of it.
        device: the kind.
    """
    decisive = [field.name for field in dataclasses.fields(PhotoOptions) if field.name not in NOT_OF_THE_FIT]
    values = {f"--{name.replace('_', '-')}": getattr(plan, name) for name in decisive}
    if isinstance(plan.sigma, InSamples):
        values["--sigma"] = str(plan.sigma)  # with its unit
    return {
        "input": input_checksum,
        "task": plan.task.name,
        "version": __version__,
        "--device": device,
        "--uncertainty": plan.uncertainty is not None,
        **values,
        **plan.task.words(),
    }


def check_resume(plans: Sequence[Plan]) -> None:
    """Refuse --resume where nothing could be kept.

    Raises:
        UnusableInputError: it is.
    """
    plan = plans[0]
    if not plan.resume:
        return
    if len(plans) > 1:
        raise UnusableInputError(f"--resume is for one picture, and there are {len(plans)} inputs")
    if STANDARD_STREAM in (plan.source, plan.output):
        raise UnusableInputError("--resume needs an input file and an output file, not -")
    if plan.task.solve is not None:
        raise UnusableInputError(f"--resume is not for {plan.task.name}, which takes seconds: leave it out")


@contextlib.contextmanager
def keeping(plan: Plan, files: Files | None, device: str) -> Iterator[Kept | None]:
    """Keep the fit of a plan that asks for it in a folder beside its output, until it is written.

    Args:
        plan: that `check_resume` let pass.
        files: of it; None where there are several inputs, which are not kept.
        device: the kind of it.

    Raises:
        OutputRefusedError: the folder is in use, keeps other work, or is not ours.
    """
    if not plan.resume or files is None:
        yield None
        return
    identity = identity_of(plan, files.checksum, device)
    with Kept(folder_beside(files.output), identity, files.outputs) as kept:
        yield kept
        kept.discard()
