"""`pip-restore dehaze`: remove haze from photos."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipcli.errors import UnusableInputError
from pipcli.media import Photo, encode_map, read_photo, shown
from pipcli.tasks.aids import check_png
from pipcli.tasks.airlight import airlight_of
from pipcli.tasks.base import ClipWay, Companion, OnClips, PhotoWay, Task, TaskRow, Work, noise_only
from pipcli.tasks.shared import TaskOptions, refuse_options_of_generators

if TYPE_CHECKING:
    from torch import Tensor

    from pipcli.degradations import Degradation
    from pipcli.restoration.solution import Solution
    from pipcli.restoration.window import ClipContext, Restoring

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


ClipAirlight = Annotated[
    str | None,
    typer.Option(help="dehaze: colour of the haze, R,G,B in 0 to 1. [default: found, once a clip]", metavar="R,G,B"),
]


@dataclass(frozen=True, kw_only=True)
class DehazeOptions:
    """Remove haze from photos.

    A hazy picture is modelled as scene x transmission + airlight x (1 - transmission), and three small generators are
    fitted to it together. Options on priors, quality and noise do not apply to them and are refused.

    \b
    Examples:
      pip-restore dehaze hazy.jpg
      pip-restore dehaze hazy.png --transmission t.png --sheet before_after.png
      pip-restore dehaze hazy.png --airlight 0.72,0.70,0.62
    """

    transmission: Transmission = None
    given_transmission: GivenTransmission = None
    airlight: Airlight = None


@dataclass(frozen=True, kw_only=True)
class DehazeClipOptions:
    """The same for clips."""

    airlight: ClipAirlight = None


def photo_task_of(own: DehazeOptions, said: TaskOptions) -> Task:
    """Return the task for photos.

    Raises:
        UnusableInputError: an option of generators was given, or a value or file cannot be read.
        OutputRefusedError: the transmission cannot be written under such a name.
    """
    refuse_options_of_generators(said, OWN_GENERATORS)
    colour = None if own.airlight is None else airlight_of(own.airlight)
    given, of_input_size = None, {}
    if own.given_transmission is not None:
        given = read_photo(own.given_transmission)
        of_input_size[f"--given-transmission {shown(own.given_transmission)}"] = given
    if own.transmission is not None:
        check_png("--transmission", own.transmission)

    def solve(observation: "Tensor", work: Work) -> "Solution":
        return _solution(observation, work, colour, given)

    companions = (
        () if own.transmission is None else (Companion("--transmission", own.transmission, _transmission_file),)
    )
    return Task(
        name="dehaze",
        suffix="_dehazed",
        degradation=noise_only,
        noiseless=True,
        sources={} if own.given_transmission is None else {"--given-transmission": own.given_transmission},
        of_input_size=of_input_size,
        companions=companions,
        solve=solve,
    )


def clip_task_of(own: DehazeClipOptions, said: TaskOptions) -> Task:
    """Return the task for clips.

    Raises:
        UnusableInputError: an option of generators was given, or the airlight is no colour.
    """
    refuse_options_of_generators(said, OWN_GENERATORS)
    colour = None if own.airlight is None else airlight_of(own.airlight)

    def restoring(context: "ClipContext", strip: "Tensor") -> "Restoring":
        from pipcli.dehazing.frames import WithoutHaze

        return WithoutHaze(context, strip, colour)

    return Task(
        name="dehaze",
        suffix="_dehazed",
        degradation=noise_only,
        noiseless=True,
        words=lambda: {"--airlight": own.airlight},
        clips=OnClips(restoring=restoring),
    )


def _solution(observation: "Tensor", work: Work, colour: tuple[float, ...] | None, given: Photo | None) -> "Solution":
    import torch

    from pipcli.dehazing import dehaze as without_haze
    from pipcli.restoration.solution import Solution
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


ROW = TaskRow("dehaze", PhotoWay(DehazeOptions, photo_task_of), ClipWay(DehazeClipOptions, clip_task_of))
