"""What the model promises is what training's own network promises."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nonideal.characterize.model import PhysicalModel
from nonideal.pnn import Discharger, RCSpikeNetwork, Reversal
from nonideal.postlayout.prediction import decide, unclipped_times

SIZES = st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple)


@settings(max_examples=40, deadline=None)
@given(sizes=SIZES, seed=st.integers(0, 1000), gain=st.floats(0.5, 4.0))
def test_inside_the_phase_it_is_the_networks_own_prediction(
    sizes: tuple[int, ...], seed: int, gain: float
) -> None:
    network = RCSpikeNetwork(sizes, Reversal.constant(2.7, -1.5), Discharger(0.154))
    network.reset_parameters(torch.Generator().manual_seed(seed))
    for layer in network.linear_layers:
        layer.weight.data *= gain
    spikes = torch.from_numpy(np.random.default_rng(seed).uniform(-0.1, 1.2, (7, sizes[0])))
    for ours, theirs in zip(unclipped_times(network, spikes), network.predict_times(spikes), strict=True):
        np.testing.assert_allclose(np.minimum(ours, 1.0), theirs.numpy(), rtol=0, atol=1e-12)
        assert ours.min() >= 0.0
        assert ours.dtype == np.float64


def test_gain_scales_each_sign_and_physics_can_be_exchanged(model: PhysicalModel) -> None:
    """One synapse, one spike at t = 0 on ideal physics without discharge curvature: t_out = 1 - w."""
    network = RCSpikeNetwork((1, 2), Reversal.ideal(1e9), Discharger(0.0))
    network.linear_layers[0].weight.data = torch.tensor([[0.5], [-0.25]])
    spike = torch.zeros((1, 1))
    np.testing.assert_allclose(unclipped_times(network, spike)[0], [[0.5, 1.25]], rtol=1e-6)
    np.testing.assert_allclose(unclipped_times(network, spike, gain=(1.2, 2.0))[0], [[0.4, 1.5]], rtol=1e-6)
    bent = unclipped_times(network, spike, silicon=Reversal.from_model(model))[0]
    beta = model.v_th_V * 0.41
    np.testing.assert_allclose(bent[0, 0], 1 - (1 - np.exp(-beta * 0.5)) / beta, rtol=1e-6)


def test_the_first_of_the_classes_decides() -> None:
    times = np.array(
        [[0.5, 0.4, 0.1], [0.9, 1.2, 0.0], [1.0, 1.3, 0.2], [np.inf, np.inf, np.inf], [0.3, 0.3, 0.9]]
    )
    assert decide(times, 2).tolist() == [1, 0, -1, -1, 0]
    assert decide(times, 3).tolist() == [2, 2, 2, -1, 0]


def test_deciding_agrees_with_the_networks_own() -> None:
    network = RCSpikeNetwork((2, 3), Reversal.ideal(), classes=2)
    times = np.random.default_rng(0).uniform(0.5, 1.5, (200, 3))
    assert decide(times, 2).tolist() == network.decide(torch.from_numpy(times)).tolist()
