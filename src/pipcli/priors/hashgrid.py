"""Multiresolution hash encoding: learned features at the corners of several grids, the finer ones hashed.

Source: Müller, Evans, Schied and Keller, "Instant Neural Graphics Primitives with a Multiresolution Hash Encoding"
(SIGGRAPH 2022), with its hash and its resolutions.

There a pixel looks up the four corners around it. Here all pixels of a picture are wanted, in rows and columns: the
corners of a grid are looked up once each (not at all where every corner has an entry of its own), and the bilinear
interpolation is a product with a matrix on each side. That is a fraction of the memory traffic, and the gradients,
sums over the pixels, come in the same order every time. Blocks of frames have a grid in time as well.

The entries begin near zero and grow by small steps that bfloat16 would round away: tables and interpolation are float32
on all devices. The network that follows may be bfloat16.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.priors.base import Encoding
from pipcli.priors.encodings import layout_for
from pipcli.priors.layers import Generators, uniform
from pipcli.settings import HashGrid

# Of the hash, for y and for the time.
PRIME, PRIME_OF_TIME = 2_654_435_761, 805_459_861


class HashFeatures(Encoding):
    """Features of K members, with tables of their own, all levels in one parameter."""

    def __init__(self, settings: HashGrid, size: tuple[int, ...], generators: Generators) -> None:
        """Draw the tables for pictures of a size (height, width), whose cells are squares of pixels.

        Or for blocks of a size (frames, height, width), whose cells are cubes where a frame is as long as the settings'
        pace says.
        """
        super().__init__()
        self.settings = settings
        *frames, height, width = size
        longer = max(height, width)
        lengths = (*[count * settings.pace for count in frames], height, width)
        # Cells along each axis; along the shorter ones they may end beyond the picture.
        self.spans = [
            tuple(resolution * length / longer for length in lengths) for resolution in resolutions(settings, longer)
        ]
        self.cells = [tuple(math.ceil(span) for span in spans) for spans in self.spans]
        self.frames = frames[0] if frames else 1
        corners = [math.prod(count + 1 for count in cells) for cells in self.cells]
        self.entries: list[int] = [min(count, 2**settings.table_bits) for count in corners]
        for level, (count, entries) in enumerate(zip(corners, self.entries, strict=True)):
            if count > entries:
                places = _hashed(self.cells[level], settings.table_bits)
                self.register_buffer(f"places_{level}", places, persistent=False)
        self.tables = uniform((sum(self.entries), settings.features), settings.amplitude, generators)
        self._last: tuple[Tensor, list[tuple[Tensor, ...]]] | None = None

    @property
    def channels(self) -> int:
        """Number of feature maps: those of all levels."""
        return self.settings.levels * self.settings.features

    def forward(self, coords: Tensor) -> Tensor:
        """Map the coordinates of rows and columns (and frames) to (K, channels, ..., H, W) features."""
        tables = torch.split(self.tables, self.entries, dim=1)
        levels = [
            _interpolated(self._corners(level, table), matrices)
            for level, (table, matrices) in enumerate(zip(tables, self._matrices(coords), strict=True))
        ]
        joined = torch.cat(levels, dim=1)
        return joined.contiguous(memory_format=layout_for(joined))

    def _corners(self, level: int, table: Tensor) -> Tensor:
        """Return the (K, features, ..., rows, columns) at a level's corners from its (K, entries, features)."""
        sides = [count + 1 for count in self.cells[level]]
        if math.prod(sides) == table.shape[1]:
            return table.view(len(table), *sides, -1).movedim(-1, 1)
        # As one table whose entries hold all members: a look-up is then a row, not a few numbers here and there.
        members, entries, features = table.shape
        found = F.embedding(
            self.get_buffer(f"places_{level}"), table.transpose(0, 1).reshape(entries, members * features)
        )
        return found.T.reshape(members, features, *sides)

    def _matrices(self, coords: Tensor) -> list[tuple[Tensor, ...]]:
        """Return each level's interpolation (length, cells + 1) along time, y and x, made once a grid."""
        if self._last is None or self._last[0] is not coords:
            first = coords[0] if coords.ndim == 4 else coords[0, :, 0]
            axes = [first[-2, :, 0], first[-1, 0, :]]
            if coords.ndim == 5:
                axes.insert(0, (coords[0, 0, :, 0, 0] + 0.5) / self.frames)
            matrices = [
                tuple(_interpolation(axis * span, count) for axis, span, count in zip(axes, spans, cells, strict=True))
                for cells, spans in zip(self.cells, self.spans, strict=True)
            ]
            self._last = (coords, matrices)
        return self._last[1]


def _interpolated(corners: Tensor, matrices: tuple[Tensor, ...]) -> Tensor:
    """Return (K, features, ..., H, W) features from those at the corners, by a matrix along each axis."""
    *times, rows, columns = matrices
    for time in times:
        corners = torch.einsum("tf,kcfyx->kctyx", time, corners)
    return rows @ corners @ columns.mT


def resolutions(settings: HashGrid, longer: int) -> list[int]:
    """Return the cells of each level along the longer side, given in pixels: equation 2 and 3 of the paper."""
    finest = max(settings.coarsest, longer / settings.finest_cell)
    growth = (finest / settings.coarsest) ** (1 / max(1, settings.levels - 1))
    # A whole number that comes out a little too small is not to lose a cell.
    return [math.floor(settings.coarsest * growth**level + 1e-6) for level in range(settings.levels)]


def _hashed(cells: tuple[int, ...], bits: int) -> Tensor:
    """Return the entry of each corner, row by row and frame by frame: equation 4 of the paper."""
    *frames, rows, columns = (torch.arange(count + 1) for count in cells)
    mixed = torch.bitwise_xor(columns, (rows * PRIME)[:, None])
    for times in frames:
        mixed = torch.bitwise_xor(mixed, (times * PRIME_OF_TIME)[:, None, None])
    return torch.remainder(mixed, 2**bits).flatten()


def _interpolation(positions: Tensor, cells: int) -> Tensor:
    """Return the (positions, cells + 1) weights of the corners for positions in cells from the first corner."""
    corners = torch.arange(cells + 1, device=positions.device)
    return (1 - (positions[:, None] - corners).abs()).clamp(min=0)
