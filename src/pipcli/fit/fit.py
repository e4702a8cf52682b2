"""The fit: gradient descent on the parameters of the generators.

It minimises the degradation's data term between `degradation(prior(coords))` and the observation over the pixels that
are not held out, and the penalties on the pictures that its settings name, with Adam, and averages the outputs. Nothing
here knows what the degradation or the prior is.

Nothing is read back from the device within a block of steps, so that the host never waits for a GPU.

Pictures have the shape (K, C, H, W), blocks of frames (K, C, T, H, W); a step is the same for either.

One fit has K independent members, each with an observation of its own, that are stepped together. The first dimension
of every tensor of the state is the member, so that members can be taken out of a state and continued alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from pipcli.fit.adam import Adam
from pipcli.fit.averaging import RunningAverage
from pipcli.fit.counting import ALL, Counting, of_pair
from pipcli.fit.recording import Recorder, Repeated
from pipcli.fit.regularisers import penalties
from pipcli.settings import FitSettings

Value = TypeVar("Value")


class Generating(Protocol):
    """What the fit needs of a prior."""

    def __call__(self, coords: Tensor) -> Tensor: ...

    def before_step(self) -> None: ...

    def parameters(self) -> Any: ...

    def state_dict(self) -> Any: ...

    def load_state_dict(self, state_dict: Any) -> Any: ...


class Degrading(Protocol):
    """What the fit needs of a degradation."""

    def __call__(self, picture: Tensor) -> Tensor: ...

    def data_term(self, prediction: Tensor, observation: Tensor) -> Tensor: ...

    def parameters(self) -> Any: ...

    def state_dict(self) -> Any: ...

    def load_state_dict(self, state_dict: Any) -> Any: ...


@dataclass(frozen=True)
class Iterate:
    """The result of a block of steps of one member, for stop rules and reports; tensors stay on the device.

    Attributes:
        step: number of steps made, from 1.
        residuals: mean data term of the output over the fitted samples at each step of the block, oldest first, called
            when they are wanted.
        output: the last step's picture (1, C, H, W) in [0, 1], jitter and all; as the estimate, the next step may
            change it in place, so clone to keep it.
        estimate: the averaged picture (1, C, H, W) in [0, 1].
        held_out_error: mean data term of the estimate over the held-out samples, called when it is wanted; None when
            no pixels are held out.
    """

    step: int
    residuals: Callable[[], Sequence[float]]
    output: Tensor
    estimate: Tensor
    held_out_error: Callable[[], float] | None

    @property
    def residual(self) -> float:
        """The residual of the last step."""
        return self.residuals()[-1]


def _never() -> bool:
    return False


class Fit:
    """K generators, each being fitted to an observation of its own."""

    def __init__(
        self,
        prior: Generating,
        degradation: Degrading,
        observations: Tensor,
        coords: Tensor,
        settings: FitSettings,
        held_out: Tensor,
        *,
        counting: Counting = ALL,
        generators: Sequence[torch.Generator],
        recorder: Recorder | None = None,
    ) -> None:
        """Prepare the first step.

        Args:
            prior: maps coordinates to K pictures (K, C, H, W) in [0, 1].
            degradation: maps those pictures to observations; its parameters, if any, are fitted too.
            observations: (K, C, h, w) or (K, C, T, h, w) float32 in [0, 1], on the device where the fit runs.
            coords: (1, 2, H, W) or (1, 3, T, H, W) coordinates of the pictures' pixels, on the same device; of as many
                members as there are where each has its own.
            settings: learning rate, averaging and penalties.
            held_out: (K, h, w) or (K, T, h, w) booleans, on the CPU: the pixels that the loss does not see.
            counting: which other samples count.
            generators: the CPU generator of each member, from which the prior draws too; their states are part of the
                fit's.
            recorder: records the step, to have it repeated without the host; None to make each in full.
        """
        self.prior = prior
        self.degradation = degradation
        # In the layout of the pictures to come: arithmetic between layouts is several times slower on a CPU.
        rows = torch.channels_last if observations.ndim == 4 else torch.channels_last_3d
        layout = rows if observations.device.type == "cpu" else torch.contiguous_format
        self.observations = observations.contiguous(memory_format=layout)
        self.coords = coords
        self.settings = settings
        self.generators = generators
        self.steps_done = 0
        self.average = RunningAverage(settings.average_decay)
        parameters = [*prior.parameters(), *degradation.parameters()]
        self.optimiser = Adam(
            parameters,
            settings.learning_rate,
            settings.square_decay,
            settings.epsilon,
            warm_up=settings.warm_up,
            last_rate=settings.last_rate,
            steps=settings.steps,
        )
        self.counting = counting
        self._hold_out(held_out)
        self._repeated = Repeated(recorder)

    def _hold_out(self, held_out: Tensor) -> None:
        """Exclude the pixels of (K, h, w) masks from the loss, in all channels, and tell the error by them.

        Where there is a witness, none are excluded, and the error is told by that.
        """
        self.held_out = held_out
        channels, device = self.observations.shape[1], self.observations.device
        witness = self.counting.witness
        self._tells_error = witness is not None or bool(held_out.any())
        self._weights = self.counting.shares(~held_out, channels).to(device)
        self._held_out_weights = self._weights if witness is not None else self.counting.shares(held_out, channels)
        self._held_out_weights = self._held_out_weights.to(device)
        self._witness = self.observations if witness is None else witness.to(device)
        # What the witness has more of noise than the observation itself: its error is then told like that of pixels.
        more = (self._witness - of_pair(self.observations, self._witness)).square()
        self._more_noise = _sums(more * self._held_out_weights)
        self.sees_all = torch.zeros(len(held_out), dtype=torch.bool)

    def show_all(self, member: int) -> None:
        """Let a member see its observation without the noise that was added: its error is told no more."""
        self.sees_all[member] = True
        # In place: a recorded step reads this very tensor.
        self.observations[member] = of_pair(self.observations[member], self._witness[member])

    def step(self) -> list[Iterate]:
        """Make one step of the optimiser and return the iterate of each member."""
        return self.advance(1)

    def advance(self, steps: int, must_end: Callable[[], bool] = _never) -> list[Iterate]:
        """Make a block of steps and return the iterate of each member.

        Args:
            steps: at least 1.
            must_end: asked after each step whether to end the block there.
        """
        history = self.observations.new_empty(steps, len(self.observations))
        for made in range(steps):
            self.prior.before_step()
            self._repeated(self._step)
            history[made] = self._residuals
            self.steps_done += 1
            if must_end():
                break
        return self._iterates(history[: made + 1])

    def _step(self) -> None:
        """Make a step without reading any value back to the host, so that it can be recorded as a CUDA graph."""
        self.optimiser.zero_grad()
        pictures = self.prior(self.coords)
        misfits = self.degradation.data_term(self.degradation(pictures), self.observations)
        residuals = _sums(misfits * self._weights)
        sum(penalties(pictures, self.settings), residuals).sum().backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self._outputs = pictures.detach()
        self._residuals = residuals.detach()
        self.average.update(self._outputs)

    def _iterates(self, history: Tensor) -> list[Iterate]:
        # Of all members at once, when the first is asked for.
        errors, residuals = cache(self._held_out_errors), cache(lambda: history.T.tolist())
        parts = zip(torch.split(self._outputs, 1), torch.split(self.estimates(), 1), strict=True)
        return [
            Iterate(
                self.steps_done,
                partial(_item, residuals, member),
                *part,
                partial(_item, errors, member) if self._tells_error else None,
            )
            for member, part in enumerate(parts)
        ]

    @torch.no_grad()
    def _held_out_errors(self) -> list[float]:
        misfits = self.degradation.data_term(self.degradation(self.estimates()), self._witness)
        errors: list[float] = (_sums(misfits * self._held_out_weights) - self._more_noise).tolist()
        return errors

    def estimates(self) -> Tensor:
        """Return the averaged pictures (K, C, H, W) in [0, 1]; the next step changes them in place."""
        if self.average.value is None:
            raise RuntimeError("there is no estimate before the first step")
        return self.average.value

    def state_dict(self) -> dict[str, Any]:
        """Return the complete state, from which `load_state_dict` continues exactly."""
        return {
            "settings": asdict(self.settings),
            "shape": tuple(self.observations.shape[1:]),
            "step": self.steps_done,
            "prior": dict(self.prior.state_dict()),
            "degradation": dict(self.degradation.state_dict()),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.state_dict(),
            "held_out": self.held_out,
            "sees_all": self.sees_all,
            "generators": torch.stack([generator.get_state() for generator in self.generators]),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of `state_dict`.

        Raises:
            ValueError: the state is of a fit with other settings or of another size; it names the difference.
        """
        mine = {"settings": asdict(self.settings), "shape": tuple(self.observations.shape[1:])}
        for key, value in mine.items():
            if state[key] != value:
                raise ValueError(f"the state was saved with {key} {state[key]}, this fit has {value}")
        self.prior.load_state_dict(state["prior"])
        self.degradation.load_state_dict(state["degradation"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.load_state_dict(state["average"])
        self._hold_out(state["held_out"])
        for member in state["sees_all"].nonzero()[:, 0].tolist():
            self.show_all(member)
        for generator, own in zip(self.generators, state["generators"], strict=True):
            generator.set_state(own.clone())  # which reads a view from the start of what it looks at
        self.steps_done = state["step"]
        self._repeated = Repeated(self._repeated.recorder)  # a record is of the old tensors


def _sums(samples: Tensor) -> Tensor:
    """Return the (K) sums of (K, ...) samples."""
    return samples.sum(tuple(range(1, samples.ndim)))


def _item(values: Callable[[], list[Value]], index: int) -> Value:
    return values()[index]


def members_of(state: Any, members: Sequence[int]) -> Any:
    """Return the state of some members of a fit, given by index."""
    if isinstance(state, Tensor):
        return state[list(members)]
    if isinstance(state, dict):
        return {key: members_of(value, members) for key, value in state.items()}
    if isinstance(state, list):
        return [members_of(value, members) for value in state]
    return state
