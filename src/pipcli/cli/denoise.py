"""`pip-restore denoise`: take the noise out of a photo."""

from pipcli.cli import options
from pipcli.cli.photo_options import PhotoOptions, with_photo_options
from pipcli.cli.task import Task, noise_only

TASK = Task(name="denoise", suffix="_denoised", degradation=noise_only, gives_back=True)


@with_photo_options
def denoise(inputs: options.Inputs, photo: PhotoOptions) -> int:
    """Take the noise out of photos.

    Each keeps its size, bit depth, transparency, colour profile and metadata. The fit stops by itself, before it starts
    to reproduce the noise.

    \b
    Examples:
      pip-restore denoise noisy.png --sigma 25 --prior pip
      pip-restore denoise scan.tif -o clean.tif --quality best --sheet before_after.png
      pip-restore denoise scans/*.png -o restored/
      pip-restore denoise dark.png --noise poisson
    """
    # Everything that takes long to import waits until there is work to do: --help is instant.
    from pipcli.cli import photo_task

    return photo_task.run(TASK, inputs, photo)
