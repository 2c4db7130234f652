"""The discretisation: identity with the paper's form, order of convergence, gradients."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nonideal.pnn import DSTD, BadParameter, Reversal, membrane_dstd, membrane_exact
from nonideal.pnn.dstd import grid

PAPER = Reversal.constant(2.80, -1.53)


def draw(seed: int, batch: int, n_in: int, n_out: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    t = torch.rand(batch, n_in, generator=generator, dtype=torch.float64)
    w = torch.randn(n_out, n_in, generator=generator, dtype=torch.float64) / math.sqrt(n_in)
    return t, w


def paper_form(t: torch.Tensor, w: torch.Tensor, c: torch.Tensor, steps: int) -> torch.Tensor:
    """Section 3 literally: linear interpolation on the grid points, cumulated sum, step per interval."""
    points = torch.arange(steps + 1, dtype=t.dtype) / steps
    s = (1.0 - steps * (points - t.unsqueeze(-1)).abs()).clamp(min=0.0)
    cumulated = s.cumsum(-1)[..., :-1]
    v = torch.zeros(t.shape[0], w.shape[0], dtype=t.dtype)
    for m in range(steps):
        f, g = cumulated[..., m] @ c.t(), cumulated[..., m] @ w.t()
        v = v * torch.exp(-f / steps) + g / f * (1.0 - torch.exp(-f / steps))
    return v


@pytest.mark.parametrize("steps", [1, 2, 5, 10])
def test_is_the_papers_cumulated_interpolation(steps: int) -> None:
    t, w = draw(0, 4, 30, 6)
    t[:, 0] = 0.0  # f > 0 everywhere: the paper's form divides by it
    c = PAPER.conductance(w)
    torch.testing.assert_close(
        membrane_dstd(t, w, c, grid(steps)), paper_form(t, w, c, steps), rtol=1e-10, atol=1e-12
    )


def test_error_falls_with_the_square_of_the_step() -> None:
    t, w = draw(1, 64, 100, 20)
    c = Reversal.ideal(4.0).conductance(w)
    exact = membrane_exact(t, w, c)
    errors = [
        (membrane_dstd(t, w, c, grid(m)) - exact).square().mean().sqrt().item() for m in (8, 16, 32, 64)
    ]
    orders = [math.log2(a / b) for a, b in pairwise(errors)]
    assert all(order == pytest.approx(2.0, abs=0.25) for order in orders), orders


def test_third_order_error_falls_with_the_cube_of_the_step() -> None:
    t, w = draw(1, 64, 100, 20)
    c = Reversal.ideal(4.0).conductance(w)
    exact = membrane_exact(t, w, c)
    errors = [
        (membrane_dstd(t, w, c, grid(m), True) - exact).square().mean().sqrt().item() for m in (8, 16, 32, 64)
    ]
    orders = [math.log2(a / b) for a, b in pairwise(errors)]
    assert all(order >= 2.75 for order in orders), orders


def test_four_third_order_steps_beat_ten_plain_ones() -> None:
    t, w = draw(1, 64, 784, 100)
    c = Reversal.ideal(4.0).conductance(w)
    exact = membrane_exact(t, w, c)

    def error(steps: int, third: bool) -> float:
        return (membrane_dstd(t, w, c, grid(steps), third) - exact).square().mean().sqrt().item()

    assert error(4, True) < error(10, False) < error(4, False)


def test_error_falls_with_the_reversal_potential() -> None:
    t, w = draw(1, 64, 100, 20)
    errors = []
    for e in (16.0, 32.0, 64.0):
        c = Reversal.ideal(e).conductance(w)
        errors.append((membrane_dstd(t, w, c, grid(8)) - membrane_exact(t, w, c)).abs().max().item())
    for a, b in pairwise(errors):
        assert math.log2(a / b) == pytest.approx(1.0, abs=0.3)


def test_ideal_sum_has_no_discretisation_error() -> None:
    t, w = draw(2, 8, 30, 6)
    v = membrane_dstd(t, w, torch.zeros_like(w), grid(3, 0.1))
    torch.testing.assert_close(v, (1.0 - t) @ w.t(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("third", [False, True])
@pytest.mark.parametrize("offset", [0.0, 0.03, 0.11])
def test_gradcheck(offset: float, third: bool) -> None:
    t, w = draw(3, 2, 6, 3)
    t[0, 0] = 1.4
    c = PAPER.conductance(w).detach()
    edges = grid(4, offset)
    arguments = (t.requires_grad_(), w.requires_grad_(), c.requires_grad_())
    assert torch.autograd.gradcheck(lambda *a: membrane_dstd(*a, edges, third), arguments)


@pytest.mark.parametrize("third", [False, True])
def test_gradient_on_a_grid_point_is_that_of_the_later_interval(third: bool) -> None:
    w = torch.tensor([[1.3, -0.8]], dtype=torch.float64)
    c = PAPER.conductance(w)

    def slope(t: float) -> float:
        x = torch.tensor([[t, 0.1]], dtype=torch.float64, requires_grad=True)
        return torch.autograd.grad(membrane_dstd(x, w, c, grid(4), third).sum(), x)[0][0, 0].item()

    def v(t: float) -> float:
        return membrane_dstd(torch.tensor([[t, 0.1]], dtype=torch.float64), w, c, grid(4), third).item()

    difference = (v(0.5 + 1e-5) - v(0.5 - 1e-5)) / 2e-5
    assert difference == pytest.approx((slope(0.5 - 1e-6) + slope(0.5 + 1e-6)) / 2.0, rel=1e-4)
    assert slope(0.5) == pytest.approx(slope(0.5 + 1e-6), rel=1e-4)


@settings(deadline=None, max_examples=40)
@given(steps=st.integers(1, 20), share=st.floats(0.0, 0.999))
def test_grid_covers_the_phase(steps: int, share: float) -> None:
    edges = grid(steps, share / steps)
    assert edges[0] == 0.0
    assert edges[-1] == 1.0
    widths = [b - a for a, b in pairwise(edges)]
    assert all(0.0 < w <= 1.0 / steps + 1e-12 for w in widths)
    assert len(widths) in (steps, steps + 1)


def test_random_offset_is_drawn_from_the_generator_only() -> None:
    method = DSTD(4, random_offset=True)
    assert method.edges() == grid(4)
    first = [method.edges(torch.Generator().manual_seed(s)) for s in (0, 0, 1)]
    assert first[0] == first[1] != first[2]
    assert DSTD(4).edges(torch.Generator()) == grid(4)


def test_mean_over_offsets_has_less_bias_in_the_gradient() -> None:
    t, w = draw(4, 32, 50, 10)
    c = PAPER.conductance(w)

    def gradient(function: object) -> torch.Tensor:
        x = t.clone().requires_grad_()
        return torch.autograd.grad(function(x).sum(), x)[0]  # type: ignore[operator]

    exact = gradient(lambda x: membrane_exact(x, w, c))
    fixed = gradient(lambda x: membrane_dstd(x, w, c, grid(3)))
    offsets = [grid(3, k / 90) for k in range(30)]
    mean = torch.stack([gradient(lambda x, e=e: membrane_dstd(x, w, c, e)) for e in offsets]).mean(0)
    assert (mean - exact).norm() < 0.5 * (fixed - exact).norm()


def test_bad_grids_are_refused() -> None:
    with pytest.raises(BadParameter, match="0"):
        DSTD(0)
    with pytest.raises(BadParameter, match="offset"):
        grid(4, 0.25)
