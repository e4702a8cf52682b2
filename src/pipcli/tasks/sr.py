"""`pip-restore sr`: enlarge a small photo (super-resolution)."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import typer

from pipcli.settings import KernelName
from pipcli.tasks.base import ClipWay, PhotoWay, Task, TaskRow
from pipcli.tasks.shared import TaskOptions

if TYPE_CHECKING:
    from torch import Tensor

    from pipcli.degradations import Degradation
    from pipcli.noise import Noise
    from pipcli.watch import Watch

# Factors are ratios of whole numbers up to this: the windows of a picture begin where both numbers meet.
LARGEST_DENOMINATOR = 16
DEFAULT_SCALE = 4.0

Scale = Annotated[
    float, typer.Option(min=1, max=16, help="How many times longer each side becomes: 1 to 16, also 1.5.")
]
Kernel = Annotated[
    KernelName,
    typer.Option(
        help="How the small picture was made of the large one: lanczos, bicubic, box or gaussian. For pixel art: box."
    ),
]


ClipScale = Annotated[
    float | None,
    typer.Option(min=1, max=16, help="sr: how many times longer each side becomes, 1 to 16. [default: 4]"),
]
ClipKernel = Annotated[
    KernelName | None,
    typer.Option(help="sr: how the small clip was made: lanczos, bicubic, box or gaussian. [default: lanczos]"),
]


@dataclass(frozen=True, kw_only=True)
class SrOptions:
    """Enlarge photos (super-resolution).

    The result, down-sampled by the kernel, is the input to within its rounding. Give --sigma or
    --noise for a small picture with noise or JPEG blocks, else they are enlarged as detail. Use --kernel box for pixel
    art, sprites and icons, whose pixels should stay even squares.

    \b
    Examples:
      pip-restore sr small.png --scale 4
      pip-restore sr thumbnail.jpg --scale 2 --noise jpeg -o large.png
      pip-restore sr sprite.png --scale 4 --kernel box
      pip-restore sr icons/*.png --scale 1.5 --kernel box -o large/
    """

    scale: Scale = DEFAULT_SCALE
    kernel: Kernel = KernelName.LANCZOS


@dataclass(frozen=True, kw_only=True)
class SrClipOptions:
    """The same for clips, None standing for the default."""

    scale: ClipScale = None
    kernel: ClipKernel = None


def photo_task_of(own: SrOptions, said: TaskOptions) -> Task:
    """Return the task for photos."""
    del said
    return task_of(own.scale, own.kernel)


def clip_task_of(own: SrClipOptions, said: TaskOptions) -> Task:
    """Return the task for clips."""
    del said
    scale = DEFAULT_SCALE if own.scale is None else own.scale
    return task_of(scale, KernelName.LANCZOS if own.kernel is None else own.kernel)


def task_of(scale: float, kernel: KernelName) -> Task:
    """Return the task for a factor and a kernel."""
    factor = Fraction(scale).limit_denominator(LARGEST_DENOMINATOR)

    def degradation(noise: "Noise", observation: "Tensor", watch: "Watch") -> "Degradation":
        from pipcli.degradations import Downsample

        del observation, watch
        return Downsample(noise, factor, kernel)

    return Task(
        name="sr",
        suffix=f"_x{scale:g}",
        degradation=degradation,
        scale=factor,
        noiseless=True,
        words=lambda: {"--scale": str(factor), "--kernel": kernel.value},
    )


ROW = TaskRow("sr", PhotoWay(SrOptions, photo_task_of), ClipWay(SrClipOptions, clip_task_of), meaning="enlarge")
