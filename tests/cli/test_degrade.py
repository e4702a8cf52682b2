"""`degrade` makes what it says, byte for byte again for the same seed, keeps the rest, and loads no torch."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from pipcli.cli.degrade import noise as noise_command
from pipcli.simulation.names import NoiseName
from support.builders import ICC, exif_block, png_of, samples
from support.clip_makers import PICTURE, ffmpeg
from support.running import Run, in_process_of_its_own, lines_of, names, opened, picture

Command = Callable[..., Run]

# Each kind as it is typed, and the suffix of what it writes. All of them fit a picture of 16x16.
KINDS = {
    "noise": (["--sigma", "25"], "_noisy.png"),
    "downsample": (["--scale", "4"], "_down4.png"),
    "mask": (["--share", "0.5"], "_masked.png"),
    "blur": (["--sigma", "1"], "_blurred.png"),
    "haze": (["--beta", "1"], "_hazy.png"),
}
NOISES = {
    NoiseName.GAUSSIAN: ["--sigma", "25"],
    NoiseName.LAPLACE: ["--sigma", "25"],
    NoiseName.POISSON: ["--level", "30"],
    NoiseName.IMPULSE: ["--share", "0.1"],
    NoiseName.SPECKLE: ["--relative", "0.2"],
}


@pytest.fixture
def degrade(command: Command) -> Command:
    """Run `pip-restore degrade`."""
    return lambda *arguments: command("degrade", *arguments)


def png_samples(path: Path) -> NDArray[Any]:
    """The samples of a PNG in their own depth, by a decoder of its own."""
    return np.asarray(imagecodecs.png_decode(path.read_bytes()))


def deep(path: Path, height: int = 16, width: int = 16, channels: int = 3) -> Path:
    """Write a 16-bit PNG of random samples."""
    path.write_bytes(png_of(samples(height, width, channels, "uint16")))
    return path


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_takes_every_picture_and_keeps_depth_and_alpha(
    kind: str, channels: int, dtype: str, degrade: Command, tmp_path: Path
) -> None:
    options, suffix = KINDS[kind]
    array = samples(17, 22, channels, dtype)
    (tmp_path / "in.png").write_bytes(png_of(array))
    run = degrade(kind, tmp_path / "in.png", *options)
    assert (run.code, run.out) == (0, f"{tmp_path}/in{suffix}\n".encode())
    made = png_samples(tmp_path / f"in{suffix}")
    made = made.reshape(*made.shape[:2], channels)
    assert made.dtype == array.dtype
    assert made.shape[:2] == ((4, 5) if kind == "downsample" else (17, 22))
    if channels in (2, 4) and kind != "downsample":
        assert np.array_equal(made[:, :, -1], array[:, :, -1])
    assert not np.array_equal(made, array)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_call_gives_the_same_bytes_and_another_seed_others(
    kind: str, degrade: Command, tmp_path: Path
) -> None:
    options, suffix = KINDS[kind]
    source, output = picture(tmp_path / "in.png"), tmp_path / f"in{suffix}"
    seeds = [["--seed", "0"], ["--seed", "0"], ["--seed", "1"]] if kind in ("noise", "mask", "haze") else [[], []]
    made = []
    for seed in seeds:
        assert degrade(kind, source, *options, *seed, "--overwrite").code == 0
        made.append(output.read_bytes())
    assert made[0] == made[1]
    assert len(set(made)) == (2 if len(seeds) == 3 else 1)


@pytest.mark.parametrize("kind", KINDS)
def test_its_json_line_fits_the_schema_and_has_all_parameters(kind: str, degrade: Command, tmp_path: Path) -> None:
    options, suffix = KINDS[kind]
    (line,) = lines_of(degrade(kind, picture(tmp_path / "in.png"), *options, "--json"))
    assert (line["type"], line["degradation"], line["bit_depth"]) == ("degraded", kind, 8)
    assert line["output"] == str(tmp_path / f"in{suffix}")
    assert line["parameters"][options[0].removeprefix("--")] == float(options[1])
    if kind in ("noise", "mask", "haze"):
        assert line["parameters"]["seed"] == 0


def test_profile_and_exif_are_kept_and_a_jpeg_becomes_a_png(degrade: Command, tmp_path: Path) -> None:
    image = Image.fromarray(samples(16, 24, 3, "uint8"))
    image.save(tmp_path / "in.jpg", icc_profile=ICC, dpi=(300, 300), exif=b"Exif\0\0" + exif_block(16, 24))
    for kind, (options, suffix) in KINDS.items():
        assert degrade(kind, tmp_path / "in.jpg", *options).code == 0
        made = opened(tmp_path / f"in{suffix}")
        assert made.format == "PNG"
        assert made.info["icc_profile"] == ICC
        exif = made.getexif()
        assert exif[271]
        assert (exif.get_ifd(34665)[40962], exif.get_ifd(34665)[40963]) == made.size


def test_what_could_not_be_carried_along_is_said(degrade: Command, tmp_path: Path) -> None:
    Image.fromarray(samples(16, 16, 3, "uint8")).save(tmp_path / "in.jpg", exif=b"Exif\0\0II*\0damaged")
    assert "its EXIF data are damaged" in degrade("noise", tmp_path / "in.jpg", "--sigma", "5").err.decode()


def test_gaussian_noise_can_be_drawn_by_anybody(degrade: Command, tmp_path: Path) -> None:
    for array, full in ((samples(9, 14, 3, "uint8"), 255), (samples(9, 14, 3, "uint16"), 65535)):
        (tmp_path / "in.png").write_bytes(png_of(array))
        assert degrade("noise", tmp_path / "in.png", "--sigma", "25", "--seed", "7", "--overwrite").code == 0
        noisy = array / full + np.random.default_rng(7).normal(0, 25 / 255, array.shape)
        expected = (noisy.clip(0, 1) * full).round().astype(array.dtype)
        assert np.array_equal(png_samples(tmp_path / "in_noisy.png"), expected)


@pytest.mark.parametrize("kind", NoiseName)
def test_every_noise_has_its_strength_and_no_other(kind: NoiseName, degrade: Command, tmp_path: Path) -> None:
    assert NOISES.keys() == noise_command.STRENGTHS.keys()
    source = picture(tmp_path / "in.png")
    assert degrade("noise", source, "--kind", kind, *NOISES[kind], "-q").code == 0
    run = degrade("noise", source, "--kind", kind)
    assert (run.code, run.message.split(",")[0]) == (2, f"--kind {kind} needs {NOISES[kind][0]}")
    other = "--level" if NOISES[kind][0] != "--level" else "--sigma"
    run = degrade("noise", source, "--kind", kind, *NOISES[kind], other, "3")
    assert (run.code, run.message) == (2, f"--kind {kind} takes {NOISES[kind][0]}, not {other}")


def test_unclipped_values_need_floating_point(degrade: Command, tmp_path: Path) -> None:
    source = picture(tmp_path / "in.png")
    run = degrade("noise", source, "--sigma", "25", "--no-clip")
    assert run.code == 2
    assert "add --bits 32 and an output that ends in .tif" in run.message
    (line,) = lines_of(degrade("noise", source, "--sigma", "25", "--no-clip", "--bits", "32", "--json"))
    made = tifffile.imread(tmp_path / "in_noisy.tif")
    assert made.dtype == np.float32
    clean = np.asarray(opened(source)) / 255
    expected = clean + np.random.default_rng(0).normal(0, 25 / 255, clean.shape)
    assert np.array_equal(made, expected.astype(np.float32))
    assert line["outside"] == pytest.approx(((expected < 0) | (expected > 1)).mean(), abs=1e-6)
    assert line["clip"] is False


@pytest.mark.parametrize(
    ("bits", "suffix", "dtype"), [(8, ".png", "uint8"), (16, ".png", "uint16"), (32, ".tif", "float32")]
)
def test_the_depth_can_be_chosen_and_alpha_follows(
    bits: int, suffix: str, dtype: str, degrade: Command, tmp_path: Path
) -> None:
    for source in (picture(tmp_path / "in.png", channels=4), deep(tmp_path / "in.png", channels=4)):
        alpha = png_samples(source)[:, :, 3]
        assert degrade("blur", source, "--sigma", "1", "--bits", str(bits), "--overwrite").code == 0
        output = tmp_path / f"in_blurred{suffix}"
        made = png_samples(output) if suffix == ".png" else tifffile.imread(output)
        assert made.dtype == dtype
        full = 1 if dtype == "float32" else np.iinfo(dtype).max
        assert np.allclose(
            made[:, :, 3] / full, alpha / np.iinfo(alpha.dtype).max, atol=0.51 / full if full > 1 else 1e-6
        )


@pytest.mark.parametrize("source_suffix", [".png", ".tif"])
def test_what_downsampling_leaves_out_is_said_and_the_truth_is_written(
    source_suffix: str, degrade: Command, tmp_path: Path
) -> None:
    source, truth = tmp_path / f"in{source_suffix}", tmp_path / "truth.png"
    array = samples(18, 23, 4, "uint8")
    Image.fromarray(array).save(source)
    run = degrade("downsample", source, "--scale", "4", "--kernel", "box", "--truth", truth)
    assert "it shows 20x16 of 23x18 pixels; --truth writes that part" in run.err.decode()
    assert np.array_equal(png_samples(truth), array[:16, :20])
    blocks = array[:16, :20].reshape(4, 4, 5, 4, 4).mean(axis=(1, 3))
    assert np.abs(png_samples(tmp_path / "in_down4.png") - blocks).max() <= 0.5
    (tmp_path / "whole.png").write_bytes(png_of(array[:16, :20]))
    assert "--truth" not in degrade("downsample", tmp_path / "whole.png").err.decode()


def test_cropped_blur_has_its_truth(degrade: Command, tmp_path: Path) -> None:
    source = picture(tmp_path / "in.png", 20, 24, channels=4)
    kernel = tmp_path / "kernel.png"
    Image.fromarray(np.pad([[255]], ((0, 2), (0, 4))).astype(np.uint8)).save(
        kernel
    )  # a shift, to tell where the centre is
    arguments = ("--kernel-file", kernel, "--border", "crop", "--truth", tmp_path / "truth.png")
    assert degrade("blur", source, *arguments).code == 0
    made, truth, array = (png_samples(path) for path in (tmp_path / "in_blurred.png", tmp_path / "truth.png", source))
    assert made.shape == truth.shape == (18, 20, 4)
    assert np.array_equal(truth, array[1:19, 2:22])
    # The kernel's light is above and left of its centre, and a convolution moves the picture there.
    assert np.array_equal(made[:, :, :3], array[2:20, 4:24, :3])
    assert np.array_equal(made[:, :, 3], truth[:, :, 3])


def test_a_written_kernel_gives_the_same_blur(degrade: Command, tmp_path: Path) -> None:
    source, kernel = picture(tmp_path / "in.png", 40, 40), tmp_path / "kernel.png"
    (line,) = lines_of(degrade("blur", source, "--motion", "9", "--angle", "30", "--save-kernel", kernel, "--json"))
    assert line["files"] == {"save-kernel": str(kernel)}
    assert line["parameters"]["kernel_size"] == "9x5"
    assert png_samples(kernel).dtype == np.uint16
    assert degrade("blur", source, "--kernel-file", kernel, "-o", tmp_path / "again.png").code == 0
    first, again = (png_samples(tmp_path / name).astype(int) for name in ("in_blurred.png", "again.png"))
    assert np.abs(first - again).max() <= 1


@pytest.mark.parametrize("shape", [["--share", "0.5"], ["--strokes", "3"], ["--text", "two\nlines"]])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_mask_says_what_is_missing(channels: int, shape: list[str], degrade: Command, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(png_of(samples(60, 70, channels, "uint8") // 2 + 1))
    (line,) = lines_of(degrade("mask", tmp_path / "in.png", *shape, "--json"))
    mask, made, clean = (png_samples(tmp_path / f"in{suffix}.png") for suffix in ("_mask", "_masked", ""))
    assert line["files"] == {"mask": str(tmp_path / "in_mask.png")}
    assert mask.shape == (60, 70)
    assert set(np.unique(mask)) == {0, 255}
    assert (made[mask == 255] == 0).all()
    assert np.array_equal(made[mask == 0], clean[mask == 0])
    assert line["parameters"]["missing"] == pytest.approx((mask == 255).mean(), abs=1e-6)
    if shape[0] == "--share":
        assert line["parameters"]["missing"] == 0.5


def test_the_mask_goes_beside_the_output(degrade: Command, tmp_path: Path) -> None:
    source = picture(tmp_path / "in.png")
    (tmp_path / "there").mkdir()
    assert degrade("mask", source, "--share", "0.1", "-o", tmp_path / "there" / "x_masked.png").code == 0
    assert names(tmp_path / "there") == {"x_masked.png", "x_mask.png"}


def test_haze_follows_its_formula(degrade: Command, tmp_path: Path) -> None:
    source, light = picture(tmp_path / "in.png", 8, 9), tmp_path / "t.png"
    depth = tmp_path / "depth.png"
    Image.fromarray(samples(8, 9, 1, "uint8")[:, :, 0]).save(depth)
    arguments = ("--beta", "1.5", "--airlight", "0.9,0.8,0.7", "--depth", depth, "--transmission", light)
    assert degrade("haze", source, *arguments).code == 0
    t = np.exp(-1.5 * png_samples(depth) / 255)
    assert np.abs(png_samples(light) / 65535 - t).max() <= 0.51 / 65535
    hazy = png_samples(source) / 255 * t[:, :, None] + np.array([0.9, 0.8, 0.7]) * (1 - t[:, :, None])
    assert np.array_equal(png_samples(tmp_path / "in_hazy.png"), (hazy * 255).round())


def test_jpeg_comes_from_the_encoder(degrade: Command, tmp_path: Path) -> None:
    source = picture(tmp_path / "in.png", 30, 41)
    assert degrade("jpeg", source, "--quality", "20").code == 0
    stream = io.BytesIO()
    opened(source).save(stream, "JPEG", quality=20, subsampling="4:2:0")
    made = opened(tmp_path / "in_q20.jpg")
    assert made.format == "JPEG"
    assert np.array_equal(np.asarray(made), np.asarray(Image.open(stream)))
    assert made.quantization == Image.open(stream).quantization  # type: ignore[attr-defined]
    assert degrade("jpeg", source, "--quality", "20", "-o", tmp_path / "out.png").code == 0
    assert np.array_equal(png_samples(tmp_path / "out.png"), np.asarray(made))


def test_jpeg_of_a_deep_picture_with_alpha_goes_into_a_png(degrade: Command, tmp_path: Path) -> None:
    source = deep(tmp_path / "in.png", channels=4)
    run = degrade("jpeg", source)
    assert run.code == 2
    assert "JPEG cannot hold the alpha of this picture: choose .png" in run.message
    assert degrade("jpeg", source, "-o", tmp_path / "out.png").code == 0
    made = png_samples(tmp_path / "out.png")
    assert made.dtype == np.uint8
    assert np.array_equal(made[:, :, 3], (png_samples(source)[:, :, 3] / 257).round())


def test_less_quality_is_a_smaller_file_farther_from_the_picture(degrade: Command, tmp_path: Path) -> None:
    y, x = np.mgrid[:64, :64]
    Image.fromarray((np.stack([x, y, x + y], axis=-1) * 2).astype(np.uint8)).save(tmp_path / "in.png")
    errors, sizes = [], []
    for quality in (5, 40, 95):
        output = tmp_path / f"in_q{quality}.jpg"
        assert degrade("jpeg", tmp_path / "in.png", "--quality", str(quality)).code == 0
        sizes.append(output.stat().st_size)
        errors.append(np.abs(np.asarray(opened(output), int) - np.asarray(opened(tmp_path / "in.png"), int)).mean())
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)


def test_degradations_are_a_pipe(tmp_path: Path) -> None:
    source = picture(tmp_path / "in.png")
    first = in_process_of_its_own("degrade", "blur", source, "--sigma", "1", "-o", "-")
    assert (first.code, first.out[:4]) == (0, b"\x89PNG")
    second = in_process_of_its_own("degrade", "noise", "-", "--sigma", "5", data=first.out)
    assert second.code == 0
    (tmp_path / "blurred.png").write_bytes(first.out)
    again = in_process_of_its_own("degrade", "noise", tmp_path / "blurred.png", "--sigma", "5", "-o", "-")
    assert second.out == again.out
    deep_stream = in_process_of_its_own("degrade", "noise", "-", "--sigma", "5", "--bits", "32", data=first.out)
    assert deep_stream.out[:2] == b"II"


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1)])
def test_the_smallest_pictures_are_degraded_too(size: tuple[int, int], degrade: Command, tmp_path: Path) -> None:
    source = picture(tmp_path / "in.png", *size)
    for kind, (options, suffix) in KINDS.items():
        if kind != "downsample":
            assert degrade(kind, source, *options).code == 0
            assert opened(tmp_path / f"in{suffix}").size == size[::-1]
    assert degrade("jpeg", source).code == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with sound pictures of several kinds, and an output that exists."""
    picture(tmp_path / "in.png")
    picture(tmp_path / "grey.png", channels=1)
    picture(tmp_path / "wide.png", 8, 16)
    picture(tmp_path / "in_noisy.png")
    Image.new("L", (5, 5)).save(tmp_path / "black.png")
    os.link(tmp_path / "in.png", tmp_path / "hard.png")
    return tmp_path


