"""The identity of a task on a photo for `--resume`, and the folder of its checkpoints."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

from pipcli import __version__
from pipcli.checkpoint import Identity, Kept, folder_beside
from pipcli.errors import UnusableInputError
from pipcli.jobs.photos.files import Files
from pipcli.jobs.request import Request
from pipcli.tasks.options import STANDARD_STREAM
from pipcli.tasks.shared import PhotoOptions
from pipcli.tasks.units import InSamples

# The options that the fit does not depend on. Of a device its kind decides, and of the uncertainty whether it is given.
NOT_OF_THE_FIT = {
    "output", "device", "reference", "sheet", "uncertainty", "resume", "json", "overwrite", "quiet", "verbose",
}  # fmt: skip


def identity_of(request: Request, input_checksum: str, device: str) -> Identity:
    """Return what decides the result of a request on a kind of device.

    Args:
        request: of one input.
        input_checksum: of what was read of it.
        device: the kind.
    """
    decisive = [field.name for field in dataclasses.fields(PhotoOptions) if field.name not in NOT_OF_THE_FIT]
    values = {f"--{name.replace('_', '-')}": getattr(request, name) for name in decisive}
    if isinstance(request.sigma, InSamples):
        values["--sigma"] = str(request.sigma)  # with its unit
    return {
        "input": input_checksum,
        "task": request.task.name,
        "version": __version__,
        "--device": device,
        "--uncertainty": request.uncertainty is not None,
        **values,
        **request.task.words(),
    }


def check_resume(requests: Sequence[Request]) -> None:
    """Refuse --resume where nothing could be kept.

    Raises:
        UnusableInputError: it is.
    """
    request = requests[0]
    if not request.resume:
        return
    if len(requests) > 1:
        raise UnusableInputError(f"--resume is for one picture, and there are {len(requests)} inputs")
    if STANDARD_STREAM in (request.source, request.output):
        raise UnusableInputError("--resume needs an input file and an output file, not -")
    if request.task.solve is not None:
        raise UnusableInputError(f"--resume is not for {request.task.name}, which takes seconds: leave it out")


@contextlib.contextmanager
def keeping(request: Request, files: Files | None, device: str) -> Iterator[Kept | None]:
    """Keep the fit of a request that asks for it in a folder beside its output, until it is written.

    Args:
        request: that `check_resume` let pass.
        files: of it; None where there are several inputs, which are not kept.
        device: the kind of it.

    Raises:
        OutputRefusedError: the folder is in use, keeps other work, or is not ours.
    """
    if not request.resume or files is None:
        yield None
        return
    identity = identity_of(request, files.checksum, device)
    with Kept(folder_beside(files.output), identity, files.outputs) as kept:
        yield kept
        kept.discard()
