"""Columns of coded networks against the whole, in ngspice on extracted layouts: gate lines and latches reach every column's decks."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nonideal.circuits.columns.inference import infer_columns
from nonideal.circuits.extraction import ExtractionOptions, extract
from nonideal.circuits.network.inference import Inference, infer_whole, samples
from nonideal.circuits.network.mapping import bias_sources, map_weights
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.testbench import Biases, Circuit, spike_times_s
from nonideal.sky130_models import find_pdk, lean_library
from nonideal.spice import Deck, Failure, Result, SimulatorOptions, run_many
from nonideal.stages.layout import DATABASE, draw_and_check
from tests.circuits.coded_silicon import MODEL, coded

LAYERS = (2, 1)
LINES = {"gate_n_1": 0.535, "gate_p_1": 0.92}


@pytest.mark.slow
@pytest.mark.spice
@pytest.mark.parametrize("storage", ["mask", "latch"])
def test_columns_spike_as_the_whole_coded_network_does(tmp_path: Path, storage: str) -> None:
    design = coded(bits=2, storage=storage)
    mapping = map_weights([np.array([[0.9, -0.3]])], MODEL, design=design, steps=[0.3])
    topology = replace(Topology.of(LAYERS, design), mask=mapping.mask)
    devices = draw_and_check(topology, design, tmp_path, override=False).summary.devices
    text = extract(
        tmp_path / DATABASE, topology.ports, devices, folder=tmp_path / "own", options=ExtractionOptions()
    ).text
    circuit = Circuit(topology, design, text, lean_library(find_pdk(), "tt", text), 0.56)
    biases = bias_sources(mapping)
    for line, volts in LINES.items():
        biases = re.sub(rf"(?m)^V{line} {line} 0 \S+", f"V{line} {line} 0 {volts}", biases)
    asked: list[Deck] = []

    def run(decks: list[Deck]) -> list[Result | Failure]:
        asked.extend(decks)
        return run_many(decks, jobs=1, folder=tmp_path, timeout_s=300)

    cases = samples(circuit, Biases("t", biases, mapping.mask), np.array([[0.2, 0.6]]))
    both = [how(cases, SimulatorOptions(), run)[0] for how in (infer_whole, infer_columns)]
    times = []
    for one in both:
        assert isinstance(one, Inference), one
        times.append(one.times_s[0][0])
    assert 0.2e-6 < times[0] < 0.95e-6
    assert times[1] == pytest.approx(times[0], abs=0.2e-9)
    if storage == "latch":  # both of them with rails in its latches' place; and with all of it
        (real,) = run([cases[0].deck(SimulatorOptions())])
        assert isinstance(real, Result), real
        assert spike_times_s(real, circuit)[0][0] == pytest.approx(times[0], abs=0.1e-9)
    column = next(deck for deck in asked if deck.name.endswith("_column_1_0"))
    assert f"Vgate_n_1 gate_n_1 0 {LINES['gate_n_1']}" in column.text
    assert "synapse_1_0_0_q0" not in column.text
