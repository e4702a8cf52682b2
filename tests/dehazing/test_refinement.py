"""From the fitted transmission to the scene: edges, floors, noise, and a grey sky."""

import pytest
import torch

from pipcli.dehazing.refinement import clear_scene, refined, without_haze
from pipcli.settings import DEHAZE

AIRLIGHT = torch.tensor([0.9, 0.85, 0.78]).view(1, 3, 1, 1)
LEAST = (DEHAZE.least_transmission, DEHAZE.least_colour)


@pytest.mark.parametrize("channels", [1, 3])
def test_without_noise_the_model_is_inverted(channels: int, generator: torch.Generator) -> None:
    scene = torch.rand(1, channels, 12, 15, generator=generator)
    transmission = 0.45 + 0.5 * torch.rand(1, 1, 12, 15, generator=generator)
    airlight = AIRLIGHT[:, :channels]
    hazy = torch.lerp(airlight, scene, transmission)
    # Whatever the generators explain of it: the details make up for the rest.
    explained = torch.rand(hazy.shape, generator=generator)
    found = clear_scene(hazy, explained, transmission, airlight, 0.0, LEAST)
    torch.testing.assert_close(found, scene, atol=1e-5, rtol=0)
    torch.testing.assert_close(without_haze(hazy, transmission, airlight), scene, atol=1e-5, rtol=0)


def test_noise_is_amplified_less_than_by_the_model(generator: torch.Generator) -> None:
    clean = torch.full((1, 3, 40, 40), 0.8)
    noise_std = 0.03
    noisy = clean + noise_std * torch.randn(clean.shape, generator=generator)
    transmission = torch.full((1, 1, 40, 40), 0.3)
    airlight = torch.full((1, 3, 1, 1), 0.9)
    found = clear_scene(noisy, clean, transmission, airlight, noise_std, (0.0, 0.0))
    assert found.std() < 0.8 * without_haze(noisy, transmission, airlight).std()


def test_a_sky_of_nearly_the_airlight_stays_nearly_grey() -> None:
    sky = AIRLIGHT + torch.tensor([-0.03, -0.05, -0.08]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    transmission = torch.full((1, 1, 8, 8), 0.05)
    found = clear_scene(sky, sky, transmission, AIRLIGHT, 0.0, LEAST)
    tint = (found - found.mean(1, keepdim=True)) - (AIRLIGHT - AIRLIGHT.mean(1, keepdim=True))
    assert tint.abs().max() < 0.1
    assert (found > 0.4).all()


def test_what_is_too_dark_for_the_fitted_transmission_raises_it_along_its_edge() -> None:
    hazy = torch.full((1, 3, 60, 80), 0.6)
    hazy[..., 40:] = 0.05
    airlight = torch.full((1, 3, 1, 1), 0.8)
    fitted = torch.full((1, 1, 8, 10), 0.3)
    found = refined(fitted, hazy, airlight, DEHAZE)
    assert (found[..., 50:] > 0.8).all()
    assert (found[..., :30] < 0.35).all()
    assert (found[..., 42] - found[..., 37]).mean() > 0.4


def test_what_has_nothing_dark_lowers_it_a_little() -> None:
    hazy = torch.full((1, 3, 30, 30), 0.7)
    airlight = torch.full((1, 3, 1, 1), 0.8)
    found = refined(torch.full((1, 1, 8, 8), 0.5), hazy, airlight, DEHAZE)
    bound = 1 - 0.7 / 0.8
    expected = 0.5 + DEHAZE.trust * (bound - 0.5)
    torch.testing.assert_close(found, torch.full_like(found, expected))
