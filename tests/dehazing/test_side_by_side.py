"""The three generators side by side in one fit."""

import io

import torch

from pipcli.coords import pixel_grid
from pipcli.degradations import Haze
from pipcli.dehazing.generators import Colour, Known, SideBySide
from pipcli.fit.counting import draw_held_out
from pipcli.fit.fit import Fit
from pipcli.noise import Gaussian
from pipcli.priors import build
from pipcli.settings import DEHAZE

SIZE = (20, 24)


def make_fit(seed: int) -> Fit:
    generator = torch.Generator().manual_seed(seed)
    airlight = torch.full((1, 3, 1, 1), 0.8)
    parts = [
        build(DEHAZE.scene, SIZE, 3, generators=[generator]),
        build(DEHAZE.transmission, SIZE, 1, generators=[generator]),
        Colour(airlight),
    ]
    return Fit(
        SideBySide(parts),
        Haze(Gaussian.known(0.01), airlight, 1, DEHAZE.priors),
        torch.linspace(0.3, 0.7, 24).expand(1, 3, *SIZE).contiguous(),
        pixel_grid(*SIZE),
        DEHAZE.scene.fit,
        draw_held_out(SIZE, 0.1, generator)[None],
        generators=[generator],
    )


def test_resuming_equals_running_straight_through() -> None:
    straight = make_fit(0)
    straight.advance(4)
    file = io.BytesIO()
    torch.save(straight.state_dict(), file)
    straight.advance(4)
    file.seek(0)
    resumed = make_fit(7)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    resumed.advance(4)
    assert torch.equal(resumed.estimates(), straight.estimates())


def test_what_is_known_is_not_fitted() -> None:
    plane = torch.rand(1, 1, *SIZE, generator=torch.Generator().manual_seed(0))
    both = SideBySide([Known(plane), Colour(torch.full((1, 3, 1, 1), 0.6))])
    maps = both(pixel_grid(*SIZE))
    assert torch.equal(maps[:, :1], plane)
    torch.testing.assert_close(maps[:, 1:], torch.full((1, 3, *SIZE), 0.6))
    assert sum(parameter.numel() for parameter in both.parameters()) == 3
