"""The Python interface gives what the command gives, for arrays of any type."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import pipcli
from pipcli import Restoration, restore
from pipcli.errors import PipRestoreError, UnusableInputError
from support.builders import samples

QUICK: dict[str, Any] = {"steps": 2, "device": "cpu"}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def picture(dtype: str = "uint8", channels: int = 3) -> np.ndarray:
    return samples(20, 16, channels, dtype)


def test_the_samples_are_those_of_the_command(tmp_path: Path, run_command: Callable[..., int]) -> None:
    noisy = picture()
    Image.fromarray(noisy).save(tmp_path / "in.png")
    run_command("denoise", tmp_path / "in.png", "--sigma", "20", "--steps", "2", "--device", "cpu")
    written = np.asarray(Image.open(tmp_path / "in_denoised.png"))
    assert np.array_equal(restore(noisy, sigma=20, **QUICK).image, written)
    of_path = restore(tmp_path / "in.png", sigma=20, **QUICK)
    assert np.array_equal(of_path.image, written)


@pytest.fixture
def run_command() -> Callable[..., int]:
    from pipcli.cli.app import run

    return lambda *words: run([*(str(word) for word in words), "-q"])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64", "float16", "int32", "int64", "bool"])
def test_a_result_is_of_the_type_and_shape_of_the_input(dtype: str) -> None:
    values = picture().astype(np.float64)
    given = (values / 255 if dtype.startswith("float") else values > 127 if dtype == "bool" else values).astype(dtype)
    found = restore(given, sigma=20, **QUICK)
    assert found.image.dtype == given.dtype
    assert found.image.shape == given.shape
    assert found.outcome == "step_limit"
    assert (found.noise.kind, found.noise.sigma, found.noise.origin) == ("gaussian", 20, "given")


@pytest.mark.parametrize("shape", [(20, 16), (20, 16, 1), (20, 16, 2), (20, 16, 4)])
def test_grey_and_alpha_keep_their_shape(shape: tuple[int, ...]) -> None:
    given = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    found = restore(given, sigma=20, **QUICK).image
    assert found.shape == shape
    if len(shape) == 3 and shape[2] in (2, 4):
        assert np.array_equal(found[..., -1], given[..., -1])


def test_tasks_take_arrays_and_report() -> None:
    clean = picture()
    hole = np.zeros(clean.shape[:2], bool)
    hole[4:9, 4:9] = True
    filled = restore(clean, "inpaint", mask=hole, reference=clean, uncertainty=True, **QUICK)
    assert np.array_equal(filled.image[~hole], clean[~hole])
    assert filled.metrics is not None and filled.metrics["psnr"] > 0
    assert filled.uncertainty is not None and filled.uncertainty.shape == clean.shape[:2]
    assert restore(clean, "sr", scale=2, **QUICK).image.shape == (40, 32, 3)
    hazy = restore(clean, "dehaze", airlight=(0.8, 0.8, 0.7), **QUICK)
    assert hazy.found["airlight"] == pytest.approx([0.8, 0.8, 0.7])


@pytest.mark.parametrize("scale", [1, 255])
def test_a_clip_is_restored_as_a_clip(scale: int) -> None:
    clip = np.stack([picture()] * 3).astype(np.uint8 if scale == 1 else np.float64) / scale
    clip = clip.astype(np.uint8) if scale == 1 else clip
    found = restore(clip, sigma=20, **QUICK)
    assert found.image.shape == clip.shape and found.image.dtype == clip.dtype
    assert restore(clip, "interpolate", factor=2, device="cpu").image.shape == (6, *clip.shape[1:])


def test_progress_is_told_and_an_end_gives_the_estimate_so_far() -> None:
    shares: list[float] = []

    def stop() -> bool:
        return len(shares) > 1

    found = restore(picture(), sigma=20, device="cpu", progress=lambda now: shares.append(now.share), should_stop=stop)
    assert found.outcome == "interrupted"
    assert 0 < shares[0] < shares[1] < 1


def test_of_a_clip_that_is_stopped_the_rest_is_as_it_was() -> None:
    clip, told = np.stack([picture()] * 4), []
    found = restore(
        clip, sigma=20, window=2, progress=told.append, should_stop=lambda: len(told) > 1, device="cpu", steps=4
    )
    assert found.outcome == "interrupted"
    assert np.array_equal(found.image[-1], clip[-1])


def test_an_end_before_there_is_an_estimate_is_told() -> None:
    with pytest.raises(PipRestoreError, match="stopped before there was an estimate"):
        restore(picture(), sigma=20, should_stop=lambda: True, **QUICK)


def test_ctrl_c_gives_the_estimate_so_far_and_puts_the_handler_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    told: list[object] = []

    def interrupt(progress: object) -> None:
        if not told:
            os.kill(os.getpid(), signal.SIGINT)
        told.append(progress)

    assert restore(picture(), sigma=20, device="cpu", progress=interrupt).outcome == "interrupted"
    assert signal.getsignal(signal.SIGINT) is before


def test_another_thread_may_restore() -> None:
    found: list[Restoration] = []
    thread = threading.Thread(target=lambda: found.append(restore(picture(), sigma=20, **QUICK)))
    thread.start()
    thread.join()
    assert found[0].outcome == "step_limit"


@pytest.mark.parametrize(
    ("image", "words", "message"),
    [
        (np.zeros((4, 4, 5), np.uint8), {}, r"\(H, W, C\)"),
        (np.zeros((0, 4), np.uint8), {}, r"\(H, W\)"),
        (np.full((4, 4), 2.0), {}, "floats from 0 to 1"),
        (np.full((4, 4), np.nan), {}, "floats from 0 to 1"),
        (np.full((4, 4), -1), {}, "whole numbers from 0 to 65535"),
        (np.zeros((4, 4), complex), {}, "array of numbers"),
        (np.zeros((4, 4), np.uint8), {"task": "posterise"}, "task is one of denoise"),
        (np.zeros((4, 4), np.uint8), {"task": "interpolate"}, "is for clips"),
        (np.zeros((2, 4, 4, 3), np.uint8), {"task": "flash"}, "is for pictures"),
        (np.zeros((4, 4), np.uint8), {"prior": "none"}, "prior is one of pip"),
        (np.zeros((4, 4), np.uint8), {"scale": 2}, "there is no option 'scale'"),
        (np.zeros((4, 4), np.uint8), {"output": "x.png"}, "there is no option 'output'"),
        (np.zeros((4, 4), np.uint8), {"task": "sr", "scale": 99}, "scale is 1 to 16"),
        (np.zeros((4, 4), np.uint8), {"task": "inpaint"}, "mask is missing"),
        (np.zeros((4, 4), np.uint8), {"sigma": "much"}, "sigma: 'much' is not a number"),
        (np.zeros((4, 4), np.uint8), {"steps": "many"}, "steps: "),
    ],
)
def test_what_cannot_be_worked_with_is_told(image: np.ndarray, words: dict[str, Any], message: str) -> None:
    with pytest.raises(UnusableInputError, match=message):
        restore(image, **words)


def test_the_package_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'restores'"):
        pipcli.restores  # noqa: B018
