"""Adam on one flat vector.

torch's own optimisers import its compiler when the first one is made, which takes a second of every start, and update
some sixty small tensors one by one. Here all parameters are views of one vector and their gradients of another, so a
step is a handful of operations whatever the network, and the count of steps lives on the device, so that a recorded
step counts by itself. A test holds it against `torch.optim.Adam`.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

MEAN_DECAY = 0.9
SQUARE_DECAY = 0.999
EPSILON = 1e-8


class Adam:
    """Adam (Kingma and Ba, ICLR 2015), with the constants of the paper unless a row has its own."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        learning_rate: float,
        square_decay: float = SQUARE_DECAY,
        epsilon: float = EPSILON,
        *,
        warm_up: int = 0,
        last_rate: float = 1.0,
        steps: int = 1,
    ) -> None:
        """Flatten parameters: they and their gradients become views of two vectors of this object.

        Args:
            parameters: float32, all on one device, to which they must not be moved afterwards.
            learning_rate: the highest.
            square_decay: weight of the past in the mean of the squared gradients, in [0, 1).
            epsilon: added to the root of that mean.
            warm_up: steps in which the rate rises from nothing: Adam's first steps are as long as all others, though it
                knows next to nothing of the gradients yet.
            last_rate: the share of the learning rate, in (0, 1], down to which it falls as half a cosine.
            steps: after how many it has fallen.
        """
        self.learning_rate = learning_rate
        self.square_decay = square_decay
        self.epsilon = epsilon
        self.warm_up = warm_up
        self.last_rate = last_rate
        self.steps = steps
        tensors = list(parameters)
        self.values = torch.cat([tensor.detach().flatten() for tensor in tensors])
        self.gradients = torch.zeros_like(self.values)
        self.mean = torch.zeros_like(self.values)
        self.square = torch.zeros_like(self.values)
        self._steps = torch.zeros((), device=self.values.device)
        self._shapes = [tensor.shape for tensor in tensors]
        for tensor, value, gradient in zip(tensors, self._of(self.values), self._of(self.gradients), strict=True):
            tensor.data = value
            tensor.grad = gradient

    def _of(self, vector: Tensor) -> list[Tensor]:
        """Return each parameter's part of one of the vectors, as a view."""
        parts = torch.split(vector, [shape.numel() for shape in self._shapes])
        return [part.view(shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def zero_grad(self) -> None:
        """Zero the gradients in place, so that backward accumulates into the vector."""
        self.gradients.zero_()

    @torch.no_grad()
    def step(self) -> None:
        """Update the parameters from the accumulated gradients."""
        self._steps += 1
        decays = (MEAN_DECAY, self.square_decay)
        self.mean.lerp_(self.gradients, 1 - MEAN_DECAY)
        self.square.mul_(self.square_decay).addcmul_(self.gradients, self.gradients, value=1 - self.square_decay)
        # 1 - decay^steps, without the cancellation that a power would have after the first steps.
        mean_share, square_share = (-torch.expm1(self._steps * math.log(decay)) for decay in decays)
        root = self.square.sqrt().div_(square_share.sqrt()).add_(self.epsilon).mul_(mean_share)
        if self.warm_up or self.last_rate != 1:
            root.div_(self._rate_share())
        self.values.addcdiv_(self.mean, root, value=-self.learning_rate)

    def _rate_share(self) -> Tensor:
        """Return the factor of the learning rate at the current step (warm-up, decay), on the device."""
        way = (self._steps / self.steps).clamp(max=1)
        risen = (self._steps / max(1, self.warm_up)).clamp(max=1)
        return risen * (self.last_rate + (1 - self.last_rate) * (1 + torch.cos(math.pi * way)) / 2)

    def state_dict(self) -> dict[str, int | list[Tensor]]:
        """Return copies of what `load_state_dict` needs besides the parameters themselves, a tensor a parameter."""
        return {"steps": int(self._steps), "mean": self._of(self.mean.clone()), "square": self._of(self.square.clone())}

    def load_state_dict(self, state: dict[str, int | list[Tensor]]) -> None:
        """Go on from a state of `state_dict`."""
        steps, mean, square = state["steps"], state["mean"], state["square"]
        if not isinstance(steps, int) or not isinstance(mean, list) or not isinstance(square, list):
            raise ValueError("the state is not one of this optimiser")
        self._steps.fill_(steps)
        for vector, values in ((self.mean, mean), (self.square, square)):
            for part, value in zip(self._of(vector), values, strict=True):
                part.copy_(value)
