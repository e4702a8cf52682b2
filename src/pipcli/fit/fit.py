"""The fit: the only place that learns.

It minimises the degradation's data term between `degradation(prior(coords))` and the observation over the pixels that
are not held out, with Adam, and averages the outputs. Nothing here knows what the degradation or the prior is.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from pipcli.fit.adam import Adam
from pipcli.fit.averaging import RunningAverage
from pipcli.settings import FitSettings

# Below this many pixels a held-out share is too small a sample to stop by, and too dear a loss for the fit.
FEWEST_PIXELS_TO_HOLD_OUT = 256


class Degrading(Protocol):
    """What the fit needs of a degradation."""

    def __call__(self, picture: Tensor) -> Tensor: ...

    def data_term(self, prediction: Tensor, observation: Tensor) -> Tensor: ...

    def parameters(self) -> Any: ...

    def state_dict(self) -> Any: ...

    def load_state_dict(self, state_dict: Any) -> Any: ...


@dataclass(frozen=True)
class Iterate:
    """What one step leaves for stop rules and reports; tensors stay on the device of the fit.

    Attributes:
        step: number of steps made, from 1.
        residual: mean data term of this step's output over the fitted samples, 0-d.
        output: this step's picture (1, C, H, W) in [0, 1], jitter and all.
        estimate: the averaged picture (1, C, H, W) in [0, 1]; the next step changes it in place, so clone to keep it.
        held_out_error: mean data term of the estimate over the held-out samples, called when it is wanted; None when
            no pixels are held out.
    """

    step: int
    residual: Tensor
    output: Tensor
    estimate: Tensor
    held_out_error: Callable[[], float] | None


class Fit:
    """A generator being fitted to one observation."""

    def __init__(
        self,
        prior: nn.Module,
        degradation: Degrading,
        observation: Tensor,
        coords: Tensor,
        settings: FitSettings,
        *,
        generator: torch.Generator,
    ) -> None:
        """Prepare the first step.

        Args:
            prior: maps coordinates to a picture (1, C, H, W) in [0, 1].
            degradation: maps that picture to an observation; its parameters, if any, are fitted too.
            observation: (1, C, h, w) float32 in [0, 1], on the device where the fit runs.
            coords: (1, 2, H, W) coordinates of the picture's pixels, on the same device.
            settings: learning rate, averaging, held-out share.
            generator: the CPU generator that the prior draws from too; its state is part of the fit's.
        """
        self.prior = prior
        self.degradation = degradation
        self.observation = observation
        self.coords = coords
        self.settings = settings
        self.generator = generator
        self.steps_done = 0
        self.average = RunningAverage(settings.average_decay)
        parameters = [*prior.parameters(), *degradation.parameters()]
        self.optimiser = Adam(parameters, settings.learning_rate)
        self._hold_out(self._draw_held_out())

    def _draw_held_out(self) -> Tensor:
        height, width = self.observation.shape[-2:]
        if height * width < FEWEST_PIXELS_TO_HOLD_OUT:
            return torch.zeros(height, width, dtype=torch.bool)
        return torch.rand(height, width, generator=self.generator) < self.settings.held_out_fraction

    def _hold_out(self, held_out: Tensor) -> None:
        """Leave the pixels of a (h, w) mask out of the loss, in all channels."""
        device = self.observation.device
        self.held_out = held_out
        self._held_out_pixels = held_out.flatten().nonzero().flatten().to(device)
        samples = self.observation.numel() // held_out.numel() * int((~held_out).sum())
        self._weights = (~held_out).to(device, torch.float32) / samples

    def step(self) -> Iterate:
        """Make one step of the optimiser."""
        self.optimiser.zero_grad()
        picture = self.prior(self.coords)
        misfit = self.degradation.data_term(self.degradation(picture), self.observation)
        residual = (misfit * self._weights).sum()
        residual.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.steps_done += 1
        output = picture.detach()
        estimate = self.average.update(output)
        held_out_error = self._held_out_error if len(self._held_out_pixels) else None
        return Iterate(self.steps_done, residual.detach(), output, estimate, held_out_error)

    @torch.no_grad()
    def _held_out_error(self) -> float:
        prediction = self.degradation(self.estimate()).flatten(2)[..., self._held_out_pixels]
        observed = self.observation.flatten(2)[..., self._held_out_pixels]
        return float(self.degradation.data_term(prediction, observed).mean())

    def estimate(self) -> Tensor:
        """Return the averaged picture (1, C, H, W) in [0, 1]; the next step changes it in place."""
        if self.average.value is None:
            raise RuntimeError("there is no estimate before the first step")
        return self.average.value

    def state_dict(self) -> dict[str, Any]:
        """Return all that `load_state_dict` needs to go on as if there had been no break."""
        return {
            "settings": asdict(self.settings),
            "shape": tuple(self.observation.shape),
            "step": self.steps_done,
            "prior": self.prior.state_dict(),
            "degradation": self.degradation.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.state_dict(),
            "held_out": self.held_out,
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of `state_dict`.

        Raises:
            ValueError: the state is of a fit with other settings or of another size; it names the difference.
        """
        mine = {"settings": asdict(self.settings), "shape": tuple(self.observation.shape)}
        for key, value in mine.items():
            if state[key] != value:
                raise ValueError(f"the state was saved with {key} {state[key]}, this fit has {value}")
        self.prior.load_state_dict(state["prior"])
        self.degradation.load_state_dict(state["degradation"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.load_state_dict(state["average"])
        self._hold_out(state["held_out"])
        self.generator.set_state(state["generator"])
        self.steps_done = state["step"]
