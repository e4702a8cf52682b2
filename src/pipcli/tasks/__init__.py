"""The tasks: a file and a row each. The command line, `video --task` and `pipcli.restore` read the rows."""

from pipcli.tasks import deblur, dehaze, denoise, enhance, flash, inpaint, interpolate, sr
from pipcli.tasks.base import TaskRow

TASKS: tuple[TaskRow, ...] = (
    denoise.ROW,
    sr.ROW,
    inpaint.ROW,
    enhance.ROW,
    flash.ROW,
    deblur.ROW,
    dehaze.ROW,
    interpolate.ROW,
)
