"""Settings of generators: a record for each kind of encoding and of network."""

from dataclasses import dataclass
from enum import StrEnum


class Sampling(StrEnum):
    """How the hourglass halves a map: the mean of each 2x2 block, or its top-left pixel."""

    MEAN = "mean"
    POINT = "point"


class Merge(StrEnum):
    """How the hourglass joins a skip branch and the up-sampled deeper branch before their convolution."""

    SUM = "sum"
    CONCATENATE = "concatenate"


class Upsampling(StrEnum):
    """How a map is doubled: bilinearly, each pixel four times, or by a transposed convolution with learned weights."""

    BILINEAR = "bilinear"
    NEAREST = "nearest"
    LEARNED = "learned"


class Grid(StrEnum):
    """Where the coordinates 0 and 1 lie: on the picture's edges (pixel centres inside), or on its corner pixels."""

    CENTRES = "centres"
    CORNERS = "corners"


@dataclass(frozen=True)
class AxisWaves:
    """Fourier features that vary along x or along y alone: the published input of PIP.

    Attributes:
        frequencies: in radians per picture side, ascending.
        times: of waves along time alone, in radians per block of frames, ascending; of no use to pictures.
    """

    frequencies: tuple[float, ...]
    times: tuple[float, ...] = ()


@dataclass(frozen=True)
class LearnedWaves:
    """Fourier features along x or y alone whose frequencies, the same for both axes, are fitted with the network.

    Attributes:
        frequencies: at the start, in radians per picture side, ascending.
        jitter: standard deviation of the Gaussian noise, in radians per side, that they get anew at every step.
    """

    frequencies: tuple[float, ...]
    jitter: float


@dataclass(frozen=True)
class CompassWaves:
    """Fourier features along x, y and both diagonals, from periods longer than the picture down to a few pixels.

    Attributes:
        count: number of frequencies, the same in each of the four directions, a constant factor apart.
        lowest: the lowest in radians per longer side of the picture.
        shortest_period: of the highest, in pixels.
    """

    count: int
    lowest: float
    shortest_period: float


@dataclass(frozen=True)
class OctaveWaves:
    """The coordinates, and Fourier features along each axis from one period a side in octaves: NeRF's encoding.

    Attributes:
        shortest_period: no frequency has one below this, in pixels.
    """

    shortest_period: float


@dataclass(frozen=True)
class Coordinates:
    """The coordinates as they are, from -1 to 1 along the longer side.

    Attributes:
        pace: where frames are made together, a frame is as long in time as this many pixels are in space.
    """

    pace: float = 1.0


@dataclass(frozen=True)
class HashGrid:
    """Learned features at the corners of grids of several resolutions, between which they are interpolated.

    Attributes:
        levels: number of grids, whose resolutions are a constant factor apart.
        features: numbers at each corner.
        coarsest: cells of the coarsest grid along the longer side.
        finest_cell: side of the finest grid's cells, in pixels.
        table_bits: a grid with more than 2^table_bits corners shares that many entries among them by a hash.
        amplitude: the features begin uniform in [-amplitude, amplitude].
        pace: where frames are made together, a frame is as long in time as this many pixels are in space.
    """

    levels: int
    features: int
    coarsest: int
    finest_cell: float
    table_bits: int
    amplitude: float
    pace: float = 1.0


@dataclass(frozen=True)
class NoiseSettings:
    """Fixed noise, the input of DIP.

    Attributes:
        channels: maps of noise.
        amplitude: the noise is uniform in [0, amplitude].
        jitter: standard deviation of the Gaussian noise that is added anew at every step.
        halvings: how many times the maps are half the size of the picture.
    """

    channels: int
    amplitude: float
    jitter: float
    halvings: int = 0


@dataclass(frozen=True)
class HourglassSettings:
    """The shape of the hourglass network.

    Attributes:
        widths: channels of each scale, finest first.
        skip_widths: channels of each scale's skip branch.
        kernel_size: 1 (PIP) or 3 (DIP), of all convolutions but the skip branch's and the second of each up stage.
        sampling: how a map is halved.
        merge: how the two branches of a scale are joined.
        redundant_biases: whether convolutions that a normalisation follows carry a bias, which it cancels.
        upsampling: how a map is doubled, bilinearly or to the nearest.
        shortest_course: where frames are made together, scale and shift of each normalisation change with time, in
            waves of this period at least, in frames; None for normalisation of all frames by the same numbers.
    """

    widths: tuple[int, ...]
    skip_widths: tuple[int, ...]
    kernel_size: int
    sampling: Sampling
    merge: Merge
    redundant_biases: bool
    upsampling: Upsampling = Upsampling.BILINEAR
    shortest_course: float | None = None


@dataclass(frozen=True)
class UNetSettings:
    """The shape of DIP's U-Net.

    Attributes:
        widths: channels of each scale, finest first.
        upsampling: how a map is doubled, bilinearly or with learned weights.
        zero_padding: whether convolutions see zeros beyond the edges, or the map reflected.
        normalised_ups: whether maps are normalised on the way up, too.
    """

    widths: tuple[int, ...]
    upsampling: Upsampling
    zero_padding: bool
    normalised_ups: bool


@dataclass(frozen=True)
class ResNetSettings:
    """The shape of DIP's residual network, which has one scale.

    Attributes:
        blocks: number of residual blocks.
        width: channels of each.
        zero_padding: whether the blocks see zeros beyond the edges, or the map reflected.
    """

    blocks: int
    width: int
    zero_padding: bool


@dataclass(frozen=True)
class MlpSettings:
    """The shape of a coordinate network with ReLUs.

    Attributes:
        width: channels of each hidden layer.
        layers: number of them.
    """

    width: int
    layers: int


@dataclass(frozen=True)
class SirenSettings:
    """The shape of a coordinate network with sines (SIREN).

    Attributes:
        width: channels of each hidden layer.
        layers: number of them.
        omega: factor before the first sine, in radians per half of the longer side: what the network sees at once.
        hidden_omega: factor before the other sines.
    """

    width: int
    layers: int
    omega: float
    hidden_omega: float


@dataclass(frozen=True)
class DecoderSettings:
    """The shape of the deep decoder.

    Attributes:
        width: channels of all scales.
        doublings: how many times a map is doubled, from the noise to the picture.
    """

    width: int
    doublings: int


Encoding = AxisWaves | LearnedWaves | CompassWaves | OctaveWaves | Coordinates | HashGrid | NoiseSettings
Network = HourglassSettings | UNetSettings | ResNetSettings | MlpSettings | SirenSettings | DecoderSettings
