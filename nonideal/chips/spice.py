"""One chip in SPICE: schematic or extracted netlist with its draw, on the bench that calibration asks for, and running samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.errors import CharacterizationFailed
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp
from nonideal.characterize.workbench import Workbench
from nonideal.chips.written import WrittenBiases
from nonideal.circuits.design import Design
from nonideal.circuits.extraction.netlist import Netlist
from nonideal.circuits.network.chip import Chip, chip_netlist
from nonideal.circuits.network.correspondence import extracted_chip_netlist
from nonideal.circuits.network.mapping import bias_sources, map_weights
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.testbench import Biases, Circuit, spike_times_s
from nonideal.sky130_models import lean_library
from nonideal.spice import Deck, Failure, Result

Array = NDArray[np.float64]
LONG = 0.6
"""Guard of a phase in which neurons are watched that are late, in T_circ."""
SINK_V = 0.2
"""Dendrite potential at which a neuron fires at once."""
BACKWARD = 0.01
"""Weight whose current may flow the wrong way: half of the smallest one that is characterised, far above what silent synapses leak."""


@dataclass(frozen=True, slots=True)
class SpiceChip:
    """A chip to be simulated. Its decks go to ``folder`` / chip_<seed>, results through the workbench's cache.

    ``extracted``: the netlist of its layout, which gets the draw then; None: the schematic gets it. ``model`` has columns of the same kind.
    """

    bench: Workbench
    design: Design
    model: PhysicalModel
    chip: Chip
    folder: Path
    extracted: Netlist | None = None

    @property
    def place(self) -> Path:
        """Where its decks lie."""
        return self.folder / f"chip_{self.chip.seed}"

    def netlist(self) -> str:
        """Every device with its shift."""
        if self.extracted is None:
            return chip_netlist(self.chip, self.design)
        return extracted_chip_netlist(self.chip, self.design, self.extracted)

    def circuit(self, trim_V: tuple[tuple[float, ...], ...] = (), design: Design | None = None) -> Circuit:
        """The chip's own netlist at the columns' discharger bias. Raises ``CorrespondenceError`` for a layout that is not this network's."""
        text = self.netlist()
        models = lean_library(self.bench.pdk, self.bench.corner, text)
        vdis_V = BottomUp(self.model).vdis_V
        return Circuit(self.chip.topology, design or self.design, text, models, vdis_V, trim_V)

    def sample_decks(self, written: WrittenBiases, spike_time: Array, name: str = "sample") -> list[Deck]:
        """One deck for each row of ``spike_time`` [samples, inputs]."""
        circuit, biases = self.circuit(written.trim_V), Biases(name, written.sources(self.model))
        return [
            circuit.deck(f"{name}_{index:04d}", biases, row, self.bench.simulator)
            for index, row in enumerate(spike_time)
        ]

    def run_samples(
        self, written: WrittenBiases, spike_time: Array, name: str = "sample"
    ) -> list[list[Array] | Failure]:
        """Spike times of every layer, in s, of each sample; a simulation that failed stands there as a ``Failure``."""
        outcomes = self.bench.attempt(self.sample_decks(written, spike_time, name), self.place)
        circuit = self.circuit(written.trim_V)
        return [
            outcome if isinstance(outcome, Failure) else spike_times_s(outcome, circuit)
            for outcome in outcomes
        ]


