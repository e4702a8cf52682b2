"""Nothing but noise."""

import pytest
import torch

from pipcli.degradations import Degradation, Identity
from pipcli.noise import Gaussian
from pipcli.noise.base import Origin
from pipcli.noise.laplace import Laplace

NOISE = Gaussian.known(0.1)


def test_the_picture_is_what_would_be_observed() -> None:
    picture = torch.rand(1, 3, 5, 7)
    identity = Identity(NOISE)
    assert identity(picture) is picture
    assert identity.target_size((5, 7)) == (5, 7)
    assert identity.noise is NOISE


def test_it_is_not_blind_and_has_no_state() -> None:
    assert list(Identity(NOISE).parameters()) == []
    assert Identity(NOISE).state_dict() == {}


@pytest.mark.parametrize("noise", [NOISE, Laplace(25.0, Origin.GIVEN, 25 / 255)])
def test_the_data_term_is_the_misfit_of_the_noise(noise: Gaussian | Laplace) -> None:
    prediction, observation = torch.tensor([[[[0.5, 1.0]]]]), torch.tensor([[[[0.25, 1.0]]]])
    term = Identity(noise).data_term(prediction, observation)
    assert torch.equal(term, noise.misfit(prediction, observation))


def test_gradients_reach_the_picture() -> None:
    picture = torch.rand(1, 3, 5, 7, requires_grad=True)
    identity = Identity(NOISE)
    identity.data_term(identity(picture), torch.zeros(1, 3, 5, 7)).sum().backward()
    assert picture.grad is not None
    assert torch.allclose(picture.grad, 2 * picture.detach())


def test_a_degradation_must_say_what_it_does() -> None:
    with pytest.raises(TypeError):
        Degradation(NOISE)  # type: ignore[abstract]
