from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nonideal.pnn import Discharger, Exact, RCSpikeLinear, Reversal, trajectory
from nonideal.pnn.wiring import Wiring

PAPER = Reversal((0.36,), (-0.66,))
EXTRACTED = Wiring(delay=3e-4, charge_positive=-2e-4, charge_negative=5e-4, coupling=2e-3, spike_delay=7e-5)


def draw(seed: int, samples: int, n_in: int, n_out: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    t = torch.rand(samples, n_in, generator=generator, dtype=torch.float64) * 1.4 - 0.2
    return t, torch.randn(n_out, n_in, generator=generator, dtype=torch.float64) / math.sqrt(n_in)


@pytest.mark.parametrize("wiring", [None, EXTRACTED])
def test_it_starts_at_rest_and_ends_at_the_membrane(wiring: Wiring | None) -> None:
    t, w = draw(7, 4, 9, 3)
    found = trajectory(t, w, PAPER.conductance(w), wiring)
    assert found.v.shape == (4, 20, 3)
    assert not found.v[:, 0].any()
    assert bool((found.time.diff(dim=1) >= 0.0).all())
    end = Exact().membrane(t, w, PAPER, wiring=wiring)
    torch.testing.assert_close(found.v[:, -1], end, rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(found.at(torch.ones(1))[:, 0], end, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("wiring", [None, EXTRACTED])
def test_between_events_it_obeys_the_differential_equation(wiring: Wiring | None) -> None:
    t, w = draw(8, 1, 5, 4)
    found = trajectory(t, w, PAPER.conductance(w), wiring)
    at = torch.linspace(0.001, 0.999, 997, dtype=torch.float64)
    away = (at[:, None] - found.time[0][None, :]).abs().min(dim=1).values > 2e-3
    step = 1e-5
    slope = (found.at(at + step) - found.at(at - step))[0] / (2 * step)
    alone = trajectory(
        t,
        w,
        PAPER.conductance(w),
        None if wiring is None else Wiring(wiring.delay, wiring.charge_positive, wiring.charge_negative),
    )
    arrived = (alone.wiring.arrival(t)[0].clamp(min=0.0)[None, :] < at[:, None]).to(torch.float64)
    expected = arrived @ w.T - (arrived @ PAPER.conductance(w).T) * alone.at(at)[0]
    if wiring is not None:
        expected = wiring.coupled(expected)
    torch.testing.assert_close(slope[away], expected[away], rtol=1e-6, atol=1e-7)


def test_a_single_spike_has_its_closed_form() -> None:
    w = torch.tensor([[0.8]], dtype=torch.float64)
    f = PAPER.conductance(w).item()
    found = trajectory(torch.tensor([[0.25]], dtype=torch.float64), w, PAPER.conductance(w))
    v = found.at(torch.tensor([0.1, 0.25, 0.65], dtype=torch.float64))[0, :, 0]
    assert v[0] == 0.0
    assert v[1] == 0.0
    assert v[2].item() == pytest.approx(0.8 / f * -math.expm1(-f * 0.4), rel=1e-13)


def test_a_charge_arrives_at_once() -> None:
    w = torch.tensor([[0.8], [-0.4]], dtype=torch.float64)
    wiring = Wiring(charge_positive=1e-3, charge_negative=2e-3)
    found = trajectory(torch.tensor([[0.5]], dtype=torch.float64), w, PAPER.conductance(w), wiring)
    torch.testing.assert_close(found.v[0, 1], torch.zeros(2, dtype=torch.float64))
    torch.testing.assert_close(found.v[0, 2], torch.tensor([-1e-3, 2e-3], dtype=torch.float64))


@settings(max_examples=40, deadline=None)
@given(b=st.floats(-0.5, 0.9).filter(lambda b: abs(b) > 1e-9 or b == 0), v=st.floats(-0.5, 0.99))
def test_a_ramp_passes_the_threshold_when_the_neuron_fires(b: float, v: float) -> None:
    discharger, at = Discharger(b), torch.tensor([v], dtype=torch.float64)
    fires = discharger.unclipped(at)
    assert discharger.ramp(at, torch.zeros(1)).item() == pytest.approx(v, abs=1e-12)
    if 1 - b * v > 0.5 * min(1.0, 1.0 - b):  # beyond, the spike time continues as a tangent
        assert discharger.ramp(at, fires).item() == pytest.approx(1.0, abs=1e-9)


def test_a_layer_with_a_wiring_has_its_trajectory() -> None:
    layer = RCSpikeLinear(6, 3, PAPER, Discharger(0.15), wiring=EXTRACTED)
    t, _ = draw(9, 5, 6, 3)
    fired = layer.evaluate(t, layer.weight.detach().double(), Exact())
    torch.testing.assert_close(layer.trajectory(t).v[:, -1], fired.membrane, rtol=1e-11, atol=1e-12)
