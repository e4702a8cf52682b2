"""The timeline of a result: the position of each frame between those of the input, and its time."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from pipcli.errors import UnusableInputError
from pipcli.media import shown
from pipcli.media.clips import FrameTimes

LONGEST_RATE = 1000

MOST_FRAMES = 500_000
"""Of a result: two hours at 60 frames a second are 432,000."""


@dataclass(frozen=True)
class Moments:
    """The frames of a result.

    Attributes:
        positions: of each, in frames of the input from 0: 1.5 lies amid the second and the third.
        times: when each is shown.
    """

    positions: tuple[Fraction, ...]
    times: FrameTimes


def as_shown(times: FrameTimes) -> Moments:
    """Return the moments of the input itself."""
    return Moments(tuple(Fraction(number) for number in range(len(times.ticks))), times)


def times_as_many(times: FrameTimes, factor: int) -> Moments:
    """Return so many frames for each of the input, equally far apart until the next; the last of them stand still."""
    _at_most(factor * len(times.ticks))
    lengths = [after - tick for tick, after in pairwise(times.ticks)] + [times.last]
    ticks = [
        factor * tick + part * length
        for tick, length in zip(times.ticks, lengths, strict=True)
        for part in range(factor)
    ]
    positions = [
        Fraction(number * factor + part, factor) for number in range(len(times.ticks)) for part in range(factor)
    ]
    rate = None if times.rate is None else times.rate * factor
    made = FrameTimes(tuple(ticks), times.base / factor, lengths[-1], rate, times.known)
    return Moments(_within(positions, len(times.ticks)), made)


def at_rate(times: FrameTimes, rate: Fraction) -> Moments:
    """Return frames at a rate for as long as the input lasts."""
    count = _at_most(max(1, round(times.duration * rate)))
    step, first = 1 / rate, times.ticks[0] * times.base
    # In whole numbers of a time that measures both: many fractions would take long.
    measure = _common_measure(step, times.base)
    tick, part = int(times.base / measure), int(step / measure)
    starts = [(one - times.ticks[0]) * tick for one in (*times.ticks, times.ticks[-1] + times.last)]
    positions, frame = [], 0
    for moment in range(0, count * part, part):
        while frame + 1 < len(times.ticks) and starts[frame + 1] <= moment:
            frame += 1
        length = starts[frame + 1] - starts[frame]
        positions.append(Fraction(frame * length + moment - starts[frame], length))
    base = step if first == 0 else _common_measure(step, first)
    offset, length = int(first / base), int(step / base)
    made = FrameTimes(tuple(offset + number * length for number in range(count)), base, length, rate)
    return Moments(_within(positions, len(times.ticks)), made)


def _at_most(count: int) -> int:
    """Refuse more frames than anybody can wait for: a clip of a few bytes may claim to last for years.

    Raises:
        UnusableInputError: there are too many.
    """
    if count > MOST_FRAMES:
        raise UnusableInputError(
            f"the result would have {count:,} frames, the limit is {MOST_FRAMES:,}: ask for fewer frames a second, or "
            "cut the clip"
        )
    return count


def _common_measure(one: Fraction, other: Fraction) -> Fraction:
    """Return the longest time of which both are whole multiples."""
    denominator = one.denominator * other.denominator
    return Fraction(math.gcd(one.numerator * other.denominator, other.numerator * one.denominator), denominator)


def _within(positions: Sequence[Fraction], frames: int) -> tuple[Fraction, ...]:
    """Keep positions at the last frame, after which nothing is known."""
    return tuple(min(position, Fraction(frames - 1)) for position in positions)


def apart_at(positions: Sequence[Fraction], cuts: Sequence[int]) -> list[Fraction]:
    """Move positions between two scenes to the nearer one of the frames beside them."""
    firsts = set(cuts)
    return [
        Fraction(math.floor(position + Fraction(1, 2))) if position % 1 and int(position) + 1 in firsts else position
        for position in positions
    ]


def rate_of(text: str) -> Fraction:
    """Read frames a second, as a number or a ratio.

    Raises:
        UnusableInputError: it is none, or out of range.
    """
    if re.fullmatch(r"\d{1,9}(\.\d{1,9}|/\d{1,9})?", text):
        try:
            rate = Fraction(text)
        except ZeroDivisionError:
            rate = Fraction(0)
        if 0 < rate <= LONGEST_RATE:
            return rate
    raise UnusableInputError(
        f"--fps is frames a second, above 0 and up to {LONGEST_RATE}, such as 60 or 60000/1001, not {shown(Path(text))}"
    )
