"""The noise of cameras: its spectrum, curve and doubt, on noise that was simulated."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from pipcli.media import read_photo
from pipcli.noise import NOISES, Evidence, detect
from pipcli.noise.base import Origin
from pipcli.noise.blocks import Blocks, sample_blocks
from pipcli.noise.camera import LEAST_TRUST, Camera
from pipcli.noise.camera_look import look_for_camera_noise
from pipcli.settings import NoiseName
from pipcli.spectra import NoiseSpectrum
from support.noise_pictures import CAT, camera_noise, noisy, photo, ramp

SIDE = 192


def clean(channels: int = 3) -> Tensor:
    """Return a picture with flat places, an edge and a texture."""
    picture = ramp(SIDE, channels).clone()
    picture[..., 40:90, 60:150] = 0.7
    picture[..., 120:, 120:] += 0.1 * torch.randn(SIDE - 120, SIDE - 120, generator=torch.Generator().manual_seed(1))
    return picture


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("blur", "std"), [(0.8, 3.0), (1.2, 6.0), (1.8, 9.0)])
def test_level_and_spectrum_of_correlated_noise_are_found(channels: int, blur: float, std: float) -> None:
    noise = camera_noise((SIDE, SIDE, channels), std / 255, blur)
    observation = (clean(channels) + torch.from_numpy(noise).permute(2, 0, 1)[None].float()).clamp(0, 1)
    assert detect(Evidence(observation)) is NoiseName.CAMERA
    found = Camera.of(Evidence(observation), None)
    assert found.level == pytest.approx(std, rel=0.15)
    # The power of white noise after a Gaussian blur, up to a factor.
    radii = np.array(found.spectrum.radii)
    true = -4 * np.pi**2 * blur**2 * radii**2 * 10 / np.log(10)
    measured = 10 * np.log10(np.array(found.spectrum.power[0]))
    strong = true > -15
    difference = (measured - true)[strong]
    assert np.abs(difference - difference.mean()).mean() < 2


def test_the_curve_over_the_brightness_is_found() -> None:
    picture = ramp(SIDE)
    noise = camera_noise((SIDE, SIDE, 3), 4 / 255, 1.0)
    strength = 0.5 + 1.5 * picture  # standard deviation, relative
    observation = picture + strength * torch.from_numpy(noise).permute(2, 0, 1)[None].float()
    found = Camera.of(Evidence(observation.clamp(0, 1)), None).spectrum
    levels = torch.tensor([0.2, 0.7])
    dark, light = found.relative(levels)[:, 0].sqrt()
    assert float(light / dark) == pytest.approx((0.5 + 1.5 * 0.7) / (0.5 + 1.5 * 0.2), rel=0.2)


@pytest.mark.parametrize("std", [0.0, 1.0])
def test_clean_pictures_show_no_camera(std: float) -> None:
    for picture in (photo(192), ramp(192), clean()):
        observation = noisy(picture, NoiseName.GAUSSIAN, std)
        assert detect(Evidence(observation)) is not NoiseName.CAMERA


@pytest.mark.parametrize(
    ("kind", "level"),
    [(NoiseName.GAUSSIAN, 10.0), (NoiseName.POISSON, 60.0), (NoiseName.SPECKLE, 0.1)],
)
def test_noise_without_correlation_is_not_taken_for_a_camera_s(kind: NoiseName, level: float) -> None:
    for picture in (photo(192), ramp(192)):
        assert detect(Evidence(noisy(picture, kind, level))) is not NoiseName.CAMERA


def test_a_texture_is_not_taken_for_noise() -> None:
    draw = np.random.default_rng(0)
    place = np.arange(SIDE)
    waves = sum(
        np.sin(2 * np.pi * (place[:, None] * draw.normal(0, 0.08) + place * draw.normal(0, 0.08)) + draw.uniform(0, 6))
        * draw.uniform(0.02, 0.06)
        for _ in range(12)
    )
    patches = np.kron(draw.uniform(0, 2, (12, 12)), np.ones((16, 16)))
    picture = torch.from_numpy((0.5 + waves * patches).clip(0, 1)).float().expand(1, 3, SIDE, SIDE)
    look = look_for_camera_noise(Evidence(picture))
    assert look is not None
    assert look.trust < LEAST_TRUST


def fur(seed: int = 3) -> Tensor:
    """Return a picture that is rough everywhere, nearly in grey, with lights and shades."""
    rough = torch.from_numpy(camera_noise((SIDE, SIDE, 1), 9 / 255, 1.4, seed))[..., 0].float()
    lights = torch.from_numpy(camera_noise((SIDE, SIDE, 1), 1.0, 10.0, seed + 1))[..., 0].float()
    return (0.5 + rough * lights.exp()).expand(1, 3, SIDE, SIDE)


def test_noise_is_told_by_the_colours_where_all_of_the_grey_is_rough() -> None:
    assert detect(Evidence(fur().clamp(0, 1))) is not NoiseName.CAMERA
    noise = torch.from_numpy(camera_noise((SIDE, SIDE, 3), 6 / 255, 1.2)).permute(2, 0, 1)[None].float()
    observation = (fur() + noise).clamp(0, 1)
    assert detect(Evidence(observation)) is NoiseName.CAMERA
    assert Camera.of(Evidence(observation), None).level == pytest.approx(6, rel=0.2)


def test_fur_of_a_brown_cat_is_not_taken_for_noise() -> None:
    for side in (160, 192):
        assert detect(Evidence(photo(side))) is not NoiseName.CAMERA


def test_colours_that_do_not_fall_speak_against_a_camera() -> None:
    """Noise that is smooth in grey and white in the colours has been through no camera."""
    grey = torch.from_numpy(camera_noise((SIDE, SIDE, 1), 6 / 255, 1.2)).permute(2, 0, 1)[None].float()
    colours = 0.01 * torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    colours -= colours.mean(1, keepdim=True)
    assert detect(Evidence((ramp(SIDE) + grey).clamp(0, 1))) is NoiseName.CAMERA
    assert detect(Evidence((ramp(SIDE) + grey + colours).clamp(0, 1))) is not NoiseName.CAMERA


def test_chroma_noise_of_a_jpeg_file_is_read_where_it_was_not_rounded_away(tmp_path: Path) -> None:
    """In flat blocks JPEG rounds it to nothing; where the picture itself has colour, it is left."""
    down, across = torch.arange(SIDE)[:, None] * torch.pi / 12, torch.arange(SIDE) * torch.pi / 12
    waves = 0.04 * torch.stack([down.sin() * across.sin(), 0 * down * across, down.cos() * across.sin()])
    picture = torch.where(torch.arange(SIDE) < SIDE // 4, ramp(SIDE), ramp(SIDE) + waves)
    noise = torch.from_numpy(camera_noise((SIDE, SIDE, 3), 2 / 255, 1.2)).permute(2, 0, 1)[None].float()
    samples = (255 * (picture + noise).clamp(0, 1)).round().byte()[0].permute(1, 2, 0).numpy()
    Image.fromarray(samples).save(tmp_path / "a.jpg", quality=75)
    photo_of = read_photo(tmp_path / "a.jpg")
    decoded = photo_of.pixels()
    told, untold = (
        255 * np.sqrt(look_for_camera_noise(Evidence(decoded, coding)).spectrum.variances())
        for coding in (photo_of.coding, None)
    )
    assert told[0] == pytest.approx(untold[0], rel=1e-6)
    assert (untold[1:] < 0.6).all()
    assert told[1:] == pytest.approx([2, 2], rel=0.3)


@pytest.mark.parametrize("tint", [(1.0, 1.0, 1.0), (1.0, 0.9, 0.7)])
def test_rough_ground_of_one_hue_is_not_taken_for_noise(tint: tuple[float, float, float]) -> None:
    ground = torch.from_numpy(camera_noise((SIDE, SIDE, 1), 12 / 255, 1.5, seed=5))[..., 0].float()
    lights = torch.from_numpy(camera_noise((SIDE, SIDE, 1), 1.0, 12.0, seed=6))[..., 0].float()
    picture = (0.5 + ground * (1 + 0.5 * lights).clamp(0.3, 2)) * torch.tensor(tint)[:, None, None]
    assert detect(Evidence(picture.clamp(0, 1)[None])) is not NoiseName.CAMERA


def test_a_given_level_is_that_of_the_whole_with_the_spectrum_that_is_found() -> None:
    noise = camera_noise((SIDE, SIDE, 3), 5 / 255, 1.2)
    observation = (ramp(SIDE) + torch.from_numpy(noise).permute(2, 0, 1)[None].float()).clamp(0, 1)
    own, given = (Camera.of(Evidence(observation), level) for level in (None, 12.0))
    assert given.level == 12
    assert given.expected_misfit(observation) == pytest.approx((12 / 255) ** 2, rel=0.01)
    ratio = np.array(given.spectrum.power) / np.array(own.spectrum.power)
    assert np.allclose(ratio, ratio[0, 0])


def test_the_noise_is_said_in_words() -> None:
    noise = camera_noise((SIDE, SIDE, 3), 5 / 255, 1.2)
    observation = (ramp(SIDE) + torch.from_numpy(noise).permute(2, 0, 1)[None].float()).clamp(0, 1)
    words = NOISES[NoiseName.CAMERA].of(Evidence(observation), None).words
    assert words.startswith("camera noise, correlated over ")
    assert "grey levels in shadows" in words
    assert words.endswith("times in colour (estimated)")


def test_a_picture_that_shows_nothing_has_white_noise_of_the_given_level() -> None:
    noise = Camera.of(Evidence(torch.full((1, 3, 9, 9), 0.5)), 10.0)
    assert noise.expected_misfit(torch.full((1, 3, 9, 9), 0.5)) == pytest.approx((10 / 255) ** 2)


def test_noise_that_is_drawn_has_the_spectrum_and_the_curve() -> None:
    levels = torch.tensor([0.2, 0.8]).repeat_interleave(96).expand(1, 3, 192, 192)
    power = tuple(float(np.exp(-((2 * np.pi * 1.2 * radius) ** 2))) for radius in np.linspace(0, 0.5, 33))
    shape = NoiseSpectrum(tuple(np.linspace(0, 0.5, 33)), (power,) * 3, (0.2, 0.8), ((0.5,) * 3, (1.5,) * 3))
    noise = Camera(1.0, Origin.GIVEN, 1 / 255, shape.scaled(1e-4 / float(shape.variances()[0])))
    drawn = noise.drawn(levels, torch.Generator().manual_seed(0))
    assert drawn is not None
    assert float(drawn[..., :80].var()) == pytest.approx(0.5e-4, rel=0.15)
    assert float(drawn[..., -80:].var()) == pytest.approx(1.5e-4, rel=0.15)
    neighbours = float((drawn[..., 1:] * drawn[..., :-1]).mean() / drawn.square().mean())
    assert neighbours == pytest.approx(float(np.exp(-1 / (4 * 1.2**2))), abs=0.04)


def test_white_noise_is_not_drawn() -> None:
    shape = NoiseSpectrum((0.0, 0.5), ((1e-4, 1e-4),), (0.0, 1.0), ((1.0,), (1.0,)))
    assert Camera(1.0, Origin.GIVEN, 1 / 255, shape).drawn(clean(1), torch.Generator()) is None


def test_correlated_noise_reaches_farther_the_softer_it_is() -> None:
    reaches = []
    for blur in (0.8, 2.0):
        seen = ramp(192) + torch.from_numpy(camera_noise((192, 192, 3), 6 / 255, blur)).permute(2, 0, 1)[None].float()
        reaches.append(Camera.of(Evidence(seen), None)._reach())
    assert 2 <= reaches[0] < reaches[1] <= 8


def test_the_blocks_of_a_photo_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    def counted(evidence: Evidence) -> Blocks | None:
        looks.append(evidence)
        return sample_blocks(evidence)

    monkeypatch.setattr("pipcli.noise.camera_look.sample_blocks", counted)
    evidence = Evidence(photo(128))
    detect(evidence)
    Camera.of(evidence, None)
    assert len(looks) == 1
    look_for_camera_noise(Evidence(photo(128)))
    assert len(looks) == 2


def test_the_noise_of_a_real_camera_is_told() -> None:
    """The photograph among the examples shows its camera's noise as it was taken."""
    samples = np.asarray(Image.open(CAT.with_name("fundus.png")), dtype=np.float32)
    evidence = Evidence(torch.from_numpy(samples / 255)[None, None])
    assert detect(evidence) is NoiseName.CAMERA
    assert 1.5 < Camera.of(evidence, None).level < 5
