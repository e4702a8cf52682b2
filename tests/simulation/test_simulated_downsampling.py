"""Down-sampling is linear, keeps what is even, shifts nothing, and is what Pillow's resize does."""

import numpy as np
import pytest
from PIL import Image

from pipcli.simulation.downsampling import downsampled, weights
from pipcli.simulation.names import KernelName

SCALES = [2, 3, 4, 8]
IN_PILLOW = {
    KernelName.LANCZOS: Image.Resampling.LANCZOS,
    KernelName.BICUBIC: Image.Resampling.BICUBIC,
    KernelName.BOX: Image.Resampling.BOX,
}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kernel", IN_PILLOW)
def test_it_is_pillows_resize_in_floating_point(kernel: KernelName, scale: int) -> None:
    picture = np.random.default_rng(0).random((6 * scale, 11 * scale, 3))
    ours = downsampled(picture, scale, kernel)
    for channel in range(3):
        plane = Image.fromarray(picture[:, :, channel].astype(np.float32))
        assert np.allclose(ours[:, :, channel], np.asarray(plane.resize((11, 6), IN_PILLOW[kernel])), atol=1e-6)


@pytest.mark.parametrize("kernel", IN_PILLOW)
def test_of_8_bit_pictures_it_is_pillows_to_a_grey_level(kernel: KernelName) -> None:
    # Pillow rounds to 8 bits between its two passes, which is why it is not always the same.
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    theirs = np.asarray(Image.fromarray(picture).resize((24, 16), IN_PILLOW[kernel])).astype(int)
    ours = (downsampled(picture / 255, 4, kernel) * 255).round().clip(0, 255).astype(int)
    assert np.abs(ours - theirs).max() <= 1


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kernel", KernelName)
def test_an_even_picture_stays_even(kernel: KernelName, scale: int) -> None:
    assert np.allclose(downsampled(np.full((scale, 5 * scale, 2), 0.3), scale, kernel), 0.3, atol=1e-12)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kernel", KernelName)
def test_a_ramp_keeps_its_place(kernel: KernelName, scale: int) -> None:
    """The value in the middle of a block is the output's: nothing is shifted. At the ends the kernel is cut off."""
    ramp = np.tile(np.arange(20 * scale)[None, :, None] + 0.5, (scale, 1, 1))
    reduced = downsampled(ramp, scale, kernel)[0, :, 0]
    assert np.allclose(reduced[4:-4], (np.arange(20)[4:-4] + 0.5) * scale)


@pytest.mark.parametrize("kernel", KernelName)
def test_it_is_linear_and_treats_rows_like_columns(kernel: KernelName) -> None:
    first, second = np.random.default_rng(0).random((2, 12, 8, 1))
    sum_of_both = downsampled(2 * first - second, 4, kernel)
    assert np.allclose(sum_of_both, 2 * downsampled(first, 4, kernel) - downsampled(second, 4, kernel))
    turned = downsampled(first.swapaxes(0, 1), 4, kernel)
    assert np.allclose(turned, downsampled(first, 4, kernel).swapaxes(0, 1))


@pytest.mark.parametrize("kernel", KernelName)
def test_what_would_alias_is_gone(kernel: KernelName) -> None:
    """Stripes of one pixel, whose frequency no output pixel can show, become grey."""
    stripes = np.tile(np.arange(64)[None, :, None] % 2, (8, 1, 1)).astype(float)
    assert np.abs(downsampled(stripes, 4, kernel)[:, 4:-4] - 0.5).max() < 0.01


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kernel", KernelName)
def test_weights_are_symmetric_and_sum_to_one(kernel: KernelName, scale: int) -> None:
    values = weights(kernel, scale)
    assert np.allclose(values, values[::-1])
    assert values.sum() == pytest.approx(1)
    assert (len(values) - scale) % 2 == 0
