"""The colour of haze as users give it; loads no torch."""

from pipcli.errors import UnusableInputError
from pipcli.media import shown


def airlight_of(text: str) -> tuple[float, ...]:
    """Return the one number, or the three with commas between them, of an airlight.

    Raises:
        UnusableInputError: it is something else, or a number is not in [0, 1].
    """
    try:
        numbers = tuple(float(word) for word in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, 3) or not all(0 <= number <= 1 for number in numbers):
        raise UnusableInputError(f"--airlight is R,G,B or one number, each from 0 to 1, not {shown(text)}")
    return numbers
