"""What happened to pictures, done to each frame of a block."""

from fractions import Fraction

import pytest
import torch

from pipcli.degradations import Blur, Degradation, Downsample, FrameByFrame, Identity
from pipcli.noise import Gaussian
from pipcli.settings import KernelName

NOISE = Gaussian.known(0.1)
DEGRADATIONS: list[Degradation] = [
    Identity(NOISE),
    Downsample(NOISE, Fraction(3, 2), KernelName.LANCZOS),
    Blur(NOISE, torch.ones(4, 3) / 12),
]


@pytest.mark.parametrize("degradation", DEGRADATIONS, ids=lambda degradation: type(degradation).__name__)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
def test_each_frame_of_each_member_is_degraded_as_a_picture(
    degradation: Degradation, layout: torch.memory_format, generator: torch.Generator
) -> None:
    block = torch.rand(2, 3, 4, 12, 15, generator=generator).contiguous(memory_format=layout)
    of_frames = FrameByFrame(degradation)
    observed = of_frames(block)
    misfit = of_frames.data_term(observed, torch.zeros_like(observed))
    for member in range(2):
        for frame in range(4):
            alone = degradation(block[member : member + 1, :, frame])
            torch.testing.assert_close(observed[member : member + 1, :, frame], alone)
            torch.testing.assert_close(misfit[member : member + 1, :, frame], alone.square())
