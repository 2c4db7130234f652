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

from nonideal.postlayout.prediction import unclipped_times
from nonideal.postlayout.waveforms import Waveforms, _plain, model_membranes_V, save_waveforms

Maker = Callable[..., Any]
VARIANTS = ("pnn", "ann", "bottom_up")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sample=st.lists(st.floats(-0.2, 1.2), min_size=4, max_size=4), variant=st.sampled_from(VARIANTS))
def test_the_curve_ends_where_the_promised_spike_is(
    setting: Maker, sample: list[float], variant: str
) -> None:
    """For every variant, wiring of a column included: accumulation ends, and firing begins, at the membrane that the promise is made of."""
    here = setting(mappings=(variant,))
    network, circuit, levels = here.networks[variant], here.plan.circuit, here.plan.levels(variant)
    spikes = torch.tensor(sample, dtype=torch.float64)
    promised = unclipped_times(network, spikes[None])
    for index, (layer, times) in enumerate(zip(network.linear_layers, promised, strict=True), start=1):
        timeline = circuit.timeline
        ends = np.array([timeline.accumulation_s(index) + 1e-6 - 1e-16, timeline.firing_s(index) + 1e-16])
        volts = model_membranes_V(network, spikes, circuit, levels, ends)[index - 1]
        np.testing.assert_allclose(volts[:, 0], volts[:, 1], rtol=0, atol=2e-9)
        delay = 0.0 if layer.wiring is None else layer.wiring.spike_delay
        for k, t in enumerate(times[0]):
            if 0.0 < t - delay < 1.0:
                at = np.array([timeline.firing_s(index) + (t - delay) * 1e-6])
                v = model_membranes_V(network, spikes, circuit, levels, at)[index - 1][k, 0]
                assert v == pytest.approx(levels[index - 1].volts(np.ones(1))[0], abs=1e-8)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_event_of_the_trajectory_is_met(setting: Maker, variant: str) -> None:
    here = setting(mappings=(variant,))
    network, circuit, levels = here.networks[variant], here.plan.circuit, here.plan.levels(variant)
    spikes = here.plan.dataset.test_x[0]
    found = network.linear_layers[0].trajectory(spikes[None])
    time, after = found.time[0, ::2], found.v[0, ::2]  # where a spike arrives: after its charge
    at = circuit.timeline.accumulation_s(1) + time.numpy() * 1e-6 + 1e-16
    volts = model_membranes_V(network, spikes, circuit, levels, at)[0]
    inside = ~np.isnan(volts[0])
    assert inside.sum() >= len(at) - 2
    expected = levels[0].volts(after.numpy().T)
    np.testing.assert_allclose(volts[:, inside], expected[:, inside], rtol=0, atol=1e-8)


def test_outside_its_phases_the_model_says_nothing(setting: Maker) -> None:
    here = setting()
    timeline = here.plan.circuit.timeline
    outside = np.array([0.0, timeline.accumulation_s(1) - 1e-9, timeline.stop_s])
    for volts in model_membranes_V(
        here.networks["pnn"], here.plan.dataset.test_x[0], here.plan.circuit, here.plan.levels("pnn"), outside
    ):
        assert np.isnan(volts).all()


@pytest.mark.parametrize("retried", [False, True])
def test_the_files_of_a_sample_are_those_of_the_run_that_succeeded(
    setting: Maker, tmp_path: Path, retried: bool
) -> None:
    """A retry leaves the failed attempt's raw file beside its own."""
    from nonideal.circuits.network.testbench import Biases

    here = setting(retried=retried)
    circuit, sample = here.plan.circuit, here.plan.dataset.test_x[2]
    from nonideal.circuits.network.mapping import bias_sources, map_weights

    weights = [layer.weight.detach().double().numpy() for layer in here.networks["pnn"].linear_layers]
    biases = Biases("pnn", bias_sources(map_weights(weights, here.plan.model)))
    deck = circuit.deck("worst_pnn", biases, sample.numpy(), here.bench.simulator, circuit.membrane_probes)
    saved = save_waveforms(
        deck, circuit, here.plan.levels("pnn"), here.networks["pnn"], sample, 2, here.bench, tmp_path
    )
    assert isinstance(saved, Waveforms)
    paths = saved.files
    assert [len(layer) for layer in saved.inference.times_s] == list(circuit.topology.layers[1:])
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
    ],
)
def test_membranes_have_one_name_whatever_the_netlist(vector: str, net: str) -> None:
    _, layer, neuron = net.split("_")
    assert _plain(vector, {vector: (int(layer), int(neuron))}) == net
    assert _plain("v(spike_1_0)", {vector: (int(layer), int(neuron))}) == "spike_1_0"
