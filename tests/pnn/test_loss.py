"""The loss's terms, each against its formula."""

from __future__ import annotations

import math

import pytest
import torch

from nonideal.pnn import Discharger, Firing, LossWeights, first_to_fire, training_loss

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

    def loss(**terms: float | tuple[float, float]) -> float:
        options = LossWeights.model_validate(OFF | {"t_ref": 0.9} | terms)
        return training_loss([hidden, output], label, [weight], options, 2).item()

    assert loss() == pytest.approx(base)
    assert loss(weight_norm=0.1) - base == pytest.approx(0.1 * 5.0)
    temporal = (0.6 - 0.9) ** 2 + (0.8 - 0.9) ** 2 + (0.9 - 0.9) ** 2 + (0.4 - 0.9) ** 2
    assert loss(temporal_penalty=0.1) - base == pytest.approx(0.1 * temporal / 2)
    outside = (0.6 - 0.5) ** 2 + (0.45 - 0.4) ** 2  # the true classes' outputs fire at 0.6 and 0.4
    assert loss(window=3.0, t_window=(0.45, 0.5)) - base == pytest.approx(3.0 * outside / 2)
    assert loss(window=3.0) == pytest.approx(base)
    rail = (1.2 - 1.1) ** 2  # v = -0.2 of a straight ramp; 9.0 is early
    assert loss(rail=2.0, t_rail=1.1) - base == pytest.approx(2.0 * rail / 2)
    early = 0.3**2 + 0.2**2 + 0.5**2 + 0.1**2 + 0.4**2 + 0.2**2 + 81.0 + 0.1**2 + 0.6**2 + 81.0
    assert loss(early_spike=0.2) - base == pytest.approx(0.2 * early / 2)


def test_the_supply_is_told_by_the_ramp_of_home() -> None:
    """Elsewhere ``rail`` takes the times that are given as those of home; the other terms do not."""
    here, home = firing([[0.4, 0.2]]), torch.tensor([[1.3, 1.6]], dtype=torch.float64)
    for factor, squares in (("early_spike", 0.4**2 + 0.2**2), ("rail", 0.2**2)):
        options = LossWeights.model_validate(OFF | {factor: 2.0})
        given = training_loss([here], torch.tensor([0]), [], options, 2, [home])
        base = first_to_fire(here.unclipped, torch.tensor([0]), 0.07)
        assert (given - base).item() == pytest.approx(2.0 * squares)


def test_silent_output_keeps_a_gradient() -> None:
    output = firing([[-0.5, 0.3]])
    loss = training_loss([output], torch.tensor([0]), [], LossWeights(**OFF), 2)
    (gradient,) = torch.autograd.grad(loss, output.membrane)
    assert gradient[0, 0] < 0.0
