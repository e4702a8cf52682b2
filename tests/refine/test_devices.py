"""What filters or learns leaves no tensor on the CPU: with the device that has no data, that is an error."""

import torch

from pipcli.refine import nonlocal_bayes as bayes
from pipcli.refine import wiener
from pipcli.refine.r2r import Branch
from pipcli.refine.spectrum import NoiseBounds
from pipcli.settings import BRANCH, LARGE_PATCHES
from pipcli.tiles import Window, blend, windows

WHITE = NoiseBounds(0.01, 0.01)


def elsewhere(*size: int) -> torch.Tensor:
    return torch.empty(1, 3, *size, device="meta")


def test_the_filters_stay_where_the_picture_is() -> None:
    picture = elsewhere(64, 70)
    assert wiener._filter(picture, picture, WHITE, Window(0, 0, 64, 70)).is_meta
    padded = bayes.padded(picture, LARGE_PATCHES)
    one_pass = bayes.Pass(padded, padded, WHITE, LARGE_PATCHES, None)
    (sums,) = one_pass.run(one_pass.regions()[0])
    assert sums.samples.is_meta
    assert sums.counts.is_meta
    assert sums.influences.is_meta


def test_parts_are_joined_where_they_are() -> None:
    picture = elsewhere(64, 70)
    assert blend((64, 70), [(window, window.cut(picture)) for window in windows((64, 70), 40, 30)]).is_meta


def test_the_branch_learns_where_the_picture_is() -> None:
    picture = elsewhere(40, 40)
    branch = Branch(picture, torch.empty_like(picture), BRANCH, torch.float32, 0)
    observed, noise = branch._draw()
    assert branch.network(observed + noise).is_meta
    assert branch.denoise(picture).is_meta
