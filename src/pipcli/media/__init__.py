"""Files in, files out: a still picture as a tensor, and everything else its file carried.

Only this package knows files, uint8, (H, W, C) order and alpha; it knows nothing of fitting. Importing it loads
neither torch nor numpy nor a codec: they come with the first picture.
"""

from pipcli.media.formats import check_format, format_for
from pipcli.media.photo import Photo
from pipcli.media.publishing import check_output, publish
from pipcli.media.reading import decode_photo, read_photo, read_stream
from pipcli.media.sources import MAX_FILE_BYTES, MAX_PIXELS, read_file, shown
from pipcli.media.writing import encode_photo, encode_rgb8

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "Photo",
    "check_format",
    "check_output",
    "decode_photo",
    "encode_photo",
    "encode_rgb8",
    "format_for",
    "publish",
    "read_file",
    "read_photo",
    "read_stream",
    "shown",
]
