"""What a generator sees of a pixel."""

import math

import pytest
import torch

from pipcli.coords import pixel_grid
from pipcli.priors.encodings import FixedNoise, FourierFeatures, Guided, axis_waves, compass_waves
from pipcli.settings import PUBLISHED_PIP, AxisWaves, CompassWaves, Grid, NoiseSettings

SIZES = [(1, 1), (1, 7), (13, 5), (32, 32), (40, 24)]
COMPASS = CompassWaves(count=12, lowest=1.0, shortest_period=4.5)
NOISE = NoiseSettings(channels=32, amplitude=0.1, jitter=1 / 30)


def published_features(height: int, width: int) -> torch.Tensor:
    assert isinstance(PUBLISHED_PIP.encoding, AxisWaves)
    return FourierFeatures(axis_waves(PUBLISHED_PIP.encoding))(pixel_grid(height, width, Grid.CORNERS))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [1, 2, 12])
def test_features_are_points_on_the_unit_circle(count: int, size: tuple[int, int]) -> None:
    encoding = FourierFeatures(compass_waves(CompassWaves(count, 1.0, 3.0), size))
    features = encoding(pixel_grid(*size))
    assert features.shape == (1, 8 * count, *size) == (1, encoding.channels, *size)
    assert features.dtype == torch.float32
    assert features.abs().max() <= 1
    cosines, sines = features[:, : 4 * count], features[:, 4 * count :]
    assert torch.allclose(cosines.square() + sines.square(), torch.ones(()), atol=1e-5)


def test_the_published_features_are_cosine_and_sine_of_eight_frequencies_an_axis() -> None:
    features = published_features(9, 17)[0]
    assert features.shape == (32, 9, 17)
    frequencies = [2 ** (8 * index / 7) for index in range(8)]
    for index, frequency in enumerate(frequencies):
        x = torch.arange(17) / 16
        y = torch.arange(9) / 8
        assert torch.allclose(features[index, 3], (frequency * x).cos(), atol=1e-4)
        assert torch.allclose(features[8 + index, :, 3], (frequency * y).cos(), atol=1e-4)
        assert torch.allclose(features[16 + index, 3], (frequency * x).sin(), atol=1e-4)
        assert torch.allclose(features[24 + index, :, 3], (frequency * y).sin(), atol=1e-4)


def test_the_published_features_vary_along_one_axis_each() -> None:
    features = published_features(9, 17)[0]
    along_x, along_y = features[[*range(8), *range(16, 24)]], features[[*range(8, 16), *range(24, 32)]]
    assert torch.equal(along_x, along_x[:, :1].expand_as(along_x))
    assert torch.equal(along_y, along_y[:, :, :1].expand_as(along_y))


@pytest.mark.parametrize("size", [(64, 64), (48, 96), (200, 50), (33, 7)])
def test_compass_waves_have_the_same_pixels_a_period_in_all_directions(size: tuple[int, int]) -> None:
    waves = compass_waves(COMPASS, size)
    assert waves.shape == (4 * COMPASS.count, 2)
    # Radians per pixel: the length of a wave vector must not depend on where it points.
    per_pixel = (waves / torch.tensor(size)).norm(dim=1).view(4, COMPASS.count)
    longer = max(size)
    expected = torch.logspace(0, math.log10(2 * math.pi * longer / COMPASS.shortest_period), COMPASS.count) / longer
    torch.testing.assert_close(per_pixel, expected.expand_as(per_pixel), rtol=1e-4, atol=0)
    assert 2 * math.pi / float(per_pixel[0, -1]) == pytest.approx(COMPASS.shortest_period, rel=1e-4)


def test_compass_waves_follow_the_axes_and_the_diagonals() -> None:
    waves = compass_waves(COMPASS, (64, 64)).view(4, COMPASS.count, 2)
    angles = torch.atan2(waves[..., 0], waves[..., 1]) % math.pi
    expected = torch.tensor([0, math.pi / 2, math.pi / 4, 3 * math.pi / 4])
    torch.testing.assert_close(angles, expected[:, None].expand_as(angles))


