"""What a mask marks: white, painted or transparent, with its soft edges, and in a word how it was understood."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipcli.media import Photo, marked_by, transparent

SIDE = 24
HOLE = np.zeros((SIDE, SIDE), bool)
HOLE[6:12, 8:16] = True
EDGE = np.zeros((SIDE, SIDE), bool)
EDGE[5:13, 7:17] = True
EDGE &= ~HOLE


def grey(values: NDArray[np.generic], **more: object) -> Photo:
    return Photo(values.astype(np.uint8)[:, :, None], "PNG", **more)  # type: ignore[arg-type]


def painted(colour: tuple[int, int, int], ground: tuple[int, int, int], *, edge: float = 0.0) -> Photo:
    share = HOLE + edge * EDGE
    values = share[:, :, None] * np.array(colour) + (1 - share[:, :, None]) * np.array(ground)
    return Photo(values.round().astype(np.uint8), "PNG")


def test_a_plain_mask_is_white_on_black_without_a_word() -> None:
    marked = marked_by(grey(255 * HOLE))
    assert np.array_equal(marked.pixels, HOLE)
    assert marked.notes == ()
    assert np.array_equal(marked_by(grey(255 * ~HOLE), inverted=True).pixels, HOLE)


@pytest.mark.parametrize("soft", [1, 90, 200])
@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("ground", [0, 10])
def test_a_soft_edge_belongs_to_its_hole(soft: int, inverted: bool, ground: int) -> None:
    values = np.where(HOLE, 255, np.where(EDGE, ground + soft, ground))
    values[20, 20] = ground + 30  # a speck that touches no hole
    marked = marked_by(grey(255 - values if inverted else values), inverted=inverted)
    assert np.array_equal(marked.pixels, HOLE | EDGE)
    assert (f"{EDGE.sum()} pixel(s)" in "".join(marked.notes)) == (ground + soft < 128)


def test_the_ringing_of_jpeg_is_no_soft_edge() -> None:
    values = np.where(HOLE, 250, np.where(EDGE, 12, 0))
    assert np.array_equal(marked_by(Photo(values.astype(np.uint8)[:, :, None], "JPEG")).pixels, HOLE)


@pytest.mark.parametrize(
    ("opaque", "word"), [(HOLE, "opaque"), (~HOLE, "transparent")], ids=["strokes on nothing", "a hole in a layer"]
)
@pytest.mark.parametrize("colour", [(255, 255, 255), (255, 0, 0), (0, 0, 0)])
def test_of_a_layer_of_one_colour_the_smaller_part_is_marked(
    opaque: NDArray[np.bool_], word: str, colour: tuple[int, int, int]
) -> None:
    samples = np.broadcast_to(np.array(colour, np.uint8), (SIDE, SIDE, 3)).copy()
    samples[~opaque] = 0  # as programs leave what nobody sees
    alpha = np.where(EDGE, 100 if word == "opaque" else 200, np.where(opaque, 255, 0)).astype(np.uint8)
    marked = marked_by(Photo(samples, "PNG", alpha=alpha))
    assert np.array_equal(marked.pixels, HOLE | EDGE)
    assert f"its {word} part" in marked.notes[0]
    assert not (marked_by(Photo(samples, "PNG", alpha=alpha), inverted=True).pixels & HOLE).any()


def test_of_a_mask_with_both_what_is_opaque_and_white_is_marked() -> None:
    alpha = np.full((SIDE, SIDE), 255, np.uint8)
    alpha[:, 12:] = 0
    marked = marked_by(grey(255 * HOLE, alpha=alpha))
    assert np.array_equal(marked.pixels, HOLE & (alpha > 0))
    assert "white part where it is opaque" in marked.notes[0]


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 0, 255), (255, 255, 0)])
@pytest.mark.parametrize("ground", [(0, 0, 0), (255, 255, 255), (128, 128, 128)])
def test_paint_of_a_colour_is_marked_on_its_ground(colour: tuple[int, int, int], ground: tuple[int, int, int]) -> None:
    marked = marked_by(painted(colour, ground, edge=0.3))
    assert np.array_equal(marked.pixels, HOLE | EDGE)
    assert "#{:02x}{:02x}{:02x}".format(*ground) in marked.notes[0]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 100), (200, 255)])
def test_of_two_values_the_higher_one_is_marked(low: int, high: int) -> None:
    marked = marked_by(grey(np.where(HOLE, high, low)))
    assert np.array_equal(marked.pixels, HOLE)
    assert "two values" in marked.notes[0]


def test_the_soft_rim_of_what_is_transparent_belongs_to_it() -> None:
    alpha = np.where(HOLE, 0, np.where(EDGE, 180, 255)).astype(np.uint8)
    assert np.array_equal(transparent(alpha).pixels, HOLE | EDGE)
    assert transparent(np.full((3, 3), 255, np.uint8)).pixels.sum() == 0
