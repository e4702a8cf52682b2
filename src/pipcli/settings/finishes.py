"""Settings of the refinement after the fit: one row for each task and quality."""

from dataclasses import replace

from pipcli.settings.deblurring import KERNEL
from pipcli.settings.names import Quality
from pipcli.settings.records import BranchSettings, FinishSettings, Patches, Round, Splitting
from pipcli.settings.rows import geometric

SMALL_PATCHES = Patches(side=4, stride=3, radius=12, similar=40, noise_factor=0.8)
LARGE_PATCHES = Patches(side=6, stride=4, radius=14, similar=70, noise_factor=0.85)
BRANCH = BranchSettings(width=48, scales=3, steps=1000, learning_rate=2e-3, crop=128, recorruption=0.5)
FINISH = {
    Quality.DRAFT: FinishSettings((SMALL_PATCHES,)),
    Quality.STANDARD: FinishSettings((SMALL_PATCHES, SMALL_PATCHES, LARGE_PATCHES)),
    Quality.BEST: FinishSettings((SMALL_PATCHES, SMALL_PATCHES, SMALL_PATCHES, LARGE_PATCHES), BRANCH),
}
# Patches are followed through five frames, which tell so much more of each that small ones without overlap do.
CLIP_PATCHES = Patches(side=4, stride=4, radius=10, similar=60, noise_factor=0.8, frames=5)
# Larger ones at the end.
CLIP_PASSES = (CLIP_PATCHES,) * 3 + (replace(CLIP_PATCHES, side=6, stride=5, similar=80, noise_factor=0.85),)
CLIP_FINISH = {
    Quality.DRAFT: FinishSettings((CLIP_PATCHES,)),
    Quality.STANDARD: FinishSettings(CLIP_PASSES),
    Quality.BEST: FinishSettings(CLIP_PASSES, replace(BRANCH, frames=5)),
}


def falling(highest: float, lowest: float, count: int, patches: Patches) -> tuple[Round, ...]:
    """Return `count` rounds with standard deviations from `highest` to `lowest`, in grey levels, a factor apart."""
    return tuple(Round(level / 255, patches) for level in geometric(highest, lowest, count))


def _split(highest: float, lowest: float, count: int, momentum: float) -> FinishSettings:
    rounds = falling(highest, lowest, count, SPLIT_PATCHES)
    return FinishSettings(splitting=Splitting(rounds, momentum, weights=NETWORKS_WEIGHTS))


def _split_of_mask(
    highest: float, lowest: float, count: int, momentum: float, filling: tuple[Patches, ...]
) -> FinishSettings:
    rounds = falling(highest, lowest, count, SPLIT_PATCHES)
    filled = tuple(Round(FILLING_STD, patches) for patches in filling)
    return FinishSettings(splitting=Splitting(rounds, momentum, weights=NETWORKS_WEIGHTS, filling=filled))


def _split_of_blur(highest: float, lowest: float, count: int, momentum: float) -> FinishSettings:
    rounds = falling(highest, lowest, count, SPLIT_PATCHES)
    return FinishSettings(splitting=Splitting(rounds, momentum, least_std=BLUR_STD))


# No blur is quite the same all over a picture, and no kernel is known quite: what it says is wrong by this, at least.
BLUR_STD = KERNEL.least_std
NETWORKS_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
SPLIT_PATCHES = Patches(side=5, stride=4, radius=8, similar=50, noise_factor=1.0)
FILL_PATCHES = Patches(side=5, stride=2, radius=8, similar=50, noise_factor=1.0)
FINE_PATCHES = Patches(side=7, stride=2, radius=10, similar=70, noise_factor=1.0)
# Patches that look alike in the picture as it stands differ by this at least, in [0, 1] units.
FILLING_STD = 1.5 / 255
# Frames in which patches are followed where the picture is brought to its observation by turns.
SPLIT_FRAMES = 3
# What brings a picture to an observation through a known linear map; all other tasks take `FINISH`.
# With a flash picture the networks' own is the result: what filters took from the dark one would be its coarse noise.
TASK_FINISH = {
    "flash": dict.fromkeys(Quality, FinishSettings()),
    "sr": {
        Quality.DRAFT: _split(40.0, 10.0, 8, momentum=0.75),
        Quality.STANDARD: _split(50.0, 5.0, 16, momentum=0.85),
        Quality.BEST: _split(50.0, 5.0, 28, momentum=0.85),
    },
    "inpaint": {
        Quality.DRAFT: _split_of_mask(20.0, 4.0, 8, momentum=0.75, filling=(FILL_PATCHES,)),
        Quality.STANDARD: _split_of_mask(20.0, 2.0, 20, momentum=0.8, filling=(FILL_PATCHES,) * 3 + (FINE_PATCHES,)),
        Quality.BEST: _split_of_mask(20.0, 1.0, 40, momentum=0.8, filling=(FILL_PATCHES,) * 4 + (FINE_PATCHES,) * 2),
    },
    "deblur": {
        Quality.DRAFT: _split_of_blur(40.0, 10.0, 8, momentum=0.75),
        Quality.STANDARD: _split_of_blur(60.0, 5.0, 16, momentum=0.8),
        Quality.BEST: _split_of_blur(60.0, 4.0, 28, momentum=0.8),
    },
}


def _of_clip(row: FinishSettings) -> FinishSettings:
    """Return what follows for a clip: rounds whose patches are followed."""
    if row.splitting is None:
        return row
    rounds = tuple(replace(step, patches=replace(step.patches, frames=SPLIT_FRAMES)) for step in row.splitting.rounds)
    return replace(row, splitting=replace(row.splitting, rounds=rounds))


CLIP_TASK_FINISH = {
    task: {quality: _of_clip(row) for quality, row in rows.items()} for task, rows in TASK_FINISH.items()
}
