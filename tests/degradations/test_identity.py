"""Nothing but noise."""

import pytest
import torch

from pipcli.degradations import Degradation, Identity


def test_the_picture_is_what_would_be_observed() -> None:
    picture = torch.rand(1, 3, 5, 7)
    identity = Identity(0.1)
    assert identity(picture) is picture
    assert identity.target_size((5, 7)) == (5, 7)
    assert identity.noise_std == 0.1
    assert Identity(None).noise_std is None


def test_it_is_not_blind_and_has_no_state() -> None:
    assert list(Identity(0.1).parameters()) == []
    assert Identity(0.1).state_dict() == {}


def test_the_data_term_is_the_squared_difference_of_each_sample() -> None:
    prediction, observation = torch.tensor([[[[0.5, 1.0]]]]), torch.tensor([[[[0.25, 1.0]]]])
    assert Identity(None).data_term(prediction, observation).tolist() == [[[[0.0625, 0.0]]]]


def test_gradients_reach_the_picture() -> None:
    picture = torch.rand(1, 3, 5, 7, requires_grad=True)
    identity = Identity(0.1)
    identity.data_term(identity(picture), torch.zeros(1, 3, 5, 7)).sum().backward()
    assert picture.grad is not None
    assert torch.allclose(picture.grad, 2 * picture.detach())


def test_a_degradation_must_say_what_it_does() -> None:
    with pytest.raises(TypeError):
        Degradation(0.1)  # type: ignore[abstract]