def test_a_transposed_picture_has_the_transposed_frequencies() -> None:
    size = torch.tensor((30, 70))
    wide, tall = compass_waves(COMPASS, (30, 70)) / size, compass_waves(COMPASS, (70, 30)) / size.flip(0)
    torch.testing.assert_close(wide, tall)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 2)])
def test_compass_waves_of_tiny_pictures_are_finite(size: tuple[int, int]) -> None:
    assert compass_waves(COMPASS, size).isfinite().all()


def test_the_features_of_the_same_grid_are_made_once() -> None:
    encoding = FourierFeatures(compass_waves(COMPASS, (8, 8)))
    coords = pixel_grid(8, 8)
    first = encoding(coords)
    assert encoding(coords) is first
    other = encoding(pixel_grid(8, 8, Grid.CORNERS))
    assert not torch.equal(other, first)
    assert torch.equal(encoding(coords), first)


def test_fourier_features_have_nothing_to_learn_or_to_remember() -> None:
    encoding = FourierFeatures(compass_waves(COMPASS, (8, 8)))
    assert list(encoding.parameters()) == []
    assert not encoding.state_dict()


def test_fixed_noise_is_uniform_up_to_its_amplitude(generator: torch.Generator) -> None:
    encoding = FixedNoise(NOISE, (60, 50), [generator])
    noise = encoding.eval()(pixel_grid(60, 50))
    assert noise.shape == (1, encoding.channels, 60, 50) == (1, 32, 60, 50)
    assert noise.min() >= 0
    assert noise.max() <= 0.1
    assert noise.mean() == pytest.approx(0.05, abs=1e-3)
    assert noise.std() == pytest.approx(0.1 / math.sqrt(12), rel=0.02)


def test_fixed_noise_jitters_in_training_only(generator: torch.Generator) -> None:
    encoding, coords = FixedNoise(NOISE, (60, 50), [generator]), pixel_grid(60, 50)
    encoding.eval()
    still = encoding(coords)
    assert torch.equal(still, encoding(coords))
    encoding.train()
    encoding.before_step()
    first = encoding(coords).clone()
    assert torch.equal(encoding(coords), first)
    encoding.before_step()
    second = encoding(coords)
    assert not torch.equal(first, second)
    assert (first - still).std() == pytest.approx(1 / 30, rel=0.02)
    assert (first - still).mean() == pytest.approx(0, abs=1e-3)
    assert torch.equal(encoding.eval()(coords), still)


def test_fixed_noise_without_jitter_is_the_same_in_training(generator: torch.Generator) -> None:
    encoding = FixedNoise(NoiseSettings(channels=2, amplitude=1.0, jitter=0.0), (4, 4), [generator])
    before = generator.get_state()
    encoding.before_step()
    assert encoding(pixel_grid(4, 4)) is encoding.noise
    assert torch.equal(generator.get_state(), before)


def test_one_seed_gives_one_sequence_of_noise() -> None:
    def sequence() -> list[torch.Tensor]:
        encoding = FixedNoise(NOISE, (6, 5), [torch.Generator().manual_seed(3)])
        return [drawn(encoding) for _ in range(3)]

    def drawn(encoding: FixedNoise) -> torch.Tensor:
        encoding.before_step()
        return encoding(pixel_grid(6, 5)).clone()

    assert all(torch.equal(first, second) for first, second in zip(sequence(), sequence(), strict=True))


def test_coordinates_of_another_size_are_a_named_mistake(generator: torch.Generator) -> None:
    with pytest.raises(ValueError, match=r"drawn for \(4, 6\) pixels, the coordinates are those of \(6, 4\)"):
        FixedNoise(NOISE, (4, 6), [generator])(pixel_grid(6, 4))


def test_guides_stand_beside_what_the_encoding_says_each_member_its_own() -> None:
    guides = torch.rand(2, 3, 8, 10, generator=torch.Generator().manual_seed(0))
    waves = FourierFeatures(axis_waves(AxisWaves((1.0, 2.0))), torch.float32)
    guided = Guided(waves, guides)
    features = guided(pixel_grid(8, 10))
    assert features.shape == (2, guided.channels, 8, 10)
    assert torch.equal(features[:1, : waves.channels], waves(pixel_grid(8, 10)))
    assert torch.allclose(features[:, waves.channels :], 2 * guides - 1)
    assert not guided.state_dict()
