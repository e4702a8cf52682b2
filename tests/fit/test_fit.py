"""The fit: it learns, resumes, repeats itself, and keeps held-out pixels out."""

import io
from typing import Any

import pytest
import torch

from pipcli.fit.counting import Counting, pair
from pipcli.fit.fit import members_of
from support.fits import ROWS, make_fit, picture, three_pictures


@pytest.mark.parametrize("name", ROWS)
def test_it_overfits_a_small_smooth_picture(name: str) -> None:
    observation = picture()
    fit = make_fit(ROWS[name], observation)
    first = float(fit.step()[0].residual)
    for _ in range(150):
        fit.step()
    error = (fit.estimates() - observation).square().mean()
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
        last = resumed.step()[0]
    assert last.step == 8
    assert torch.equal(resumed.estimates(), straight.estimates())
    assert torch.equal(resumed.held_out, straight.held_out)


@pytest.mark.parametrize("name", ROWS)
def test_one_seed_gives_one_result_and_another_another(name: str) -> None:
    estimates = []
    for seed in (3, 3, 4):
        fit = make_fit(ROWS[name], picture(), seed=seed)
        fit.step()
        fit.step()
        estimates.append(fit.estimates().clone())
    assert torch.equal(estimates[0], estimates[1])
    assert not torch.equal(estimates[0], estimates[2])


def test_held_out_pixels_have_no_part_in_the_fit() -> None:
    observation = picture()
    fit = make_fit(ROWS["pip"], observation)
    changed = observation.clone()
    changed[:, :, fit.held_out[0]] = 1.0
    other = make_fit(ROWS["pip"], changed)
    assert torch.equal(fit.held_out, other.held_out)
    for _ in range(3):
        fit.step()
        other.step()
    assert torch.equal(fit.estimates(), other.estimates())


@pytest.mark.parametrize("channels", [1, 3])
def test_samples_that_say_nothing_are_neither_fitted_nor_held_out(channels: int) -> None:
    observation = picture()
    height, width = observation.shape[-2:]
    observed = torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(1)) > 0.3
    changed = torch.where(observed, observation, 1.0)
    fit, other = (make_fit(ROWS["pip"], seen, observed=observed) for seen in (observation, changed))
    for _ in range(3):
        (iterate,), (again,) = fit.step(), other.step()
    assert torch.equal(fit.estimates(), other.estimates())
    assert iterate.held_out_error is not None
    assert again.held_out_error is not None
    assert iterate.held_out_error() == again.held_out_error()
    counted = (fit.held_out[:, None] & observed).expand_as(observation)
    expected = (fit.estimates() - observation).square()[counted].mean()
    assert iterate.held_out_error() == pytest.approx(float(expected), rel=1e-4)


def test_the_held_out_error_is_that_of_the_estimate_on_those_pixels() -> None:
    observation = picture()
    fit = make_fit(ROWS["pip"], observation)
    fit.step()
    iterate = fit.step()[0]
    expected = (fit.estimates() - observation).square()[:, :, fit.held_out[0]].mean()
    assert iterate.held_out_error is not None
    assert iterate.held_out_error() == pytest.approx(float(expected))


def test_the_residual_is_the_mean_misfit_over_the_fitted_samples() -> None:
    observation = picture()
    fit = make_fit(ROWS["pip"], observation)
    iterate = fit.step()[0]
    expected = (iterate.output - observation).square()[:, :, ~fit.held_out[0]].mean()
    assert iterate.residual == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 1), (3, 3)])
def test_a_tiny_picture_holds_nothing_out_and_can_be_fitted(size: tuple[int, int]) -> None:
    fit = make_fit(ROWS["pip"], picture(*size, channels=1))
    iterate = fit.step()[0]
    assert iterate.held_out_error is None
    assert iterate.estimate.shape == (1, 1, *size)
    assert iterate.estimate.isfinite().all()


def test_there_is_no_estimate_before_the_first_step() -> None:
    with pytest.raises(RuntimeError, match="first step"):
        make_fit(ROWS["pip"], picture()).estimates()


