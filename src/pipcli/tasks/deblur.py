"""`pip-restore deblur`: deconvolve photos with one blur kernel, given or estimated."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipcli.checkpoint import Identity
from pipcli.errors import UnusableInputError
from pipcli.media import Photo, encode_map, shown
from pipcli.tasks.aids import check_png, read_with_checksum
from pipcli.tasks.base import ClipWay, Companion, PhotoWay, Task, TaskRow
from pipcli.tasks.shared import TaskOptions

if TYPE_CHECKING:
    from torch import Tensor

    from pipcli.degradations import Blur, Degradation
    from pipcli.noise import Noise
    from pipcli.restoration.solution import Solution
    from pipcli.watch import Watch

KERNEL_BITS = 16
LARGEST_KERNEL = 255

KernelFile = Annotated[
    Path | None,
    typer.Option(
        "--kernel-file",
        help="The blur, a picture of what became of a point of light; its weights are scaled to sum to one. "
        "[default: estimated]",
        metavar="FILE",
    ),
]
KernelSize = Annotated[
    int | None,
    typer.Option(
        min=3, max=LARGEST_KERNEL, help="Side in pixels, odd, within which to look for the blur. [default: several]"
    ),
]
SaveKernel = Annotated[
    Path | None,
    typer.Option(help="Also write the blur: a grey 16-bit PNG, white being its highest weight.", metavar="FILE"),
]


ClipKernelFile = Annotated[
    Path | None,
    typer.Option(help="deblur: the blur, a picture of a point of light. [default: estimated]", metavar="FILE"),
]
ClipKernelSize = Annotated[
    int | None,
    typer.Option(min=3, max=255, help="deblur: side in pixels within which to look for the blur. [default: several]"),
]


@dataclass(frozen=True, kw_only=True)
class DeblurOptions:
    """Sharpen photos whose blur is the same everywhere.

    Without --kernel-file the blur kernel is estimated from the picture. Blur that differs from place to place (a
    turning camera, parts out of focus) is not modelled.

    \b
    Examples:
      pip-restore deblur shaken.png
      pip-restore deblur shaken.png --kernel-size 21 --save-kernel blur.png
      pip-restore deblur shaken.png --kernel-file blur.png --sigma 3
    """

    kernel_file: KernelFile = None
    kernel_size: KernelSize = None
    save_kernel: SaveKernel = None


@dataclass(frozen=True, kw_only=True)
class DeblurClipOptions:
    """The same for clips."""

    kernel_file: ClipKernelFile = None
    kernel_size: ClipKernelSize = None


def photo_task_of(own: DeblurOptions, said: TaskOptions) -> Task:
    """Return the task for photos.

    Raises:
        UnusableInputError: as in `task_of`.
        OutputRefusedError: the kernel cannot be written under such a name.
    """
    del said
    saved = own.save_kernel
    if saved is not None:
        check_png("--save-kernel", saved)
    companions = () if saved is None else (Companion("--save-kernel", saved, _kernel_file),)
    return task_of(own.kernel_file, own.kernel_size, companions)


def clip_task_of(own: DeblurClipOptions, said: TaskOptions) -> Task:
    """Return the task for clips; raises as `task_of`."""
    del said
    return task_of(own.kernel_file, own.kernel_size)


def task_of(kernel: Path | None, kernel_size: int | None, companions: tuple[Companion, ...] = ()) -> Task:
    """Return the task for a blur that is known, or is to be found.

    Args:
        kernel: the file of a known blur; None: it is to be found.
        kernel_size: within which to look for it, in pixels; None tries several.
        companions: what to write beside the result.

    Raises:
        UnusableInputError: there is no such blur or size, or both are given.
    """
    if kernel is not None and kernel_size is not None:
        raise UnusableInputError("--kernel-size is for a blur that is to be estimated: leave out one of them")
    if kernel_size is not None and kernel_size % 2 == 0:
        raise UnusableInputError(f"--kernel-size is odd, so that it has a middle, not {kernel_size}")
    known, checksum = (None, None) if kernel is None else read_with_checksum(kernel)
    if kernel is not None and known is not None:
        _check_kernel(known, kernel)

    def degradation(noise: "Noise", observation: "Tensor", watch: "Watch") -> "Degradation":
        from pipcli.degradations import Blur

        if known is None:
            return _estimated(noise, observation, kernel_size, watch)
        weights = known.pixels()[0].mean(0)
        return Blur(noise, weights / weights.sum())

    def words() -> Identity:
        return {"--kernel-file": checksum, "--kernel-size": kernel_size}

    return Task(
        name="deblur",
        suffix="_deblurred",
        degradation=degradation,
        gathers_light=True,
        sources={} if kernel is None else {"--kernel-file": kernel},
        companions=companions,
        words=words,
    )


def _check_kernel(kernel: Photo, path: Path) -> None:
    """Refuse a kernel that is none.

    Raises:
        UnusableInputError: it is black all over, or larger than a blur can be.
    """
    if max(kernel.height, kernel.width) > LARGEST_KERNEL:
        raise UnusableInputError(
            f"--kernel-file {shown(path)} is {kernel.width}x{kernel.height}: {LARGEST_KERNEL} a side are the most"
        )
    if not kernel.samples.any():
        raise UnusableInputError(
            f"--kernel-file {shown(path)} is black everywhere: a kernel has at least one positive weight"
        )


def _estimated(noise: "Noise", observation: "Tensor", size: int | None, watch: "Watch") -> "Blur":
    """Return the blur that a picture shows: its kernel as estimated, then fitted to the picture restored with it."""
    from pipcli.deblurring import KernelOutcome, estimate_kernel, refit_kernel
    from pipcli.degradations import Blur
    from pipcli.settings import KERNEL

    estimate = estimate_kernel(observation, KERNEL, size, noise.std, watch)
    kernel = estimate.kernel
    if estimate.outcome is KernelOutcome.FOUND and not watch.must_end():
        kernel = refit_kernel(kernel, _preview(Blur(noise, kernel), observation), observation, KERNEL)
    rows, columns = kernel.shape
    notes = {
        KernelOutcome.FOUND: f"the estimated blur kernel has {columns}x{rows} pixels",
        KernelOutcome.SHARP: "no blur was found: the picture is sharp, or its blur differs from place to place",
        KernelOutcome.TOO_SMALL: "the picture is too small to estimate its blur: it is treated as sharp",
    }
    return Blur(noise, kernel, (notes[estimate.outcome],))


def _preview(blur: "Blur", observation: "Tensor") -> "Tensor":
    """Return the picture that filters make of an observation without networks, on the CPU."""
    from pipcli.fit.device import choose_device
    from pipcli.refine.denoising import finish
    from pipcli.refine.observation import Degraded, Observation
    from pipcli.settings import TASK_FINISH, Quality

    start, settings = blur.naive(observation), TASK_FINISH["deblur"][Quality.DRAFT]
    degraded = Degraded(blur, blur.naive, limits=blur.limits(observation))
    return finish(start, Observation(observation, blur.noise, degraded), settings, choose_device("cpu"), seed=0).image


def _kernel_file(degradation: "Degradation", solution: "Solution") -> bytes:
    from pipcli.degradations import Blur

    del solution
    if not isinstance(degradation, Blur):
        raise TypeError("only a blur has a kernel")
    weights = degradation.kernel.cpu()
    return encode_map((weights / weights.max()).numpy(), KERNEL_BITS)


ROW = TaskRow("deblur", PhotoWay(DeblurOptions, photo_task_of), ClipWay(DeblurClipOptions, clip_task_of))
