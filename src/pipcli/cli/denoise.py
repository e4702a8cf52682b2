"""`pip-restore denoise`: take the noise out of a photo."""

from pipcli.cli import options
from pipcli.cli.photo_options import PhotoOptions, with_photo_options
from pipcli.cli.task import Task, noise_only


def task_of(strength: float) -> Task:
    """Return the task of taking out noise, so many times its standard deviation."""
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
    """Take the noise out of photos.

    Each keeps its size, bit depth, transparency, colour profile and metadata. The fit stops by itself, before it starts
    to reproduce the noise.

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