def spoil_settings(state: dict[str, Any]) -> None:
    state["settings"] = {**state["settings"], "learning_rate": 5.0}


def spoil_shape(state: dict[str, Any]) -> None:
    state["shape"] = (3, 2, 2)


@pytest.mark.parametrize(("spoil", "name"), [(spoil_settings, "settings"), (spoil_shape, "shape")])
def test_a_state_of_another_fit_is_refused_by_what_differs(spoil: Any, name: str) -> None:
    fit = make_fit(ROWS["pip"], picture())
    fit.step()
    state = fit.state_dict()
    spoil(state)
    with pytest.raises(ValueError, match=name):
        fit.load_state_dict(state)


@pytest.mark.parametrize("name", ROWS)
def test_members_know_nothing_of_each_other(name: str) -> None:
    observations = three_pictures()
    together = make_fit(ROWS[name], observations)
    alone = [make_fit(ROWS[name], observations[k : k + 1], seed=k) for k in range(3)]
    assert torch.equal(together.held_out, torch.cat([fit.held_out for fit in alone]))
    for _ in range(3):
        iterates = together.step()
        own = [fit.step()[0] for fit in alone]
    for mine, other in zip(iterates, own, strict=True):
        assert mine.residual == pytest.approx(other.residual, rel=1e-3, abs=1e-5)
        torch.testing.assert_close(mine.estimate, other.estimate, rtol=0, atol=1e-3)
        assert mine.held_out_error is not None
        assert other.held_out_error is not None
        assert mine.held_out_error() == pytest.approx(other.held_out_error(), rel=1e-2)


@pytest.mark.parametrize("name", ROWS)
def test_members_taken_out_of_a_fit_go_on_as_if_nothing_had_happened(name: str) -> None:
    observations = three_pictures()
    whole = make_fit(ROWS[name], observations)
    for _ in range(3):
        whole.step()
    kept = make_fit(ROWS[name], observations[[2, 0]], seed=50)
    kept.load_state_dict(members_of(whole.state_dict(), [2, 0]))
    assert torch.equal(kept.held_out, whole.held_out[[2, 0]])
    assert torch.equal(kept.estimates(), whole.estimates()[[2, 0]])
    for _ in range(3):
        whole.step()
        kept.step()
    assert kept.steps_done == whole.steps_done == 6
    torch.testing.assert_close(kept.estimates(), whole.estimates()[[2, 0]], rtol=0, atol=1e-3)


def test_what_is_taken_out_of_a_fit_is_a_copy() -> None:
    fit = make_fit(ROWS["pip"], three_pictures())
    fit.step()
    state = members_of(fit.state_dict(), [1])
    before = state["average"]["value"].clone()
    fit.step()
    assert torch.equal(state["average"]["value"], before)


def test_a_witness_tells_the_error_as_pixels_that_are_held_out_would() -> None:
    clean = three_pictures()
    draw = torch.Generator().manual_seed(0)
    noise, fresh = (0.1 * torch.randn(clean.shape, generator=draw) for _ in range(2))
    seen, witness = pair(clean + noise, fresh)
    fit = make_fit(ROWS["pip"], seen, share=0.0, counting=Counting(witness=witness))
    iterate = [fit.step() for _ in range(5)][-1][0]
    error = float((iterate.estimate - clean[:1]).square().mean())
    assert iterate.held_out_error is not None
    assert iterate.held_out_error() == pytest.approx(error + 0.1**2, rel=0.25)


def test_a_member_can_be_shown_its_observation_without_the_noise_that_was_added() -> None:
    clean = three_pictures()
    seen, witness = pair(clean, 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0)))
    fit = make_fit(ROWS["pip"], seen.clone(), counting=Counting(witness=witness))
    fit.step()
    fit.show_all(1)
    assert torch.allclose(fit.observations[1], clean[1], atol=1e-6)
    assert torch.equal(fit.observations[::2], seen[::2])
    resumed = make_fit(ROWS["pip"], seen.clone(), counting=Counting(witness=witness))
    resumed.load_state_dict(fit.state_dict())
    assert torch.equal(resumed.observations, fit.observations)
