"""Parsing of noise levels and their units; loads no torch.

A plain number is in grey levels of 255 from black to white of the picture as it is seen. Of a file that uses little of
its range that is the part that it uses, which nobody knows beforehand; so its own sample values are a unit, too.
"""

import math
from typing import TYPE_CHECKING

from pipcli.errors import UnusableInputError
from pipcli.settings import SIGMA_RANGE

if TYPE_CHECKING:
    from pipcli.media import Photo

SAMPLES_SUFFIX = "dn"  # digital numbers, as instruments' makers call sample values


class InSamples(float):
    """A sigma in sample values of the file."""

    def __str__(self) -> str:
        """Return it as the user may type it."""
        return f"{float(self):g}{SAMPLES_SUFFIX}"


def parse_sigma(text: str | float) -> float:
    """Return a sigma as typed: in grey levels of 255, or `InSamples`.

    Raises:
        ValueError: it is no number, or none that a standard deviation can be.
    """
    word = str(text).strip().lower()
    number = word.removesuffix(SAMPLES_SUFFIX)
    try:
        value = float(number)
    except ValueError:
        raise ValueError(f"{text!r} is not a number, such as 10 or 40{SAMPLES_SUFFIX}") from None
    return value if number == word else InSamples(value)


def check_sigma(sigma: float) -> None:
    """Refuse a sigma that is out of its range, as far as that can be told without the picture.

    Raises:
        UnusableInputError: it is.
    """
    low, high = SIGMA_RANGE
    if isinstance(sigma, InSamples):
        if not 0 < sigma < math.inf:
            raise UnusableInputError(f"--sigma in sample values is above 0, not {sigma}")
    elif not low <= sigma <= high:
        raise UnusableInputError(f"--sigma is in grey levels of 255, from {low:g} to {high:g}, not {sigma:g}")


def sigma_in_levels(sigma: float | None, width: float) -> float | None:
    """Return a sigma in grey levels of 255 of the range that a picture is seen in; None for None.

    Args:
        sigma: as typed.
        width: of that range, in sample values.

    Raises:
        UnusableInputError: it is out of its range there.
    """
    if not isinstance(sigma, InSamples):
        return sigma
    (low, high), unit = SIGMA_RANGE, width / 255
    if not low <= sigma / unit <= high:
        raise UnusableInputError(
            f"--sigma is from {low * unit:.3g} to {high * unit:.3g} sample values of this picture, not {sigma}"
        )
    return sigma / unit


def width_in_samples(photo: "Photo") -> float:
    """Return the difference of the sample values of a photo that are taken for black and white."""
    return photo.working.span * photo.full


def range_in_samples(photo: "Photo") -> tuple[float, float]:
    """Return the sample values of a photo that are taken for black and white."""
    return photo.working.low * photo.full, photo.working.high * photo.full
