"""The request of the user for a clip; touches no file and loads no torch."""

import dataclasses
from pathlib import Path

from pipcli.checkpoint import Identity
from pipcli.jobs.clips.files import ClipFiles
from pipcli.jobs.plan import Plan
from pipcli.jobs.resume import identity_of
from pipcli.settings import PUBLISHED_WINDOW_FRAMES, WINDOW_FRAMES, clip_preset, preset
from pipcli.tasks.base import Task
from pipcli.tasks.clip_options import ClipOptions
from pipcli.tasks.shared import PhotoOptions, TaskOptions

# Neighbours share this part of the frames of a window.
OVERLAP_SHARE = 3


@dataclasses.dataclass(frozen=True)
class ClipPlan:
    """All that the user said of a task on a clip, resolved once.

    Attributes:
        said: the options as typed.
        photo: the same for every frame, as if it were a photo.
    """

    said: ClipOptions
    photo: Plan

    @classmethod
    def of(cls, task: Task, source: Path, said: ClipOptions) -> "ClipPlan":
        """Return the plan of a task on a clip.

        Raises:
            UnusableInputError: a number is out of its range, or two options contradict each other.
        """
        words = {field.name: getattr(said, field.name) for field in dataclasses.fields(TaskOptions)}
        fits_blocks = not said.per_frame and task.clips.restoring is None
        return cls(said, Plan.of(task, source, PhotoOptions(**words), clip_preset if fits_blocks else preset))

    @property
    def window(self) -> int:
        """Frames of a window, at most."""
        if self.said.window is not None:
            return self.said.window
        return PUBLISHED_WINDOW_FRAMES if self.said.paper else WINDOW_FRAMES

    @property
    def overlap(self) -> int:
        """Frames that windows share: none where frames do not know of each other."""
        if self.photo.task.clips.timeline is not None:  # what lies between two windows must be in one of them
            return max(1, self.window // OVERLAP_SHARE)
        return 0 if self.said.per_frame or self.said.paper else self.window // OVERLAP_SHARE

    def parts_fields(self, files: ClipFiles) -> bool:
        """Return whether the two fields of the frames are restored apart.

        Only where every line of a frame is one of the result: a kernel, haze and a larger picture go across lines. What
        was published knows of no fields.
        """
        is_of_fields = files.clip.first_field is not None and files.plan.keeps_fields
        return is_of_fields and not self.said.paper and self.photo.task.clips.line_by_line

    def identity(self, input_checksum: str, device: str, *, fields: bool) -> Identity:
        """Return what decides the frames of the result.

        Args:
            input_checksum: of what is in the input.
            device: the kind of it.
            fields: whether those are restored apart.
        """
        own = {"--window": self.window, "--per-frame": self.said.per_frame}
        parted = {"fields apart": True} if fields else {}
        return {**identity_of(self.photo, input_checksum, device), **own, **parted}
