"""Text, drawings and flat graphics: no noise where there is none, and the right level where there is."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from pipcli.noise import NOISES, Evidence, detect, estimate_noise_std
from pipcli.noise.photons import counted_photons
from pipcli.settings import NoiseName
from support import flat_pictures
from support.flat_pictures import Samples
from support.noise_pictures import noisy, photo

CLEAN = {
    "white": flat_pictures.page(255),
    "paper": flat_pictures.page(250),
    "grey": flat_pictures.page(240),
    "yellow": flat_pictures.page((255, 250, 160)),
    "navy": flat_pictures.page((20, 30, 60), 230),
    "terminal": flat_pictures.page(0, (0, 255, 0)),
    "bilevel": flat_pictures.bilevel(),
    "lines": flat_pictures.lines(),
    "cartoon": flat_pictures.cartoon(),
    "dots": flat_pictures.dots(),
    "window": flat_pictures.window(),
}


def picture(samples: Samples) -> Tensor:
    return torch.from_numpy(samples.astype(np.float32) / 255).permute(2, 0, 1)[None]


@pytest.mark.parametrize("name", [*CLEAN, "dithered"])
def test_a_clean_drawing_shows_no_noise(name: str) -> None:
    clean = picture(flat_pictures.dithered() if name == "dithered" else CLEAN[name])
    assert estimate_noise_std(clean) == 0
    assert detect(Evidence(clean)) is NoiseName.GAUSSIAN


@pytest.mark.parametrize(("ground", "ink"), [(250, 20), (32, 215)])
def test_dense_lines_of_letters_in_frames_of_a_screen_show_no_noise(ground: int, ink: int) -> None:
    frames = []
    for number in range(3):
        image = Image.new("L", (128, 128), ground)
        draw = ImageDraw.Draw(image)
        for line in range(10):
            text = f"def restore(clip, task): pass {line}"
            draw.text((4, 4 + 13 * line), text, fill=ink, font=ImageFont.load_default(11))
        draw.rectangle((60 + 4 * number, 90, 66 + 4 * number, 104), fill=100)
        frames.append(np.asarray(image)[:, :, None].repeat(3, 2))
    strip = picture(np.concatenate(frames))
    assert estimate_noise_std(strip) == 0
    noisy_strip = strip + 10 / 255 * torch.randn(strip.shape, generator=torch.Generator().manual_seed(0))
    # Hardly any patch is without a letter, so that the level is too high, but it is seen.
    assert 255 * estimate_noise_std(noisy_strip.clamp(0, 1)) == pytest.approx(10, rel=0.4)


@pytest.mark.parametrize("sigma", [5, 10, 20])
@pytest.mark.parametrize("name", [name for name in CLEAN if name != "lines"])
def test_the_noise_of_a_drawing_is_read_where_it_is_flat(name: str, sigma: float) -> None:
    observation = picture(flat_pictures.noisy(CLEAN[name], sigma))
    assert 255 * estimate_noise_std(observation) == pytest.approx(sigma, rel=0.2)
    assert detect(Evidence(observation)) is NoiseName.GAUSSIAN


@pytest.mark.parametrize("ground", [0, 180, 220, 240, 250, 255])
def test_the_estimate_does_not_depend_on_the_ground(ground: int) -> None:
    ink = 200 if ground == 0 else 20
    observation = picture(flat_pictures.noisy(flat_pictures.page(ground, ink), 15))
    assert 255 * estimate_noise_std(observation) == pytest.approx(15, rel=0.2)


def test_sixteen_bits_and_grey_read_alike() -> None:
    clean = flat_pictures.page(252).mean(axis=2, keepdims=True) / 255
    spoiled = (clean + np.random.default_rng(0).normal(0, 8 / 255, clean.shape)).clip(0, 1)
    sixteen = torch.from_numpy((np.round(65535 * spoiled) / 65535).astype(np.float32)).permute(2, 0, 1)[None]
    assert 255 * estimate_noise_std(sixteen) == pytest.approx(8, rel=0.2)
    assert estimate_noise_std(picture((255 * clean).astype(np.uint8))) == 0


def test_a_burnt_sky_over_noise_is_no_clean_paper() -> None:
    clean = photo(96).clone()
    clean[..., :30, :] = 2.0
    observation = noisy(clean, NoiseName.GAUSSIAN, 20)
    assert 255 * estimate_noise_std(observation) == pytest.approx(20, rel=0.2)


@pytest.mark.parametrize("share", [0.04, 0.2])
def test_hits_are_told_from_strokes_on_the_same_picture(share: float) -> None:
    strokes = photo(96).clone()
    strokes[..., 10:80:6, 10:80] = 0.0
    strokes[..., 10:80, 12:80:6] = 1.0
    assert detect(Evidence(strokes)) is NoiseName.GAUSSIAN
    assert detect(Evidence(noisy(photo(96), NoiseName.IMPULSE, share))) is NoiseName.IMPULSE


@pytest.mark.parametrize("photons", [2.0, 5.0, 30.0])
@pytest.mark.parametrize("dim", [0.1, 1.0])
def test_few_photons_are_counted(photons: float, dim: float) -> None:
    evidence = Evidence(noisy(photo(96) * dim, NoiseName.POISSON, photons))
    assert detect(evidence) is NoiseName.POISSON
    assert NOISES[NoiseName.POISSON].of(evidence, None).level == pytest.approx(photons, rel=0.03)


def test_few_levels_that_are_no_photons_are_a_drawing() -> None:
    poster = (photo(96) * 7).floor() / 7
    code = torch.rand(1, 1, 96, 96, generator=torch.Generator().manual_seed(0)).round()
    for clean in (code, poster, picture(CLEAN["dots"]), picture(flat_pictures.dithered()), picture(CLEAN["bilevel"])):
        assert counted_photons(clean) is None
