"""Drawn neurons and chips: their spread and correlation, the pool that they are drawn from, the tail that is trained for."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from nonideal.pnn import (
    Firing,
    chip_accuracy,
)
from nonideal.pnn.loss import chip_loss, first_to_fire, training_loss
from nonideal.pnn.loss_weights import LossWeights
from nonideal.pnn.variation import GROUP, SMALL, ChipDraw, LayerChips, Pool
from tests.pnn.drawn_chips import PAPER, SPREAD, drawn, normals, short, variation


def ramps_and_thresholds(chip: LayerChips, b: float = 0.155) -> Tensor:
    """ln r and theta of drawn neurons, [2, neurons]."""
    crossing = 1.0 + chip.offset / chip.gain
    theta = (1.0 - torch.exp(crossing * math.log(1.0 - b))) / b
    return torch.stack((-torch.log(chip.gain), theta)).flatten(1)


@pytest.mark.parametrize("correlation", [-0.5, 0.24])
def test_ramps_and_thresholds_are_correlated_as_measured_and_spread_as_without(correlation: float) -> None:
    count, layer = 200_000, replace(SPREAD, correlation=correlation)
    (chip,) = drawn([(1, 1)], count, layers=(layer,))
    found = ramps_and_thresholds(chip)
    assert torch.corrcoef(found)[0, 1].item() == pytest.approx(correlation, abs=4 / math.sqrt(count))
    assert found.std(1).tolist() == pytest.approx([SPREAD.ln_ramp, SPREAD.threshold], rel=0.01)
    (half,) = drawn([(1, 1)], count, layers=(layer,), scale=0.5)
    assert torch.corrcoef(ramps_and_thresholds(half))[0, 1].item() == pytest.approx(correlation, abs=0.01)


def test_every_layer_has_its_own_correlation() -> None:
    layers = (replace(SPREAD, correlation=0.5), SPREAD)
    chips = drawn([(1, 40), (40, 50)], 1000, layers=layers)
    found = [torch.corrcoef(ramps_and_thresholds(one))[0, 1].item() for one in chips]
    assert found == pytest.approx([0.5, 0.0], abs=0.025)


def test_uncorrelated_neurons_are_their_own_two_numbers() -> None:
    """A seed draws the chips that it drew before there was a correlation, to the bit."""
    numbers = normals(3)(1 + 2)
    (chip,) = ChipDraw(variation(1), [(1, 1)], numbers).draw(1, lambda count: numbers[:count])
    _, ramp, threshold = numbers.view(3, 1, 1)
    gain = torch.exp(ramp * -0.18)
    assert torch.equal(chip.gain, gain)
    late = torch.log1p(threshold * (-0.155 / (1.0 - 0.155) * 0.012)) * (1.0 / math.log1p(-0.155))
    assert torch.equal(chip.offset, late * gain)


def test_chips_share_the_samples() -> None:
    options = variation(chips=8)
    assert options.shares(50, 50).shape == (7, 8)
    assert set(options.shares(50, 50).flatten().tolist()) == set(range(50))
    assert options.shares(3, 50).shape == (1, 3)  # no chip without a sample
    assert options.shares(64, 50).flatten().tolist() == list(range(64))
    large = SMALL + 1
    assert options.chips_of(32, large) == 1
    assert options.chips_of(3 * GROUP, large) == 3
    assert options.chips_of(100 * GROUP, large) == 8


def test_tail_picks_the_worst_chips() -> None:
    loss = torch.tensor([0.1, 3.0, 0.5, 2.0, 0.2, 0.3, 0.4, 0.6])
    assert sorted(variation(tail=0.25).worst(loss).tolist()) == [1, 3]
    assert variation(tail=0.01).worst(loss).tolist() == [1]
    assert sorted(variation(tail=0.3).worst(loss).tolist()) == [1, 3, 7]
    assert len(variation(tail=1.0).worst(loss)) == 8
    generator = torch.Generator().manual_seed(0)
    time, label = torch.rand(6, 3, 4, generator=generator), torch.randint(0, 4, (6, 3), generator=generator)
    for chip, value in enumerate(chip_loss(time, label, LossWeights(tau_soft=0.07))):
        assert value.item() == pytest.approx(
            first_to_fire(time[:, chip], label[:, chip], 0.07).item(), rel=1e-6
        )


def test_loss_is_that_of_the_tail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def spy(firings: list[Firing], label: Tensor, *rest: object) -> Tensor:
        seen.append(label.shape[0])
        return training_loss(firings, label, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("nonideal.pnn.loop.training_loss", spy)
    short(tmp_path / "all", epochs=1)
    short(tmp_path / "tail", epochs=1, variation=variation(tail=0.25))
    assert seen == [56, 56, 14, 14]  # 100 samples in batches of 50; 8 chips see 7 each


def test_pool_is_standard_normal_and_read_by_the_generator() -> None:
    pool = Pool(7, 1000)
    assert abs(pool.numbers.mean().item()) < 0.003
    assert pool.numbers.std().item() == pytest.approx(1.0, abs=0.003)
    reads = [pool.normals(torch.Generator().manual_seed(s))(500) for s in (1, 1, 2)]
    assert torch.equal(reads[0], reads[1])
    assert not torch.equal(reads[0], reads[2])
    assert not torch.equal(pool.numbers, Pool(8, 1000).numbers)
    assert Pool(7, SMALL * 64).numbers.shape[0] == SMALL * 128


def test_outputs_that_spike_together_can_count_as_wrong() -> None:
    network = PAPER.model_copy(update={"classes": 2}).build()
    with torch.no_grad():
        for layer in network.linear_layers:
            layer.weight.fill_(0.15)  # all neurons do the same
    x, label = torch.full((4, 5), 0.1), torch.zeros(4, dtype=torch.int64)

    def accuracy(lead: float | None) -> float:
        nothing = variation(scale=0.0)
        return chip_accuracy(network, x, label, nothing, chips=1, seed=0, lead=lead).item()

    assert accuracy(None) == 1.0
    assert accuracy(0.0) == 0.0
    with torch.no_grad():
        network.linear_layers[1].weight[0] += 0.05
    assert accuracy(0.0) == 1.0
    assert accuracy(0.9) == 0.0