@dataclass(frozen=True, slots=True)
class SpiceBench:
    """``nonideal.chips.calibrate.ChipBench`` on a simulated chip.

    Currents: all dendrites of a layer held at the reset level by test sources, one axon spiking at a time. An axon of a later layer
    spikes because the dendrite of the neuron that drives it is held low. Raises ``CharacterizationFailed`` where a deck fails, or a
    synapse carries a current of the other sign.
    """

    silicon: SpiceChip

    def currents_A(self, written: WrittenBiases) -> list[Array]:
        """See ``ChipBench``."""
        sizes = written.topology.layers
        where = [(layer, axon) for layer in range(1, len(sizes)) for axon in range(sizes[layer - 1])]
        results = self._run([self._current_deck(written, *one) for one in where])
        found = [np.zeros((n, m)) for m, n in pairwise(sizes)]
        for (layer, axon), result in zip(where, results, strict=True):
            for k in range(sizes[layer]):
                # Counted from the test source into the dendrite: what the NMOS sinks, less what the PMOS feeds.
                sign = 1.0 if written.layers[layer - 1].positive[k, axon] else -1.0
                found[layer - 1][k, axon] = sign * float(np.asarray(result[f"i(vheld_{layer}_{k})"])[0])
        self._check_signs(found)
        # What is left below 0 is leakage: a synapse that is off, or as good as off.
        return [np.maximum(current, 0.0) for current in found]

    def _check_signs(self, found: Sequence[Array]) -> None:
        """``found``: currents counted in the direction of each synapse's sign."""
        chip, realised = self.silicon, BottomUp(self.silicon.model)
        wrong = [
            f"axon {axon} to neuron {k} of layer {layer}: {1e9 * current[k, axon]:.3g} nA"
            for layer, current in enumerate(found, start=1)
            for k, axon in np.argwhere(current < -BACKWARD * realised.unit_current_A(current.shape[1]))
        ]
        if wrong:
            raise CharacterizationFailed(
                f"chip {chip.chip.seed}: {len(wrong)} of {sum(current.size for current in found)} synapses carry a current against their "
                f"sign, first {wrong[0]}. Polarity of the biases, or netlist, is not what the chip was written for (decks in {chip.place / 'bench'})"
            )

    def _current_deck(self, written: WrittenBiases, layer: int, axon: int) -> Deck:
        chip, top, supplies = self.silicon, written.topology, self.silicon.design.supplies
        circuit = chip.circuit(written.trim_V)
        high = {f"in_{axon}", "phase_0"} if layer == 1 else {f"phase_{layer - 1}"}
        high |= {f"iso_{index}" for index in range(1, top.depth + 1)}
        high |= {f"reset_b_{index}" for index in range(1, top.depth + 1)}
        inputs = [f"in_{j}" for j in range(top.layers[0])]
        name = f"current_{layer}_{axon}"
        lines = [f"* chip {chip.chip.seed}: currents of axon {axon} of layer {layer}"]
        lines += [".include models.spice", ".include network.spice", ".include biases_current.spice"]
        lines += circuit.sources()
        for line in (*inputs, *top.control_ports):
            lines.append(f"V{line} {line} 0 {supplies.vdd_V if line in high else 0.0:.6g}")
        lines.append(f"Vtest test 0 {supplies.v0_V:.6g}")
        for index, k in top.neurons():
            low = index == layer - 1 and k == axon
            node, level = circuit.node(f"dendrite_{index}_{k}"), SINK_V if low else supplies.v0_V
            lines.append(
                f"Vheld_{index}_{k} test {node} 0"
                if index == layer
                else f"Vheld_{index}_{k} {node} 0 {level:.6g}"
            )
        lines += circuit.instances()
        vectors = tuple(f"i(vheld_{layer}_{k})" for k in range(top.layers[layer]))
        options = replace(chip.bench.simulator, temperature_C=supplies.temperature_C).lines()
        sweep = f".dc Vtest {supplies.v0_V:.6g} {supplies.v0_V + 1e-3:.6g} 1e-3"
        lines += [f".save {' '.join(vectors)}", options, sweep, ".end"]
        text = "\n".join(lines) + "\n"
        includes = {
            "models.spice": circuit.models,
            "network.spice": circuit.netlist,
            "biases_current.spice": written.sources(chip.model),
        }
        return Deck(name, text, includes, vectors)

    def spike_times_norm(self, written: WrittenBiases, start: float) -> list[Array]:
        """See ``ChipBench``; every synapse is off meanwhile."""
        chip = self.silicon
        t_circ_s, supplies = chip.model.t_circ_s, chip.design.supplies
        column = min(chip.model.columns, key=lambda one: abs(one.axons - written.topology.layers[0]))
        guard = LONG * t_circ_s
        timing = chip.design.timing.model_copy(update={"guard_s": guard, "hold_s": 0.8 * guard})
        lowered = supplies.model_copy(update={"v0_V": supplies.v0_V - start * column.v_th_V.value})
        design = chip.design.model_copy(update={"timing": timing, "supplies": lowered})
        circuit = chip.circuit(written.trim_V, design)
        silent = np.full(written.topology.layers[0], np.inf)
        deck = circuit.deck("silent", self._off(written.topology), silent, chip.bench.simulator)
        (result,) = self._run([deck])
        return [times / t_circ_s for times in spike_times_s(result, circuit)]

    def _off(self, topology: Topology) -> Biases:
        model = self.silicon.model
        none = [np.zeros((n, m)) for m, n in pairwise(topology.layers)]
        return Biases("off", bias_sources(map_weights(none, model, design=self.silicon.design)))

    def _run(self, decks: Sequence[Deck]) -> list[Result]:
        outcomes = self.silicon.bench.attempt(decks, self.silicon.place / "bench")
        failures = tuple(outcome for outcome in outcomes if isinstance(outcome, Failure))
        if failures:
            first = failures[0]
            raise CharacterizationFailed(
                f"chip {self.silicon.chip.seed}: {len(failures)} of {len(decks)} measurements failed, first {first.name}: "
                f"{first.message} (log in {first.folder})",
                failures,
            )
        return [outcome for outcome in outcomes if isinstance(outcome, Result)]
