"""The rows: how each generator is built and fitted, ours and as published.

A row of ours serves every task, unless the task has one of its own. Published rows are those of the papers, or of the
code that came with them where a paper leaves a number out:

  * pip: Shabtay, Schwartz and Giryes, "PIP: Positional-encoding Image Prior" (2022).
  * dip, dip-unet, dip-resnet: Ulyanov, Vedaldi and Lempitsky, "Deep Image Prior" (CVPR 2018). The U-Net and the
    residual network are those that it compares in filling in large holes; dip's row for inpainting is that for text.
  * decoder: Heckel and Hand, "Deep Decoder" (ICLR 2019). The noise of 0.005 on the input while inpainting, which fades
    in the first thousands of 40,000 steps, is left out.
  * siren: Sitzmann et al., "Implicit Neural Representations with Periodic Activation Functions" (NeurIPS 2020), and
    mlp, the network with ReLUs on NeRF's encoding that it is compared with there.
  * hash: Müller et al., "Instant Neural Graphics Primitives" (SIGGRAPH 2022), up to the step at which the rate begins
    to fall, with all pixels in each step and plain squared errors.

The last three papers fit a picture as it is: their rows reproduce its noise, too, unless a stop rule is named.
"""

from dataclasses import replace

from pipcli.settings.generators import (
    AxisWaves,
    CompassWaves,
    Coordinates,
    DecoderSettings,
    Grid,
    HashGrid,
    HourglassSettings,
    LearnedWaves,
    Merge,
    MlpSettings,
    NoiseSettings,
    OctaveWaves,
    ResNetSettings,
    Sampling,
    SirenSettings,
    UNetSettings,
    Upsampling,
)
from pipcli.settings.names import PriorName
from pipcli.settings.records import FitSettings, Settings, Tiles


def geometric(lowest: float, highest: float, count: int) -> tuple[float, ...]:
    """Return `count` frequencies from `lowest` to `highest`, each the same factor above the one before."""
    return tuple(lowest * (highest / lowest) ** (index / (count - 1)) for index in range(count))


def _published_hourglass(scales: int, skip_width: int, kernel_size: int, upsampling: Upsampling) -> HourglassSettings:
    widths, skip_widths = (128,) * scales, (skip_width,) * scales
    return HourglassSettings(
        widths,
        skip_widths,
        kernel_size,
        Sampling.POINT,
        Merge.CONCATENATE,
        redundant_biases=True,
        upsampling=upsampling,
    )


def _published_fit(steps: int, learning_rate: float) -> FitSettings:
    return FitSettings(steps, learning_rate, average_decay=0.99)


PUBLISHED_FREQUENCIES = geometric(1.0, 2.0**8, 8)
PUBLISHED_PIP = Settings(
    AxisWaves(PUBLISHED_FREQUENCIES),
    _published_hourglass(5, 4, 1, Upsampling.BILINEAR),
    _published_fit(1800, 0.01),
    Grid.CORNERS,
)
PUBLISHED_DIP = Settings(
    NoiseSettings(channels=32, amplitude=0.1, jitter=1 / 30),
    _published_hourglass(5, 4, 3, Upsampling.BILINEAR),
    _published_fit(3000, 0.01),
)

PUBLISHED = {
    ("denoise", PriorName.PIP): PUBLISHED_PIP,
    # Enlarging by 4; for 8 the jitter is 0.05 and there are 4,000 steps.
    ("sr", PriorName.PIP): Settings(
        LearnedWaves(PUBLISHED_FREQUENCIES, jitter=0.03),
        _published_hourglass(5, 4, 1, Upsampling.BILINEAR),
        _published_fit(2000, 0.01),
        Grid.CORNERS,
    ),
    ("inpaint", PriorName.PIP): Settings(
        LearnedWaves(PUBLISHED_FREQUENCIES, jitter=0.03),
        _published_hourglass(6, 4, 1, Upsampling.BILINEAR),
        _published_fit(3000, 0.01),
        Grid.CORNERS,
    ),
    ("denoise", PriorName.DIP): PUBLISHED_DIP,
    ("sr", PriorName.DIP): Settings(
        NoiseSettings(channels=32, amplitude=0.1, jitter=0.03),
        _published_hourglass(5, 4, 3, Upsampling.BILINEAR),
        _published_fit(2000, 0.01),
    ),
    ("inpaint", PriorName.DIP): Settings(
        NoiseSettings(channels=32, amplitude=0.1, jitter=0.03),
        _published_hourglass(5, 128, 3, Upsampling.NEAREST),
        _published_fit(6001, 0.01),
    ),
    ("inpaint", PriorName.DIP_UNET): Settings(
        NoiseSettings(channels=1, amplitude=0.1, jitter=0.0),
        UNetSettings((8, 16, 32, 64, 128, 128), Upsampling.LEARNED, zero_padding=True, normalised_ups=False),
        _published_fit(3001, 0.001),
    ),
    ("inpaint", PriorName.DIP_RESNET): Settings(
        NoiseSettings(channels=1, amplitude=0.1, jitter=0.0),
        ResNetSettings(blocks=8, width=32, zero_padding=True),
        _published_fit(3001, 0.001),
    ),
    ("denoise", PriorName.DECODER): Settings(
        NoiseSettings(channels=128, amplitude=0.1, jitter=0.0, halvings=5),
        DecoderSettings(width=128, doublings=5),
        _published_fit(1900, 0.01),
    ),
    ("inpaint", PriorName.DECODER): Settings(
        NoiseSettings(channels=256, amplitude=0.1, jitter=0.0, halvings=5),
        DecoderSettings(width=256, doublings=5),
        _published_fit(40_000, 0.0025),
    ),
}
# Of papers that fit a picture as it is, whatever the task.
PUBLISHED_FITS = {
    PriorName.SIREN: Settings(
        Coordinates(),
        SirenSettings(width=256, layers=4, omega=30.0, hidden_omega=30.0),
        _published_fit(10_000, 1e-4),
        Grid.CORNERS,
    ),
    PriorName.MLP: Settings(
        OctaveWaves(shortest_period=8.0),
        MlpSettings(width=256, layers=4),
        _published_fit(10_000, 1e-4),
        Grid.CORNERS,
    ),
    PriorName.HASH: Settings(
        HashGrid(levels=16, features=2, coarsest=16, finest_cell=2.0, table_bits=24, amplitude=1e-4),
        MlpSettings(width=64, layers=2),
        FitSettings(20_000, 0.01, average_decay=0.99, square_decay=0.99, epsilon=1e-15),
    ),
}

