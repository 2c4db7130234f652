"""Exact evaluation against closed forms, an independent ODE solver and finite differences."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from nonideal.pnn import BadParameter, Exact, Reversal, membrane_exact
from nonideal.pnn.exact import phi

PAPER = Reversal.constant(2.80, -1.53)


def draw(seed: int, batch: int, n_in: int, n_out: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    t = torch.rand(batch, n_in, generator=generator, dtype=torch.float64) * 1.2 - 0.05
    w = torch.randn(n_out, n_in, generator=generator, dtype=torch.float64)
    return t, w


def solve_ode(t: np.ndarray, w: np.ndarray, c: np.ndarray) -> np.ndarray:
    """dv/dt = sum_j (w - c v) H(t - t_j), integrated by scipy from event to event."""
    v = np.zeros(w.shape[0])
    events = np.unique(np.concatenate(([0.0], np.clip(t, 0.0, 1.0), [1.0])))
    for start, end in itertools.pairwise(events):
        on = t <= start
        f, g = c[:, on].sum(1), w[:, on].sum(1)
        v = solve_ivp(lambda _, x, f=f, g=g: g - f * x, (start, end), v, rtol=1e-11, atol=1e-13).y[:, -1]
    return v


def test_single_spike_has_the_closed_form() -> None:
    # v(1) = E (1 - exp(-(1 - t) w / E))
    t, w = torch.tensor([[0.3]], dtype=torch.float64), torch.tensor([[1.4]], dtype=torch.float64)
    v = membrane_exact(t, w, PAPER.conductance(w))
    assert v.item() == pytest.approx(2.8 * (1.0 - math.exp(-0.7 * 1.4 / 2.8)), rel=1e-13)
    v = membrane_exact(t, -w, PAPER.conductance(-w))
    assert v.item() == pytest.approx(-1.53 * (1.0 - math.exp(-0.7 * 1.4 / 1.53)), rel=1e-13)


def test_two_opposite_spikes_have_the_closed_form() -> None:
    t = torch.tensor([[0.2, 0.6]], dtype=torch.float64)
    w = torch.tensor([[0.9, -0.7]], dtype=torch.float64)
    f1, f2 = 0.9 / 2.8, 0.9 / 2.8 + 0.7 / 1.53
    v1 = 2.8 * (1.0 - math.exp(-f1 * 0.4))
    expected = 0.2 / f2 + (v1 - 0.2 / f2) * math.exp(-f2 * 0.4)
    assert membrane_exact(t, w, PAPER.conductance(w)).item() == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_an_ode_solver(seed: int) -> None:
    t, w = draw(seed, 3, 12, 4)
    c = PAPER.conductance(w)
    expected = np.stack([solve_ode(row, w.numpy(), c.numpy()) for row in t.numpy()])
    np.testing.assert_allclose(membrane_exact(t, w, c).numpy(), expected, atol=2e-9)


def test_gradcheck() -> None:
    t, w = draw(0, 2, 6, 3)
    t = t.clamp(0.01, 1.2)
    t[0, 0] = 1.5
    c = PAPER.conductance(w).detach()
    arguments = (t.requires_grad_(), w.requires_grad_(), c.requires_grad_())
    assert torch.autograd.gradcheck(membrane_exact, arguments)


def test_gradcheck_of_the_ideal_sum() -> None:
    t, w = draw(1, 2, 4, 3)
    c = torch.zeros_like(w)
    assert torch.autograd.gradcheck(
        membrane_exact, (t.clamp(0.01, 0.99).requires_grad_(), w.requires_grad_(), c)
    )


def test_infinite_reversal_is_the_weighted_sum() -> None:
    t, w = draw(2, 5, 20, 7)
    v = membrane_exact(t, w, Reversal.ideal(math.inf).conductance(w))
    torch.testing.assert_close(v, (1.0 - t.clamp(0.0, 1.0)) @ w.t(), rtol=1e-12, atol=1e-12)


def test_large_reversal_approaches_the_weighted_sum_in_first_order() -> None:
    t, w = draw(2, 5, 20, 7)
    ideal = (1.0 - t.clamp(0.0, 1.0)) @ w.t()
    errors = [
        (membrane_exact(t, w, Reversal.ideal(e).conductance(w)) - ideal).abs().max().item()
        for e in (1e3, 1e4)
    ]
    assert errors[0] / errors[1] == pytest.approx(10.0, rel=0.05)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), n_in=st.integers(1, 12), n_out=st.integers(1, 5))
def test_order_of_inputs_does_not_matter(seed: int, n_in: int, n_out: int) -> None:
    t, w = draw(seed, 3, n_in, n_out)
    permuted = torch.randperm(n_in, generator=torch.Generator().manual_seed(seed))
    c = PAPER.conductance(w)
    torch.testing.assert_close(
        membrane_exact(t, w, c),
        membrane_exact(t[:, permuted], w[:, permuted], c[:, permuted]),
        rtol=1e-11,
        atol=1e-11,
    )


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), late=st.sampled_from([1.0, 1.3, math.inf]))
def test_silent_inputs_have_no_effect_and_no_gradient(seed: int, late: float) -> None:
    t, w = draw(seed, 2, 5, 3)
    silent = torch.full((2, 2), late, dtype=torch.float64, requires_grad=True)
    extra = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    both = torch.cat((w, extra), dim=1)
    v = membrane_exact(torch.cat((t, silent), dim=1), both, PAPER.conductance(both))
    torch.testing.assert_close(v, membrane_exact(t, w, PAPER.conductance(w)), rtol=1e-12, atol=1e-12)
    (gradient,) = torch.autograd.grad(v.sum(), silent)
    assert not gradient.any()


def test_all_silent_and_all_at_once() -> None:
    w = torch.tensor([[0.5, -0.2, 1.0]], dtype=torch.float64)
    c = PAPER.conductance(w)
    assert membrane_exact(torch.full((2, 3), 2.0, dtype=torch.float64), w, c).abs().max() == 0.0
    f, g = c.sum().item(), w.sum().item()
    at_once = membrane_exact(torch.full((1, 3), 0.25, dtype=torch.float64), w, c).item()
    assert at_once == pytest.approx(g / f * (1.0 - math.exp(-0.75 * f)), rel=1e-13)


def test_single_precision_is_close_to_double() -> None:
    t, w = draw(5, 16, 200, 20)
    w = w / 14.0
    exact = membrane_exact(t, w, PAPER.conductance(w))
    single = membrane_exact(t.float(), w.float(), PAPER.conductance(w.float()))
    assert (single.double() - exact).abs().max() < 3e-6


def test_chunks_do_not_change_the_result() -> None:
    t, w = draw(6, 9, 8, 4)
    c = PAPER.conductance(w)
    torch.testing.assert_close(membrane_exact(t, w, c, chunk_elements=64), membrane_exact(t, w, c))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_phi_and_its_gradient_near_zero(dtype: torch.dtype) -> None:
    x = torch.tensor(
        [0.0, 1e-30, 1e-8, 1e-6, 1e-4, 0.9e-3, 1.1e-3, 0.1, 1.0, 30.0], dtype=dtype, requires_grad=True
    )
    (gradient,) = torch.autograd.grad(phi(x).sum(), x)
    at = x.detach().double().numpy()
    safe = np.where(at < 1e-5, 1.0, at)
    value = np.where(at < 1e-5, 1.0 - at / 2.0, -np.expm1(-safe) / safe)
    slope = np.where(at < 1e-3, -0.5 + at / 3.0 - at**2 / 8.0, (np.exp(-safe) * (1.0 + safe) - 1.0) / safe**2)
    tolerance = 2e-7 if dtype == torch.float32 else 1e-11
    np.testing.assert_allclose(phi(x).detach().double().numpy(), value, rtol=tolerance)
    np.testing.assert_allclose(
        gradient.double().numpy(), slope, rtol=2e-3 if dtype == torch.float32 else 1e-6
    )


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(BadParameter, match=r"\(2, 3\).*\(4, 5\)"):
        Exact().membrane(torch.zeros(2, 3), torch.zeros(4, 5), torch.zeros(4, 5))
