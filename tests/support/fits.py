"""Small fits of few weights, for the tests of what steps them."""

import dataclasses

import torch

from pipcli.coords import pixel_grid
from pipcli.degradations import Identity
from pipcli.fit.counting import Counting, draw_held_out
from pipcli.fit.fit import Fit
from pipcli.fit.recording import Recorder
from pipcli.noise import Gaussian
from pipcli.priors import build
from pipcli.settings import DIP, PIP, Settings

SMALL = {"widths": (16, 16), "skip_widths": (4, 4)}
ROWS = {
    name: dataclasses.replace(row, network=dataclasses.replace(row.network, **SMALL))
    for name, row in {"pip": PIP, "dip": DIP}.items()
}


def picture(height: int = 20, width: int = 24, channels: int = 3) -> torch.Tensor:
    rows = torch.linspace(0.2, 0.8, height).view(1, 1, -1, 1)
    columns = torch.linspace(0, 6, width).sin().view(1, 1, 1, -1) * 0.1
    return (rows + columns).expand(1, channels, height, width).contiguous()


def make_fit(
    row: Settings,
    observation: torch.Tensor,
    share: float = 0.1,
    seed: int = 0,
    device: str = "cpu",
    recorder: Recorder | None = None,
    observed: torch.Tensor | None = None,
    counting: Counting | None = None,
) -> Fit:
    members, channels, height, width = observation.shape
    generators = [torch.Generator().manual_seed(seed + member) for member in range(members)]
    prior = build(row, (height, width), channels, generators=generators).to(device)
    held_out = torch.stack([draw_held_out((height, width), share, generator) for generator in generators])
    settings = dataclasses.replace(row.fit, average_decay=0.9)
    coords = pixel_grid(height, width).to(device)
    return Fit(
        prior,
        Identity(Gaussian.known(0.1)),
        observation.to(device),
        coords,
        settings,
        held_out,
        counting=Counting(observed) if counting is None else counting,
        generators=generators,
        recorder=recorder,
    )


def three_pictures() -> torch.Tensor:
    return torch.cat([picture(), picture().flip(2), 1 - picture()])
