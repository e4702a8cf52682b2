"""`pip-restore denoise`: remove noise from photos."""

from pipcli.cli import options
from pipcli.cli.photo_options import PhotoOptions, with_photo_options
from pipcli.cli.task import Task, noise_only


def task_of(strength: float) -> Task:
    """Return the task of removing `strength` times the standard deviation of the noise."""
    return Task(
        name="denoise",
        suffix="_denoised",
        degradation=noise_only,
        gives_back=True,
        strength=strength,
        words=lambda: {"--strength": strength},
    )


TASK = task_of(1.0)


@with_photo_options
def denoise(inputs: options.Inputs, photo: PhotoOptions, strength: options.Strength = 1.0) -> int:
    """Remove noise from photos.

    Kind and level of the noise are estimated unless they are given. Size, bit depth, transparency, colour profile and
    metadata are kept. A photo without noise is returned unchanged.

    \b
    Examples:
      pip-restore denoise noisy.png --sigma 25 --prior pip
      pip-restore denoise scan.tif -o clean.tif --quality best --sheet before_after.png
      pip-restore denoise scans/*.png -o restored/
      pip-restore denoise dark.png --noise poisson
      pip-restore denoise holiday.jpg --strength 0.7
    """
    # Everything that takes long to import waits until there is work to do: --help is instant.
    from pipcli.cli import photo_task

    return photo_task.run(task_of(strength), inputs, photo)
