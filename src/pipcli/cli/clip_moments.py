"""The moments that a result shows: its frames by their place between those of the input, and when each is shown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from pipcli.media.clips import FrameTimes


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
    count = max(1, round(times.duration * rate))
    step = 1 / rate
    first = times.ticks[0] * times.base
    starts = [tick * times.base - first for tick in times.ticks] + [times.duration]
    positions, frame = [], 0
    for number in range(count):
        moment = number * step
        while frame + 1 < len(times.ticks) and starts[frame + 1] <= moment:
            frame += 1
        positions.append(frame + (moment - starts[frame]) / (starts[frame + 1] - starts[frame]))
    base = step if first == 0 else _common_measure(step, first)
    offset, length = int(first / base), int(step / base)
    made = FrameTimes(tuple(offset + number * length for number in range(count)), base, length, rate)
    return Moments(_within(positions, len(times.ticks)), made)


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
