"""Time to first spike: closed forms, an ODE solver, both forms, silent and grazing neurons."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from torch import Tensor
from torch.nn import functional

from nonideal.pnn import DSTD, BadParameter, Exact, Reversal
from nonideal.pnn.dstd import grid
from nonideal.pnn.ttfs import (
    FirstSpike,
    TTFSConv2d,
    TTFSLinear,
    firing_promotion,
    first_spike_dstd,
    first_spike_exact,
    initial_bound,
    until_last_spike,
)

PAPER = Reversal.constant(2.80, -1.53)
CURVED = Reversal((0.36, 0.01), (-0.68, 0.05), (0.0, 3.0), (0.0, 3.0))


def draw(seed: int, batch: int, n_in: int, n_out: int) -> tuple[Tensor, Tensor]:
    """Times in horizons and weights of which about half make a neuron fire."""
    generator = torch.Generator().manual_seed(seed)
    t = torch.rand(batch, n_in, generator=generator, dtype=torch.float64) * 1.2
    w = (
        torch.randn(n_out, n_in, generator=generator, dtype=torch.float64) * 3.0 / math.sqrt(n_in)
        + 6.0 / n_in
    )
    return t, w


def test_one_spike_has_the_closed_form() -> None:
    # E (1 - exp(-w (t - t_1) / E)) = 1
    t, w = torch.tensor([[0.2]], dtype=torch.float64), torch.tensor([[4.0]], dtype=torch.float64)
    expected = 0.2 - 2.8 / 4.0 * math.log(1.0 - 1.0 / 2.8)
    assert first_spike_exact(t, w, PAPER.conductance(w)).item() == pytest.approx(expected, rel=1e-12)
    assert first_spike_exact(t, w, torch.zeros_like(w)).item() == pytest.approx(0.2 + 0.25, rel=1e-12)


def test_agrees_with_an_ode_solver() -> None:
    t, w = draw(0, 4, 10, 5)
    c = PAPER.conductance(w)
    found = first_spike_exact(t, w, c)
    fired = 0
    for b in range(4):
        for i in range(5):
            v, expected = 0.0, math.inf
            edges = np.unique(np.concatenate(([0.0], np.clip(t[b].numpy(), 0.0, 1.0), [1.0])))
            for start, end in itertools.pairwise(edges):
                on = t[b] <= start
                f, g = c[i][on].sum().item(), w[i][on].sum().item()

                def threshold(_: float, x: np.ndarray) -> float:
                    return float(x[0] - 1.0)

                threshold.terminal, threshold.direction = True, 1.0  # type: ignore[attr-defined]
                run = solve_ivp(
                    lambda _, x, f=f, g=g: g - f * x,
                    (start, end),
                    [v],
                    rtol=1e-11,
                    atol=1e-13,
                    events=threshold,
                )
                if run.t_events[0].size:
                    expected = run.t_events[0][0]
                    break
                v = run.y[0, -1]
            if math.isinf(expected):
                assert found[b, i].item() == pytest.approx(2.0 - v, abs=1e-8)
            else:
                fired += 1
                assert found[b, i].item() == pytest.approx(expected, abs=1e-8)
    assert 3 < fired < 17


def test_discretisation_converges_to_the_exact_time() -> None:
    t, w = draw(1, 16, 40, 10)
    c = PAPER.conductance(w)
    exact = first_spike_exact(t, w, c)
    errors = [(first_spike_dstd(t, w, c, grid(m)) - exact).abs().median().item() for m in (10, 20, 40, 80)]
    assert all(a > 1.8 * b for a, b in itertools.pairwise(errors)), errors


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(1, 70)),
    steps=st.integers(1, 12),
    reversal=st.sampled_from([PAPER, CURVED, Reversal.ideal(math.inf)]),
    horizon=st.sampled_from([1.0, 4.0]),
)
def test_native_is_the_pytorch_form(
    seed: int, shape: tuple[int, int, int], steps: int, reversal: Reversal, horizon: float
) -> None:
    batch, n_in, n_out = shape
    t, w = draw(seed, batch, n_in, n_out)
    layer = TTFSLinear(n_in, n_out, reversal, DSTD(steps), horizon=horizon, t_ref=1.0).double()
    with torch.no_grad():
        layer.weight.copy_(w / horizon)
    grad = torch.randn(batch, n_out, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)

    def run() -> list[Tensor]:
        times = (t * horizon).requires_grad_()
        out = layer(times).unclipped
        return [out.detach(), *torch.autograd.grad(out, (times, layer.weight), grad)]

    native = run()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nonideal.pnn.ttfs.available", lambda tensor: False)
        plain = run()
    for a, b in zip(native, plain, strict=True):
        assert (a - b).abs().max() <= 1e-9 * max(1.0, b.abs().max().item())


@pytest.mark.parametrize("method", [DSTD(5), Exact()])
@pytest.mark.parametrize("native", [True, False])
def test_gradcheck(method: DSTD | Exact, native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not native:
        monkeypatch.setattr("nonideal.pnn.ttfs.available", lambda tensor: False)
    monkeypatch.setattr("nonideal.pnn.ttfs.LEAST_SLOPE", 0.05)  # below all that occur here
    t, w = draw(3, 2, 6, 4)
    layer = TTFSLinear(6, 4, PAPER, method).double()
    times = (4.0 * t).clamp(min=0.01).requires_grad_()

    def function(times: Tensor, weight: Tensor) -> Tensor:
        return torch.func.functional_call(layer, {"weight": weight}, (times,)).unclipped  # type: ignore[no-any-return]

    assert torch.autograd.gradcheck(function, (times, (w / 4.0).requires_grad_()))


def test_silent_neurons_stay_finite_and_keep_a_gradient() -> None:
    layer = TTFSLinear(3, 2, PAPER, DSTD(10))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.05, 0.1, 0.0], [-1.0, -1.0, -1.0]]))
    spikes = layer(torch.tensor([[0.0, 1.0, 5.0]]))
    assert bool((spikes.unclipped > 4.0).all())
    assert spikes.spike_time.tolist() == [[4.0, 4.0]]
    assert bool((spikes.shortfall > 0.0).all())
    spikes.shortfall.sum().backward()
    assert bool((layer.weight.grad[:, :2] < 0.0).all())  # type: ignore[index]
    assert not layer.weight.grad[:, 2].any()  # type: ignore[index]


@pytest.mark.parametrize("native", [True, False])
def test_grazing_crossing_has_a_bounded_gradient(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not native:
        monkeypatch.setattr("nonideal.pnn.ttfs.available", lambda tensor: False)
    layer = TTFSLinear(
        1, 1, Reversal.ideal(1.0 - 1e-9), DSTD(4)
    ).double()  # v saturates just above the threshold
    with torch.no_grad():
        layer.weight.fill_(6.0)
    t = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    time = layer(t).unclipped
    time.sum().backward()
    assert bool(torch.isfinite(time).all())
    assert abs(layer.weight.grad.item()) < 1e3  # type: ignore[union-attr]
    assert math.isfinite(t.grad.item())  # type: ignore[union-attr]


def test_convolution_is_a_linear_layer_per_pixel() -> None:
    conv = TTFSConv2d(2, 5, 3, PAPER, DSTD(8)).double()
    linear = TTFSLinear(18, 5, PAPER, DSTD(8)).double()
    with torch.no_grad():
        linear.weight.copy_(conv.weight.reshape(5, 18))
    t = torch.rand(2, 2, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3.0
    patches = functional.unfold(t, 3).transpose(1, 2).reshape(-1, 18)
    expected = linear(patches).unclipped.reshape(2, 4, 3, 5).permute(0, 3, 1, 2)
    torch.testing.assert_close(conv(t).unclipped, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("native", [True, False])
def test_padded_convolution_both_forms(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = TTFSConv2d(3, 4, 3, PAPER, DSTD(6), padding=1).double()
    t = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3.0
    reference = layer(functional.pad(t, [1] * 4, value=9.0)).unclipped[:, :, 1:-1, 1:-1]
    if not native:
        monkeypatch.setattr("nonideal.pnn.ttfs.available", lambda tensor: False)
    torch.testing.assert_close(layer(t).unclipped, reference, rtol=1e-10, atol=1e-12)


def test_initial_weights_make_neurons_fire() -> None:
    # w_max = -4 w* L^2 ln(1 - beta) / (beta t_ref^2), w* = 2
    beta = 1.0 / 2.8
    expected = -8.0 * 9.0 * math.log(1.0 - beta) / (beta * 3.2**2) / 100
    assert initial_bound(PAPER, 100, 3, 3.2) == pytest.approx(expected)
    assert initial_bound(Reversal.ideal(math.inf), 100, 3, 3.2) == pytest.approx(72.0 / 3.2**2 / 100)
    layer = TTFSLinear(100, 50, PAPER)
    spikes = layer(torch.rand(20, 100, generator=torch.Generator().manual_seed(0)))
    assert (spikes.unclipped < 4.0).float().mean() > 0.9


def test_bad_options_are_refused() -> None:
    with pytest.raises(BadParameter, match="horizon"):
        TTFSLinear(3, 3, PAPER, horizon=0.0)
    with pytest.raises(BadParameter, match="third-order"):
        TTFSLinear(3, 3, PAPER, DSTD(4, order=3))
    with pytest.raises(BadParameter, match=r"\[B, 3\]"):
        TTFSLinear(3, 3, PAPER)(torch.zeros(2, 4))
    assert FirstSpike(torch.tensor([5.0]), 4.0).shortfall.item() == pytest.approx(0.25)


def test_firing_promotion_adds_up_what_silent_neurons_lack() -> None:
    spikes = [
        FirstSpike(torch.tensor([[1.0, 5.0], [6.0, 4.0]]), 4.0),
        FirstSpike(torch.full((2, 1, 2, 2), 3.0), 2.0),
    ]
    expected = sum(s.shortfall.sum() / 2 for s in spikes)
    assert firing_promotion(spikes).item() == pytest.approx(float(expected))


@pytest.mark.parametrize("latest", [0.0, 0.26, 0.5, 0.93, 1.0])
def test_intervals_after_the_last_spike_change_nothing(
    latest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = TTFSLinear(8, 40, PAPER, DSTD(10, random_offset=True), spread=1.5).double()
    with torch.no_grad():
        layer.reset_parameters(torch.Generator().manual_seed(0))
        layer.weight.mul_(0.5)
    t = torch.rand(30, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 4.0 * latest
    t[:, 3] = 5.0  # silent

    def run() -> tuple[Tensor, ...]:
        spikes = layer(t.requires_grad_(), torch.Generator().manual_seed(2))
        assert bool((spikes.unclipped < 4.0).any())
        assert bool((spikes.unclipped > 4.0).any())
        return (spikes.unclipped, *torch.autograd.grad(spikes.unclipped.square().sum(), (t, layer.weight)))

    short = run()
    monkeypatch.setattr("nonideal.pnn.ttfs.until_last_spike", lambda edges, spike_time: edges)
    for a, b in zip(short, run(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


def test_the_grid_ends_after_the_last_spike() -> None:
    edges = grid(4)
    for last, expected in (
        (0.0, (0.0, 0.25, 1.0)),
        (0.2, (0.0, 0.25, 1.0)),
        (0.25, (0.0, 0.25, 0.5, 1.0)),
        (0.8, edges),
    ):
        assert until_last_spike(edges, torch.tensor([0.0, last, 1.0, 3.0])) == expected
    assert until_last_spike(edges, torch.tensor([math.nan, 0.3])) == (0.0, 0.25, 0.5, 1.0)
    assert until_last_spike(grid(1), torch.tensor([0.3])) == grid(1)
    assert until_last_spike(edges, torch.empty(0, 3)) == (0.0, 0.25, 1.0)
