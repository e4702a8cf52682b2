"""The options that commands share: their types, help and units. Defaults that are numbers live in `pipcli.settings`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from pipcli.errors import OutputRefusedError
from pipcli.media import shown
from pipcli.settings import NoiseName, PriorName, Quality, StopName
from pipcli.tasks import panels
from pipcli.tasks.units import SAMPLES_SUFFIX, parse_sigma

STANDARD_STREAM = Path("-")


def output_path(text: str) -> Path:
    """Return an output as a path; one that ends as a folder's name does is a folder, which must be there.

    Raises:
        OutputRefusedError: it is not.
    """
    if is_named_as_folder(text) and not os.path.isdir(text):
        raise OutputRefusedError(f"{shown(text)} is a folder that does not exist: create it first")
    return Path(text)


def clip_output_path(text: str) -> Path:
    """Return an output as a path, which may be a folder of pictures that is still to be made.

    Raises:
        OutputRefusedError: it is a folder that is not there, by the name of a file.
    """
    return output_path(text) if Path(text).suffix else Path(text)


def is_named_as_folder(text: str) -> bool:
    """Return whether a path ends with a separator."""
    return text.endswith(tuple(filter(None, (os.sep, os.altsep))))


Inputs = Annotated[
    list[Path], typer.Argument(metavar="INPUT", help="The pictures to restore, or - for one from stdin.")
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        parser=output_path,
        metavar="PATH",
        help="Where to write: a file, a folder that exists, or - for stdout. "
        "[default: beside the input, NAME_TASK.EXT]",
        rich_help_panel=panels.OUTPUT,
    ),
]
Sigma = Annotated[
    float | None,
    typer.Option(
        help="Standard deviation of gaussian, laplace or camera noise, in grey levels of 255 over the range that the "
        f"picture uses; with the suffix {SAMPLES_SUFFIX} in sample values of the file, such as 40dn or 0.0004dn. "
        "[default: estimated]",
        parser=parse_sigma,
        metavar="LEVELS",
        rich_help_panel=panels.NOISE,
    ),
]
NoiseOption = Annotated[
    NoiseName | None,
    typer.Option(
        "--noise",
        help="Kind of noise: gaussian (the same everywhere), poisson (few photons), laplace (with outliers), impulse "
        "(salt and pepper), speckle (in proportion to the brightness), jpeg (strong compression), camera "
        "(correlated, as photos of cameras and phones have it), or auto: detected, gaussian if in doubt. "
        "[default: auto; gaussian with --sigma or --paper]",
        rich_help_panel=panels.NOISE,
    ),
]
Level = Annotated[
    float | None,
    typer.Option(
        help="How much noise, in the unit of its kind: poisson, photons at white; impulse, share of hit samples; "
        "speckle, standard deviation as a share of the brightness; jpeg, the quality it was saved with, if the "
        "file is not a JPEG any more. [default: estimated; read from a JPEG file]",
        rich_help_panel=panels.NOISE,
    ),
]
Strength = Annotated[
    float,
    typer.Option(
        min=0,
        max=2,
        help="How much of the noise to remove: 1 is what was found or given; less keeps more of the finest detail and "
        "of the noise; 0 returns the picture unchanged.",
        rich_help_panel=panels.NOISE,
    ),
]
NoFilters = Annotated[
    bool,
    typer.Option(
        "--no-filters",
        help="Write the generator's picture as it is, without the filters that follow.",
        rich_help_panel=panels.GENERATOR,
    ),
]
Prior = Annotated[
    PriorName,
    typer.Option(
        help="Generator: pip (Fourier features and 1x1 convolutions; fast), dip (noise and 3x3 convolutions; slow), "
        "dip-unet and dip-resnet (the same with other networks), siren (sines), mlp (ReLUs), hash (a grid of learned "
        "features), decoder (few parameters).",
        rich_help_panel=panels.GENERATOR,
    ),
]
MaxFrequency = Annotated[
    float | None,
    typer.Option(
        "--max-frequency",
        help="Highest frequency of the encoding of pip or mlp, in cycles per longer side of the picture; 0 gives mlp "
        "the bare coordinates. [default: by prior, from the size]",
        metavar="CYCLES",
        rich_help_panel=panels.GENERATOR,
    ),
]
Omega = Annotated[
    float | None,
    typer.Option(
        help="Factor before the first sine of siren, in radians per half of the longer side of a window: higher is "
        "finer. [default: by prior]",
        metavar="RADIANS",
        rich_help_panel=panels.GENERATOR,
    ),
]
TotalVariation = Annotated[
    float | None,
    typer.Option(
        "--tv",
        help="Weight of the mean total variation of the generated picture (values 0 to 1) in the loss, in the unit of "
        "the data term. [default: 0]",
        metavar="WEIGHT",
        rich_help_panel=panels.GENERATOR,
    ),
]
Tikhonov = Annotated[
    float | None,
    typer.Option(
        "--tikhonov",
        help="Weight of the mean squared gradient of the generated picture (values 0 to 1) in the loss, in the unit of "
        "the data term. [default: 0]",
        metavar="WEIGHT",
        rich_help_panel=panels.GENERATOR,
    ),
]
QualityOption = Annotated[
    Quality,
    typer.Option(
        "--quality",
        help="draft: a preview; best: adds a second network that sees the noisy picture, several times slower.",
        rich_help_panel=panels.GENERATOR,
    ),
]
Paper = Annotated[
    bool,
    typer.Option(
        "--paper",
        help="Run the published network, rates and steps instead of this tool's own.",
        rich_help_panel=panels.GENERATOR,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Maximum number of steps of each network. [default: by prior, quality]",
        rich_help_panel=panels.STOPPING,
    ),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        help="Maximum time in seconds, for the fit and the filters after it. [default: none]",
        metavar="SECONDS",
        rich_help_panel=panels.STOPPING,
    ),
]
Stop = Annotated[
    StopName | None,
    typer.Option(
        help="Stop rule: held-out (error on held-out pixels), discrepancy (residual down to sigma), variance (of the "
        "outputs), or none. "
        "[default: held-out; none with --paper]",
        rich_help_panel=panels.STOPPING,
    ),
]
Seed = Annotated[
    int, typer.Option(min=0, max=2**63 - 1, help="Seed of all random numbers.", rich_help_panel=panels.GENERATOR)
]
DeviceOption = Annotated[
    str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=panels.GENERATOR)
]
Reference = Annotated[
    Path | None,
    typer.Option(
        help="Clean picture to measure the result against; the fit never sees it.",
        metavar="FILE",
        rich_help_panel=panels.REPORTS,
    ),
]
Sheet = Annotated[
    Path | None,
    typer.Option(
        help="Also write a PNG with input, result and reference side by side.",
        metavar="FILE",
        rich_help_panel=panels.REPORTS,
    ),
]
Uncertainty = Annotated[
    Path | None,
    typer.Option(
        help="Also write the standard deviation of the networks' pictures at each pixel, as a grey picture: white is "
        "the whole range of the input; 16 bit as .png, float as .tif. Fits at least four networks everywhere.",
        metavar="FILE",
        rich_help_panel=panels.REPORTS,
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Keep the state of the fit in a hidden folder beside the output while it runs. If the run is ended, the "
        "same command continues from there.",
        rich_help_panel=panels.STOPPING,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Report as JSON lines on stdout.", rich_help_panel=panels.REPORTS)]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an output file that exists.", rich_help_panel=panels.OUTPUT)
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no summary on stderr.", rich_help_panel=panels.REPORTS)
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", help="Say more on stderr: settings, device, decisions.", rich_help_panel=panels.REPORTS
    ),
]
