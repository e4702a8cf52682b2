"""Sheets hold every picture, of whatever depth, next to each other under its label."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipcli.sheet import BACKGROUND, INK, MARGIN, SMALLEST_PANEL, Panel, difference, side_by_side, strips, wipe


def drawn(*panels: Panel) -> NDArray[np.uint8]:
    """The (H, W, 3) samples of a sheet."""
    image = Image.open(io.BytesIO(side_by_side(list(panels))))
    assert (image.format, image.mode) == ("PNG", "RGB")
    return np.asarray(image)


def flat(value: float, dtype: str, *, height: int = 300, width: int = 400, channels: int = 3) -> NDArray[np.generic]:
    return np.full((height, width, channels), value, dtype)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("dtype", "white", "middle"), [("uint8", 255, 51), ("uint16", 65535, 13107), ("float32", 1, 0.2)]
)
def test_all_depths_come_out_at_the_same_brightness(dtype: str, white: float, middle: float, channels: int) -> None:
    sheet = drawn(
        Panel("bright", flat(white, dtype, channels=channels)), Panel("dark", flat(middle, dtype, channels=channels))
    )
    row = sheet[-MARGIN - 10]
    assert (row[MARGIN : MARGIN + 400] == 255).all()
    assert (row[2 * MARGIN + 400 : 2 * MARGIN + 800] == 51).all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_large_picture_keeps_its_size(count: int) -> None:
    sheet = drawn(*[Panel("x", flat(0, "uint8"))] * count)
    assert sheet.shape[1] == count * (400 + MARGIN) + MARGIN
    assert 300 + 2 * MARGIN < sheet.shape[0] < 300 + 80
    assert (sheet[-300 - MARGIN :, :MARGIN] == BACKGROUND).all()
    assert (sheet[-MARGIN:] == BACKGROUND).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (13, 5), (191, 191)])
def test_a_tiny_picture_is_enlarged_by_whole_pixels(size: tuple[int, int]) -> None:
    height, width = size
    factor = -(-SMALLEST_PANEL // width)
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    sheet = drawn(Panel("x", picture))
    shown = sheet[-MARGIN - height * factor : -MARGIN, MARGIN : MARGIN + width * factor]
    assert np.array_equal(shown, picture.repeat(factor, axis=0).repeat(factor, axis=1))


def test_labels_are_drawn_above_the_pictures() -> None:
    bare, labelled = (drawn(Panel(label, flat(255, "uint8"))) for label in ("", "restored, 31.25 dB"))
    assert (bare == BACKGROUND).all()
    header = labelled[: labelled.shape[0] - 300 - MARGIN]
    assert (header == INK).all(axis=2).any()
    assert (labelled[header.shape[0] :] == BACKGROUND).all()


def test_colours_are_in_their_places() -> None:
    picture = np.zeros((200, 200, 3), np.uint8)
    picture[:, :, 0] = 250
    assert drawn(Panel("red", picture))[-MARGIN - 1, MARGIN].tolist() == [250, 0, 0]


def test_a_label_that_is_too_long_keeps_its_end_and_does_not_reach_the_next_picture() -> None:
    name = "a_very_long_file_name" * 5
    long, longer = (
        drawn(Panel(label, flat(255, "uint8", width=200)), Panel("", flat(255, "uint8", width=200)))
        for label in (f"{name}, 31.25 dB", f"another_{name}, 31.25 dB")
    )
    assert (long[:, MARGIN + 200 :] == BACKGROUND).all()
    assert (long[:-300] == INK).all(axis=2).any()
    assert np.array_equal(long, longer)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("width", [3, 40, 1001])
def test_a_wipe_is_half_of_each_with_a_line_between(width: int, channels: int) -> None:
    left, right = np.zeros((5, width, channels)), np.full((5, width, channels), 0.2)
    samples = wipe(left, right)
    assert samples.shape == (5, width, 3)
    assert (samples[:, 0] == 0).all()
    assert (samples[:, -1] == 51).all()
    line = (samples == BACKGROUND).all(axis=(0, 2))
    assert line.sum() == max(1, width // 300)
    assert line[width // 2]


@pytest.mark.parametrize("width", [1, 2])
def test_a_wipe_of_the_smallest_pictures_is_not_all_line(width: int) -> None:
    assert (wipe(np.zeros((2, width, 3)), np.zeros((2, width, 3))) == 0).all()


def test_a_difference_is_signed_around_mid_grey() -> None:
    picture, reference = np.array([[[0.5], [0.6], [0.4], [1.0]]]), np.full((1, 4, 1), 0.5)
    assert difference(picture, reference, 1)[0, :, 0].tolist() == [128, 154, 102, 255]
    assert difference(picture, reference, 2)[0, :, 0].tolist() == [128, 179, 77, 255]
    assert difference(picture, reference, 1).shape == (1, 4, 3)


@pytest.mark.parametrize(("rows", "count"), [(1, 1), (2, 4), (3, 2)])
def test_strips_have_a_row_of_pictures_for_each_label(rows: int, count: int) -> None:
    made = strips([[Panel(f"row {row}", flat(50 * row, "uint8"))] * count for row in range(rows)])
    sheet = np.asarray(Image.open(io.BytesIO(made)))
    assert sheet.shape[1] == count * (400 + MARGIN) + MARGIN
    below_label = sheet.shape[0] // rows
    for row in range(rows):
        middle = row * below_label + below_label * 3 // 4
        assert (sheet[middle, MARGIN : MARGIN + 400] == 50 * row).all()
