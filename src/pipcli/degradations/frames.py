"""A degradation of pictures, applied to each frame of a block."""

from typing import final

from torch import Tensor, nn

from pipcli.degradations.base import Degradation


@final
class FrameByFrame(nn.Module):
    """A degradation of pictures as one of blocks of frames (K, C, T, H, W); what it learns holds for all frames."""

    def __init__(self, degradation: Degradation) -> None:
        """Take what happened to each frame."""
        super().__init__()
        self.degradation = degradation

    def forward(self, block: Tensor) -> Tensor:
        """Map a (K, C, T, H, W) block to the (K, C, T, h, w) observation that it would give without noise."""
        observation: Tensor = self.degradation(_pictures(block))
        return _block(observation, len(block))

    def data_term(self, prediction: Tensor, observation: Tensor) -> Tensor:
        """Return the misfit of each sample, (K, C, T, h, w)."""
        misfit = self.degradation.data_term(_pictures(prediction), _pictures(observation))
        return _block(misfit, len(prediction))


def _pictures(block: Tensor) -> Tensor:
    """View a (K, C, T, H, W) block as K T pictures."""
    return block.transpose(1, 2).flatten(0, 1)


def _block(pictures: Tensor, members: int) -> Tensor:
    """View pictures as the (K, C, T, H, W) block of some members."""
    return pictures.reshape(members, -1, *pictures.shape[1:]).transpose(1, 2)
