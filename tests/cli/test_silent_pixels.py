"""Through the whole command: hidden colours and pixels without data bleed into nothing, and come back as they were."""

import io
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from support.running import Run, lines_of

Command = Callable[..., Run]
Array = NDArray[np.generic]

SIDE = 48
GDAL_NODATA = 42113
QUICK = ("--steps", "10", "--quality", "draft", "--device", "cpu")


def disc(radius: float) -> NDArray[np.bool_]:
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2 + 0.5
    return x**2 + y**2 < radius**2


def soft_disc() -> NDArray[np.float64]:
    """Alpha in [0, 1] that falls from 1 to 0 over six pixels."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2 + 0.5
    return np.clip((20 - np.hypot(x, y)) / 6, 0, 1)


COLOUR = np.array([250, 200, 40])


def sprite(kind: str) -> tuple[bytes, str]:
    """A file of a flat bright disc, black where nobody sees it, and its suffix."""
    hard = np.where(disc(18), 255, 0).astype(np.uint8)
    soft = (255 * soft_disc()).round().astype(np.uint8)
    alpha = soft if kind in ("soft", "premultiplied") else hard
    colours = np.where(alpha[:, :, None] > 0, COLOUR, 0).astype(np.uint8)
    rgba = np.dstack([colours, alpha])
    if kind == "grey":
        return bytes(imagecodecs.png_encode(np.ascontiguousarray(rgba[:, :, [0, 3]]))), "png"
    if kind == "16 bits":
        return bytes(imagecodecs.png_encode(rgba.astype(np.uint16) * 257)), "png"
    file = io.BytesIO()
    if kind == "palette":
        image = Image.fromarray((alpha > 0).astype(np.uint8), "P")
        image.putpalette([0, 0, 0, *COLOUR.tolist()])
        image.save(file, "PNG", transparency=0)
        return file.getvalue(), "png"
    if kind == "webp":
        Image.fromarray(rgba).save(file, "WEBP", lossless=True, exact=True)
        return file.getvalue(), "webp"
    if kind == "premultiplied":
        rgba[:, :, :3] = (colours * (alpha[:, :, None] / 255)).round()
        tifffile.imwrite(file, rgba, photometric="rgb", extrasamples=["assocalpha"])
        return file.getvalue(), "tif"
    return bytes(imagecodecs.png_encode(rgba)), "png"


def read(path: Path) -> Array:
    return np.asarray({".tif": tifffile.imread}.get(path.suffix, imagecodecs.imread)(path))


@pytest.mark.parametrize("kind", ["hard", "soft", "grey", "16 bits", "palette", "webp", "premultiplied"])
def test_the_rim_of_an_enlarged_sprite_is_as_bright_as_its_middle(kind: str, command: Command, tmp_path: Path) -> None:
    data, suffix = sprite(kind)
    (tmp_path / f"in.{suffix}").write_bytes(data)
    run = command("sr", tmp_path / f"in.{suffix}", "--scale", "2", *QUICK)
    assert run.code == 0
    large = read(tmp_path / f"in_x2.{suffix}").astype(float)
    large = large / 257 if kind == "16 bits" else large
    colours, alpha = large[:, :, :-1], large[:, :, -1:]
    colours = colours / np.maximum(alpha / 255, 1e-3) if kind == "premultiplied" else colours
    visible = alpha[:, :, 0] > 60
    assert visible.mean() > 0.2
    assert np.abs(colours[visible] - COLOUR[: colours.shape[2]]).max() < 12


@pytest.mark.parametrize(
    "words",
    [
        ("denoise", "--sigma", "20"),
        ("enhance", "--strength", "2"),
        ("enhance", "--sigma", "10"),
        ("deblur", "--kernel-file", "kernel.png"),
        ("dehaze",),
        ("flash", "--guide", "guide.png"),
        ("inpaint", "--mask", "mask.png"),
        ("inpaint", "--mask", "mask.png", "--sigma", "20"),
        ("denoise", "--noise", "poisson"),
        ("denoise", "--prior", "dip"),
    ],
    ids=" ".join,
)
def test_what_is_hidden_decides_nothing_and_comes_back(
    words: tuple[str, ...], command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    alpha = np.where(disc(18), 255, 0).astype(np.uint8)
    picture = (120 + 60 * soft_disc()[:, :, None] + draw.normal(0, 20, (SIDE, SIDE, 3))).astype(np.uint8)
    hidden = {"black": np.zeros_like(picture), "wild": draw.integers(0, 256, picture.shape).astype(np.uint8)}
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[20:25, 4:25] = 255  # over the rim
    Image.fromarray(mask).save("mask.png")
    Image.fromarray(np.full((3, 3), 99, np.uint8)).save("kernel.png")
    Image.fromarray(picture).save("guide.png")
    results = {}
    for name, colours in hidden.items():
        before = np.dstack([np.where(alpha[:, :, None] > 0, picture, colours), alpha])
        Image.fromarray(before).save(f"{name}.png")
        run = command(
            words[0],
            f"{name}.png",
            "-o",
            f"{name}_out.png",
            *words[1:],
            *(QUICK[4:] if words[0] == "dehaze" else QUICK),
        )
        assert run.code == 0, run.err
        results[name] = after = np.asarray(Image.open(f"{name}_out.png"))
        kept = (alpha == 0) & ~(mask > 0) if words[0] == "inpaint" else alpha == 0
        assert np.array_equal(after[kept], before[kept])
        assert np.array_equal(after[:, :, 3], alpha)
    assert np.array_equal(results["black"][alpha > 0], results["wild"][alpha > 0])


@pytest.mark.parametrize("words", [("denoise", "--sigma", "20"), ("sr", "--scale", "2"), ("enhance",)], ids=" ".join)
def test_a_picture_that_nobody_sees_is_no_failure(words: tuple[str, ...], command: Command, tmp_path: Path) -> None:
    before = np.random.default_rng(0).integers(0, 256, (16, 16, 4)).astype(np.uint8)
    before[:, :, 3] = 0
    Image.fromarray(before).save(tmp_path / "in.png")
    assert command(words[0], tmp_path / "in.png", "-o", tmp_path / "out.png", *words[1:], *QUICK).code == 0
    after = np.asarray(Image.open(tmp_path / "out.png"))
    assert not after[:, :, 3].any()
    assert words[0] == "sr" or np.array_equal(after, before)


def test_a_clean_sprite_comes_back(denoise: Command, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(sprite("soft")[0])
    assert denoise(tmp_path / "in.png").code == 0
    assert np.array_equal(read(tmp_path / "in_denoised.png"), read(tmp_path / "in.png"))


def noisy(clean: NDArray[np.float64], std: float) -> NDArray[np.float64]:
    return clean + np.random.default_rng(0).normal(0, std, clean.shape)


def without_data(kind: str) -> tuple[Array, str | None]:
    """Samples of a disc of picture with noise in a frame without data, and the value that the file declares for it."""
    inside, clean = disc(20), 0.3 + 0.4 * soft_disc()
    if kind.startswith("float"):
        value = {"float -9999": "-9999", "float nan": "nan", "float zeros": None}[kind]
        picture = noisy(clean, 0.04).astype(np.float32)
        return np.where(inside, picture, np.float32(value or 0)), value
    dtype, full, value = {
        "8 bits": (np.uint8, 255, None),
        "16 bits": (np.uint16, 65_535, None),
        "12 bits": (np.uint16, 4095, None),
        "65535": (np.uint16, 65_535, "65535"),
        "frame": (np.uint16, 65_535, None),
    }[kind]
    if kind == "frame":
        inside = np.zeros((SIDE, SIDE), bool)
        inside[10:-10] = True
    picture = noisy(full * clean, 0.04 * full).round().clip(1, full).astype(dtype)
    return np.where(inside, picture, dtype(value or 0)), value


WITHOUT_DATA = ["8 bits", "16 bits", "12 bits", "65535", "frame", "float -9999", "float nan", "float zeros"]


@pytest.mark.parametrize("kind", WITHOUT_DATA)
def test_pixels_without_data_stay_and_do_not_hide_the_noise(kind: str, denoise: Command, tmp_path: Path) -> None:
    array, value = without_data(kind)
    tags = [] if value is None else [(GDAL_NODATA, 2, 0, value, True)]
    tifffile.imwrite(tmp_path / "in.tif", array, extratags=tags)
    run = denoise(tmp_path / "in.tif", "--steps", "30", "--json")
    assert run.code == 0
    after = tifffile.imread(tmp_path / "in_denoised.tif")
    empty = np.isnan(array) if value == "nan" else array == array.dtype.type(value or 0)
    assert np.array_equal(after[empty], array[empty], equal_nan=value == "nan")
    full = {"12 bits": 4095, "8 bits": 255}.get(kind, 1 if kind.startswith("float") else 65_535)
    clean = full * (0.3 + 0.4 * soft_disc())
    before, then = (float(np.square(picture[~empty] - clean[~empty]).mean()) for picture in (array, after))
    assert then < before / 2.5
    # The noise is told from the picture alone.
    assert lines_of(run)[0]["sigma_dn"] == pytest.approx(0.04 * full, rel=0.25)


@pytest.mark.parametrize("scale", ["2", "1.5"])
def test_pixels_without_data_stay_when_the_picture_is_enlarged(scale: str, command: Command, tmp_path: Path) -> None:
    array, _ = without_data("16 bits")
    tifffile.imwrite(tmp_path / "in.tif", array)
    assert command("sr", tmp_path / "in.tif", "--scale", scale, *QUICK).code == 0
    large = tifffile.imread(tmp_path / f"in_x{scale}.tif")
    empty = large == 0
    assert empty.mean() == pytest.approx((array == 0).mean(), abs=0.02)
    # Nothing fades into it.
    assert large[~empty].min() > 0.25 * array[array > 0].min()


def test_clean_black_borders_and_what_is_between_them_come_back(denoise: Command, tmp_path: Path) -> None:
    y, x = np.mgrid[:SIDE, :SIDE]
    clean = np.where((y >= 12) & (y < 36), 60 + x + y, 0).astype(np.uint8)
    Image.fromarray(clean).save(tmp_path / "in.png")
    assert denoise(tmp_path / "in.png").code == 0
    assert np.array_equal(np.asarray(Image.open(tmp_path / "in_denoised.png")), clean)


def test_pixels_without_data_are_filled_where_the_mask_says(command: Command, tmp_path: Path) -> None:
    array, _ = without_data("16 bits")
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:, :8] = 255
    tifffile.imwrite(tmp_path / "in.tif", array)
    tifffile.imwrite(tmp_path / "mask.tif", mask)
    assert command("inpaint", tmp_path / "in.tif", "--mask", tmp_path / "mask.tif", *QUICK).code == 0
    after = tifffile.imread(tmp_path / "in_inpainted.tif")
    assert (after[mask > 0] > 0).all()
    assert np.array_equal(after[mask == 0], array[mask == 0])


def test_one_with_hidden_pixels_and_one_without_are_fitted_together(denoise: Command, tmp_path: Path) -> None:
    picture = noisy(np.full((SIDE, SIDE, 3), 120.0), 20).round().clip(0, 255).astype(np.uint8)
    alpha = np.where(disc(18), 255, 0).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    Image.fromarray(np.dstack([picture * (alpha > 0)[:, :, None], alpha])).save(tmp_path / "b.png")
    lines = lines_of(denoise(tmp_path / "a.png", tmp_path / "b.png", "--json"))
    assert [line["type"] for line in lines[-3:]] == ["result", "result", "summary"]
    after = np.asarray(Image.open(tmp_path / "b_denoised.png"))
    assert np.abs(after[alpha > 0][:, :3].astype(float) - 120).mean() < 12
    assert not after[alpha == 0].any()


def test_the_reference_is_compared_where_there_is_a_picture(denoise: Command, tmp_path: Path) -> None:
    array, _ = without_data("16 bits")
    clean = (65_535 * (0.3 + 0.4 * soft_disc())).round().astype(np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", array)
    tifffile.imwrite(tmp_path / "clean.tif", clean)
    run = denoise(tmp_path / "in.tif", "--json", "--reference", tmp_path / "clean.tif")
    error = np.square((array[array > 0].astype(float) - clean[array > 0]) / 65_535).mean()
    assert lines_of(run)[-2]["metrics"]["psnr_input"] == pytest.approx(-10 * np.log10(error), abs=0.01)
