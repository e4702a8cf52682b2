"""Adam on a flat vector."""

import math

import pytest
import torch
from torch import nn

from pipcli.fit.adam import Adam


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))


def loss_of(model: nn.Module, step: int) -> torch.Tensor:
    inputs = torch.linspace(-1, 1, 12).view(4, 3) + 0.1 * step
    return model(inputs).square().sum()


def assert_same_steps(ours: nn.Module, adam: Adam, rates: list[float]) -> None:
    """Make as many steps as there are rates with ours and with torch's, and compare where they arrive."""
    theirs = network()
    reference = torch.optim.Adam(theirs.parameters())
    for step, rate in enumerate(rates):
        adam.zero_grad()
        loss_of(ours, step).backward()
        adam.step()
        reference.param_groups[0]["lr"] = rate
        reference.zero_grad()
        loss_of(theirs, step).backward()
        reference.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)


def test_it_takes_the_steps_of_torch() -> None:
    ours = network()
    assert_same_steps(ours, Adam(ours.parameters(), 0.01), [0.01] * 30)


def test_its_rate_rises_and_falls_as_half_a_cosine() -> None:
    ours, steps, last, warm_up = network(), 20, 0.1, 4
    risen = [min(1.0, (step + 1) / warm_up) for step in range(steps)]
    fallen = [last + (1 - last) * math.cos(math.pi * (step + 1) / steps / 2) ** 2 for step in range(steps)]
    adam = Adam(ours.parameters(), 0.01, warm_up=warm_up, last_rate=last, steps=steps)
    assert_same_steps(ours, adam, [0.01 * up * down for up, down in zip(risen, fallen, strict=True)])


def test_behind_the_last_step_the_rate_is_the_last() -> None:
    model = network()
    adam = Adam(model.parameters(), 0.01, epsilon=0.0, last_rate=0.25, steps=2)
    for _ in range(4):
        before = adam.values.clone()
        adam.gradients.fill_(1)  # Adam moves by its rate wherever the gradient is always the same
        adam.step()
    torch.testing.assert_close((before - adam.values).abs(), torch.full_like(before, 0.0025), rtol=1e-4, atol=1e-6)


def test_parameters_stay_views_of_the_vector_when_a_state_is_loaded() -> None:
    model = network()
    adam = Adam(model.parameters(), 0.01)
    model.load_state_dict({name: torch.ones_like(value) for name, value in model.state_dict().items()})
    assert torch.equal(adam.values, torch.ones_like(adam.values))


def test_a_foreign_state_is_refused() -> None:
    with pytest.raises(ValueError, match="optimiser"):
        Adam(network().parameters(), 0.01).load_state_dict(
            {"steps": 1, "mean": torch.ones(1), "square": [torch.ones(1)]}
        )
