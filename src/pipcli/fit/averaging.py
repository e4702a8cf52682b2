"""The running average of a fit's outputs, which is its result."""

import math

import torch
from torch import Tensor


class RunningAverage:
    """Exponential moving average, corrected for its start: after one output it is that output.

    The DIP paper averages its outputs so (section 4.1 of its supplementary material: weight 0.99); there the average
    starts from the first output and stays biased towards it.

    The count lives on the outputs' device, so that a recorded update counts by itself.
    """

    def __init__(self, decay: float) -> None:
        """Start empty.

        Args:
            decay: weight of the past, in [0, 1); 0 keeps the last output alone.
        """
        self.decay = decay
        self.value: Tensor | None = None
        self._count = torch.zeros(())

    def update(self, output: Tensor) -> Tensor:
        """Take in a (N, C, H, W) output and return the average, which the next update changes in place."""
        if self.value is None:
            self.value = torch.zeros_like(output)
            self._count = self._count.to(output.device)
        self._count += 1
        # 1 - decay^count; with a decay of 0 the logarithm is minus infinity and this is 1.
        past = -torch.expm1(self._count * (math.log(self.decay) if self.decay else -math.inf))
        return self.value.lerp_(output, (1 - self.decay) / past)

    def state_dict(self) -> dict[str, int | Tensor | None]:
        """Return what `load_state_dict` needs to go on from here."""
        return {"count": int(self._count), "value": None if self.value is None else self.value.clone()}

    def load_state_dict(self, state: dict[str, int | Tensor | None]) -> None:
        """Go on from a state of `state_dict`."""
        count, value = state["count"], state["value"]
        if not isinstance(count, int) or not (value is None or isinstance(value, torch.Tensor)):
            raise ValueError("the state is not one of a running average")
        self.value = None if value is None else value.clone()
        self._count = torch.tensor(float(count), device=None if value is None else value.device)
