"""Which metadata the output can carry, settled by a trial encoding before the work."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import chain, combinations

from pipcli.errors import OutputRefusedError
from pipcli.media.formats import check_format
from pipcli.media.photo import Photo
from pipcli.media.pixel_size import rescaled

# What is done without, rather than a result; not so the colour profile, without which the colours are others.
_DISPENSABLE = {
    "exif": "EXIF data are",
    "xmp": "XMP data are",
    "dpi": "resolution is",
    "png_chunks": "PNG chunks are",
}
# Chunks that say nothing which is not said by default.
_USUAL_CHUNKS = {b"sRGB", b"gAMA", b"cHRM"}


def carried_over(photo: Photo, file_format: str, size: tuple[int, int] | None = None) -> Photo:
    """Return a photo with its metadata as the file of a result can hold them, and as they are true of it.

    Args:
        photo: the input.
        file_format: of the result, a name from `format_for`, or the photo's own.
        size: (height, width) of the result in pixels; None for the photo's own.

    Returns:
        The photo with its own samples; what is left out is told in its notes.

    Raises:
        OutputRefusedError: something would be lost that the user should decide on, or nothing can be written at all.
    """
    size = size or (photo.height, photo.width)
    check_format(photo, file_format, scale=Fraction(max(size), max(photo.height, photo.width)))
    photo = _told_of_chunks(rescaled(photo, size), file_format)
    present = [name for name in _DISPENSABLE if getattr(photo, name)]
    if not present and photo.icc_profile is None:
        return photo
    for left_out in chain.from_iterable(combinations(present, count) for count in range(len(present) + 1)):
        lighter = replace(photo, **{name: () if name == "png_chunks" else None for name in left_out})  # type: ignore[arg-type]
        if _can_be_written(lighter, file_format):
            notes = tuple(
                f"its {_DISPENSABLE[name]} damaged, or more than {file_format} can hold, and not carried along"
                for name in left_out
            )
            return replace(lighter, notes=lighter.notes + notes)
    raise OutputRefusedError(f"{file_format} cannot hold the colour profile of this picture: choose .png or .tif")


def _told_of_chunks(photo: Photo, file_format: str) -> Photo:
    kinds = sorted({kind.decode("ascii") for kind, _ in photo.png_chunks if kind not in _USUAL_CHUNKS})
    if file_format == "PNG" or not kinds:
        return photo
    return replace(photo, notes=(*photo.notes, f"its PNG chunks {' '.join(kinds)} are not carried into {file_format}"))


def _can_be_written(photo: Photo, file_format: str) -> bool:
    """Whether a picture of one pixel with all these metadata is written, and read again."""
    import numpy as np

    from pipcli.media.reading import decode_photo
    from pipcli.media.writing import encode

    samples = np.zeros((1, 1, photo.channels), photo.samples.dtype)
    alpha = None if photo.alpha is None else np.ones((1, 1), photo.alpha.dtype)
    tiny = replace(photo, samples=samples, alpha=alpha, coding=None, silent=None)
    try:
        # Encoders raise whatever they happen to trip over, as decoders do; and some cut off what is too long.
        read = decode_photo(encode(tiny, file_format), "trial")
    except Exception:
        return False
    return (read.icc_profile, read.xmp) == (photo.icc_profile, photo.xmp)
