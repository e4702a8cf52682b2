"""What was taken out is told from the picture by its places, whatever was estimated."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional as F

from pipcli.guard import EdgeRatios, concentration, edge_ratios, flat_share, took_picture, took_picture_of_frames

SIDE = 96


def page() -> Tensor:
    """Return (1, 3, H, W) letters on paper."""
    image = Image.new("RGB", (SIDE, SIDE), (250, 250, 245))
    for top in range(4, SIDE - 10, 14):
        ImageDraw.Draw(image).text((4, top), "letters on paper", fill=(20, 20, 20))
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 255).permute(2, 0, 1)[None]


def scene() -> Tensor:
    """Return (1, 3, H, W) waves, some sharp, on a ramp from dark to light."""
    line = torch.linspace(0, 1, SIDE)
    waves = torch.sin(40 * line[:, None] ** 2) * (line[None] > 0.5)
    return (0.15 + 0.5 * line[None] + 0.1 * waves).expand(1, 3, SIDE, SIDE)


def normal(like: Tensor, seed: int = 0) -> Tensor:
    return torch.randn(like.shape, generator=torch.Generator().manual_seed(seed))


def blurred(picture: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(picture, (2, 2, 2, 2), mode="replicate"), 5, stride=1)


@pytest.mark.parametrize("clean", [page(), scene()], ids=["page", "scene"])
@pytest.mark.parametrize("kind", ["white", "speckle", "correlated", "sparse"])
def test_noise_is_no_picture(clean: Tensor, kind: str) -> None:
    white = normal(clean)
    noise = {
        "white": 0.08 * white,
        "speckle": 0.2 * clean * white,
        "correlated": 0.2 * blurred(white),
        "sparse": 0.5 * white * (normal(clean, 1) > 1.5),
    }[kind]
    assert not took_picture(clean + noise, clean)
    assert edge_ratios(clean + noise, clean).equal == pytest.approx(1, abs=0.35)


@pytest.mark.parametrize("sigma", [0.0, 0.02])
def test_blurred_letters_are_picture(sigma: float) -> None:
    observation = page() + sigma * normal(page())
    assert took_picture(observation, blurred(page()))
    assert edge_ratios(observation, blurred(page())).elsewhere > 100


def test_frames_are_judged_together() -> None:
    frames = page().roll((0, 3), (2, 3)).repeat(5, 1, 1, 1)
    assert took_picture_of_frames(frames, blurred(frames))
    assert not took_picture_of_frames(frames + 0.08 * normal(frames), frames)


def test_strokes_that_are_erased_are_picture() -> None:
    paper = torch.full((1, 1, SIDE, SIDE), 0.98)
    drawn = paper.clone()
    drawn[..., 40:42, 10:80] = 0.0
    assert took_picture(drawn, paper)
    assert concentration(drawn, paper) > 10


def test_outlines_that_are_recoloured_are_picture() -> None:
    clean = torch.full((1, 3, SIDE, SIDE), 0.4)
    clean[..., 20:60, 20:60] = 0.8
    assert took_picture(clean, blurred(clean))


def test_nothing_is_taken_out_of_exactly_flat_places() -> None:
    clean = (page() * 0.9).clone()
    result = clean + 0.05 * normal(clean)
    assert flat_share(clean, result) > 0.4
    assert took_picture(clean, result)
    assert flat_share(clean, clean + 1e-4) == 0
    assert flat_share((255 * (clean + 0.01 * normal(clean))).round() / 255, clean) < 0.01


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (8, 8), (20, 9)])
def test_nothing_taken_and_small_pictures_are_not_doubted(size: tuple[int, int]) -> None:
    picture = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    assert not took_picture(picture, picture)
    assert not took_picture(picture, picture.flip(1))


def test_pixels_that_do_not_count_have_no_say() -> None:
    valid = torch.ones(1, 1, SIDE, SIDE, dtype=torch.bool)
    valid[..., :48, :] = False
    observation = scene() + 0.05 * normal(scene())
    observation[..., :48, :] = page()[..., :48, :]
    result = torch.where(valid, scene(), blurred(page()))
    assert not took_picture(observation, result, valid)
    assert took_picture(observation, result, ~valid)
    assert edge_ratios(observation, result, valid & ~valid) == EdgeRatios()


def test_a_burnt_sky_is_no_page() -> None:
    clean = scene().clone()
    clean[..., :40, :] = 1.5
    clean[..., 40:50, :] = 0.97
    observation = (clean + 0.05 * normal(clean)).clamp(0, 1)
    assert not took_picture(observation, clean.clamp(0, 1))
