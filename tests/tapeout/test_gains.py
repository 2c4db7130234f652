"""What a line's level makes of its layer's weights."""

from __future__ import annotations

import numpy as np
import pytest

from nonideal.circuits.columns.deck import Bench
from nonideal.circuits.network.biases import bias_cell
from nonideal.circuits.network.netlist import schematic
from nonideal.circuits.network.testbench import Biases, Circuit
from nonideal.circuits.network.wave import Wave
from nonideal.spice import SimulatorOptions
from nonideal.stages.tile_simulation import rms_s
from nonideal.tapeout.assembly import Chip
from nonideal.tapeout.gains import line_gains
from tests.circuits.coded_silicon import MODEL

ASKED = [{"gate_n": 0.5, "gate_p": 1.2}, {"gate_n": 0.52, "gate_p": 1.18}]


def test_a_layer_weighs_what_its_lines_make_of_it(chip: Chip) -> None:
    text = schematic(chip.topology, chip.design) + bias_cell(chip.topology, [{}, {}], (), ASKED)
    level_V = {
        f"{port}_{layer}": volts for layer, by in enumerate(ASKED, start=1) for port, volts in by.items()
    }
    assert np.allclose(line_gains(chip, text, MODEL, level_V), 1.0)
    # 30 mV are a factor of exp(0.5), for P units downwards.
    found = line_gains(chip, text, MODEL, level_V | {"gate_n_1": 0.506, "gate_p_2": 1.183})
    assert found[0] == (pytest.approx(np.exp(0.1)), pytest.approx(1.0))
    assert found[1] == (pytest.approx(1.0), pytest.approx(np.exp(-0.05)))


def test_lines_that_move_do_so_on_the_clock_of_every_column(chip: Chip) -> None:
    wave = Wave(np.array([0.0, 1e-6, 2e-6]), np.array([0.5, 0.6, 0.5]))
    netlist = schematic(chip.topology, chip.design)
    circuit = Circuit(chip.topology, chip.design, netlist, "", 0.55, waves=(("gate_n_2", wave),))
    biases = Biases("t", bias_cell(chip.topology, [{}, {}], (), ASKED), chip.topology.mask)
    bench = Bench.of(circuit, biases.text, SimulatorOptions())
    step_s = chip.design.timing.t_circ_s + chip.design.timing.guard_s
    assert bench.line_waves(1, 0.0)["gate_n_2"].time_s[1] == pytest.approx(1e-6)
    assert bench.line_waves(2, 0.3e-6)["gate_n_2"].time_s[1] == pytest.approx(0.7e-6 - step_s)


def test_two_runs_are_apart_where_both_have_their_spikes() -> None:
    one = np.array([1e-6, np.inf, 2e-6])
    assert rms_s(one, one + 3e-9) == pytest.approx(3e-9)
    assert rms_s(one, np.array([1e-6, 1e-6, 2e-6])) is None
    assert rms_s(one[1:2], one[1:2]) is None
