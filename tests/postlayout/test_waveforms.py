"""The model's membranes against training's own trajectory; files of the worst sample."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pnn import Exact, trajectory
from postlayout.prediction import unclipped_times
from postlayout.waveforms import _plain, model_membranes_V, save_waveforms

Maker = Callable[..., Any]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sample=st.lists(st.floats(-0.2, 1.2), min_size=4, max_size=4))
def test_accumulation_ends_where_the_exact_evaluation_does(setting: Maker, sample: list[float]) -> None:
    """Inputs before 0 and after 1 included; the hidden layer's own spikes drive the next one."""
    here = setting()
    network, circuit, model = here.networks["pnn"], here.plan.circuit, here.plan.model
    spikes = torch.tensor(sample, dtype=torch.float64)
    ends = np.array([circuit.timeline.accumulation_s(layer) + 1e-6 - 1e-16 for layer in (1, 2)])
    volts = model_membranes_V(network, spikes, circuit, model, ends)
    arriving = [spikes[None], torch.from_numpy(unclipped_times(network, spikes[None])[0])]
    for layer, t in enumerate(arriving):
        weight = network.linear_layers[layer].weight.double()
        v = Exact().membrane(t, weight, network.linear_layers[layer].reversal.conductance(weight))[0]
        expected = 1.3 - model.v_th_V * v.detach().numpy()
        np.testing.assert_allclose(volts[layer][:, layer], expected, rtol=0, atol=2e-9)


def test_every_event_of_the_trajectory_is_met(setting: Maker) -> None:
    here = setting()
    network, circuit, model = here.networks["pnn"], here.plan.circuit, here.plan.model
    spikes = here.plan.dataset.test_x[0]
    layer = network.linear_layers[0]
    weight = layer.weight.double()
    times, v = trajectory(spikes[None], weight, layer.reversal.conductance(weight))
    at = circuit.timeline.accumulation_s(1) + times[0].numpy() * 1e-6
    volts = model_membranes_V(network, spikes, circuit, model, at)[0]
    inside = ~np.isnan(volts[0])
    assert inside.sum() >= len(at) - 2
    expected = 1.3 - model.v_th_V * v[0].detach().numpy().T
    np.testing.assert_allclose(volts[:, inside], expected[:, inside], rtol=0, atol=1e-8)


def test_the_membrane_passes_the_threshold_when_the_model_fires(setting: Maker) -> None:
    here = setting()
    network, circuit, model = here.networks["pnn"], here.plan.circuit, here.plan.model
    spikes = here.plan.dataset.test_x[1]
    fired = 0
    for layer, times in enumerate(unclipped_times(network, spikes[None]), start=1):
        for k, t in enumerate(times[0]):
            if 0.0 < t < 1.0:
                at = np.array([circuit.timeline.firing_s(layer) + t * 1e-6])
                volts = model_membranes_V(network, spikes, circuit, model, at)[layer - 1][k, 0]
                assert volts == pytest.approx(model.v_switch_V.value, abs=1e-9)
                fired += 1
    assert fired >= 3


def test_outside_its_phases_the_model_says_nothing(setting: Maker) -> None:
    here = setting()
    timeline = here.plan.circuit.timeline
    outside = np.array([0.0, timeline.accumulation_s(1) - 1e-9, timeline.stop_s])
    for volts in model_membranes_V(
        here.networks["pnn"], here.plan.dataset.test_x[0], here.plan.circuit, here.plan.model, outside
    ):
        assert np.isnan(volts).all()


@pytest.mark.parametrize("retried", [False, True])
def test_the_files_of_a_sample_are_those_of_the_run_that_succeeded(
    setting: Maker, tmp_path: Path, retried: bool
) -> None:
    """A retry leaves the failed attempt's raw file beside its own."""
    from circuits.testbench import Biases

    here = setting(retried=retried)
    circuit, sample = here.plan.circuit, here.plan.dataset.test_x[2]
    from circuits.mapping import bias_sources, map_weights

    weights = [layer.weight.detach().double().numpy() for layer in here.networks["pnn"].linear_layers]
    biases = Biases("pnn", bias_sources(map_weights(weights, here.plan.model), here.plan.model))
    deck = circuit.deck("worst_pnn", biases, sample.numpy(), here.bench.simulator, circuit.membrane_probes)
    paths = save_waveforms(
        deck, circuit, here.plan.model, here.networks["pnn"], sample, 2, here.bench, tmp_path
    )
    assert isinstance(paths, list)
    assert [path.name for path in paths] == ["worst_pnn.raw", "worst_pnn.parquet"]
    assert paths[0].read_text() == "whole"
    table = pd.read_parquet(paths[1])
    assert set(table["source"]) == {"spice", "model"}
    assert (table["sample"] == 2).all()
    nets = set(table.loc[table["source"] == "spice", "net"])
    assert {"spike_1_0", "membrane_1_0", "membrane_2_1"} <= nets
    assert {n for n in nets if n.startswith("membrane")} == set(table.loc[table["source"] == "model", "net"])


@pytest.mark.parametrize(
    ("vector", "net"),
    [
        ("v(xnetwork.xneuron_1_0.membrane)", "membrane_1_0"),
        ("v(xnetwork.neuron_2_13_membrane)", "membrane_2_13"),
        ("v(xnetwork.neuron_2_3_membrane.17)", "membrane_2_3"),
        ("v(spike_1_0)", "spike_1_0"),
    ],
)
def test_membranes_have_one_name_whatever_the_netlist(vector: str, net: str) -> None:
    assert _plain(vector) == net
