"""`pip-restore degrade haze`: put a picture behind haze of known density and colour."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipcli.cli.degrade import options
from pipcli.errors import UnusableInputError
from pipcli.media import Photo, read_photo, shown
from pipcli.tasks.aids import check_same_size
from pipcli.tasks.airlight import airlight_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Beta = Annotated[float, typer.Option(help="Density: light from the farthest point is weakened to exp(-beta).")]
Airlight = Annotated[
    str, typer.Option(help="Colour of the haze, R,G,B in 0 to 1, or one number for a grey.", metavar="R,G,B")
]
Depth = Annotated[
    Path | None,
    typer.Option(
        "--depth",
        help="Grey picture of the depth, black is near, white is far. [default: smooth, near at the bottom, by --seed]",
        metavar="FILE",
    ),
]
Transmission = Annotated[
    Path | None, typer.Option(help="Also write the true transmission, a 16-bit PNG.", metavar="FILE")
]

BETA_RANGE = (0.0, 20.0)


def haze(
    source: options.Source,
    beta: Beta = 1.0,
    airlight: Airlight = "0.8",
    depth: Depth = None,
    transmission: Transmission = None,
    seed: options.Seed = 0,
    output: options.Output = None,
    bits: options.Bits = None,
    json: options.Json = False,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> int:
    """Put a picture behind haze; writes NAME_hazy.png.

    I = J t + A (1 - t), J being the clear picture, A the airlight and t = exp(-beta d) the transmission of the depth d
    in 0 to 1; all on the samples as they are stored, as in the published tests. Transparency stays.

    \b
    Examples:
      pip-restore degrade haze clean.png --beta 1.5 --airlight 0.72,0.70,0.62
      pip-restore degrade haze clean.png --depth depth.png --transmission t.png
    """
    options.check_range("--beta", beta, BETA_RANGE, "the density")
    colour = airlight_of(airlight)
    # Everything that takes long to import waits until there is work to do: --help is instant.
    import numpy as np

    from pipcli.jobs.degrade.run import Degraded, Order, carry_out
    from pipcli.simulation import haze as simulation

    def hazy(photo: Photo) -> Degraded:
        if len(colour) not in (1, photo.channels):
            raise UnusableInputError(
                f"--airlight {shown(airlight)} is a colour and the picture is grey: give one number"
            )
        size = (photo.height, photo.width)
        if depth is None:
            distance = simulation.smooth_depth(size, np.random.default_rng(seed))
        else:
            distance = _read_depth(depth, photo)
        light = simulation.transmission(distance, beta)
        return Degraded(
            simulation.hazy(photo.values(), light, np.array(colour)),
            companions={} if transmission is None else {"--transmission": (light, 16)},
        )

    parameters = {
        "beta": beta,
        "airlight": list(colour),
        "depth": None if depth is None else shown(depth),
        "seed": seed if depth is None else None,
    }
    order = Order(
        kind="haze",
        suffix="_hazy",
        source=source,
        output=output,
        bits=bits,
        parameters=parameters,
        json_lines=json,
        overwrite=overwrite,
        quiet=quiet,
        companions={} if transmission is None else {"--transmission": transmission},
        aids={} if depth is None else {"--depth": depth},
    )
    return carry_out(order, hazy)


def _read_depth(path: Path, photo: Photo) -> "NDArray[np.float64]":
    depth = read_photo(path)
    check_same_size(f"--depth {shown(path)}", depth, photo)
    plane: NDArray[np.float64] = depth.values().mean(axis=2)
    return plane
