"""When the frames of a result are shown, and where they lie between those of the input."""

from fractions import Fraction

import pytest

from pipcli.media.clips import FrameTimes
from pipcli.tasks.timeline import apart_at, as_shown, at_rate, times_as_many

FILM = FrameTimes.at_rate(Fraction(24000, 1001), 4)
VARYING = FrameTimes((10, 11, 14, 15), Fraction(1, 30), 2)


def test_a_result_without_more_frames_is_shown_as_the_input() -> None:
    assert as_shown(VARYING).times == VARYING
    assert as_shown(VARYING).positions == (0, 1, 2, 3)


@pytest.mark.parametrize("times", [FILM, VARYING])
@pytest.mark.parametrize("factor", [2, 3])
def test_times_as_many_frames_last_as_long_and_keep_those_of_the_input(times: FrameTimes, factor: int) -> None:
    made = times_as_many(times, factor)
    assert len(made.positions) == factor * 4 == len(made.times.ticks)
    assert made.times.duration == times.duration
    assert [tick * made.times.base for tick in made.times.ticks[::factor]] == [
        tick * times.base for tick in times.ticks
    ]
    assert made.positions[::factor] == (0, 1, 2, 3)
    assert made.positions[1] == Fraction(1, factor)
    assert made.positions[-1] == 3


def test_the_rate_of_twice_as_many_frames_is_twice_the_rate() -> None:
    assert times_as_many(FILM, 2).times.rate == Fraction(48000, 1001)
    assert times_as_many(VARYING, 2).times.rate is None


def test_frames_at_a_rate_lie_where_their_time_is() -> None:
    made = at_rate(VARYING, Fraction(60))
    assert made.times.rate == 60
    assert made.times.duration == VARYING.duration
    assert made.times.ticks[0] * made.times.base == Fraction(10, 30)
    assert made.positions[:6] == (0, Fraction(1, 2), 1, 1 + Fraction(1, 6), 1 + Fraction(1, 3), Fraction(3, 2))
    assert made.positions[-1] == 3


def test_between_scenes_the_nearer_frame_is_shown() -> None:
    positions = [Fraction(number, 3) for number in range(10)]
    assert apart_at(positions, [1]) == [0, 0, 1, 1, *positions[4:]]
