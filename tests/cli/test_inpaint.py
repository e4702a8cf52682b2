"""`pip-restore inpaint`: what is outside of the mask stays, and masks that make no sense are refused."""

from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from support.builders import png_of, samples
from support.running import Run, names

Command = Callable[..., Run]
SIDE = 40


@pytest.fixture
def inpaint(command: Command) -> Command:
    def run(*arguments: str | Path) -> Run:
        return command("inpaint", "--device", "cpu", "--steps", "3", "-q", *arguments)

    return run


def hole(dtype: str = "uint8", full: int = 255) -> NDArray[np.generic]:
    mask = np.zeros((SIDE, SIDE), dtype)
    mask[10:18, 12:30] = full
    return mask


def written(path: Path) -> NDArray[np.generic]:
    return np.asarray(imagecodecs.png_decode(path.read_bytes()))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("more", [(), ("--paper",), ("--quality", "draft"), ("--prior", "dip")])
def test_what_is_outside_of_the_mask_comes_back_bit_for_bit(
    dtype: str, channels: int, more: tuple[str, ...], inpaint: Command, tmp_path: Path
) -> None:
    array = samples(SIDE, SIDE, channels, dtype)
    (tmp_path / "in.png").write_bytes(png_of(array))
    (tmp_path / "mask.png").write_bytes(png_of(hole()[:, :, None]))
    run = inpaint(tmp_path / "in.png", "--mask", tmp_path / "mask.png", *more)
    assert (run.code, run.err) == (0, b"")
    restored = written(tmp_path / "in_inpainted.png").reshape(array.shape)
    outside = hole() == 0
    assert np.array_equal(restored[outside], array[outside])
    assert not np.array_equal(restored[~outside], array[~outside])


def test_a_hole_in_a_plain_surface_is_filled_with_it(inpaint: Command, tmp_path: Path) -> None:
    down, right = np.mgrid[0:SIDE, 0:SIDE]
    clean = np.stack([60 + 3 * down, 200 - 2 * right, 80 + down + right], axis=2).astype(np.uint8)
    holed = clean.copy()
    holed[hole() > 0] = 0
    (tmp_path / "in.png").write_bytes(png_of(holed))
    Image.fromarray(hole()).save(tmp_path / "mask.png")
    assert inpaint(tmp_path / "in.png", "--mask", tmp_path / "mask.png", "--steps", "150").code == 0
    error = written(tmp_path / "in_inpainted.png").astype(float) - clean
    assert np.abs(error).max() < 12


