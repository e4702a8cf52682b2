"""`pip-restore sr`: enlarge a small photo (super-resolution)."""

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import typer

from pipcli.cli import options
from pipcli.cli.photo_options import PhotoOptions, with_photo_options
from pipcli.cli.task import Task
from pipcli.settings import KernelName

if TYPE_CHECKING:
    from torch import Tensor

    from pipcli.degradations import Degradation
    from pipcli.noise import Noise
    from pipcli.watch import Watch

# Factors are ratios of whole numbers up to this: the windows of a picture begin where both numbers meet.
LARGEST_DENOMINATOR = 16

Scale = Annotated[
    float, typer.Option(min=1, max=16, help="How many times longer each side becomes: 1 to 16, also 1.5.")
]
Kernel = Annotated[
    KernelName,
    typer.Option(
        help="How the small picture was made of the large one: lanczos, bicubic, box or gaussian. For pixel art: box."
    ),
]


@with_photo_options
def sr(inputs: options.Inputs, photo: PhotoOptions, scale: Scale = 4, kernel: Kernel = KernelName.LANCZOS) -> int:
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
    # Everything that takes long to import waits until there is work to do: --help is instant.
    from pipcli.cli import photo_task

    return photo_task.run(task_of(scale, kernel), inputs, photo)


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
