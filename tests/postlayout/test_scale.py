"""The search for the current scale: on the model, then in SPICE."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nonideal.characterize.model import PhysicalModel
from nonideal.pnn import RCSpikeNetwork, Reversal
from nonideal.postlayout.errors import ValidationError
from nonideal.postlayout.prediction import unclipped_times
from nonideal.postlayout.scale import LIMIT, Scale, mapping_rmse, model_scale, refine


class Quadratic:
    """A squared error that is a parabola in the common factor; counts what was asked."""

    def __init__(self, best: float, floor: float = 1e-9, start: float = 1.0) -> None:
        self.best, self.floor, self.start = best, floor, start
        self.asked: list[float] = []

    def __call__(self, scales: list[Scale]) -> list[float]:
        factors = [scale.positive / self.start for scale in scales]
        self.asked += factors
        return [math.sqrt(self.floor**2 + (1e-7 * (factor - self.best)) ** 2) for factor in factors]


@given(best=st.floats(0.72, 1.28))
def test_the_minimum_of_a_parabola_is_found_wherever_it_lies(best: float) -> None:
    error = Quadratic(best, start=0.9)
    found = refine(Scale(0.9, 1.1), error)
    assert found.positive == pytest.approx(0.9 * best, abs=1e-6)
    assert found.negative == pytest.approx(1.1 * best, abs=1e-6)
    assert [factor for factor, _ in found.tried] == sorted(factor for factor, _ in found.tried)
    assert len({round(f, 6) for f in error.asked}) == len(error.asked), "a factor was simulated twice"
    assert len(error.asked) <= 3 + round(abs(best - 1) / 0.015) + 1


def test_near_the_start_three_simulations_are_enough() -> None:
    error = Quadratic(1.004)
    assert refine(Scale(1.0, 1.0), error).positive == pytest.approx(1.004, abs=1e-9)
    assert len(error.asked) == 3


@pytest.mark.parametrize("best", [0.5, 1.5])
def test_a_scale_far_from_the_models_is_refused(best: float) -> None:
    with pytest.raises(ValidationError, match=rf"more than {100 * LIMIT:.0f} % away"):
        refine(Scale(1.0, 1.0), Quadratic(best))


def test_a_scale_at_which_nothing_fires_is_refused() -> None:
    with pytest.raises(ValidationError, match="no spike"):
        refine(Scale(1.0, 1.0), lambda scales: [1e-9, 1e-9, math.inf][: len(scales)])


def test_silencing_neurons_does_not_win() -> None:
    """A missed spike costs its distance to the end of the phase."""
    promised = np.array([[0.4, 0.9, 2.0]])
    assert mapping_rmse(promised, np.array([[0.4, 0.9, 1.7]])) == 0.0
    assert mapping_rmse(promised, np.array([[np.inf, 0.9, np.inf]])) == pytest.approx(math.sqrt(0.36 / 2))
    assert mapping_rmse(promised, np.array([[0.4, 0.9, 0.8]])) == pytest.approx(math.sqrt(0.04 / 3))
    assert mapping_rmse(np.full((1, 3), 2.0), np.full((1, 3), np.inf)) == math.inf


Maker = Callable[..., RCSpikeNetwork]


def network_of(reversal: Reversal, seed: int = 0) -> RCSpikeNetwork:
    from nonideal.pnn import Discharger

    network = RCSpikeNetwork((4, 3, 3), reversal, Discharger(0.154))
    generator = np.random.default_rng(seed)
    for layer in network.linear_layers:
        values = generator.uniform(-0.2, 0.8, layer.weight.shape) * 0.8
        layer.weight.data = torch.from_numpy(values.astype(np.float32))
    return network


def spikes(count: int = 30) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(5).uniform(0, 0.7, (count, 4)))


@pytest.mark.parametrize(("low", "step"), [(0.6, 0.01), (0.85, 0.01), (0.7, 0.02)])
def test_physics_of_the_silicon_itself_needs_no_scale(model: PhysicalModel, low: float, step: float) -> None:
    found = model_scale(
        "pnn", network_of(Reversal.current_dependent(model)), model, spikes(), low=low, high=1.8, step=step
    )
    assert found.pair == (pytest.approx(1.0, abs=1e-12), pytest.approx(1.0, abs=1e-12))


def test_the_ann_gets_a_factor_for_each_sign_that_beats_any_common_one(model: PhysicalModel) -> None:
    network = network_of(Reversal.ideal())
    promised = unclipped_times(network, spikes())[-1]
    silicon = Reversal.current_dependent(model)

    def rmse(pair: tuple[float, float]) -> float:
        return mapping_rmse(promised, unclipped_times(network, spikes(), silicon=silicon, gain=pair)[-1])

    apart = model_scale(
        "ann", network, Reversal.current_dependent(model), spikes(), low=0.6, high=1.8, step=0.02
    )
    together = model_scale(
        "pnn", network, Reversal.current_dependent(model), spikes(), low=0.6, high=1.8, step=0.02
    )
    assert apart.positive > 1.0, "real synapses lose current as the membrane falls"
    assert together.positive == together.negative
    assert rmse(apart.pair) <= rmse(together.pair)
    best = min(rmse((p, n)) for p in np.arange(0.6, 1.81, 0.1) for n in np.arange(0.6, 1.81, 0.1))
    assert rmse(apart.pair) <= best


@pytest.mark.parametrize(("low", "high"), [(0.9, 0.95), (0.03, 0.08), (1.0, 1.0)])
def test_the_scale_stays_inside_what_was_asked(model: PhysicalModel, low: float, high: float) -> None:
    network = network_of(Reversal.current_dependent(model))
    found = model_scale(
        "pnn", network, Reversal.current_dependent(model), spikes(), low=low, high=high, step=0.01
    )
    assert low - 1e-9 <= found.positive <= high + 1e-9


def test_a_network_that_never_fires_is_refused(model: PhysicalModel) -> None:
    network = network_of(Reversal.from_model(model))
    for layer in network.linear_layers:
        layer.weight.data = -layer.weight.data.abs()
    with pytest.raises(ValidationError, match="mapping pnn: no output neuron fires"):
        model_scale("pnn", network, Reversal.current_dependent(model), spikes(), low=0.9, high=1.1, step=0.01)


def test_a_coarse_search_first_finds_the_same_with_fewer_simulations() -> None:
    """An extracted network wants some 14 % more current: walking there in fine steps costs a simulation of all samples each."""
    walked, sought = Quadratic(1.137), Quadratic(1.137)
    slow = refine(Scale(1.0, 1.0), walked)
    quick = refine(Scale(1.0, 1.0), sought, expected=1.1, steps=(0.08, 0.015))
    assert quick.positive == pytest.approx(slow.positive, abs=1e-6)
    assert len(quick.tried) <= 7 < len(slow.tried)
