"""Scene, transmission and airlight of one hazy picture, fitted together, and the scene in full size.

What is the same as Double-DIP (Gandelsman, Shocher and Irani, CVPR 2019): a generator each for the scene and the
transmission, joined by the model of haze. What is different: the transmission's generator knows low frequencies only,
and its prior is the high quantile of `Haze`, which needs no dark channel everywhere. All three are fitted to a small
picture, since haze is smooth and their job is to tell haze from scene. Edges of depth come from a guided filter in
the end, and the details of the scene from the observation itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pipcli.coords import pixel_grid
from pipcli.degradations.haze import Haze, split
from pipcli.dehazing.classic import as_airlight, classic_transmission, estimate_airlight
from pipcli.dehazing.generators import Colour, Known, SideBySide
from pipcli.dehazing.refinement import clear_scene, refined
from pipcli.dehazing.scaling import enlarged, radius_of, shrunk
from pipcli.fit.counting import draw_held_out
from pipcli.fit.device import Device
from pipcli.fit.fit import Fit
from pipcli.fit.recording import recorder_for
from pipcli.fit.stopping import HeldOut, StopRule
from pipcli.noise import Gaussian
from pipcli.noise.gaussian import estimate_noise_std
from pipcli.priors import build
from pipcli.restoration.loop import restore
from pipcli.restoration.members import Concurrency, Limits, Member, Picture
from pipcli.restoration.solution import Outcome, Solution
from pipcli.settings import DehazeSettings
from pipcli.tiles import Window
from pipcli.watch import UNWATCHED, Watch

# After fewer steps the generators know less of the haze than the dark channel does.
FEWEST_STEPS = 50
# A transmission that was given is believed as far down as the picture's rounding allows.
LEAST_GIVEN = 0.02


@dataclass(frozen=True)
class Dehazed:
    """The result of dehazing.

    Attributes:
        scene: (1, C, H, W) float32 in [0, 1], on the CPU: the picture without haze.
        transmission: (1, 1, H, W) in [0, 1]: the share of the scene's light that arrives.
        airlight: (1, C, 1, 1) in [0, 1]: the colour of the haze.
        outcome: why the fit ended.
        steps: the step whose estimate was taken.
        steps_done: how many were made.
        seconds: of fitting.
        restarts: how often the fit diverged and was begun again.
    """

    scene: Tensor
    transmission: Tensor
    airlight: Tensor
    outcome: Outcome
    steps: int
    steps_done: int
    seconds: float
    restarts: int


def dehaze(
    observation: Tensor,
    settings: DehazeSettings,
    device: Device,
    seed: int,
    *,
    airlight: Tensor | None = None,
    transmission: Tensor | None = None,
    limits: Limits | None = None,
    watch: Watch = UNWATCHED,
) -> Dehazed:
    """Remove haze from a picture.

    Args:
        observation: (1, C, H, W) float32 in [0, 1], on the CPU; C is 1 or 3.
        settings: a row of the presets.
        device: where to fit.
        seed: of the generators; the same seed gives the same result.
        airlight: 1 or C numbers in [0, 1], where it is known; None to find it.
        transmission: (1, 1, H, W) in [0, 1], where it is known; None to find it.
        limits: bounds on steps and seconds; None for the settings' steps.
        watch: is told of the progress, and may end the fit; what is known then is used.

    Raises:
        ValueError: a transmission that is not of the picture's size.
        PipRestoreError: the fit diverged twice.
    """
    if transmission is not None and transmission.shape[-2:] != observation.shape[-2:]:
        raise ValueError(f"the transmission is {tuple(transmission.shape)}, the picture {tuple(observation.shape)}")
    dehazing = _Dehazing(observation, settings, device, seed, airlight, transmission)
    return dehazing.run(limits or Limits(settings.scene.fit.steps, None), watch)


class _Dehazing:
    """The dehazing of one picture."""

    def __init__(
        self,
        observation: Tensor,
        settings: DehazeSettings,
        device: Device,
        seed: int,
        airlight: Tensor | None,
        transmission: Tensor | None,
    ) -> None:
        self.observation = observation
        self.settings = settings
        self.device = device
        self.seed = seed
        self.given_airlight = None if airlight is None else as_airlight(airlight, observation.shape[1])
        self.given_transmission = transmission
        self.small = shrunk(observation, settings.side)
        self.size = (self.small.shape[-2], self.small.shape[-1])
        self.radius = radius_of(self.small, settings.patch / 2)
        self.noise = Gaussian.known(estimate_noise_std(observation))
        self.start = estimate_airlight(observation, settings) if self.given_airlight is None else self.given_airlight

    def run(self, limits: Limits, watch: Watch) -> Dehazed:
        """Fit, refine, and invert the model in full size."""
        picture = Picture(self.size, [Member(Window(0, 0, *self.size), self._rules)])
        (solution,) = restore([picture], self._build_fit, limits=limits, watch=watch, concurrency=Concurrency())
        scene, fitted, colours = split(solution.image)
        airlight = colours.mean((-2, -1), keepdim=True)
        return self._in_full_size(scene, fitted, airlight, solution)

    def _rules(self) -> Sequence[StopRule]:
        return [HeldOut(self.settings.patience)]

    def _build_fit(self, numbers: Sequence[int], rate_factor: float) -> Fit:
        del numbers  # there is one
        generator = torch.Generator().manual_seed(self.seed)
        fit = self.settings.scene.fit
        held_out = draw_held_out(self.size, fit.held_out_fraction, generator)
        target = self.device.torch_device
        return Fit(
            self._generators(generator).to(target),
            Haze(self.noise, self.start, self.radius, self.settings.priors).to(target),
            self.small.to(target),
            pixel_grid(*self.size).to(target),
            replace(fit, learning_rate=fit.learning_rate * rate_factor),
            held_out[None],
            generators=[generator],
            recorder=recorder_for(target),
        )

    def _generators(self, generator: torch.Generator) -> SideBySide:
        settings, precision, generators = self.settings, self.device.precision, [generator]
        scene = build(settings.scene, self.size, self.small.shape[1], generators=generators, precision=precision)
        known = self.given_transmission
        transmission = (
            build(settings.transmission, self.size, 1, generators=generators, precision=precision)
            if known is None
            else Known(shrunk(known, settings.side))
        )
        airlight = Colour(self.start) if self.given_airlight is None else Known(self.start)
        return SideBySide([scene, transmission, airlight])

    def _in_full_size(self, scene: Tensor, fitted: Tensor, airlight: Tensor, solution: Solution) -> Dehazed:
        """Return the result for the small scene and transmission and the airlight."""
        settings, steps = self.settings, solution.steps[0]
        if self.given_transmission is not None:
            transmission = self.given_transmission
        elif steps < FEWEST_STEPS:
            airlight = self.start
            transmission = classic_transmission(self.observation, airlight, settings)
        else:
            transmission = refined(fitted, self.observation, airlight, settings)
        explained = enlarged(torch.lerp(airlight, scene, fitted), self.observation)
        return Dehazed(
            scene=clear_scene(self.observation, explained, transmission, airlight, self.noise.std, self._least()),
            transmission=transmission,
            airlight=airlight,
            outcome=solution.outcome,
            steps=steps,
            steps_done=solution.steps_done[0],
            seconds=solution.seconds,
            restarts=solution.restarts,
        )

    def _least(self) -> tuple[float, float]:
        """Return the least transmissions that count, of the mean of the channels and of how they differ from it."""
        if self.given_transmission is not None:
            return LEAST_GIVEN, LEAST_GIVEN
        return self.settings.least_transmission, self.settings.least_colour
