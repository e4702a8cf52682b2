"""One generator each for scene, transmission and airlight; their outputs are channels of one picture."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pipcli.priors import Prior

# A colour of exactly 0 or 1 would be infinitely far away for the fit.
_MARGIN = 1e-3


class Colour(nn.Module):
    """A generator of a constant colour."""

    def __init__(self, colours: Tensor) -> None:
        """Start from (K, C, 1, 1) colours in [0, 1]."""
        super().__init__()
        self.logits = nn.Parameter(torch.logit(colours, _MARGIN))

    def before_step(self) -> None:
        """Nothing."""

    def forward(self, coords: Tensor) -> Tensor:
        """Return (K, C, H, W) in [0, 1] for (1, 2, H, W) coordinates."""
        return torch.sigmoid(self.logits).expand(-1, -1, *coords.shape[-2:])


class Known(nn.Module):
    """A known picture in the place of a generator."""

    picture: Tensor

    def __init__(self, picture: Tensor) -> None:
        """Keep the (K, C, H, W) picture, or one of (K, C, 1, 1) that is the same everywhere."""
        super().__init__()
        self.register_buffer("picture", picture)

    def before_step(self) -> None:
        """Nothing."""

    def forward(self, coords: Tensor) -> Tensor:
        """Return the picture in the size of (1, 2, H, W) coordinates."""
        return self.picture.expand(-1, -1, *coords.shape[-2:])


class SideBySide(nn.Module):
    """Generators on the same coordinates whose outputs are concatenated as channels."""

    def __init__(self, parts: Sequence[Prior | Colour | Known]) -> None:
        """Join generators of the same K members."""
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self._parts = tuple(parts)  # the same, by their types

    def before_step(self) -> None:
        """Have each do what it does before a step."""
        for part in self._parts:
            part.before_step()

    def forward(self, coords: Tensor) -> Tensor:
        """Return (K, sum of the channels, H, W)."""
        return torch.cat([part(coords) for part in self._parts], dim=1)
