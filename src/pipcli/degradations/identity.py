"""Nothing but noise: y = x + n."""

from torch import Tensor

from pipcli.degradations.base import Degradation


class Identity(Degradation):
    """The degradation of denoising."""

    def forward(self, picture: Tensor) -> Tensor:
        """Return the (N, C, H, W) picture itself."""
        return picture

    def target_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return `size`."""
        return size
