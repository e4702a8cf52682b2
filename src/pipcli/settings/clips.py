"""The rows of clips: how the generators of blocks of frames are built and fitted, ours and as published.

All frames of a window are in every step. The published rows are those of Shabtay, Schwartz and Giryes, "PIP:
Positional-encoding Image Prior" (2022), and of the code that came with it. There one network sees a clip in batches of
six frames, in their order, with a step for each; it normalises each batch by itself, and frames that fill no batch come
out black. Here a window is a batch, with a network of its own and as many steps as there are passes over the clip.
"""

from dataclasses import replace

from pipcli.settings.generators import AxisWaves, Grid, HourglassSettings, Merge, NoiseSettings, Sampling, Upsampling
from pipcli.settings.names import PriorName
from pipcli.settings.records import FitSettings, Settings, Tiles
from pipcli.settings.rows import DIP, PIP, PRESETS, PUBLISHED_FREQUENCIES, geometric

# Frames of a window, ours and as published.
WINDOW_FRAMES, PUBLISHED_WINDOW_FRAMES = 9, 6

# Windows of the picture overlap less than a photo's: each has all frames to average over.
TILES = Tiles(side=128, stride=112)
CLIP_PRESETS = {
    PriorName.PIP: replace(
        PIP,
        network=HourglassSettings(
            (32, 64), (32, 32), 1, Sampling.MEAN, Merge.SUM, redundant_biases=False, shortest_course=6.0
        ),
        fit=FitSettings(steps=200, learning_rate=0.02, average_decay=0.95),
        tiles=TILES,
    ),
    # In three dimensions a kernel has three times the products: half the width, and fewer scales.
    PriorName.DIP: replace(
        DIP,
        network=HourglassSettings((16, 32, 64, 64), (4,) * 4, 3, Sampling.MEAN, Merge.SUM, redundant_biases=False),
        fit=FitSettings(steps=150, learning_rate=0.01, average_decay=0.93),
        tiles=TILES,
    ),
    PriorName.SIREN: replace(PRESETS[PriorName.SIREN], tiles=TILES),
    PriorName.HASH: replace(PRESETS[PriorName.HASH], tiles=TILES),
}

PUBLISHED_TIMES = geometric(1.0, 2.0 ** (8 / 7), 8)
PUBLISHED_STEPS = {"denoise": 5000, "sr": 10_000}


def _published_pip(steps: int) -> Settings:
    network = HourglassSettings(
        (256,) * 6,
        (8,) * 6,
        1,
        Sampling.POINT,
        Merge.CONCATENATE,
        redundant_biases=True,
        upsampling=Upsampling.BILINEAR,
    )
    fit = FitSettings(steps, learning_rate=0.01, average_decay=0.0)
    return Settings(AxisWaves(PUBLISHED_FREQUENCIES, PUBLISHED_TIMES), network, fit, Grid.CORNERS)


def _published_dip(steps: int) -> Settings:
    widths = (16, 32, 64, 128, 128, 128)
    network = HourglassSettings(
        widths, (4,) * 6, 3, Sampling.POINT, Merge.CONCATENATE, redundant_biases=True, upsampling=Upsampling.NEAREST
    )
    # The published noise is one picture for all frames, from which only a clip that stands still can come.
    noise = NoiseSettings(channels=32, amplitude=0.1, jitter=0.0)
    return Settings(noise, network, FitSettings(steps, learning_rate=0.01, average_decay=0.0))


CLIP_PUBLISHED = {
    (task, prior): build(steps)
    for task, steps in PUBLISHED_STEPS.items()
    for prior, build in ((PriorName.PIP, _published_pip), (PriorName.DIP, _published_dip))
}
