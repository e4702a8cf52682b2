"""The running average."""

import pytest
import torch

from pipcli.fit.averaging import RunningAverage


def test_the_first_average_is_the_first_output_and_constants_stay() -> None:
    average = RunningAverage(0.9)
    picture = torch.full((1, 1, 2, 2), 0.3)
    for _ in range(5):
        torch.testing.assert_close(average.update(picture), picture)


def test_it_weighs_outputs_geometrically_and_sums_to_one() -> None:
    average = RunningAverage(0.5)
    for value in (1.0, 2.0, 3.0):
        latest = average.update(torch.tensor(value))
    assert float(latest) == pytest.approx((0.25 * 1 + 0.5 * 2 + 1 * 3) / 1.75)


def test_no_decay_keeps_the_last_output_alone() -> None:
    average = RunningAverage(0.0)
    average.update(torch.tensor(1.0))
    assert average.update(torch.tensor(4.0)) == 4.0


def test_it_does_not_alias_what_it_is_given() -> None:
    average = RunningAverage(0.5)
    output = torch.ones(2)
    average.update(output)
    average.update(torch.zeros(2))
    assert torch.equal(output, torch.ones(2))


def test_a_restored_average_goes_on_alike_and_is_independent() -> None:
    first, second = RunningAverage(0.8), RunningAverage(0.8)
    first.update(torch.tensor(1.0))
    second.load_state_dict(first.state_dict())
    first.update(torch.tensor(2.0))
    assert second.update(torch.tensor(2.0)) == first.value


def test_a_foreign_state_is_refused() -> None:
    with pytest.raises(ValueError, match="running average"):
        RunningAverage(0.8).load_state_dict({"count": None, "value": None})
