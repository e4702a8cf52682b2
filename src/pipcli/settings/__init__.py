"""All settings of a restoration, each written once; imports no torch, so that `--help` is instant.

`names` are what users type, `generators` and `records` what a row is made of, `rows` the rows: ours and those of the
papers; `finishes` say what follows the fit. A command takes a row with `preset` and replaces what the user said;
`bands` does so with frequencies. Here are the numbers that hold for all rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipcli.errors import UnusableInputError
from pipcli.settings.bands import for_picture, with_max_frequency, with_omega, with_speed
from pipcli.settings.clips import CLIP_PRESETS, CLIP_PUBLISHED, PUBLISHED_WINDOW_FRAMES, WINDOW_FRAMES
from pipcli.settings.deblurring import KERNEL, KernelSettings, KernelTry
from pipcli.settings.dehazing import DEHAZE, DehazeSettings, HazePriors
from pipcli.settings.finishes import (
    BRANCH,
    CLIP_FINISH,
    CLIP_PATCHES,
    CLIP_TASK_FINISH,
    FINISH,
    LARGE_PATCHES,
    SMALL_PATCHES,
    SPLIT_PATCHES,
    TASK_FINISH,
    falling,
)
from pipcli.settings.generators import (
    AxisWaves,
    CompassWaves,
    Coordinates,
    DecoderSettings,
    Encoding,
    Grid,
    HashGrid,
    HourglassSettings,
    LearnedWaves,
    Merge,
    MlpSettings,
    Network,
    NoiseSettings,
    OctaveWaves,
    ResNetSettings,
    Sampling,
    SirenSettings,
    UNetSettings,
    Upsampling,
)
from pipcli.settings.names import KernelName, NoiseName, PriorName, Quality, StopName
from pipcli.settings.records import (
    BranchSettings,
    FinishSettings,
    FitSettings,
    Patches,
    Round,
    Settings,
    Splitting,
    Tiles,
)
from pipcli.settings.rows import (
    BEST_PRESETS,
    DIP,
    PIP,
    PRESETS,
    PUBLISHED,
    PUBLISHED_DIP,
    PUBLISHED_FITS,
    PUBLISHED_PIP,
    TASK_PRESETS,
    geometric,
)

__all__ = [
    "BEST_PRESETS",
    "BRANCH",
    "CLEAN_SIGMA",
    "CLIP_FINISH",
    "CLIP_PATCHES",
    "CLIP_PRESETS",
    "CLIP_PUBLISHED",
    "CLIP_TASK_FINISH",
    "DEHAZE",
    "DIP",
    "DISCREPANCY_FACTOR",
    "FINISH",
    "GUARD_FACTOR",
    "HELD_OUT_FRACTION",
    "KERNEL",
    "LARGE_PATCHES",
    "LEVELS",
    "MEMBERS_TO_COMPARE",
    "MOST_STRIDE_SHARE",
    "MOST_WINDOWS",
    "PIP",
    "PRESETS",
    "PUBLISHED",
    "PUBLISHED_DIP",
    "PUBLISHED_FITS",
    "PUBLISHED_PIP",
    "PUBLISHED_WINDOW_FRAMES",
    "SHORTEST_PATIENCE",
    "SIGMA_RANGE",
    "SMALLEST_TILE",
    "SMALL_PATCHES",
    "SPLIT_PATCHES",
    "STEP_SHARE",
    "TASK_FINISH",
    "TASK_PRESETS",
    "TYPICAL_STEPS",
    "VARIANCE_PATIENCE",
    "WINDOW_FRAMES",
    "AxisWaves",
    "BranchSettings",
    "CompassWaves",
    "Coordinates",
    "DecoderSettings",
    "DehazeSettings",
    "Encoding",
    "FinishSettings",
    "FitSettings",
    "Grid",
    "HashGrid",
    "HazePriors",
    "HourglassSettings",
    "KernelName",
    "KernelSettings",
    "KernelTry",
    "LearnedWaves",
    "LevelRange",
    "Merge",
    "MlpSettings",
    "Network",
    "NoiseName",
    "NoiseSettings",
    "OctaveWaves",
    "Patches",
    "PriorName",
    "Quality",
    "ResNetSettings",
    "Round",
    "Sampling",
    "Settings",
    "SirenSettings",
    "Splitting",
    "StopName",
    "Tiles",
    "UNetSettings",
    "Upsampling",
    "clip_preset",
    "falling",
    "for_picture",
    "geometric",
    "preset",
    "with_max_frequency",
    "with_omega",
    "with_speed",
]

# Of the three generators of dehazing, the scene's says how long all are fitted.
TASK_PRESETS["dehaze", PriorName.PIP] = DEHAZE.scene

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

# The share of the pixels that the held-out rule keeps from the loss, and the fewest steps that it waits for a new
# minimum, whatever the row's patience.
HELD_OUT_FRACTION = 0.04
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
    """Return the row of a prior for a task: the published one as it stands, or ours for a quality.

    Raises:
        UnusableInputError: nothing was published of the prior for the task, or a quality other than standard was asked
            of a published row, which knows only one.
    """
    if published:
        _check_published(quality)
        return _published(task, prior)
    row = TASK_PRESETS.get((task, prior), PRESETS[prior])
    if quality is Quality.BEST:
        row = BEST_PRESETS.get((task, prior), row)
    return _for_quality(row, TASK_FINISH.get(task, FINISH), quality)


def clip_preset(task: str, prior: PriorName, quality: Quality, *, published: bool) -> Settings:
    """Return the row of a prior for a task on clips: the published one as it stands, or ours for a quality.

    Raises:
        UnusableInputError: the prior makes no blocks of frames, nothing was published of it for the task, or a quality
            other than standard was asked of a published row, which knows only one.
    """
    if prior not in CLIP_PRESETS:
        raise UnusableInputError(
            f"--prior {prior} works on single pictures only: add --per-frame, or choose {', '.join(CLIP_PRESETS)}"
        )
    if not published:
        return _for_quality(CLIP_PRESETS[prior], CLIP_TASK_FINISH.get(task, CLIP_FINISH), quality)
    _check_published(quality)
    row = CLIP_PUBLISHED.get((task, prior))
    if row is None:
        there = ", ".join(f"{name} for {other}" for other, name in CLIP_PUBLISHED)
        raise UnusableInputError(
            f"--paper: no settings of {prior} for {task} on clips were published: leave it out, or take {there}"
        )
    return row


def _check_published(quality: Quality) -> None:
    if quality is not Quality.STANDARD:
        raise UnusableInputError(f"--paper has one quality, its own: leave out --quality {quality}")


def _for_quality(row: Settings, finishes: Mapping[Quality, FinishSettings], quality: Quality) -> Settings:
    share = STEP_SHARE[quality]
    fit = replace(
        row.fit,
        steps=round(row.fit.steps * share),
        average_decay=1 - (1 - row.fit.average_decay) / share,
    )
    tiles = row.tiles
    if tiles is not None and quality is Quality.DRAFT:
        tiles = replace(tiles, stride=round(MOST_STRIDE_SHARE * tiles.side))
    return replace(row, fit=fit, tiles=tiles, finish=finishes[quality])


def _published(task: str, prior: PriorName) -> Settings:
    row = PUBLISHED.get((task, prior), PUBLISHED_FITS.get(prior))
    if row is None:
        there = [name for name in PriorName if (task, name) in PUBLISHED or name in PUBLISHED_FITS]
        raise UnusableInputError(
            f"--paper: no settings of {prior} for {task} were published: leave it out, or name {', '.join(there)}"
        )
    return row
