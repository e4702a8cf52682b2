"""Auxiliary input files of a task (mask, guide, kernel, ...): reading and checking them."""

from pathlib import Path

from pipcli.checkpoint import checksum
from pipcli.errors import OutputRefusedError, UnusableInputError
from pipcli.media import Photo, decode_photo, read_file, shown


def read_with_checksum(path: Path) -> tuple[Photo, str]:
    """Return the picture of a file, and the checksum of the bytes that it was decoded from.

    Raises:
        UnusableInputError: it cannot be read.
    """
    data = read_file(path)
    return decode_photo(data, shown(path)), checksum(data)


def check_png(option: str, path: Path) -> None:
    """Refuse a name without the suffix of PNG for a file that is never written as anything else.

    Raises:
        OutputRefusedError: it has another suffix.
    """
    if path.suffix.lower() != ".png":
        raise OutputRefusedError(
            f"only PNG is written there: give {option} a name that ends in .png, not {shown(path)}"
        )


def check_same_size(name: str, other: Photo, photo: Photo) -> None:
    """Refuse a picture that belongs to the input and is not of its size.

    Args:
        name: what the user calls it.
        other: the picture.
        photo: the input.

    Raises:
        UnusableInputError: the sizes differ.
    """
    if (other.height, other.width) != (photo.height, photo.width):
        raise UnusableInputError(
            f"{name} is {other.width}x{other.height}, the input is {photo.width}x{photo.height}: they must match"
        )
