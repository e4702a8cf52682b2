"""Dehazing: it takes haze off, knows what it is told, repeats itself, ends when asked, and takes any size."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from pipcli.dehazing import Dehazed, dehaze
from pipcli.dehazing.classic import as_airlight, classic_transmission, estimate_airlight
from pipcli.fit.device import Device
from pipcli.metrics import psnr
from pipcli.restoration.members import Limits
from pipcli.restoration.solution import Outcome
from pipcli.settings import DEHAZE
from pipcli.watch import Progress

CPU = Device(torch.device("cpu"), torch.float32, "for tests")
SMALL = replace(DEHAZE, side=32)
FEW = 52  # steps after which the fitted transmission is taken
AIRLIGHT = torch.tensor([0.8, 0.78, 0.75]).view(1, 3, 1, 1)


def scene(size: tuple[int, int] = (64, 80)) -> Tensor:
    """Coloured rectangles, dark ones and bright ones."""
    generator = torch.Generator().manual_seed(5)
    colours = torch.rand(1, 3, 9, 11, generator=generator) ** 2
    return torch.nn.functional.interpolate(colours, size=size, mode="nearest")


def hazy(size: tuple[int, int] = (64, 80)) -> tuple[Tensor, Tensor]:
    """Return a hazy picture and its transmission, which falls towards the top."""
    transmission = torch.linspace(0.25, 0.9, size[0]).view(1, 1, -1, 1).expand(1, 1, *size)
    return torch.lerp(AIRLIGHT, scene(size), transmission), transmission


class EndsAtOnce:
    """Asks for an end, and counts how often it is told of progress."""

    def __init__(self) -> None:
        self.told: list[Progress] = []

    def progress(self, progress: Progress) -> None:
        self.told.append(progress)

    def restarted(self, member: int, step: int, rate_factor: float) -> None:
        raise AssertionError("nothing diverges here")

    def must_end(self) -> bool:
        return True


@pytest.fixture(scope="module")
def result() -> Dehazed:
    return dehaze(hazy()[0], SMALL, CPU, 0, airlight=AIRLIGHT)


def test_it_takes_the_haze_off(result: Dehazed) -> None:
    picture, transmission = hazy()
    gain = psnr(result.scene, scene()) - psnr(picture, scene())
    correlation = torch.corrcoef(torch.stack([result.transmission.flatten(), transmission.flatten()]))[0, 1]
    assert gain > 5
    assert correlation > 0.9
    assert result.outcome in (Outcome.HELD_OUT, Outcome.STEP_LIMIT)
    torch.testing.assert_close(result.airlight, AIRLIGHT)


def test_it_finds_the_colour_of_the_haze() -> None:
    picture, transmission = hazy()
    with_sky = torch.where(transmission < 0.35, AIRLIGHT, picture)
    found = estimate_airlight(with_sky, SMALL)
    torch.testing.assert_close(found, AIRLIGHT, atol=0.02, rtol=0)


def test_a_white_dot_is_not_the_airlight() -> None:
    picture, transmission = hazy()
    with_sky = torch.where(transmission < 0.35, AIRLIGHT, picture)
    with_lamp = with_sky.clone()
    with_lamp[..., 2, 3] = 1.0
    torch.testing.assert_close(
        estimate_airlight(with_lamp, SMALL), estimate_airlight(with_sky, SMALL), atol=0.03, rtol=0
    )


def test_one_seed_gives_one_result_and_another_another() -> None:
    picture, _ = hazy((40, 30))
    settings = replace(SMALL, side=16)
    first, again, other = (dehaze(picture, settings, CPU, seed, limits=Limits(60, None)) for seed in (1, 1, 2))
    assert torch.equal(first.scene, again.scene)
    assert torch.equal(first.transmission, again.transmission)
    assert not torch.equal(first.scene, other.scene)


def test_with_all_known_the_model_is_inverted() -> None:
    picture, transmission = hazy()
    found = dehaze(picture, SMALL, CPU, 0, airlight=AIRLIGHT, transmission=transmission, limits=Limits(60, None))
    assert torch.equal(found.transmission, transmission)
    assert psnr(found.scene, scene()) > psnr(picture, scene()) + 15


def test_an_end_at_once_leaves_the_classic_way() -> None:
    picture, _ = hazy()
    watch = EndsAtOnce()
    found = dehaze(picture, SMALL, CPU, 0, watch=watch)
    assert found.outcome is Outcome.INTERRUPTED
    assert found.steps_done < 20
    assert watch.told
    airlight = estimate_airlight(picture, SMALL)
    assert torch.equal(found.airlight, airlight)
    assert torch.equal(found.transmission, classic_transmission(picture, airlight, SMALL))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 2), (33, 20)])
def test_any_size_grey_and_colour(size: tuple[int, int], channels: int) -> None:
    picture = hazy(size)[0][:, :channels]
    found = dehaze(picture, SMALL, CPU, 0, limits=Limits(FEW, None))
    assert found.scene.shape == picture.shape
    assert found.transmission.shape == (1, 1, *size)
    assert found.airlight.shape == (1, channels, 1, 1)
    for part in (found.scene, found.transmission, found.airlight):
        assert torch.isfinite(part).all()
        assert ((part >= 0) & (part <= 1)).all()


def test_one_number_is_a_grey_airlight() -> None:
    assert torch.equal(as_airlight(torch.tensor(0.7), 3), torch.full((1, 3, 1, 1), 0.7))


def test_a_transmission_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="transmission"):
        dehaze(hazy()[0], SMALL, CPU, 0, transmission=torch.ones(1, 1, 3, 3))
