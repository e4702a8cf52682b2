"""A prior joins an encoding and a network, and the table builds one from any row."""

import pytest
import torch
from torch import Tensor, nn

from pipcli.coords import pixel_grid
from pipcli.priors import ENCODINGS, NETWORKS, Prior, build
from pipcli.settings import PRESETS, PUBLISHED, PUBLISHED_FITS, Settings

ROWS = {f"ours {prior}": row for prior, row in PRESETS.items()}
ROWS |= {f"published {prior} {task}": row for (task, prior), row in PUBLISHED.items()}
ROWS |= {f"published {prior}": row for prior, row in PUBLISHED_FITS.items()}


class Recording(nn.Module):
    """A network that notes the type that it is given, and answers with far too large numbers."""

    seen: torch.dtype

    def forward(self, features: Tensor) -> Tensor:
        self.seen = features.dtype
        return features[:, :1] * 1e4


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_the_network_runs_in_the_precision_and_the_picture_is_float32_in_range(precision: torch.dtype) -> None:
    network = Recording()
    picture = Prior(nn.Identity(), network, precision)(pixel_grid(4, 3) - 0.5)
    assert network.seen == precision
    assert picture.dtype == torch.float32
    assert picture.shape == (1, 1, 4, 3)
    assert picture.min() == 0
    assert picture.max() == 1


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (13, 5)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("row", ROWS)
def test_every_row_builds_a_prior_for_any_size(row: str, channels: int, size: tuple[int, int]) -> None:
    prior = build(ROWS[row], size, channels, generators=[torch.Generator().manual_seed(0)])
    picture = prior(pixel_grid(*size, ROWS[row].grid))
    assert picture.shape == (1, channels, *size)
    assert picture.isfinite().all()
    assert 0 <= picture.min() <= picture.max() <= 1
    picture.sum().backward()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in prior.parameters())


@pytest.mark.parametrize("row", ROWS)
def test_one_seed_gives_one_picture_and_another_seed_another(row: str) -> None:
    def picture(seed: int) -> Tensor:
        prior = build(ROWS[row], (8, 9), 3, generators=[torch.Generator().manual_seed(seed)])
        return prior(pixel_grid(8, 9)).detach()

    assert torch.equal(picture(1), picture(1))
    assert not torch.equal(picture(1), picture(2))


def test_the_tables_know_what_the_rows_ask_for() -> None:
    rows: list[Settings] = list(ROWS.values())
    assert {type(row.encoding) for row in rows} <= ENCODINGS.keys()
    assert {type(row.network) for row in rows} <= NETWORKS.keys()
