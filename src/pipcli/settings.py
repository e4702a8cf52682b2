"""Every number that a restoration runs with, written once; imports no torch, so that `--help` is instant.

`PRESETS` holds our settings and `PUBLISHED` those of the papers, one row a (task, prior). A command takes a row with
`preset` and replaces what the user said.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from pipcli.errors import UnusableInputError


class PriorName(StrEnum):
    """The generators by the names that a user types."""

    PIP = "pip"
    DIP = "dip"


class Quality(StrEnum):
    """How much time to spend: a preview, the default, or a branch that sees the noisy picture beside the prior."""

    DRAFT = "draft"
    STANDARD = "standard"
    BEST = "best"


class StopName(StrEnum):
    """The stop rules by the names that a user types."""

    HELD_OUT = "held-out"
    DISCREPANCY = "discrepancy"
    VARIANCE = "variance"
    NONE = "none"


class NoiseName(StrEnum):
    """The kinds of noise by the names that a user types; auto is the one that the picture shows."""

    AUTO = "auto"
    GAUSSIAN = "gaussian"
    POISSON = "poisson"
    LAPLACE = "laplace"
    IMPULSE = "impulse"
    SPECKLE = "speckle"
    JPEG = "jpeg"


class Sampling(StrEnum):
    """How the hourglass halves a map: the mean of each 2x2 block, or its top-left pixel."""

    MEAN = "mean"
    POINT = "point"


class Merge(StrEnum):
    """How the hourglass joins a skip branch and the up-sampled deeper branch before their convolution."""

    SUM = "sum"
    CONCATENATE = "concatenate"


class Grid(StrEnum):
    """Where the coordinates 0 and 1 lie: on the picture's edges (pixel centres inside), or on its corner pixels."""

    CENTRES = "centres"
    CORNERS = "corners"


