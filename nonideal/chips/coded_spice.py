"""A chip of codes in SPICE: every device of its network with its shift, ideal sources on the lines that its generator makes, and any codes.

It is simulated column by column (``nonideal.circuits.columns``), its latches held (``nonideal.circuits.network.held``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.circuit import neuron_of
from nonideal.characterize.errors import CharacterizationFailed
from nonideal.characterize.physics import BottomUp
from nonideal.characterize.workbench import Workbench
from nonideal.chips.codes import CodedSilicon, Codes, Settings
from nonideal.circuits.columns.inference import infer_columns
from nonideal.circuits.design import Design
from nonideal.circuits.network.chip import Chip, chip_netlist
from nonideal.circuits.network.inference import Case
from nonideal.circuits.network.mapping import Mapping, bias_for_current, map_weights
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.testbench import Circuit
from nonideal.sky130_models import lean_library
from nonideal.spice import Deck, Failure, Result

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CodedChip:
    """A chip of ``design`` whose generator makes ``settings``, drawn into the schematic; its decks go to ``folder``.

    An ``InferenceBench``. A unit's current and the ramps are set by the levels of the gate lines and of V_dis at which nominal devices carry them.
    """

    bench: Workbench
    design: Design
    silicon: CodedSilicon
    chip: Chip
    settings: Settings
    folder: Path

    def spike_times_norm(self, codes: Sequence[Sequence[Codes]], inputs: Array) -> list[Array]:
        """See ``InferenceBench``. Raises ``CharacterizationFailed`` where an inference gave no result."""
        found = self.run(codes, inputs, "probe")
        failures = tuple(one for one in found if isinstance(one, Failure))
        if failures:
            first = failures[0]
            raise CharacterizationFailed(
                f"chip {self.chip.seed}: {len(failures)} of {len(found)} inferences gave no result, first {first.name}: {first.message} "
                f"(log in {first.folder})",
                failures,
            )
        t_circ_s = self.silicon.model.t_circ_s
        seen = [one for one in found if not isinstance(one, Failure)]
        return [np.stack(layer) / t_circ_s for layer in zip(*seen, strict=True)]

    def run(self, codes: Sequence[Sequence[Codes]], inputs: Array, name: str) -> list[list[Array] | Failure]:
        """Spike times of every layer, in s, of an inference with each of ``codes`` (by layer [neurons, axons]) and of ``inputs``
        [inferences, inputs]; a simulation that failed stands there as a ``Failure``."""
        alike: dict[int, list[int]] = {}
        for k, mine in enumerate(codes):
            alike.setdefault(id(mine), []).append(k)
        found: dict[int, list[Array] | Failure] = {}
        for rows in alike.values():
            stem = f"{name}_{rows[0]:04d}"
            mapping = self.mapping(codes[rows[0]])
            circuit, biases = self.circuit(mapping.topology), mapping.biases(stem)
            cases = [Case(f"{name}_{k:04d}", circuit, biases, inputs[k]) for k in rows]
            # Each set of codes is a netlist of its own, and has a folder of its own.
            done = infer_columns(cases, self.bench.simulator, partial(self._attempt, stem))
            found |= {
                k: one if isinstance(one, Failure) else one.times_s for k, one in zip(rows, done, strict=True)
            }
        return [found[k] for k in range(len(codes))]

    def _attempt(self, stem: str, decks: Sequence[Deck]) -> list[Result | Failure]:
        return self.bench.attempt(decks, self.folder / stem)

    def netlist(self, codes: Sequence[Codes]) -> str:
        """Its network, and the levels on its lines, with these codes."""
        mapping = self.mapping(codes)
        return self.circuit(mapping.topology).netlist + "\n" + mapping.biases("trimmed").text

    def mapping(self, codes: Sequence[Codes]) -> Mapping:
        """What it is given for these codes, at the levels of its own lines."""
        silicon, storage = self.silicon, self.silicon.storage
        steps = [full / storage.largest for full in silicon.full_scales]
        weights = [np.asarray(code * step, np.float64) for code, step in zip(codes, steps, strict=True)]
        nominal = map_weights(weights, silicon.model, design=self.design, steps=steps)
        sides = ((storage.gate_n, "n", silicon.model.positive), (storage.gate_p, "p", silicon.model.negative))
        layers = [
            replace(
                stored,
                lines={
                    line: float(bias_for_current(branch, np.array([full_A * scales[one]]))[0])
                    for line, one, branch in sides
                },
            )
            for stored, full_A, scales in zip(
                nominal.layers, silicon.full_A, self.settings.scales, strict=True
            )
        ]
        return replace(nominal, layers=tuple(layers))

    def circuit(self, topology: Topology) -> Circuit:
        """Its own netlist, with the mask of ``topology`` where codes are one."""
        text = chip_netlist(replace(self.chip, topology=topology), self.design)
        models = lean_library(self.bench.pdk, self.bench.corner, text)
        discharger = neuron_of(self.silicon.model).device("discharge").path
        per_V = -self.silicon.spread.neuron.ln_ramp[discharger].slope.value
        vdis_V = BottomUp(self.silicon.model).vdis_V + self.settings.ln_common / per_V
        return Circuit(topology, self.design, text, models, vdis_V)