def test_masks_of_any_mode_and_depth_and_the_inverse_are_the_same(inpaint: Command, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(png_of(samples(SIDE, SIDE, 3, "uint8")))
    Image.fromarray(hole()).save(tmp_path / "grey.png")
    Image.fromarray(hole() > 0).save(tmp_path / "bits.png")
    Image.fromarray(hole()).convert("RGB").save(tmp_path / "colour.png")
    Image.fromarray(hole()).convert("P").save(tmp_path / "palette.png")
    (tmp_path / "deep.png").write_bytes(png_of(hole("uint16", 65535)[:, :, None]))
    Image.fromarray(255 - hole()).save(tmp_path / "inverse.png")
    results = []
    for name in ("grey", "bits", "colour", "palette", "deep", "inverse"):
        words = ["--invert-mask"] if name == "inverse" else []
        output = tmp_path / f"out_{name}.png"
        assert inpaint(tmp_path / "in.png", "--mask", tmp_path / f"{name}.png", "-o", output, *words).code == 0
        results.append(output.read_bytes())
    assert len(set(results)) == 1


def test_the_transparency_as_the_mask_is_filled_and_made_opaque(inpaint: Command, tmp_path: Path) -> None:
    array = samples(SIDE, SIDE, 4, "uint8")
    array[:, :, 3] = 200
    array[hole() > 0, 3] = 0
    (tmp_path / "in.png").write_bytes(png_of(array))
    assert inpaint(tmp_path / "in.png", "--mask", "alpha").code == 0
    restored = written(tmp_path / "in_inpainted.png")
    assert (restored[hole() > 0, 3] == 255).all()
    assert np.array_equal(restored[hole() == 0], array[hole() == 0])


def test_with_noise_told_all_of_the_picture_is_restored(inpaint: Command, tmp_path: Path) -> None:
    array = samples(SIDE, SIDE, 3, "uint8")
    (tmp_path / "in.png").write_bytes(png_of(array))
    Image.fromarray(hole()).save(tmp_path / "mask.png")
    assert inpaint(tmp_path / "in.png", "--mask", tmp_path / "mask.png", "--sigma", "20").code == 0
    assert not np.array_equal(written(tmp_path / "in_inpainted.png")[hole() == 0], array[hole() == 0])


@pytest.mark.parametrize(
    ("mask", "words", "message"),
    [
        (np.zeros((SIDE, SIDE), np.uint8), (), "nothing to fill"),
        (np.full((SIDE, SIDE), 255, np.uint8), (), "nothing to fill from: it is white all over"),
        (np.zeros((SIDE, SIDE), np.uint8), ("--invert-mask",), "nothing to fill from: it is black all over"),
        (np.zeros((SIDE, SIDE + 1), np.uint8), (), "they must match"),
    ],
)
def test_a_mask_that_makes_no_sense_is_refused(
    mask: NDArray[np.uint8], words: tuple[str, ...], message: str, inpaint: Command, tmp_path: Path
) -> None:
    (tmp_path / "in.png").write_bytes(png_of(samples(SIDE, SIDE, 3, "uint8")))
    Image.fromarray(mask).save(tmp_path / "mask.png")
    run = inpaint(tmp_path / "in.png", "--mask", tmp_path / "mask.png", *words)
    assert run.code == 2
    assert message in run.message
    assert names(tmp_path) == {"in.png", "mask.png"}


def test_the_mask_is_asked_for_and_must_be_there(inpaint: Command, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(png_of(samples(SIDE, SIDE, 3, "uint8")))
    assert "--mask" in inpaint(tmp_path / "in.png").message
    assert "nowhere.png" in inpaint(tmp_path / "in.png", "--mask", tmp_path / "nowhere.png").message
    assert "transparency" in inpaint(tmp_path / "in.png", "--mask", "alpha").message
    assert "--invert-mask" in inpaint(tmp_path / "in.png", "--mask", "alpha", "--invert-mask").message


def test_what_the_mask_hides_has_no_say_in_the_result(inpaint: Command, tmp_path: Path) -> None:
    array = samples(SIDE, SIDE, 3, "uint8")
    Image.fromarray(hole()).save(tmp_path / "mask.png")
    results = []
    for value in (0, 90, 255):
        array[hole() > 0] = value
        (tmp_path / "in.png").write_bytes(png_of(array))
        assert inpaint(tmp_path / "in.png", "--mask", tmp_path / "mask.png", "--overwrite").code == 0
        results.append((tmp_path / "in_inpainted.png").read_bytes())
    assert len(set(results)) == 1


def test_a_soft_mask_leaves_no_outline_and_says_so(command: Command, tmp_path: Path) -> None:
    marked = hole() > 0
    rim = np.zeros_like(marked)
    rim[9:19, 11:31] = True
    rim &= ~marked
    scene = np.full((SIDE, SIDE, 3), 120, np.uint8)
    scene[marked] = 255  # what is to go, smoothed into what is around it
    scene[rim] = 165
    (tmp_path / "in.png").write_bytes(png_of(scene))
    Image.fromarray(np.where(marked, 255, np.where(rim, 85, 0)).astype(np.uint8)).save(tmp_path / "mask.png")
    run = command("inpaint", tmp_path / "in.png", "--mask", tmp_path / "mask.png", "--device", "cpu", "--steps", "40")
    assert run.code == 0
    assert b"the soft edge of the mask, 56 pixel(s), is filled, too" in run.err
    assert np.abs(written(tmp_path / "in_inpainted.png").astype(int) - 120).max() < 25


def test_a_mask_in_alpha_says_what_was_taken(command: Command, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(png_of(samples(SIDE, SIDE, 3, "uint8")))
    Image.fromarray(np.dstack([hole(), hole() * 0, hole() * 0, hole()])).save(tmp_path / "mask.png")
    run = command("inpaint", tmp_path / "in.png", "--mask", tmp_path / "mask.png", "--device", "cpu", "--steps", "1")
    assert run.code == 0
    assert b"the mask is its opaque part, 9 % of the picture" in run.err
