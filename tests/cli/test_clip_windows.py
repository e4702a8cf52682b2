"""Windows of frames cover a clip, each scene by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipcli.jobs.clips.windows import windows_of


@given(st.data())
def test_every_frame_is_in_a_window_and_no_window_in_two_scenes(data: st.DataObject) -> None:
    frames = data.draw(st.integers(1, 60))
    cuts = sorted(data.draw(st.sets(st.integers(1, frames))) - {frames})
    length = data.draw(st.integers(1, 12))
    overlap = data.draw(st.integers(0, length - 1))
    windows = windows_of(frames, cuts, length, overlap)
    assert [window.number for window in windows] == list(range(len(windows)))
    assert {frame for window in windows for frame in range(window.start, window.stop)} == set(range(frames))
    for before, window in zip([None, *windows], windows, strict=False):
        assert 1 <= window.length <= length
        assert not any(window.start < cut < window.stop for cut in cuts)
        if before is not None and not window.opens_scene:
            assert before.start < window.start
            assert before.stop - window.start >= overlap
        assert window.opens_scene == (window.start in {0, *cuts} and (before is None or before.stop <= window.start))
        assert all(window.weight(frame) >= 1 for frame in range(window.start, window.stop))


def test_windows_of_a_scene_are_of_one_length_and_spread_evenly() -> None:
    windows = windows_of(30, [12], 10, 3)
    assert [(window.start, window.stop) for window in windows] == [(0, 10), (2, 12), (12, 22), (16, 26), (20, 30)]
    assert [window.opens_scene for window in windows] == [True, False, True, False, False]


@pytest.mark.parametrize("frames", [1, 4, 9])
def test_windows_without_overlap_are_as_few_as_can_be(frames: int) -> None:
    windows = windows_of(frames, [], 4, 0)
    assert sum(window.length for window in windows) == frames
