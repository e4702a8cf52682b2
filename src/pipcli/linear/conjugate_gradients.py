"""Linear equations that are too large to write down: all that is known of the matrix is what it does to a vector."""

from collections.abc import Callable

from torch import Tensor


def conjugate_gradients(
    apply: Callable[[Tensor], Tensor],
    start: Tensor,
    residual: Tensor,
    *,
    steps: int,
    tolerance: float,
    scale: Tensor | float = 1.0,
) -> Tensor:
    """Return an approximate solution of A x = b for a symmetric, positive A, by conjugate gradients.

    Source: Hestenes and Stiefel, "Methods of Conjugate Gradients for Solving Linear Systems" (Journal of Research of
    the National Bureau of Standards 49, 1952).

    Args:
        apply: maps a vector v, a tensor of any shape, to A v.
        start: where to begin, shaped like x.
        residual: b - A start.
        steps: how many to make at most.
        tolerance: share of the residual's length at the start, in the norm of the scale, at which they end before.
        scale: the preconditioner, what an entry of the residual is multiplied by: about the inverse of A's diagonal.
    """
    solution = start
    scaled = scale * residual
    direction, square = scaled, (residual * scaled).sum()
    enough = tolerance**2 * square
    for _ in range(steps):
        if square <= enough:
            break
        mapped = apply(direction)
        length = square / (direction * mapped).sum()
        solution = solution + length * direction
        residual = residual - length * mapped
        scaled = scale * residual
        before, square = square, (residual * scaled).sum()
        direction = scaled + square / before * direction
    return solution