@dataclass(frozen=True)
class AxisWaves:
    """Fourier features that vary along x or along y alone: the published input of PIP.

    Attributes:
        frequencies: in radians per picture side, ascending.
    """

    frequencies: tuple[float, ...]


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
class NoiseSettings:
    """Fixed noise, the input of DIP.

    Attributes:
        channels: maps of noise.
        amplitude: the noise is uniform in [0, amplitude].
        jitter: standard deviation of the Gaussian noise that is added anew at every step.
    """

    channels: int
    amplitude: float
    jitter: float


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
    """

    widths: tuple[int, ...]
    skip_widths: tuple[int, ...]
    kernel_size: int
    sampling: Sampling
    merge: Merge
    redundant_biases: bool


@dataclass(frozen=True)
class FitSettings:
    """How the generator is fitted.

    Attributes:
        steps: upper bound of the optimiser's steps of one member.
        learning_rate: Adam's.
        average_decay: weight of the past in the running average of the outputs, in [0, 1).
        held_out_fraction: share of the pixels that no member's loss sees, in [0, 1).
        members: networks that are fitted to each window and averaged.
    """

    steps: int
    learning_rate: float
    average_decay: float
    held_out_fraction: float = 0.0
    members: int = 1


@dataclass(frozen=True)
class Tiles:
    """Windows of the picture that get a network each; where they overlap, the networks' answers average.

    Attributes:
        side: of a window, in pixels; a smaller picture is one window.
        stride: length in pixels that has a window of its own: (side / stride)^2 networks see a pixel on average.
    """

    side: int
    stride: int


@dataclass(frozen=True)
class Patches:
    """Which patches a pass of the non-local filter looks at.

    Attributes:
        side: of a patch, in pixels.
        stride: of the grid around whose patches similar ones are looked for, in pixels, at most `side`.
        radius: how far off, along each axis, they are looked for, in pixels.
        similar: how many are taken together.
        noise_factor: the noise is counted this many times.
    """

    side: int
    stride: int
    radius: int
    similar: int
    noise_factor: float

    def fit(self, height: int, width: int) -> bool:
        """Return whether a picture is large enough for them: each side at least twice as long as one."""
        return min(height, width) >= 2 * self.side


@dataclass(frozen=True)
class BranchSettings:
    """The network that sees the noisy picture, and its training by recorrupted pairs.

    Attributes:
        width: channels of each of its scales.
        scales: how many, each half the size of the one before.
        steps: of its optimiser for a picture of 256x256; others get as many more or fewer as they have pixels.
        learning_rate: Adam's highest, which falls as a cosine.
        crop: side of the part of the picture that a step sees, in pixels, a multiple of 2^(scales - 1).
        recorruption: strength of the noise that is added to the input, in units of the picture's own.
    """

    width: int
    scales: int
    steps: int
    learning_rate: float
    crop: int
    recorruption: float


@dataclass(frozen=True)
class FinishSettings:
    """What becomes of the networks' picture and the observation when both are there.

    Attributes:
        passes: of the non-local filter, each with the result of the one before as its pilot; none: no filter at all.
        branch: of the network that sees the noisy picture; None for none.
    """

    passes: tuple[Patches, ...] = ()
    branch: BranchSettings | None = None


@dataclass(frozen=True)
class Settings:
    """One row of the preset table: a generator, how it is fitted, and what is made of its picture."""

    encoding: AxisWaves | CompassWaves | NoiseSettings
    hourglass: HourglassSettings
    fit: FitSettings
    grid: Grid = Grid.CENTRES
    tiles: Tiles | None = None
    finish: FinishSettings = FinishSettings()


def geometric(lowest: float, highest: float, count: int) -> tuple[float, ...]:
    """Return `count` frequencies from `lowest` to `highest`, each the same factor above the one before."""
    return tuple(lowest * (highest / lowest) ** (index / (count - 1)) for index in range(count))


PUBLISHED_PIP = Settings(
    AxisWaves(frequencies=geometric(1.0, 2.0**8, 8)),
    HourglassSettings((128,) * 5, (4,) * 5, 1, Sampling.POINT, Merge.CONCATENATE, redundant_biases=True),
    FitSettings(steps=1800, learning_rate=0.01, average_decay=0.99),
    Grid.CORNERS,
)
PUBLISHED_DIP = Settings(
    NoiseSettings(channels=32, amplitude=0.1, jitter=1 / 30),
    HourglassSettings((128,) * 5, (4,) * 5, 3, Sampling.POINT, Merge.CONCATENATE, redundant_biases=True),
    FitSettings(steps=3000, learning_rate=0.01, average_decay=0.99),
)

PIP = Settings(
    CompassWaves(count=12, lowest=1.0, shortest_period=3.5),
    HourglassSettings((32, 64), (16, 32), 1, Sampling.MEAN, Merge.SUM, redundant_biases=False),
    FitSettings(steps=300, learning_rate=0.02, average_decay=0.97),
    tiles=Tiles(side=128, stride=96),
)
DIP = Settings(
    NoiseSettings(channels=32, amplitude=0.1, jitter=0.01),
    HourglassSettings((64,) * 5, (4,) * 5, 3, Sampling.MEAN, Merge.SUM, redundant_biases=False),
    FitSettings(steps=200, learning_rate=0.01, average_decay=0.93),
    tiles=Tiles(side=128, stride=96),
)

PRESETS = {("denoise", PriorName.PIP): PIP, ("denoise", PriorName.DIP): DIP}
PUBLISHED = {("denoise", PriorName.PIP): PUBLISHED_PIP, ("denoise", PriorName.DIP): PUBLISHED_DIP}

SMALL_PATCHES = Patches(side=4, stride=3, radius=12, similar=40, noise_factor=0.8)
LARGE_PATCHES = Patches(side=6, stride=4, radius=14, similar=70, noise_factor=0.85)
BRANCH = BranchSettings(width=48, scales=3, steps=1000, learning_rate=2e-3, crop=128, recorruption=0.5)
FINISH = {
    Quality.DRAFT: FinishSettings((SMALL_PATCHES,)),
    Quality.STANDARD: FinishSettings((SMALL_PATCHES, SMALL_PATCHES, LARGE_PATCHES)),
    Quality.BEST: FinishSettings((SMALL_PATCHES, SMALL_PATCHES, SMALL_PATCHES, LARGE_PATCHES), BRANCH),
}

# Shares of the standard row's steps, and members, of each quality. The average's horizon, the inverse of what the decay
# lacks to one, shrinks with the steps, else the average of a short fit would be of its blurred beginning.
STEP_SHARE = {Quality.DRAFT: 0.25, Quality.STANDARD: 1.0, Quality.BEST: 1.0}
# Members of each window, at least, when the user asks how far they differ.
MEMBERS_TO_COMPARE = 4
# A preview does with barely overlapping windows, the stride being this share of the side, and so do pictures that would
# need more windows than this, each of which has a network in memory.
MOST_STRIDE_SHARE = 0.875
MOST_WINDOWS = 4000
# Tiles are not halved below this side, in pixels, however little memory there is.
SMALLEST_TILE = 64

# The share of the pixels that the held-out rule keeps from the loss, and how long it waits for a new minimum: this
# share of the steps, and never fewer than these.
HELD_OUT_FRACTION = 0.04
PATIENCE_SHARE = 0.05
SHORTEST_PATIENCE = 50

# What a network of the default row makes until it stops, on average over five pictures at sigma 25 (see the README):
# for estimates of the time to expect.
TYPICAL_STEPS = 230

# The published patience of the moving-variance rule.
VARIANCE_PATIENCE = 1000

# The residual at which the discrepancy rule stops, in units of sigma. An estimate that is good and not yet over-fitted
# leaves a residual below the noise: the share that it has fitted, and what clipping to [0, 1] took off the noise.
DISCREPANCY_FACTOR = 0.96
# As a guard beside another rule it only catches a fit that is surely into the noise.
GUARD_FACTOR = 0.88

SIGMA_RANGE = (0.1, 255.0)
# An estimate of sigma below this, in grey levels of 255, is no noise that could be taken out. Of 24 clean pictures,
# those of scikit-image and our example, 18 have less; with noise of sigma 1 only its two drawn chessboards have.
CLEAN_SIGMA = 0.9


@dataclass(frozen=True)
class LevelRange:
    """What --level means for a kind of noise, and its bounds."""

    meaning: str
    least: float
    most: float


LEVELS = {
    NoiseName.POISSON: LevelRange("the number of photons at white", 1, 1e6),
    NoiseName.IMPULSE: LevelRange("the share of hit samples", 0.001, 0.95),
    NoiseName.SPECKLE: LevelRange("the standard deviation as a share of the brightness", 0.001, 2),
    NoiseName.JPEG: LevelRange("the quality", 1, 100),
}


def preset(task: str, prior: PriorName, quality: Quality, *, published: bool) -> Settings:
    """Return the row of a task and prior: the published one as it stands, or ours for a quality.

    Raises:
        UnusableInputError: a quality other than standard was asked of a published row, which knows only one.
    """
    if published:
        if quality is not Quality.STANDARD:
            raise UnusableInputError(f"--paper has one quality, its own: leave out --quality {quality}")
        return PUBLISHED[task, prior]
    row = PRESETS[task, prior]
    share = STEP_SHARE[quality]
    fit = replace(
        row.fit,
        steps=round(row.fit.steps * share),
        average_decay=1 - (1 - row.fit.average_decay) / share,
    )
    tiles = row.tiles
    if tiles is not None and quality is Quality.DRAFT:
        tiles = replace(tiles, stride=round(MOST_STRIDE_SHARE * tiles.side))
    return replace(row, fit=fit, tiles=tiles, finish=FINISH[quality])


@dataclass(frozen=True)
class KernelTry:
    """What differs between two tries to estimate a kernel.

    Attributes:
        sparsity: weight of a pixel with a gradient in the sharp picture, at the start.
        ridge: weight of the squares of the kernel, for each pixel of the part that is looked at.
        least_part: share of the kernel's sum below which a part of it is a speck.
    """

    sparsity: float
    ridge: float
    least_part: float


@dataclass(frozen=True)
class KernelSettings:
    """How the kernel of an unknown blur is estimated.

    Attributes:
        tries: made with each size of the window.
        sizes: of the window where none is given, odd, in pixels.
        rounds: of picture and kernel at each scale.
        steps: of each fit of the kernel.
        sparsity_decay: by which the weight of sparsity falls every round.
        least_sparsity: down to which it falls.
        least_std: standard deviation up to which noise is taken for granted, in [0, 1] units: no blur is quite the same
            all over a picture.
        side: of the part of the picture that is looked at, in pixels.
        polish_rounds: of gradients and kernel, with which the best try is made more probable.
        growth: by how many pixels it may then reach further.
        least_polished_part: share of the kernel's sum below which a part of it is then a speck.
        refit_ridge: weight of the squares of a kernel that is fitted to a restored picture, for each of its pixels.
        refit_steps: of that fit.
    """

    tries: tuple[KernelTry, ...]
    sizes: tuple[int, ...]
    rounds: int
    steps: int
    sparsity_decay: float
    least_sparsity: float
    least_std: float
    side: int
    polish_rounds: int
    growth: int
    least_polished_part: float
    refit_ridge: float
    refit_steps: int


KERNEL = KernelSettings(
    tries=(KernelTry(4e-3, 3e-5, 0.03), KernelTry(8e-3, 1e-5, 0.05)),
    sizes=(15, 23, 31, 47),
    rounds=5,
    steps=40,
    sparsity_decay=0.95,
    least_sparsity=1e-4,
    least_std=0.006,
    side=320,
    polish_rounds=8,
    growth=2,
    least_polished_part=0.02,
    refit_ridge=1e-5,
    refit_steps=60,
)
