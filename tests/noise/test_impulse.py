"""Hits are found, left out, and replaced; all else stays."""

import pytest
import torch

from pipcli.noise import Evidence
from pipcli.noise.impulse import Impulse, hit_samples
from pipcli.settings import NoiseName
from support.noise_pictures import noisy, photo


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5])
def test_nearly_all_hits_are_found_and_hardly_anything_else(share: float) -> None:
    clean = photo()
    observation = noisy(clean, NoiseName.IMPULSE, share)
    changed = (observation - clean).abs() > 0.05
    hit = hit_samples(observation)
    assert float(hit[changed].float().mean()) > 0.97
    assert float(hit[~changed].float().mean()) < 0.03


def test_a_white_or_black_area_is_no_hit() -> None:
    picture = torch.zeros(1, 1, 20, 20)
    picture[..., 10:] = 1.0
    assert not bool(hit_samples(picture).any())


def test_samples_that_were_not_hit_come_back_and_the_others_do_not() -> None:
    clean = photo()
    observation = noisy(clean, NoiseName.IMPULSE, 0.2)
    noise = Impulse.of(Evidence(observation), None)
    pilot = (clean + 0.02).clamp(0, 1)
    whitened = noise.whitened(observation, pilot)
    restored = whitened.restore(whitened.observation)
    seen = noise.observed(observation)
    assert whitened.variance == 0
    assert torch.equal(restored[seen], observation[seen])
    # What the pilot lacks everywhere is found at the neighbours.
    assert float((restored - clean)[~seen].abs().median()) < 0.005


def test_strips_make_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    observation = noisy(photo(), NoiseName.IMPULSE, 0.2)
    whole = hit_samples(observation)
    monkeypatch.setattr("pipcli.noise.impulse.STRIP", 17)
    assert torch.equal(hit_samples(observation), whole)
