"""What follows the fit, one row a task and quality."""

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


def falling(highest: float, lowest: float, count: int, patches: Patches) -> Splitting:
    """Return a splitting in `count` rounds whose standard deviations, in grey levels, fall by a factor."""
    return Splitting(tuple(Round(std / 255, patches) for std in geometric(highest, lowest, count)))


# Where more than noise became of the picture; all other tasks take `FINISH`.
TASK_FINISH = {
    "sr": {
        Quality.DRAFT: FinishSettings(splitting=falling(12, 3, 3, SMALL_PATCHES)),
        Quality.STANDARD: FinishSettings(splitting=falling(20, 2, 8, SMALL_PATCHES)),
        Quality.BEST: FinishSettings(splitting=falling(20, 2, 8, SMALL_PATCHES)),
    },
    "inpaint": {
        Quality.DRAFT: FinishSettings(splitting=falling(12, 3, 3, SMALL_PATCHES)),
        Quality.STANDARD: FinishSettings(splitting=falling(20, 2, 8, SMALL_PATCHES)),
        Quality.BEST: FinishSettings(splitting=falling(20, 2, 8, SMALL_PATCHES)),
    },
}
