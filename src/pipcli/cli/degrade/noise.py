"""`pip-restore degrade noise`: add noise of known strength."""

from typing import Annotated

import typer

from pipcli.cli.degrade import options
from pipcli.errors import UnusableInputError
from pipcli.settings import SIGMA_RANGE
from pipcli.simulation.names import NoiseName

# Which option says how strong each kind is, between which bounds, and what it means.
STRENGTHS = {
    NoiseName.GAUSSIAN: ("--sigma", SIGMA_RANGE, "the standard deviation in grey levels of 255"),
    NoiseName.LAPLACE: ("--sigma", SIGMA_RANGE, "the standard deviation in grey levels of 255"),
    NoiseName.POISSON: ("--level", (0.1, 1e9), "the mean number of photons at white"),
    NoiseName.IMPULSE: ("--share", (0.0, 1.0), "the share of samples that are replaced"),
    NoiseName.SPECKLE: ("--relative", (0.001, 10.0), "the standard deviation as a multiple of the sample"),
}

Kind = Annotated[
    NoiseName,
    typer.Option(
        help="gaussian, laplace: --sigma; poisson: --level; impulse (salt and pepper): --share; "
        "speckle (multiplicative, normal): --relative."
    ),
]
Sigma = Annotated[float | None, typer.Option(help="Standard deviation in grey levels of 255.")]
Level = Annotated[float | None, typer.Option(help="Photons at white, on average; fewer are noisier.")]
Share = Annotated[float | None, typer.Option(help="Share of the samples that become black or white, evenly, 0 to 1.")]
Relative = Annotated[float | None, typer.Option(help="Standard deviation as a multiple of the sample itself.")]


def noise(
    source: options.Source,
    kind: Kind = NoiseName.GAUSSIAN,
    sigma: Sigma = None,
    level: Level = None,
    share: Share = None,
    relative: Relative = None,
    seed: options.Seed = 0,
    output: options.Output = None,
    bits: options.Bits = None,
    clip: options.Clip = True,
    json: options.Json = False,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> int:
    """Add noise; writes NAME_noisy.png, or NAME_noisy.mkv for a clip.

    Each sample of each channel gets its own, drawn in the order of rows, columns and channels: gaussian noise is
    numpy.random.default_rng(SEED).normal(0, SIGMA / 255, (height, width, channels)). The frames of a clip
    draw one after the other. Then values are clipped, and rounded to the output's depth.

    \b
    Examples:
      pip-restore degrade noise clean.png --sigma 25
      pip-restore degrade noise clean.png --kind poisson --level 30 --seed 7 -o dark.png
      pip-restore degrade noise clean.mp4 --sigma 25 -o noisy.mkv
      pip-restore degrade noise clean.png --sigma 25 --no-clip --bits 32 -o unclipped.tif
    """
    option, strength = _strength(kind, {"--sigma": sigma, "--level": level, "--share": share, "--relative": relative})
    # Everything that takes long to import waits until there is work to do: --help is instant.
    import numpy as np

    from pipcli.jobs.degrade.run import Degraded, Order, carry_out
    from pipcli.media import Photo
    from pipcli.simulation.noise import NOISES

    generator = np.random.default_rng(seed)

    def noisy(photo: Photo) -> Degraded:
        unit = 255 if option == "--sigma" else 1
        return Degraded(NOISES[kind](photo.values(), strength / unit, generator))

    parameters = {"kind": str(kind), option.removeprefix("--"): strength, "seed": seed}
    order = Order(
        kind="noise",
        suffix="_noisy",
        source=source,
        output=output,
        bits=bits,
        parameters=parameters,
        json_lines=json,
        overwrite=overwrite,
        quiet=quiet,
        clip=clip,
    )
    return carry_out(order, noisy)


def _strength(kind: NoiseName, given: dict[str, float | None]) -> tuple[str, float]:
    """Return the option that says how strong a kind is, and its value, in the unit of the command line."""
    option, bounds, meaning = STRENGTHS[kind]
    value = given.pop(option)
    others = [other for other, its_value in given.items() if its_value is not None]
    if others:
        raise UnusableInputError(f"--kind {kind} takes {option}, not {' and '.join(others)}")
    if value is None:
        raise UnusableInputError(f"--kind {kind} needs {option}, {meaning}")
    options.check_range(option, value, bounds, meaning)
    return option, value
