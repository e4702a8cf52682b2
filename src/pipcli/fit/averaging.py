"""The running average of a fit's outputs, which is its result."""

import torch
from torch import Tensor


class RunningAverage:
    """Exponential moving average, corrected for its start: after one output it is that output.

    The DIP paper averages its outputs so (section 4.1 of its supplementary material: weight 0.99) for a gain of more
    than 1 dB; there the average starts from the first output and stays biased towards it.
    """

    def __init__(self, decay: float) -> None:
        """Start empty.

        Args:
            decay: weight of the past, in [0, 1); 0 keeps the last output alone.
        """
        self.decay = decay
        self.count = 0
        self.value: Tensor | None = None

    def update(self, output: Tensor) -> Tensor:
        """Take in a (N, C, H, W) output and return the average, which the next update changes in place."""
        self.count += 1
        if self.value is None:
            self.value = output.clone()
        else:
            self.value.lerp_(output, (1 - self.decay) / (1 - self.decay**self.count))
        return self.value

    def state_dict(self) -> dict[str, int | Tensor | None]:
        """Return what `load_state_dict` needs to go on from here."""
        return {"count": self.count, "value": None if self.value is None else self.value.clone()}

    def load_state_dict(self, state: dict[str, int | Tensor | None]) -> None:
        """Go on from a state of `state_dict`."""
        count, value = state["count"], state["value"]
        if not isinstance(count, int) or not (value is None or isinstance(value, torch.Tensor)):
            raise ValueError("the state is not one of a running average")
        self.count = count
        self.value = None if value is None else value.clone()
