"""Conjugate gradients solve what they are made for."""

import torch

from pipcli.linear.conjugate_gradients import conjugate_gradients


def test_as_many_steps_as_unknowns_solve_the_equations_with_and_without_a_scale() -> None:
    generator = torch.Generator().manual_seed(0)
    factor = torch.rand(6, 6, generator=generator, dtype=torch.float64)
    matrix = factor @ factor.T + torch.diag(torch.arange(1.0, 7.0).double())
    wanted, start = torch.rand(2, 6, generator=generator, dtype=torch.float64)
    for scale in (1.0, 1 / matrix.diagonal()):
        residual = matrix @ (wanted - start)
        found = conjugate_gradients(lambda v: matrix @ v, start, residual, steps=6, tolerance=0.0, scale=scale)
        assert torch.allclose(found, wanted, atol=1e-9)


def test_a_solution_that_is_there_stays() -> None:
    start = torch.ones(3)
    assert torch.equal(conjugate_gradients(lambda v: 2 * v, start, torch.zeros(3), steps=5, tolerance=1e-4), start)
