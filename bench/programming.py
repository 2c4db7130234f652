"""Do latches take what is written into them, and keep it: corners, temperatures and supplies, schematic and extracted.

    .venv/bin/python bench/programming.py [schematic | pex-c | pex-rc]

One neuron on three axons, 4 bits and sign, every bit powered up as the opposite of what is written. Told of each place: the least strobe, of
those tried, that writes all bits; how far from its rail the worst bit is as the inference ends; and how far the spike is from that of latches
that were right from the start.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nonideal.circuits.design import Design
from nonideal.circuits.extraction import ExtractionOptions, extract
from nonideal.circuits.network.mapping import Mapping, bias_sources, map_weights
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.programming import Programming, nodes, powered_up, programmed, states_of
from nonideal.circuits.network.testbench import Biases, Circuit, spike_times_s
from nonideal.pnn.presets import preset
from nonideal.sky130_models import find_pdk, lean_library
from nonideal.spice import Deck, Failure, Result, SimulatorOptions, run_many
from nonideal.stages.layout import DATABASE, MODES, draw_and_check

LAYERS = (3, 1)
CODES = np.array([[9, -4, 0]])
LINES_V = {"gate_n_1": 0.4745, "gate_p_1": 0.9835}
"""Where the circuit fires at home; elsewhere latches are looked at, and no spike."""
VDIS_V = 0.5485
STROBES_S = (0.2e-9, 0.5e-9, 1e-9, 2e-9, 5e-9, 10e-9)
PLACES = (
    ("tt", 27.0, 1.8),
    ("ff", 125.0, 1.8),
    ("ss", -40.0, 1.8),
    ("sf", -40.0, 1.8),
    ("fs", 125.0, 1.8),
    ("ss", -40.0, 1.62),
    ("ff", 125.0, 1.98),
)


@dataclass(frozen=True, slots=True)
class Case:
    """A network, and what is written into it."""

    circuit: Circuit
    mapping: Mapping

    def biases(self, name: str, text: str) -> Biases:
        """With the gate lines where the circuit fires."""
        lines = [
            f"V{line.split()[1]} {line.split()[1]} 0 {LINES_V[line.split()[1]]}"
            if line.startswith("Vgate_")
            else line
            for line in text.splitlines()
        ]
        return Biases(name, "\n".join(lines) + "\n")

    def deck(self, name: str, strobe_s: float | None) -> tuple[Circuit, Deck]:
        """Latches that are right from the start, or written."""
        probes = tuple(vector for _, vector in nodes(self.circuit, self.mapping.storage.latches))
        spikes = np.array([0.2, 0.5, 0.3])
        if strobe_s is None:
            biases = self.biases(name, bias_sources(self.mapping))
            return self.circuit, self.circuit.deck(name, biases, spikes, SimulatorOptions(), probes)
        opposite = [{key: 1 - held for key, held in layer.items()} for layer in states_of(self.mapping)]
        written = programmed(self.circuit, self.mapping, Programming(strobe_s=strobe_s))
        biases = self.biases(name, powered_up(self.mapping, opposite, name).text)
        return written, written.deck(name, biases, spikes, SimulatorOptions(), probes)

    def worst_V(self, result: Result) -> float:
        """How far the worst latch is from where it should be, at the end."""
        wanted, vdd_V = states_of(self.mapping), self.circuit.design.supplies.vdd_V
        return max(
            abs(float(np.real(result[vector][-1])) - vdd_V * float(wanted[layer - 1][name][neuron, axon]))
            for (layer, axon, neuron, name), vector in nodes(self.circuit, self.mapping.storage.latches)
        )


def main() -> None:
    """The table."""
    kind = sys.argv[1] if len(sys.argv) > 1 else "schematic"
    with tempfile.TemporaryDirectory() as folder:
        netlist = netlist_of(kind, Path(folder))
        print("corner  T (C)  V_dd (V)  strobe (ns)  worst bit (mV)  spike moves (ns)")
        for corner, celsius, vdd_V in PLACES:
            print(
                f"{corner:6} {celsius:6.0f} {vdd_V:9.2f} {row(netlist, corner, celsius, vdd_V, Path(folder))}",
                flush=True,
            )


def design_at(celsius: float = 27.0, vdd_V: float = 1.8) -> Design:
    """The circuit in a place."""
    supplies = {"vdd_V": vdd_V, "temperature_C": celsius}
    return Design.model_validate({"synapse": {"kind": "coded", "storage": "latch"}, "supplies": supplies})


def netlist_of(kind: str, folder: Path) -> str:
    """The network as SPICE."""
    design = design_at()
    topology = Topology.of(LAYERS, design)
    if kind == "schematic":
        return schematic(topology, design)
    devices = draw_and_check(topology, design, folder, override=False).summary.devices
    options = replace(ExtractionOptions(), mode=MODES[kind])
    return extract(
        folder / DATABASE, topology.ports, devices, folder=folder / "extraction", options=options
    ).text


def row(netlist: str, corner: str, celsius: float, vdd_V: float, folder: Path) -> str:
    """What is told of a place."""
    design = design_at(celsius, vdd_V)
    topology = Topology.of(LAYERS, design)
    mapping = map_weights([0.1 * CODES], preset("sky130_tt"), clip=True, design=design, steps=[0.1])
    case = Case(
        Circuit(topology, design, netlist, lean_library(find_pdk(), corner, netlist), VDIS_V), mapping
    )
    _, first = case.deck("preset", None)
    (kept,) = simulated([first], folder)
    for strobe_s in STROBES_S:
        circuit, deck = case.deck(f"written_{round(1e12 * strobe_s)}", strobe_s)
        (result,) = simulated([deck], folder)
        if case.worst_V(result) < 0.1:
            a, b = spike_times_s(kept, case.circuit)[0][0], spike_times_s(result, circuit)[0][0]
            moved = f"{1e9 * (b - a):16.3f}" if np.isfinite(a) and np.isfinite(b) else "           (none)"
            return f"{1e9 * strobe_s:12.1f} {1e3 * case.worst_V(result):15.3f} {moved}"
    return "no strobe of those tried writes all bits"


def simulated(decks: list[Deck], folder: Path) -> list[Result]:
    """Results; ends the program at a failure."""
    found = []
    for one in run_many(decks, jobs=1, folder=folder / "decks", timeout_s=600.0):
        if isinstance(one, Failure):
            raise SystemExit(f"{one.name}: {one.message} ({one.folder})")
        found.append(one)
    return found


if __name__ == "__main__":
    main()
