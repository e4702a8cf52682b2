"""The definition of a task: its options, degradation and files; loads no torch."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from pipcli.checkpoint import Identity
    from pipcli.degradations import Degradation
    from pipcli.fit.device import Device
    from pipcli.media import Photo
    from pipcli.media.clips import Clip
    from pipcli.noise import Noise
    from pipcli.restoration.members import Limits
    from pipcli.restoration.solution import Solution
    from pipcli.restoration.window import ClipContext, Restoring
    from pipcli.tasks.clip_options import ClipOptions
    from pipcli.tasks.shared import PhotoOptions
    from pipcli.tasks.timeline import Moments
    from pipcli.watch import Watch


@dataclass(frozen=True)
class Work:
    """How a task with a way of its own is to do its work: where, from which seed, how long, and who watches."""

    device: "Device"
    seed: int
    limits: "Limits"
    watch: "Watch"


@dataclass(frozen=True)
class Companion:
    """A further file that a task writes beside its result.

    Attributes:
        option: that names it.
        path: of the file.
        encoded: makes its bytes from the degradation and the solution.
    """

    option: str
    path: Path
    encoded: "Callable[[Degradation, Solution], bytes]"


@dataclass(frozen=True)
class OnClips:
    """What a task says of clips.

    Attributes:
        line_by_line: whether every line of a frame is one of the result, so that interlaced fields can be restored
            apart.
        mask: a picture for all frames, or a clip with one for each, of what is to be filled; None for nothing.
        inverted_mask: whether white is what to keep.
        timeline: returns the frames of the result; None for those of the input.
        restoring: returns the task's own way to restore a window, given frames from all over the clip as one
            (1, C, H, W) picture; None to fit generators.
    """

    line_by_line: bool = False
    mask: Path | None = None
    inverted_mask: bool = False
    timeline: "Callable[[Clip], Moments] | None" = None
    restoring: "Callable[[ClipContext, Tensor], Restoring] | None" = None


@dataclass(frozen=True)
class Task:
    """A task as it is to be done on one picture or clip.

    Attributes:
        name: of the command, and of its rows in the tables of settings.
        suffix: what the name of the output has more than that of the input.
        degradation: makes what happened to the picture, from the noise and the (1, C, H, W) observation in [0, 1]; the
            last argument is asked whether to hurry.
        scale: how many times as long as the input's the sides of the result are.
        noiseless: whether the input is taken to have no noise as long as the user does not say that it has.
        gives_back: whether an input in which next to no noise is found is given back as it is.
        known: tells which (H, W) pixels of a photo say anything of the result, the others are to be filled; None where
            all do. Raises `UnusableInputError` where that cannot be told.
        notes: returns sentences for the user on how what belongs to the task was understood for a photo.
        carrier: tells whose transparency and metadata the result gets: the input's, unless the task uses them up.
        gathers_light: whether the result may be brighter than the input. If not, few samples far above the others, such
            as stars, are kept as they are.
        combined: makes the result of the networks' picture and the input, its noise taken out, both (1, C, H, W) in
            [0, 1]; None where the filters make it of the two.
        guide: a picture of the same place that the generators see; None where there is none.
        of_input_size: pictures that must be of the input's size, by what the user calls them.
        sources: further files that are read, by the options that name them.
        companions: what is written beside the result.
        words: returns what the task's own options say, by their names, files by their checksums.
        strength: how many times the standard deviation of the noise, as it is told or found, is taken out.
        filtered: whether filters follow the networks.
        solve: arrives at the result of a (1, C, H, W) observation in a way of the task's own, in place of networks on
            windows and filters; None for those.
        clips: what it says of clips.
    """

    name: str
    suffix: str
    degradation: "Callable[[Noise, Tensor, Watch], Degradation]"
    scale: Fraction = Fraction(1)
    noiseless: bool = False
    gives_back: bool = False
    known: "Callable[[Photo], NDArray[np.bool_]] | None" = None
    notes: "Callable[[Photo], tuple[str, ...]]" = lambda photo: ()
    carrier: "Callable[[Photo], Photo]" = lambda photo: photo
    gathers_light: bool = False
    combined: "Callable[[Tensor, Tensor], Tensor] | None" = None
    guide: "Photo | None" = None
    of_input_size: "Mapping[str, Photo]" = field(default_factory=dict)
    sources: "Mapping[str, Path]" = field(default_factory=dict)
    companions: tuple[Companion, ...] = ()
    words: "Callable[[], Identity]" = dict
    strength: float = 1.0
    filtered: bool = True
    solve: "Callable[[Tensor, Work], Solution] | None" = None
    clips: OnClips = OnClips()

    def size_of_result(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width of the result for an input."""
        return scaled(height, self.scale), scaled(width, self.scale)


def noise_only(noise: "Noise", observation: "Tensor", watch: "Watch") -> "Degradation":
    """Return the degradation of tasks whose input has every pixel of the result, but for noise or holes."""
    from pipcli.degradations import Identity

    del observation, watch
    return Identity(noise)


def scaled(length: int, scale: Fraction) -> int:
    """Return a length times a factor, to the nearest whole, halves upwards, and at least 1."""
    return max(1, math.floor(length * scale + Fraction(1, 2)))


@dataclass(frozen=True)
class PhotoWay:
    """How a task is asked for on photos.

    Attributes:
        options: a frozen record of its own options, each annotated for the command line; its docstring is the help.
        task_of: returns the task for that record and the options that all tasks share. Raises `UnusableInputError`
            where they do not go together.
    """

    options: type[Any]
    task_of: "Callable[[Any, PhotoOptions], Task]"


@dataclass(frozen=True)
class ClipWay:
    """How a task is asked for on clips; likewise. The options need defaults: `video` has those of all tasks."""

    options: type[Any]
    task_of: "Callable[[Any, ClipOptions], Task]"


@dataclass(frozen=True)
class TaskRow:
    """A row of `TASKS`: all that the command line and the Python interface know of a task.

    Attributes:
        name: of the command, and of `video --task`.
        photos: how it is asked for on photos; None if it is not for them.
        clips: how it is asked for on clips; None if it is not for them.
        meaning: a word or two for a name that does not explain itself.
    """

    name: str
    photos: PhotoWay | None = None
    clips: ClipWay | None = None
    meaning: str = ""