# What is given after `degrade`, relative to the folder, and words that the message has to hold.
REFUSED = {
    "missing file": (["noise", "none.png", "--sigma", "5"], "does not exist"),
    "no input": (["noise", "--sigma", "5"], "INPUT"),
    "unknown kind": (["rain", "in.png"], "rain"),
    "unknown noise": (["noise", "in.png", "--kind", "pink"], "--kind"),
    "negative sigma": (["noise", "in.png", "--sigma", "-5"], "--sigma is the standard deviation in grey levels of 255"),
    "sigma is not a number": (["noise", "in.png", "--sigma", "nan"], "from 0.1 to 255, not nan"),
    "no photons": (["noise", "in.png", "--kind", "poisson", "--level", "0"], "photons at white, from"),
    "more than all": (["noise", "in.png", "--kind", "impulse", "--share", "1.1"], "from 0 to 1, not 1.1"),
    "negative seed": (["noise", "in.png", "--sigma", "5", "--seed", "-1"], "--seed"),
    "odd depth": (["noise", "in.png", "--sigma", "5", "--bits", "12"], "--bits of a sample are 8, 16 or 32, not 12"),
    "float PNG": (["noise", "in.png", "--sigma", "5", "--bits", "32", "-o", "x.png"], "choose .tif"),
    "over the input": (["noise", "in.png", "--sigma", "5", "-o", "in.png", "--overwrite"], "is the input itself"),
    "over its other name": (
        ["noise", "in.png", "--sigma", "5", "-o", "hard.png", "--overwrite"],
        "is the input itself",
    ),
    "over another file": (["noise", "in.png", "--sigma", "5"], "exists already: add --overwrite"),
    "unknown suffix": (["noise", "in.png", "--sigma", "5", "-o", "x.xyz"], "not .xyz"),
    "scale of one": (["downsample", "in.png", "--scale", "1"], "--scale"),
    "scale beyond the picture": (["downsample", "in.png", "--scale", "17"], "16x16 pixels are less than one block"),
    "unknown kernel": (["downsample", "in.png", "--kernel", "nearest"], "--kernel"),
    "truth over the output": (
        ["downsample", "in.png", "-o", "x.png", "--truth", "x.png"],
        "--output and --truth are both x.png",
    ),
    "truth over the input": (["downsample", "in.png", "--truth", "in.png", "--overwrite"], "is the input itself"),
    "no mask": (["mask", "in.png"], "give one of --share, --strokes and --text"),
    "two masks": (["mask", "in.png", "--share", "0.5", "--text", "a"], "not --share and --text"),
    "share beyond one": (["mask", "in.png", "--share", "50"], "from 0 to 1, not 50"),
    "no strokes": (["mask", "in.png", "--strokes", "0"], "--strokes is a number of strokes, from 1"),
    "empty text": (["mask", "in.png", "--text", " "], "--text is empty"),
    "mask that is no PNG": (["mask", "in.png", "--share", "0.5", "--mask", "m.jpg"], "a name that ends in .png"),
    "mask over the input": (["mask", "in.png", "--share", "0.5", "--mask", "in.png"], "is the input itself"),
    "mask over the output": (
        ["mask", "in.png", "--share", "0.5", "--mask", "in_masked.png"],
        "must be different files",
    ),
    "mask without a name": (["mask", "in.png", "--share", "0.5", "-o", "-"], "add --mask FILE"),
    "no blur": (["blur", "in.png"], "give one of --kernel-file, --sigma and --motion"),
    "two blurs": (["blur", "in.png", "--sigma", "1", "--motion", "5"], "not --sigma and --motion"),
    "angle of nothing": (["blur", "in.png", "--sigma", "1", "--angle", "5"], "--angle belongs to --motion"),
    "sigma of zero": (["blur", "in.png", "--sigma", "0"], "--sigma is the standard deviation in pixels, from 0.05"),
    "motion of nothing": (["blur", "in.png", "--motion", "0"], "--motion is a length in pixels, from 1"),
    "angle is not a number": (["blur", "in.png", "--motion", "5", "--angle", "nan"], "--angle is in degrees"),
    "black kernel": (["blur", "in.png", "--kernel-file", "black.png"], "black.png is black everywhere"),
    "missing kernel": (["blur", "in.png", "--kernel-file", "none.png"], "does not exist"),
    "kernel too large": (
        ["blur", "wide.png", "--kernel-file", "in.png", "--border", "crop"],
        "the kernel, 16x16, is larger than the picture, 16x8",
    ),
    "kernel over itself": (
        ["blur", "in.png", "--kernel-file", "grey.png", "--save-kernel", "grey.png", "--overwrite"],
        "must be different files",
    ),
    "no density": (["haze", "in.png", "--beta", "-1"], "--beta is the density, from 0 to 20"),
    "two airlights": (["haze", "in.png", "--airlight", "0.5,0.5"], "--airlight is R,G,B or one number"),
    "airlight of 255": (["haze", "in.png", "--airlight", "200,200,200"], "each from 0 to 1, not 200,200,200"),
    "airlight over two lines": (["haze", "in.png", "--airlight", "a\nb"], "not a\\nb"),
    "airlight in words": (["haze", "in.png", "--airlight", "grey"], "not grey"),
    "colour in a grey picture": (["haze", "grey.png", "--airlight", "1,1,0.5"], "the picture is grey"),
    "depth of another size": (["haze", "in.png", "--depth", "wide.png"], "is 16x8, the input is 16x16"),
    "quality of zero": (["jpeg", "in.png", "--quality", "0"], "--quality"),
    "picture and JSON lines on stdout": (
        ["noise", "in.png", "--sigma", "5", "-o", "-", "--json"],
        "cannot both go to stdout",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_refused_by_name(
    case: str, degrade: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments, words = REFUSED[case]
    before = {entry.name: entry.read_bytes() for entry in folder.iterdir()}
    monkeypatch.chdir(folder)
    run = degrade(*arguments)
    assert words in run.message
    assert run.code == 2
    assert {entry.name: entry.read_bytes() for entry in folder.iterdir()} == before
    if "--json" in arguments:
        assert lines_of(run)[-1]["message"] == run.message


def test_alone_it_prints_its_help(degrade: Command) -> None:
    run = degrade()
    assert (run.code, run.err) == (0, b"")
    assert all(f"  {kind}  ".encode() in run.out for kind in [*KINDS, "jpeg"])
    assert run.out == degrade("--help").out


@pytest.mark.parametrize("kind", [*KINDS, "jpeg"])
def test_the_help_of_every_kind_has_examples_that_run(
    kind: str, degrade: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    picture(tmp_path / "clean.png", 40, 40)
    picture(tmp_path / "depth.png", 40, 40, channels=1)
    ffmpeg(*PICTURE, tmp_path / "clean.mp4")
    Image.fromarray(np.full((3, 3), 255, np.uint8)).save(tmp_path / "kernel.png")
    examples = degrade(kind, "--help").out.decode().split("Examples:")[1].split("Arguments:")[0].split("\n\n")[0]
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    assert len(lines) >= 2
    for line in lines:
        assert line.startswith(f"pip-restore degrade {kind} ")
        words = [word.strip('"') for word in line.replace('"not yours"', "not_yours").split()[2:]]
        assert degrade(*words, "--overwrite").code == 0, line


def test_no_torch_is_loaded_and_awkward_names_are_said_on_one_line(tmp_path: Path) -> None:
    source = tmp_path / "a\nb\udcff.png"
    picture(tmp_path / "in.png").rename(source)
    script = (
        "import sys\n"
        "from pipcli.cli.app import run\n"
        f"for kind, options in {[(kind, options) for kind, (options, _) in KINDS.items()]!r}:\n"
        f"    assert run(['degrade', kind, {str(source)!r}, *options]) == 0\n"
        f"assert run(['compare', {str(source)!r}, {str(source)!r}]) == 0\n"
        "assert 'torch' not in sys.modules\n"
    )
    run = in_process_of_its_own(script=script, fresh=True)
    assert run.code == 0, run.err
    assert run.err.count(b"\n") == len(KINDS) + 1  # one a kind, and one that says where the mask is
