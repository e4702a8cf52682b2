"""The network of the branch, and the symmetries that it is shown."""

import pytest
import torch

from pipcli.refine.r2r_unet import UNet, turned, turned_back
from pipcli.settings import BranchSettings

SETTINGS = BranchSettings(width=8, scales=3, steps=30, learning_rate=1e-3, crop=32, recorruption=0.5)


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_keep_their_size(channels: int, generator: torch.Generator) -> None:
    network = UNet(channels, channels, SETTINGS, generator)
    pictures = torch.rand(2, channels, 8, 12, generator=generator)
    assert network(pictures).shape == pictures.shape
    assert network.multiple == 4


def test_the_generator_is_the_only_source_of_its_weights() -> None:
    first, second = (UNet(3, 3, SETTINGS, torch.Generator().manual_seed(5)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_all_parameters_have_finite_gradients(generator: torch.Generator) -> None:
    network = UNet(3, 3, SETTINGS, generator)
    network(torch.rand(1, 3, 16, 16, generator=generator)).square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


def test_turning_back_undoes_each_symmetry(generator: torch.Generator) -> None:
    picture = torch.rand(1, 3, 5, 7, generator=generator)
    seen = []
    for turn in range(8):
        (once,) = turned([picture], turn)
        assert torch.equal(turned_back(once, turn), picture)
        seen.append(once)
    assert not any(a.shape == b.shape and torch.equal(a, b) for i, a in enumerate(seen) for b in seen[:i])
