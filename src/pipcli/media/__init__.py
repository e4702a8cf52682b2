"""Reading and writing of pictures: samples as a tensor, and everything else that the file carried.

Only this package knows files, uint8, (H, W, C) order and alpha; it knows nothing of fitting. Importing it loads
neither torch nor numpy nor a codec: they come with the first picture.
"""

from pipcli.media.carrying import carried_over
from pipcli.media.formats import check_format, format_for
from pipcli.media.masks import marked_by, transparent
from pipcli.media.photo import Photo, Samples, in_unit_range, prepared
from pipcli.media.pixel_size import rescaled
from pipcli.media.publishing import check_output, check_room, publish
from pipcli.media.ranges import WHOLE, WorkingRange
from pipcli.media.reading import decode_photo, read_photo, read_stream
from pipcli.media.sources import MAX_FILE_BYTES, MAX_PIXELS, read_file, shown
from pipcli.media.writing import encode, encode_bare, encode_jpeg, encode_map, encode_photo, encode_rgb8, quantised

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "WHOLE",
    "Photo",
    "Samples",
    "WorkingRange",
    "carried_over",
    "check_format",
    "check_output",
    "check_room",
    "decode_photo",
    "encode",
    "encode_bare",
    "encode_jpeg",
    "encode_map",
    "encode_photo",
    "encode_rgb8",
    "format_for",
    "in_unit_range",
    "marked_by",
    "prepared",
    "publish",
    "quantised",
    "read_file",
    "read_photo",
    "read_stream",
    "rescaled",
    "shown",
    "transparent",
]
