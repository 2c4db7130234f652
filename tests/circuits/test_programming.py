"""Latches written through word and bit lines: what drives the lines, what the latches hold afterwards, and that an inference is the same."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.mapping import Mapping, bias_sources, map_weights
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.programming import Programming, nodes, powered_up, programmed, states_of
from nonideal.circuits.network.testbench import Biases, Circuit, spike_times_s
from nonideal.sky130_models import find_pdk, lean_library
from nonideal.sky130_models.corner import Corner
from nonideal.spice import Result, SimulatorOptions, run_many
from tests.circuits.coded_silicon import MODEL, coded

WEIGHTS = [np.array([[0.9, -0.4, 0.0]])]
LINES = {"gate_n_1": 0.4745, "gate_p_1": 0.9835}


def mapped() -> Mapping:
    return map_weights(WEIGHTS, MODEL, design=coded(storage="latch"), steps=[0.1])


def levelled(biases: Biases) -> Biases:
    """At gate lines where the circuit fires."""
    text = biases.text
    for line, volts in LINES.items():
        text = re.sub(rf"(?m)^V{line} {line} 0 \S+", f"V{line} {line} 0 {volts}", text)
    return Biases(biases.name, text, biases.mask)


def levels(wave: str, at_s: float) -> float:
    numbers = [float(word) for word in wave[4:-1].split()]
    return float(np.interp(at_s, numbers[::2], numbers[1::2]))


def test_each_row_is_strobed_while_its_bits_stand() -> None:
    mapping, how = mapped(), Programming(row_s=20e-9, strobe_s=10e-9, begin_s=10e-9)
    waves = how.waves(mapping.topology, states_of(mapping), 1.8, 1e-10)
    assert how.time_s(mapping.topology) == pytest.approx(70e-9)
    for axon, code in enumerate((9, -4, 0)):
        middle = 20e-9 + axon * 20e-9
        words = [levels(waves[f"word_1_{one}"], middle) > 0.9 for one in range(3)]
        assert words == [one == axon for one in range(3)]
        for at in (middle - 7e-9, middle, middle + 7e-9):
            bits = [levels(waves[f"bit_{k}_1_0"], at) > 0.9 for k in range(4)]
            assert bits == [bool(abs(code) >> k & 1) for k in range(4)]
            assert [levels(waves[f"bit_b_{k}_1_0"], at) > 0.9 for k in range(4)] == [not one for one in bits]
        assert (levels(waves["bit_n_1_0"], middle) > 0.9) == (code > 0)
    assert all(levels(wave, 75e-9) == 0.0 for wave in waves.values())


def test_what_cannot_be_written_is_refused() -> None:
    with pytest.raises(CircuitError, match="must be shorter than row_s"):
        Programming(row_s=5e-9, strobe_s=5e-9)
    mask = coded()
    mapping = map_weights(WEIGHTS, MODEL, design=mask, steps=[0.1])
    circuit = Circuit(mapping.topology, mask, schematic(mapping.topology, mask), "* models\n", 0.5)
    with pytest.raises(CircuitError, match=r'they have no latches \(storage = "latch"\)'):
        programmed(circuit, mapping, Programming())
    design = coded(storage="latch")
    blank = Topology.of((3, 1), design)
    with pytest.raises(CircuitError, match="no held lines of this network"):
        Circuit(blank, design, schematic(blank, design), "*\n", 0.5, driven=(("phase_1", "0"),)).sources()


@pytest.mark.spice
def test_written_latches_do_what_preset_ones_do(tmp_path: Path) -> None:
    """Power-up leaves the opposite of every bit; three rows are written; the spike is that of latches that were set so from the start."""
    design, mapping = coded(storage="latch"), mapped()
    topology = Topology.of((3, 1), design)
    netlist = schematic(topology, design)
    circuit = Circuit(topology, design, netlist, lean_library(find_pdk(), Corner("tt"), netlist), 0.5485)
    opposite = [{name: 1 - held for name, held in layer.items()} for layer in states_of(mapping)]
    written = programmed(circuit, mapping, Programming())
    assert written.design.timing.reset_s == pytest.approx(270e-9)
    held = nodes(written, mapping.storage.latches)
    spikes = np.array([0.2, 0.5, 0.3])
    decks = [
        circuit.deck("preset", levelled(Biases("preset", bias_sources(mapping))), spikes, SimulatorOptions()),
        written.deck("written", levelled(powered_up(mapping, opposite, "written")), spikes, SimulatorOptions(), tuple(v for _, v in held)),
    ]  # fmt: skip
    preset, done = run_many(decks, jobs=1, folder=tmp_path, timeout_s=240)
    assert isinstance(preset, Result)
    assert isinstance(done, Result)
    wanted = states_of(mapping)
    for (layer, axon, neuron, name), vector in held:
        level = wanted[layer - 1][name][neuron, axon] * design.supplies.vdd_V
        wave = np.asarray(done[vector], float)
        assert wave[0] == pytest.approx(design.supplies.vdd_V - level, abs=0.05)
        assert wave[-1] == pytest.approx(level, abs=0.05), (axon, name)
    times = [spike_times_s(result, one)[0][0] for result, one in ((preset, circuit), (done, written))]
    assert 0.3e-6 < times[0] < 0.8e-6
    assert times[1] == pytest.approx(times[0], abs=0.05e-9)
