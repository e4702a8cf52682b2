"""Learned features at the corners of grids of several resolutions, the finer ones looked up by a hash.

Source: Müller, Evans, Schied and Keller, "Instant Neural Graphics Primitives with a Multiresolution Hash Encoding"
(SIGGRAPH 2022), with its hash and its resolutions.

There a pixel looks up the four corners around it. Here all pixels of a picture are wanted, in rows and columns: the
corners of a grid are looked up once each (not at all where every corner has an entry of its own), and the bilinear
interpolation is a product with a matrix on each side. That is a fraction of the memory traffic, and the gradients,
sums over the pixels, come in the same order every time.

The entries begin near zero and grow by small steps that bfloat16 would round away: tables and interpolation are float32
on all devices. The network that follows need not be (it loses less than 0.1 dB).
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.priors.base import Encoding
from pipcli.priors.layers import Generators, uniform
from pipcli.settings import HashGrid

PRIME = 2_654_435_761


class HashFeatures(Encoding):
    """Features of K members, with tables of their own, all levels in one parameter."""

    def __init__(self, settings: HashGrid, size: tuple[int, int], generators: Generators) -> None:
        """Draw the tables for pictures of a size (height, width), whose cells are squares of pixels."""
        super().__init__()
        self.settings = settings
        height, width = size
        # Cells along each side; along the shorter one they may end beyond the picture.
        self.spans = [
            (resolution * height / max(size), resolution * width / max(size))
            for resolution in resolutions(settings, max(size))
        ]
        self.cells = [(math.ceil(high), math.ceil(wide)) for high, wide in self.spans]
        corners = [(rows + 1) * (columns + 1) for rows, columns in self.cells]
        self.entries: list[int] = [min(count, 2**settings.table_bits) for count in corners]
        for level, (count, entries) in enumerate(zip(corners, self.entries, strict=True)):
            if count > entries:
                places = _hashed(self.cells[level], settings.table_bits)
                self.register_buffer(f"places_{level}", places, persistent=False)
        self.tables = uniform((sum(self.entries), settings.features), settings.amplitude, generators)
        self._last: tuple[Tensor, list[tuple[Tensor, Tensor]]] | None = None

    @property
    def channels(self) -> int:
        """Number of feature maps: those of all levels."""
        return self.settings.levels * self.settings.features

    def forward(self, coords: Tensor) -> Tensor:
        """Map the (1, 2, H, W) coordinates of rows and columns to (K, channels, H, W) features."""
        matrices = self._matrices(coords)
        tables = torch.split(self.tables, self.entries, dim=1)
        levels = [
            rows @ self._corners(level, table) @ columns.mT
            for level, (table, (rows, columns)) in enumerate(zip(tables, matrices, strict=True))
        ]
        layout = torch.channels_last if coords.device.type == "cpu" else torch.contiguous_format
        return torch.cat(levels, dim=1).contiguous(memory_format=layout)

    def _corners(self, level: int, table: Tensor) -> Tensor:
        """Return the (K, features, rows, columns) features at a level's corners from its (K, entries, features)."""
        rows, columns = self.cells[level]
        if (rows + 1) * (columns + 1) == table.shape[1]:
            return table.view(len(table), rows + 1, columns + 1, -1).permute(0, 3, 1, 2)
        # As one table whose entries hold all members: a look-up is then a row, not a few numbers here and there.
        members, entries, features = table.shape
        found = F.embedding(
            self.get_buffer(f"places_{level}"), table.transpose(0, 1).reshape(entries, members * features)
        )
        return found.T.reshape(members, features, rows + 1, columns + 1)

    def _matrices(self, coords: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return each level's interpolation along y (H, rows + 1) and along x (W, columns + 1), made once a grid."""
        if self._last is None or self._last[0] is not coords:
            y, x = coords[0, 0, :, 0], coords[0, 1, 0, :]
            matrices = [
                (_interpolation(y * high, rows), _interpolation(x * wide, columns))
                for (rows, columns), (high, wide) in zip(self.cells, self.spans, strict=True)
            ]
            self._last = (coords, matrices)
        return self._last[1]


def resolutions(settings: HashGrid, longer: int) -> list[int]:
    """Return the cells of each level along the longer side, given in pixels: equation 2 and 3 of the paper."""
    finest = max(settings.coarsest, longer / settings.finest_cell)
    growth = (finest / settings.coarsest) ** (1 / max(1, settings.levels - 1))
    # A whole number that comes out a little too small is not to lose a cell.
    return [math.floor(settings.coarsest * growth**level + 1e-6) for level in range(settings.levels)]


def _hashed(cells: tuple[int, int], bits: int) -> Tensor:
    """Return the entry of each corner, row by row: equation 4 of the paper."""
    rows, columns = (torch.arange(count + 1) for count in cells)
    mixed = torch.bitwise_xor(columns, (rows * PRIME)[:, None])
    return torch.remainder(mixed, 2**bits).flatten()


def _interpolation(positions: Tensor, cells: int) -> Tensor:
    """Return the (positions, cells + 1) weights of the corners for positions in cells from the first corner."""
    corners = torch.arange(cells + 1, device=positions.device)
    return (1 - (positions[:, None] - corners).abs()).clamp(min=0)
