"""`pip-restore dehaze`: remove haze from photos."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipcli.cli import options
from pipcli.cli.airlight import airlight_of
from pipcli.cli.photo_files import check_png
from pipcli.cli.photo_options import PhotoOptions, refuse_options_of_generators, with_photo_options
from pipcli.cli.task import Companion, Task, Work, noise_only
from pipcli.errors import UnusableInputError
from pipcli.media import Photo, encode_map, read_photo, shown

if TYPE_CHECKING:
    from torch import Tensor

    from pipcli.degradations import Degradation
    from pipcli.restoration.loop import Solution

OWN_GENERATORS = "dehaze, whose generators are its own"
TRANSMISSION, TRANSMISSION_BITS = "transmission", 16

Transmission = Annotated[
    Path | None,
    typer.Option(
        help="Also write the transmission, the share of the scene's light that arrives: a grey 16-bit PNG, white is "
        "all of it.",
        metavar="FILE",
    ),
]
GivenTransmission = Annotated[
    Path | None, typer.Option(help="Take this transmission, a grey picture of the same size.", metavar="FILE")
]
Airlight = Annotated[
    str | None,
    typer.Option(
        help="Colour of the haze, R,G,B in 0 to 1, or one number for a grey. [default: found in the picture]",
        metavar="R,G,B",
    ),
]


@with_photo_options
def dehaze(
    inputs: options.Inputs,
    photo: PhotoOptions,
    transmission: Transmission = None,
    given_transmission: GivenTransmission = None,
    airlight: Airlight = None,
) -> int:
    """Remove haze from photos.

    A hazy picture is modelled as scene x transmission + airlight x (1 - transmission), and three small generators are
    fitted to it together. Options on priors, quality and noise do not apply to them and are refused.

    \b
    Examples:
      pip-restore dehaze hazy.jpg
      pip-restore dehaze hazy.png --transmission t.png --sheet before_after.png
      pip-restore dehaze hazy.png --airlight 0.72,0.70,0.62
    """
    # Everything that takes long to import waits until there is work to do: --help is instant.
    from pipcli.cli import photo_task

    refuse_options_of_generators(photo, OWN_GENERATORS)
    colour = None if airlight is None else airlight_of(airlight)
    given, of_input_size = None, {}
    if given_transmission is not None:
        given = read_photo(given_transmission)
        of_input_size[f"--given-transmission {shown(given_transmission)}"] = given
    if transmission is not None:
        check_png("--transmission", transmission)

    def solve(observation: "Tensor", work: Work) -> "Solution":
        return _solution(observation, work, colour, given)

    companions = () if transmission is None else (Companion("--transmission", transmission, _transmission_file),)
    task = Task(
        name="dehaze",
        suffix="_dehazed",
        degradation=noise_only,
        noiseless=True,
        sources={} if given_transmission is None else {"--given-transmission": given_transmission},
        of_input_size=of_input_size,
        companions=companions,
        solve=solve,
    )
    return photo_task.run(task, inputs, photo)


def _solution(observation: "Tensor", work: Work, colour: tuple[float, ...] | None, given: Photo | None) -> "Solution":
    import torch

    from pipcli.dehazing import dehaze as without_haze
    from pipcli.restoration.loop import Solution
    from pipcli.settings import DEHAZE

    if colour is not None and len(colour) == 3 and observation.shape[1] == 1:
        raise UnusableInputError("--airlight is a colour, and this picture is grey: give one number")
    dehazed = without_haze(
        observation,
        DEHAZE,
        work.device,
        work.seed,
        airlight=None if colour is None else torch.tensor(colour),
        transmission=None if given is None else given.pixels().mean(1, keepdim=True),
        limits=work.limits,
        watch=work.watch,
    )
    return Solution(
        image=dehazed.scene,
        spread=torch.zeros_like(dehazed.transmission),
        last_output=dehazed.scene,
        outcome=dehazed.outcome,
        steps=(dehazed.steps,),
        steps_done=(dehazed.steps_done,),
        seconds=dehazed.seconds,
        restarts=dehazed.restarts,
        found={TRANSMISSION: dehazed.transmission, "airlight": dehazed.airlight},
    )


def _transmission_file(degradation: "Degradation", solution: "Solution") -> bytes:
    del degradation
    return encode_map(solution.found[TRANSMISSION][0, 0].numpy(), TRANSMISSION_BITS)
