"""`pip-restore inpaint`: fill holes, scratches or text of a photo from what is around them."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipcli.checkpoint import checksum_of
from pipcli.errors import UnusableInputError
from pipcli.media import Photo, marked_by, shown, transparent
from pipcli.tasks.aids import check_same_size, read_with_checksum
from pipcli.tasks.base import ClipWay, OnClips, PhotoWay, Task, TaskRow, noise_only
from pipcli.tasks.shared import TaskOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipcli.media.masks import Marked

# What the user says in place of a file's name to have the transparent pixels filled; ./alpha is a file of that name.
ALPHA = Path("alpha")

Mask = Annotated[
    Path,
    typer.Option(
        help="What to fill: a picture of the same size, white where to fill, or the word alpha: what is transparent.",
        metavar="FILE|alpha",
    ),
]
InvertMask = Annotated[bool, typer.Option("--invert-mask", help="White is what to keep: fill where it is black.")]


@dataclasses.dataclass(frozen=True)
class _Holes:
    """Where a photo is to be filled.

    Attributes:
        mask: the picture that tells; None for the photo's own transparency.
        name: of its file, for the user.
        inverted: whether white is what to keep.
    """

    mask: Photo | None
    name: str
    inverted: bool

    def known(self, photo: Photo) -> "NDArray[np.bool_]":
        """Return the (H, W) pixels of a photo that are to be kept.

        Raises:
            UnusableInputError: the mask is not of the photo's size, or there is nothing to fill or nothing to keep.
        """
        known = ~self._marked(photo).pixels
        if known.all():
            raise UnusableInputError(f"--mask {self.name} leaves nothing to fill{self._advice()}")
        if not known.any():
            colour = "black" if self.inverted else "white"
            raise UnusableInputError(
                f"--mask {self.name} leaves nothing to fill from: it is {colour} all over{self._advice()}"
            )
        return known

    def notes(self, photo: Photo) -> tuple[str, ...]:
        """Return sentences for the user on how the mask of a photo was understood."""
        return self._marked(photo).notes

    def _marked(self, photo: Photo) -> "Marked":
        if self.mask is None:
            if photo.alpha is None:
                raise UnusableInputError("--mask alpha needs a picture with transparency, and this one has none")
            return transparent(photo.alpha)
        check_same_size(f"--mask {self.name}", self.mask, photo)
        return marked_by(self.mask, inverted=self.inverted)

    def _advice(self) -> str:
        return "" if self.mask is None else "; white is filled, and with --invert-mask black is"

    def carrier(self, photo: Photo) -> Photo:
        """Return the photo with what was transparent and is filled made opaque."""
        if self.mask is not None or photo.alpha is None:
            return photo
        import numpy as np

        opaque = 1 if photo.alpha.dtype == np.float32 else np.iinfo(photo.alpha.dtype).max
        return dataclasses.replace(
            photo, alpha=np.where(self.known(photo), photo.alpha, photo.alpha.dtype.type(opaque))
        )


ClipMask = Annotated[
    Path | None,
    typer.Option(
        help="inpaint: what to fill, white: one picture for all frames, or a clip or folder with one for each.",
        metavar="FILE",
    ),
]
ClipInvertMask = Annotated[bool, typer.Option("--invert-mask", help="inpaint: white is what to keep.")]


@dataclasses.dataclass(frozen=True, kw_only=True)
class InpaintOptions:
    """Fill holes, scratches or text of photos from what is around them.

    The mask is a picture of the same size, of any mode and depth: white on black, painted in a colour on a plain
    ground, or with a transparent part. Its soft edges are filled, too. What was taken as marked is printed. Everything
    outside comes back sample for sample, unless --sigma or --noise is given. JPEG and lossy WebP change samples when
    they are written: name a .png with -o.

    \b
    Examples:
      pip-restore inpaint scratched.png --mask scratches.png
      pip-restore inpaint cut_out.png --mask alpha -o filled.png
      pip-restore inpaint noisy.png --mask known.png --invert-mask --sigma 15
    """

    mask: Mask
    invert_mask: InvertMask = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class InpaintClipOptions:
    """The same for clips."""

    mask: ClipMask = None
    invert_mask: ClipInvertMask = False


def photo_task_of(own: InpaintOptions, said: TaskOptions) -> Task:
    """Return the task for photos.

    Raises:
        UnusableInputError: the mask cannot be read.
    """
    del said
    if own.mask == ALPHA and own.invert_mask:
        raise UnusableInputError("--invert-mask is for a mask from a file: --mask alpha fills what is transparent")
    picture, checksum = (None, str(ALPHA)) if own.mask == ALPHA else read_with_checksum(own.mask)
    holes = _Holes(picture, shown(own.mask), own.invert_mask)
    return Task(
        name="inpaint",
        suffix="_inpainted",
        degradation=noise_only,
        noiseless=True,
        known=holes.known,
        notes=holes.notes,
        carrier=holes.carrier,
        sources={} if own.mask == ALPHA else {"--mask": own.mask},
        words=lambda: {
            "--mask": checksum,
            "--invert-mask": own.invert_mask,
        },
    )


def clip_task_of(own: InpaintClipOptions, said: TaskOptions) -> Task:
    """Return the task for clips.

    Raises:
        UnusableInputError: there is no mask.
    """
    del said
    mask, inverted = own.mask, own.invert_mask
    if mask is None:
        raise UnusableInputError("--task inpaint needs --mask: a picture or a clip, white where to fill")
    return Task(
        name="inpaint",
        suffix="_inpainted",
        degradation=noise_only,
        noiseless=True,
        sources={"--mask": mask},
        words=lambda: {"--mask": checksum_of(mask), "--invert-mask": inverted},
        clips=OnClips(line_by_line=True, mask=mask, inverted_mask=inverted),
    )


ROW = TaskRow(
    "inpaint",
    PhotoWay(InpaintOptions, photo_task_of),
    ClipWay(InpaintClipOptions, clip_task_of),
    meaning="fill holes",
)
