"""Benches of the coded synapse: the largest code over the level of its gate line, all codes side by side, and what stays when it is off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySpice.Spice.Netlist import Circuit

from nonideal.characterize.benches import SILENT, SPIKING, Bench, Grid, rails
from nonideal.circuits.cells.coded import CodedSizes
from nonideal.circuits.cells.codes import CodedWeights, coded_weights
from nonideal.circuits.cells.contract import Synapse
from nonideal.circuits.cells.port import Role
from nonideal.circuits.design import Design

SIGN = {"n": 1, "p": -1}
"""Of the codes of a bank."""


def bound(storage: CodedWeights, code: int, lines: dict[str, str], axon: dict[str, str]) -> dict[str, str]:
    """Nets of a synapse of a code: ``lines`` by gate line, ``axon`` by role as ``benches.SPIKING``."""
    pins = {storage.axon: axon[Role.AXON], storage.axon_b: axon[Role.AXON_B]}
    return {**axon, **lines, **storage.nets(code, {**pins, **lines})}


def as_mask(design: Design) -> Design:
    """The design with its codes wired in place of latched: the same currents, and what a bench of a cell by itself can be told.

    What latches add to a column is measured there.
    """
    synapse = design.synapse
    if not (isinstance(synapse, CodedSizes) and synapse.storage == "latch"):
        return design
    return design.model_copy(update={"synapse": synapse.model_copy(update={"storage": "mask"})})


def bank_bench(design: Design, polarity: str, membrane: Grid, line: Grid) -> Bench:
    """The largest code of a bank, its axon spiking: dendrite current against membrane potential over the level of its gate line."""
    synapse = design.contracts.synapse
    storage = coded_weights(synapse.storage)
    circuit = rails(f"coded synapse, bank {polarity}: current against membrane potential", design)
    circuit.V("dendrite", "dendrite", "0", design.supplies.v0_V)
    circuit.V("line", "line", "0", 0)
    nets = bound(storage, SIGN[polarity] * storage.largest, _line(storage, polarity, "line"), SPIKING)
    synapse.add(circuit, "code", {**nets, Role.DENDRITE: "dendrite"})
    text = f"{circuit}\n.save i(vdendrite)\n.dc Vdendrite {membrane.spice} Vline {line.spice}\n"
    return Bench(f"synapse_{polarity}", text, ("i(vdendrite)",))


@dataclass(frozen=True, slots=True)
class CodeVectors:
    """The vectors of one level of the gate line: the current of each code from 0, and of the largest with its axon silent."""

    code: tuple[str, ...]
    rest: str


def codes_bench(
    design: Design, polarity: str, membrane: Grid, lines_V: Sequence[float]
) -> tuple[Bench, tuple[CodeVectors, ...]]:
    """Every code of a bank on a dendrite of its own, at each level of the gate line, over the membrane potential."""
    synapse = design.contracts.synapse
    storage = coded_weights(synapse.storage)
    circuit = rails(f"coded synapse, bank {polarity}: all codes", design)
    circuit.V("sweep", "sweep", "0", design.supplies.v0_V)
    found = []
    for k, level in enumerate(lines_V):
        circuit.V(f"line_{k}", f"line_{k}", "0", level)
        lines = _line(storage, polarity, f"line_{k}")
        vectors = []
        for code in range(storage.largest + 1):
            nets = bound(storage, SIGN[polarity] * code, lines, SPIKING)
            vectors.append(_metered(circuit, synapse, f"{k}_{code}", nets))
        rest = bound(storage, SIGN[polarity] * storage.largest, lines, SILENT)
        found.append(CodeVectors(tuple(vectors), _metered(circuit, synapse, f"{k}_rest", rest)))
    every = [vector for one in found for vector in (*one.code, one.rest)]
    text = f"{circuit}\n.save {' '.join(every)}\n.dc Vsweep {membrane.spice}\n"
    return Bench(f"codes_{polarity}", text, tuple(every)), tuple(found)


def _metered(circuit: Circuit, synapse: Synapse, name: str, nets: dict[str, str]) -> str:
    """A synapse on a dendrite of its own, behind an ammeter: the vector of its current."""
    circuit.V(f"m_{name}", "sweep", f"dendrite_{name}", 0)
    synapse.add(circuit, f"code_{name}", {**nets, Role.DENDRITE: f"dendrite_{name}"})
    return f"i(vm_{name})"


def _line(storage: CodedWeights, polarity: str, net: str) -> dict[str, str]:
    """The gate line of a bank on a net; the other bank's stands at its rail."""
    other = {"n": storage.gate_p, "p": storage.gate_n}[polarity]
    mine = {"n": storage.gate_n, "p": storage.gate_p}[polarity]
    return {mine: net, other: next(tie.off for tie in storage.ties.values() if tie.on == other)}


def dendrite_of_codes(
    design: Design, codes: Sequence[int], lines_V: tuple[float, float], membrane: Grid
) -> Bench:
    """A dendrite with synapses of these codes, all spiking, beside the same each on a dendrite of its own: do the currents add?"""
    synapse = design.contracts.synapse
    storage = coded_weights(synapse.storage)
    circuit = rails("dendrite: sum of currents", design)
    circuit.V("sweep", "sweep", "0", design.supplies.v0_V)
    circuit.V("all", "sweep", "dendrite_all", 0)
    for port, volts in zip((storage.gate_n, storage.gate_p), lines_V, strict=True):
        circuit.V(port, port, "0", volts)
    vectors = ["i(vall)"]
    for j, code in enumerate(codes):
        circuit.V(f"one_{j}", "sweep", f"dendrite_{j}", 0)
        for dendrite in ("all", str(j)):
            nets = bound(storage, code, {}, SPIKING)
            synapse.add(circuit, f"code_{dendrite}_{j}", {**nets, Role.DENDRITE: f"dendrite_{dendrite}"})
        vectors.append(f"i(vone_{j})")
    text = f"{circuit}\n.save {' '.join(vectors)}\n.dc Vsweep {membrane.spice}\n"
    return Bench("dendrite", text, tuple(vectors))
