"""`pip-restore denoise`: remove noise from photos."""

from dataclasses import dataclass

from pipcli.tasks import options
from pipcli.tasks.base import ClipWay, OnClips, PhotoWay, Task, TaskRow, noise_only
from pipcli.tasks.shared import TaskOptions


@dataclass(frozen=True, kw_only=True)
class DenoiseOptions:
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

    strength: options.Strength = 1.0
    no_filters: options.NoFilters = False


def task_of(own: DenoiseOptions, said: TaskOptions) -> Task:
    """Return the task of removing `strength` times the standard deviation of the noise."""
    del said
    return Task(
        name="denoise",
        suffix="_denoised",
        degradation=noise_only,
        gives_back=True,
        strength=own.strength,
        filtered=not own.no_filters,
        words=lambda: {"--strength": own.strength, "--no-filters": own.no_filters},
        clips=OnClips(line_by_line=True),
    )


ROW = TaskRow("denoise", PhotoWay(DenoiseOptions, task_of), ClipWay(DenoiseOptions, task_of))
