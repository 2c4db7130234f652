"""The loss's terms, each against its formula."""

from __future__ import annotations

import math

import pytest
import torch

from pnn import Discharger, Firing, LossWeights, first_to_fire, training_loss

OFF = {"temporal_penalty": 0.0, "weight_norm": 0.0, "early_spike": 0.0}


def firing(v: list[list[float]]) -> Firing:
    membrane = torch.tensor(v, dtype=torch.float64, requires_grad=True)
    return Firing(membrane, Discharger(0.0).unclipped(membrane))


def test_first_to_fire_is_a_softmax_of_negative_times() -> None:
    times = torch.tensor([[0.2, 0.5]], dtype=torch.float64)
    expected = math.log(1.0 + math.exp(-0.3 / 0.07))
    assert first_to_fire(times, torch.tensor([0]), 0.07).item() == pytest.approx(expected)
    assert first_to_fire(times, torch.tensor([1]), 0.07) > 4.0


def test_terms_add_up() -> None:
    hidden, output = firing([[0.3, -0.2], [0.5, 0.1]]), firing([[0.4, 0.2, 9.0], [0.1, 0.6, 9.0]])
    weight = torch.tensor([[1.0, -2.0]], dtype=torch.float64)
    label = torch.tensor([0, 1])
    base = first_to_fire(output.unclipped[:, :2], label, 0.07).item()

    def loss(**terms: float) -> float:
        options = LossWeights(**(OFF | {"t_ref": 0.9} | terms))
        return training_loss([hidden, output], label, [weight], options, 2).item()

    assert loss() == pytest.approx(base)
    assert loss(weight_norm=0.1) - base == pytest.approx(0.1 * 5.0)
    temporal = (0.6 - 0.9) ** 2 + (0.8 - 0.9) ** 2 + (0.9 - 0.9) ** 2 + (0.4 - 0.9) ** 2
    assert loss(temporal_penalty=0.1) - base == pytest.approx(0.1 * temporal / 2)
    assert loss(late_spike=3.0, t_late=0.5) - base == pytest.approx(
        3.0 * (0.1**2 + 0.0) / 2
    )  # 0.6 and 0.4 late
    assert loss(late_spike=3.0) == pytest.approx(base)
    rail = (1.2 - 1.1) ** 2  # v = -0.2 of a straight ramp; 9.0 is early
    assert loss(rail=2.0, t_rail=1.1) - base == pytest.approx(2.0 * rail / 2)
    early = 0.3**2 + 0.2**2 + 0.5**2 + 0.1**2 + 0.4**2 + 0.2**2 + 81.0 + 0.1**2 + 0.6**2 + 81.0
    assert loss(early_spike=0.2) - base == pytest.approx(0.2 * early / 2)


def test_membranes_are_read_by_the_ramp_of_home() -> None:
    """Elsewhere ``early_spike`` and ``rail`` take the times that are given as those of home; the other terms do not."""
    here, home = firing([[0.4, 0.2]]), torch.tensor([[1.3, 1.6]], dtype=torch.float64)
    for terms in ({"early_spike": 0.2}, {"rail": 2.0, "t_rail": 1.4}):
        options = LossWeights(**(OFF | terms))
        given = training_loss([here], torch.tensor([0]), [], options, 2, [home])
        squares = 0.3**2 + 0.6**2 if "rail" not in terms else 0.2**2
        base = first_to_fire(here.unclipped, torch.tensor([0]), 0.07)
        assert (given - base).item() == pytest.approx((options.early_spike + options.rail) * squares)


def test_silent_output_keeps_a_gradient() -> None:
    output = firing([[-0.5, 0.3]])
    loss = training_loss([output], torch.tensor([0]), [], LossWeights(**OFF), 2)
    (gradient,) = torch.autograd.grad(loss, output.membrane)
    assert gradient[0, 0] < 0.0
