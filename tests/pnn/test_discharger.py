"""The firing phase."""

from __future__ import annotations

import pytest
import torch

from nonideal.pnn import BadParameter, Discharger


@pytest.mark.parametrize("b", [0.0, 1e-9, 0.155, 0.6, -0.3])
def test_end_points_and_inverse(b: float) -> None:
    discharger = Discharger(b)
    v = torch.linspace(-1.0, 1.0, 21, dtype=torch.float64)
    t = discharger.unclipped(v)
    assert t[-1].item() == pytest.approx(0.0, abs=1e-12)
    assert t[10].item() == pytest.approx(1.0, abs=1e-12)
    torch.testing.assert_close(discharger.membrane(t), v, rtol=1e-9, atol=1e-9)


def test_matches_the_ramp_it_describes() -> None:
    # the paper's formula at b = 0.155, v = 0.5
    assert Discharger(0.155).unclipped(torch.tensor(0.5, dtype=torch.float64)).item() == pytest.approx(
        (
            torch.log(torch.tensor(0.845, dtype=torch.float64))
            - torch.log(torch.tensor(0.9225, dtype=torch.float64))
        ).item()
        / torch.log(torch.tensor(0.845, dtype=torch.float64)).item(),
        rel=1e-12,
    )


def test_clip_has_zero_gradient_and_unclipped_has_not() -> None:
    v = torch.tensor([-0.5, 0.5, 1.5], dtype=torch.float64, requires_grad=True)
    clipped = Discharger(0.155).spike_time(v)
    assert clipped.tolist()[::2] == [1.0, 0.0]
    (gradient,) = torch.autograd.grad(clipped.sum(), v)
    assert [g != 0.0 for g in gradient.tolist()] == [False, True, False]
    (gradient,) = torch.autograd.grad(Discharger(0.155).unclipped(v).sum(), v)
    assert bool((gradient < 0.0).all())


@pytest.mark.parametrize("b", [0.0, 0.155, 0.9, -0.3])
def test_gradcheck_and_monotone_far_beyond_one_over_b(b: float) -> None:
    v = torch.linspace(-20.0, 20.0, 401, dtype=torch.float64)
    t = Discharger(b).unclipped(v)
    assert bool(torch.isfinite(t).all())
    assert bool((t.diff() < 0.0).all())
    assert torch.autograd.gradcheck(Discharger(b).unclipped, (v[::37].clone().requires_grad_(),))


@pytest.mark.parametrize("b", [1.0, 1.5, float("nan")])
def test_impossible_ramps_are_refused(b: float) -> None:
    with pytest.raises(BadParameter, match="discharger"):
        Discharger(b)