TILES = Tiles(side=128, stride=96)
PIP = Settings(
    CompassWaves(count=12, lowest=1.0, shortest_period=3.5),
    HourglassSettings((32, 64), (16, 32), 1, Sampling.MEAN, Merge.SUM, redundant_biases=False),
    FitSettings(steps=300, learning_rate=0.02, average_decay=0.97),
    tiles=TILES,
)
DIP = Settings(
    NoiseSettings(channels=32, amplitude=0.1, jitter=0.01),
    HourglassSettings((64,) * 5, (4,) * 5, 3, Sampling.MEAN, Merge.SUM, redundant_biases=False),
    # Without the warm-up the first steps, as long as all others, spoil what convolutions begin with.
    FitSettings(steps=200, learning_rate=0.01, average_decay=0.93, warm_up=15),
    tiles=TILES,
)

PRESETS = {
    PriorName.PIP: PIP,
    PriorName.DIP: DIP,
    PriorName.DIP_UNET: Settings(
        NoiseSettings(channels=16, amplitude=0.1, jitter=0.01),
        UNetSettings((16, 32, 64, 64), Upsampling.BILINEAR, zero_padding=False, normalised_ups=True),
        FitSettings(steps=400, learning_rate=0.01, average_decay=0.95),
        tiles=TILES,
    ),
    PriorName.DIP_RESNET: Settings(
        NoiseSettings(channels=16, amplitude=0.1, jitter=0.01),
        ResNetSettings(blocks=4, width=16, zero_padding=False),
        FitSettings(steps=300, learning_rate=0.01, average_decay=0.95),
        tiles=TILES,
    ),
    PriorName.SIREN: Settings(
        Coordinates(),
        SirenSettings(width=64, layers=3, omega=15.0, hidden_omega=20.0),
        FitSettings(steps=400, learning_rate=2e-3, average_decay=0.95),
        tiles=TILES,
    ),
    PriorName.MLP: Settings(
        OctaveWaves(shortest_period=8.0),
        MlpSettings(width=64, layers=3),
        FitSettings(steps=500, learning_rate=0.01, average_decay=0.95),
        tiles=TILES,
    ),
    PriorName.HASH: Settings(
        HashGrid(levels=8, features=2, coarsest=4, finest_cell=4.0, table_bits=14, amplitude=1e-4),
        MlpSettings(width=32, layers=2),
        FitSettings(steps=300, learning_rate=0.01, average_decay=0.95, epsilon=1e-15),
        tiles=TILES,
    ),
    PriorName.DECODER: Settings(
        NoiseSettings(channels=64, amplitude=0.1, jitter=0.0, halvings=4),
        DecoderSettings(width=64, doublings=4),
        FitSettings(steps=500, learning_rate=0.02, average_decay=0.97),
        tiles=TILES,
    ),
}
# Rows of ours of one task alone; in all others a prior has its row of `PRESETS`. Of `enhance`: the coarse fit whose
# lack is detail, before the networks have explained more than large and strong features.
TASK_PRESETS: dict[tuple[str, PriorName], Settings] = {
    ("enhance", prior): replace(row, fit=replace(row.fit, steps=row.fit.steps // 2)) for prior, row in PRESETS.items()
}
# Where there is no noise to fit and there are holes, convolutions learn for long, and from far: the larger the windows,
# the wider the holes across which they see. Jitter keeps them from fitting what is known alone. The fall of the rate is
# what lowers the error in the end, while a few held-out pixels show little of it, so that patience is long.
TASK_PRESETS["inpaint", PriorName.DIP] = replace(
    DIP,
    encoding=NoiseSettings(channels=32, amplitude=0.1, jitter=0.03),
    fit=FitSettings(steps=1200, learning_rate=0.01, average_decay=0.97, patience=0.3, warm_up=40, last_rate=0.02),
    tiles=Tiles(side=256, stride=224),
)
# For the patient: the network halved and joined as published, with smaller steps, three times as many, of two networks.
BEST_PRESETS = {
    ("inpaint", PriorName.DIP): replace(
        TASK_PRESETS["inpaint", PriorName.DIP],
        network=HourglassSettings((64,) * 5, (4,) * 5, 3, Sampling.POINT, Merge.CONCATENATE, redundant_biases=False),
        fit=replace(TASK_PRESETS["inpaint", PriorName.DIP].fit, steps=3600, learning_rate=0.003, members=2),
    )
}
# The flash picture is the generator's input. Waves are long beside it, so that detail comes from it alone; and the
# others' fits are short, since the noise of a photo in the dark is of grains that held-out pixels do not tell apart.
TASK_PRESETS |= {
    ("flash", prior): replace(row, fit=replace(row.fit, steps=row.fit.steps // 2)) for prior, row in PRESETS.items()
}
TASK_PRESETS["flash", PriorName.PIP] = replace(
    PIP, encoding=CompassWaves(count=2, lowest=1.0, shortest_period=256.0), fit=replace(PIP.fit, steps=150)
)
