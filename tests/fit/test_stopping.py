"""The stop rules, on made-up iterates."""

from collections.abc import Callable

import pytest
import torch

from pipcli.fit.fit import Iterate
from pipcli.fit.stopping import Discrepancy, HeldOut, MovingVariance, Never, StopRule


def iterate(step: int, *, residual: float = 1.0, value: float = 0.0, error: float | None = None) -> Iterate:
    picture = torch.full((1, 1, 2, 2), float(value))
    held_out = None if error is None else (lambda: error)
    return Iterate(step, lambda: [residual], picture, picture + 0.5, held_out)


def stopping_step(rule: StopRule, make: Callable[[int], Iterate], limit: int = 500) -> int | None:
    for step in range(1, limit + 1):
        if rule.update(make(step)):
            return step
    return None


def test_held_out_stops_a_patience_after_the_minimum_and_returns_its_estimate() -> None:
    rule = HeldOut(patience=30, interval=10)
    make = lambda step: iterate(step, value=float(step), error=abs(step - 70) / 100)  # noqa: E731
    assert stopping_step(rule, make) == 100
    choice = rule.choice()
    assert choice is not None
    assert choice.step == 70
    assert torch.equal(choice.image, torch.full((1, 1, 2, 2), 70.5))


def test_held_out_keeps_a_copy_of_the_estimate() -> None:
    rule = HeldOut(patience=30, interval=1)
    best = iterate(1, error=0.1)
    rule.update(best)
    best.estimate.fill_(9)
    choice = rule.choice()
    assert choice is not None
    assert torch.equal(choice.image, torch.full((1, 1, 2, 2), 0.5))


def test_held_out_never_stops_without_held_out_pixels() -> None:
    rule = HeldOut(patience=10)
    assert stopping_step(rule, iterate) is None
    assert rule.choice() is None


def test_discrepancy_stops_when_the_residual_is_down_to_the_noise() -> None:
    rule = Discrepancy(noise_std=0.1, factor=1.0, decay=0.0)
    assert stopping_step(rule, lambda step: iterate(step, residual=0.02 / step)) == 2


def test_discrepancy_is_not_fooled_by_one_low_residual() -> None:
    rule = Discrepancy(noise_std=0.1, factor=1.0)
    residuals = [0.5, 0.001, 0.5, 0.5]
    assert not any(rule.update(iterate(step, residual=value)) for step, value in enumerate(residuals, 1))


def test_moving_variance_follows_the_published_recursion() -> None:
    rule = MovingVariance(patience=1000)
    mean, variance = 0.0, 0.0
    for step, value in enumerate([1.0, 3.0, 2.0], 1):
        rule.update(iterate(step, value=value))
        change = value - mean
        mean += 0.1 * change
        variance = 0.9 * (variance + 0.1 * change**2)
    assert rule.variance == pytest.approx(variance)


def test_moving_variance_stops_a_patience_after_its_minimum() -> None:
    rule = MovingVariance(patience=40)
    # Outputs that settle until step 150 and then jump about ever more.
    make = lambda step: iterate(step, value=(-1) ** step * abs(step - 150) / 100)  # noqa: E731
    stopped = stopping_step(rule, make)
    choice = rule.choice()
    assert choice is not None
    assert 150 <= choice.step < 170
    assert stopped == choice.step + 40


def test_never_never_stops() -> None:
    assert stopping_step(Never(), iterate) is None
    assert Never().choice() is None


@pytest.mark.parametrize(
    "make_rule",
    [lambda: HeldOut(50, 1), lambda: Discrepancy(0.05, 1.0), lambda: MovingVariance(50), lambda: Never()],
    ids=["held-out", "discrepancy", "variance", "none"],
)
def test_a_rule_with_its_state_restored_stops_where_an_unbroken_one_does(make_rule: Callable[[], StopRule]) -> None:
    make = lambda step: iterate(step, residual=1 / step, value=(-1) ** step * abs(step - 150), error=abs(step - 150))  # noqa: E731
    straight, broken = make_rule(), make_rule()
    for step in range(1, 121):
        straight.update(make(step))
        broken.update(make(step))
    resumed = make_rule()
    resumed.load_state_dict(broken.state_dict())
    for step in range(121, 300):
        stops = straight.update(make(step))
        assert resumed.update(make(step)) == stops
        if stops:
            break
