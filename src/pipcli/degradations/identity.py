"""The identity: y = x + n."""

from typing import ClassVar

from torch import Tensor

from pipcli.degradations.base import Degradation


class Identity(Degradation):
    """The degradation of denoising, and of a picture with holes, which the fit does not look at."""

    tells_error: ClassVar[bool] = True

    def forward(self, picture: Tensor) -> Tensor:
        """Return the (N, C, H, W) picture itself."""
        return picture

    def target_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return `size`."""
        return size
