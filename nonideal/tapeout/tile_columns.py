"""Samples of an extracted tile column by column, under the lines of one inference that nothing reaches.

That inference says what gate lines, V_dis and V_sense do, ripple of the phases' edges included. In others they do nearly the same: gate lines are
behind 1 nF; what spikes do to V_dis and V_sense is told by the sample that is simulated whole too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.workbench import Workbench, succeeded
from nonideal.circuits.cells.port import Role
from nonideal.circuits.columns.inference import infer_columns
from nonideal.circuits.extraction.netlist import Netlist
from nonideal.circuits.generator.generator import line_net
from nonideal.circuits.network.biases import bias_cell
from nonideal.circuits.network.inference import Case
from nonideal.circuits.network.testbench import Biases, Circuit
from nonideal.circuits.network.timeline import Timeline
from nonideal.circuits.network.wave import Wave
from nonideal.sky130_models import lean_library
from nonideal.tapeout.assembly import Chip
from nonideal.tapeout.network import network_of
from nonideal.tapeout.tile_simulation import Inference

Array = NDArray[np.float64]
LINE_V = 3e-6
"""How closely the lines' waves are followed: a current in weak inversion takes a tenth of a per mille of it."""
LINE_SPACING_S = 2e-11


@dataclass(frozen=True, slots=True)
class ColumnSpikes:
    """Spike times by layer [neurons], s from the start of its firing phase, infinity for none; ``cpu_s`` as far as it is this sample's."""

    spikes_s: tuple[Array, ...]
    cpu_s: float


@dataclass(frozen=True, slots=True)
class TileColumns:
    """The network of a chip's tile, cut out of its extraction, under ``lines``: V by gate line, ``vdis`` and ``vsense``, on the network's clock."""

    chip: Chip
    circuit: Circuit
    bench: Workbench
    folder: Path

    @classmethod
    def of(
        cls, chip: Chip, extracted: Netlist, lines: Mapping[str, Wave], bench: Workbench, folder: Path
    ) -> TileColumns:
        """Decks and logs go to ``folder``. Raises ``TapeoutError`` for a netlist that is no tile."""
        topology = chip.topology
        text = network_of(chip, extracted).text()
        models = lean_library(bench.pdk, bench.corner, text)
        followed = {name: wave.within(LINE_V, LINE_SPACING_S) for name, wave in lines.items()}
        waves = {topology.vdis(*where): followed["vdis"] for where in topology.neurons()}
        waves |= {net: followed["vsense"] for net, port, _ in topology.lines() if port.role is Role.SENSE}
        waves |= {line_net(*one): followed[line_net(*one)] for one in chip.generator.lines}
        vdis_V = float(lines["vdis"].value[0])
        circuit = Circuit(topology, chip.design, text, models, vdis_V, waves=tuple(waves.items()))
        return cls(chip, circuit, bench, folder)

    def beside(self, whole: Inference, found: ColumnSpikes) -> Inference:
        """Spikes of a sample as an inference, with all else as in the one whose lines these are; a spike is held until its phase ends.

        When the replica fires in the sample is not known.
        """
        spans, edges = Timeline(self.chip.design.timing, self.chip.topology.depth).spans(), {}
        for layer, times in enumerate(found.spikes_s, start=1):
            begin_s, end_s = spans[f"phase_{layer}"]
            for k, at_s in enumerate(times):
                seen = np.isfinite(at_s)
                edges[self.chip.topology.spike(layer, k)] = (
                    ((begin_s + float(at_s), 1), (end_s, 0)) if seen else ()
                )
        return replace(whole, spikes_s=found.spikes_s, edges_s=edges, cpu_s=found.cpu_s, replica_s=np.nan)

    def infer(self, samples: Mapping[str, Sequence[float]]) -> list[ColumnSpikes]:
        """These samples by name, [inputs] in T_circ, 1 or more for no spike. Raises ``CharacterizationFailed``."""
        topology = self.chip.topology
        starts = {net: float(wave.value[0]) for net, wave in self.circuit.waves}
        scales = [
            {port.name: starts[topology.net(port, layer)] for port in topology.pinout.scale_ports}
            for layer in range(1, topology.depth + 1)
        ]
        biases = Biases("tile", bias_cell(topology, [{} for _ in scales], (), scales), topology.mask)
        cases = [
            Case(name, self.circuit, biases, np.asarray(sample, float)) for name, sample in samples.items()
        ]
        found = infer_columns(
            cases, self.bench.simulator, lambda decks: self.bench.attempt(decks, self.folder)
        )
        return [ColumnSpikes(tuple(one.times_s), one.seconds_cpu) for one in succeeded(found)]
