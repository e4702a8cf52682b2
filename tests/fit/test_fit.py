"""The fit: it learns, resumes, repeats itself, and keeps held-out pixels out."""

import dataclasses
import io
from typing import Any

import pytest
import torch

from pipcli.coords import pixel_grid
from pipcli.degradations import Identity
from pipcli.fit.fit import Fit
from pipcli.priors import build
from pipcli.settings import DIP, PIP, Settings

SMALL = {"widths": (16, 16), "skip_widths": (4, 4)}
ROWS = {
    name: dataclasses.replace(row, hourglass=dataclasses.replace(row.hourglass, **SMALL))
    for name, row in {"pip": PIP, "dip": DIP}.items()
}


def picture(height: int = 20, width: int = 24, channels: int = 3) -> torch.Tensor:
    rows = torch.linspace(0.2, 0.8, height).view(1, 1, -1, 1)
    columns = torch.linspace(0, 6, width).sin().view(1, 1, 1, -1) * 0.1
    return (rows + columns).expand(1, channels, height, width).contiguous()


def make_fit(row: Settings, observation: torch.Tensor, share: float = 0.1, seed: int = 0) -> Fit:
    generator = torch.Generator().manual_seed(seed)
    _, channels, height, width = observation.shape
    prior = build(row, (height, width), channels, generator=generator)
    settings = dataclasses.replace(row.fit, held_out_fraction=share, average_decay=0.9)
    coords = pixel_grid(height, width)
    return Fit(prior, Identity(None), observation, coords, settings, generator=generator)


@pytest.mark.parametrize("name", ROWS)
def test_it_overfits_a_small_smooth_picture(name: str) -> None:
    observation = picture()
    fit = make_fit(ROWS[name], observation)
    first = float(fit.step().residual)
    for _ in range(150):
        fit.step()
    error = (fit.estimate() - observation).square().mean()
    assert error < 0.05 * first
    assert error < 2e-3


@pytest.mark.parametrize("name", ROWS)
def test_resuming_equals_running_straight_through(name: str) -> None:
    observation = picture()
    straight = make_fit(ROWS[name], observation)
    for _ in range(4):
        straight.step()
    file = io.BytesIO()
    torch.save(straight.state_dict(), file)
    for _ in range(4):
        straight.step()
    file.seek(0)
    resumed = make_fit(ROWS[name], observation, seed=99)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    for _ in range(4):
        last = resumed.step()
    assert last.step == 8
    assert torch.equal(resumed.estimate(), straight.estimate())
    assert torch.equal(resumed.held_out, straight.held_out)


@pytest.mark.parametrize("name", ROWS)
def test_one_seed_gives_one_result_and_another_another(name: str) -> None:
    estimates = []
    for seed in (3, 3, 4):
        fit = make_fit(ROWS[name], picture(), seed=seed)
        fit.step()
        fit.step()
        estimates.append(fit.estimate().clone())
    assert torch.equal(estimates[0], estimates[1])
    assert not torch.equal(estimates[0], estimates[2])


def test_held_out_pixels_have_no_part_in_the_fit() -> None:
    observation = picture()
    fit = make_fit(ROWS["pip"], observation)
    changed = observation.clone()
    changed[:, :, fit.held_out] = 1.0
    other = make_fit(ROWS["pip"], changed)
    assert torch.equal(fit.held_out, other.held_out)
    for _ in range(3):
        fit.step()
        other.step()
    assert torch.equal(fit.estimate(), other.estimate())


def test_the_held_out_error_is_that_of_the_estimate_on_those_pixels() -> None:
    observation = picture()
    fit = make_fit(ROWS["pip"], observation)
    fit.step()
    iterate = fit.step()
    expected = (fit.estimate() - observation).square()[:, :, fit.held_out].mean()
    assert iterate.held_out_error is not None
    assert iterate.held_out_error() == pytest.approx(float(expected))


def test_the_residual_is_the_mean_misfit_over_the_fitted_samples() -> None:
    observation = picture()
    fit = make_fit(ROWS["pip"], observation)
    iterate = fit.step()
    expected = (iterate.output - observation).square()[:, :, ~fit.held_out].mean()
    torch.testing.assert_close(iterate.residual, expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 1), (3, 3)])
def test_a_tiny_picture_holds_nothing_out_and_can_be_fitted(size: tuple[int, int]) -> None:
    fit = make_fit(ROWS["pip"], picture(*size, channels=1))
    iterate = fit.step()
    assert iterate.held_out_error is None
    assert iterate.estimate.shape == (1, 1, *size)
    assert iterate.estimate.isfinite().all()


def test_there_is_no_estimate_before_the_first_step() -> None:
    with pytest.raises(RuntimeError, match="first step"):
        make_fit(ROWS["pip"], picture()).estimate()


def spoil_settings(state: dict[str, Any]) -> None:
    state["settings"] = {**state["settings"], "learning_rate": 5.0}


def spoil_shape(state: dict[str, Any]) -> None:
    state["shape"] = (1, 3, 2, 2)


@pytest.mark.parametrize(("spoil", "name"), [(spoil_settings, "settings"), (spoil_shape, "shape")])
def test_a_state_of_another_fit_is_refused_by_what_differs(spoil: Any, name: str) -> None:
    fit = make_fit(ROWS["pip"], picture())
    fit.step()
    state = fit.state_dict()
    spoil(state)
    with pytest.raises(ValueError, match=name):
        fit.load_state_dict(state)
