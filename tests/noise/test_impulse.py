"""Hits are found, left out, and replaced; all else stays."""

import pytest
import torch

from pipcli.noise import Evidence
from pipcli.noise.impulse import Impulse, hit_samples, medians_of, shows_impulses
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


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2), (3, 40), (33, 29)])
def test_medians_are_of_the_samples_around_with_edges_repeated(size: tuple[int, int]) -> None:
    picture = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(picture, (2, 2, 2, 2), mode="replicate")
    assert torch.equal(medians_of(picture), padded.unfold(2, 5, 1).unfold(3, 5, 1).flatten(4).median(dim=4).values)


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_strips_of_a_large_picture_say_whether_there_are_hits(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipcli.noise.impulse.MOST_SAMPLES", 3 * 16 * 160)
    monkeypatch.setattr("pipcli.noise.impulse.STRIP", 16)
    sizes = []
    monkeypatch.setattr("pipcli.noise.impulse.medians_of", lambda part: sizes.append(part.numel()) or medians_of(part))
    observation = noisy(photo(), NoiseName.IMPULSE, share) if share else photo()
    observation = observation.clone()
    observation[..., :4, :], observation[..., -4:, :] = 0, 1  # black and white that are no hits
    assert shows_impulses(observation, 0.01) == (share > 0)
    assert all(size <= observation.numel() / 2 for size in sizes)
