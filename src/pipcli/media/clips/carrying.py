"""The samples of a source that are to stay: carried into the result as they are in the file.

A frame is restored as RGB of 16 bits, and where chroma is coarser than luma, no way there and back gives the same
samples again. Where the restored picture is the source's, its own samples are therefore taken instead.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipcli.media.clips.ffmpeg_arguments import converted, sent_layout
from pipcli.media.clips.moments import shown_at
from pipcli.media.clips.plan import Plan
from pipcli.media.clips.planes import offsets, sites_within
from pipcli.media.clips.reading import planes_in, read_frames, read_planes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Source:
    """A frame of the source.

    Args:
        samples: (H, W, C) uint16 over the full range, as `read_frames` gives it.
        planes: the samples of the file, in the layout that is written.
    """

    samples: NDArray[np.uint16]
    planes: list[NDArray[np.uint16]]

    def kept_in(self, samples: NDArray[np.uint16], plan: Plan) -> list[NDArray[np.uint16]]:
        """The planes of a restored frame, with the source's own samples where the picture is unchanged.

        Args:
            samples: of the restored frame, like those of the source.
            plan: for which `keeps_samples` is true.
        """
        import numpy as np

        changed = (samples != self.samples).any(axis=2)
        if not changed.any():
            return self.planes
        made = converted(samples, plan)
        steps = sent_layout(plan).steps
        chroma = sites_within(changed, steps)
        places = [changed, chroma, chroma] if len(made) > 1 else [changed]
        return [np.where(place, new, old) for place, new, old in zip(places, made, self.planes, strict=True)]


def keeps_samples(plan: Plan) -> bool:
    """Whether what is written has the layout, size and colours of the source, so that samples can stay as they are."""
    clip = plan.clip
    if clip.kind == "folder" or plan.kind == "folder" or (plan.height, plan.width) != (clip.height, clip.width):
        return False
    old, new = planes_in(clip), sent_layout(plan)._replace(has_alpha=False)
    if old != new or old.family == "gbr":  # RGB comes back exactly in any case
        return False
    if old.family == "gray":
        return (clip.colour.range == "tv") == (plan.colour.range == "tv")
    if clip.turning and old.steps != (1, 1):
        return False
    sited = offsets(clip.colour.siting, old.steps) == offsets(plan.colour.siting, old.steps)
    same_range = (clip.colour.range == "pc") == (plan.colour.range == "pc")
    return sited and same_range and clip.matrix == plan.matrix


def sources(plan: Plan) -> Generator[Source, None, None]:
    """For each frame of a plan, the frame of its source that is shown at its time.

    Raises:
        UnusableInputError: a frame cannot be read.
    """
    clip, known = plan.clip, -1
    frames = zip(read_frames(clip), read_planes(clip), strict=True)
    for number in shown_at(clip.times, plan.times):
        for _ in range(number - known):
            source = Source(*next(frames))
        known = number
        yield source
