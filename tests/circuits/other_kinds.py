"""A second kind of synapse and of neuron, defined here and nowhere else.

What stands in this file is all that a new kind takes: its settings with their contract, how it holds weights, how it is drawn, and its line in
each table. Its weights are a sign and bits, no gate biases; its lines are shared; the neuron has no isolation switch and other ports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.cells.contract import Device, Neuron, NeuronSettings, Synapse, SynapseSettings
from nonideal.circuits.cells.driver import driver_call
from nonideal.circuits.cells.fet import MIM, NFET, PFET, Fet
from nonideal.circuits.cells.neuron import NeuronSizes
from nonideal.circuits.cells.port import RAILS, VSS, Per, Port, Role, ports
from nonideal.circuits.cells.storage import Latch, Stored, Tie
from nonideal.circuits.cells.synapse import SynapseSizes
from nonideal.circuits.errors import OutOfRange
from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.drawing import NeuronAnchors
from nonideal.circuits.layout.neuron import MIM_MET5
from nonideal.circuits.layout.synapse import PAIR

Array = NDArray[np.float64]
SMALL = Fet(w_um=0.42, l_um=0.15)

# ---- a synapse: a sign and bits, current from lines that all synapses share ------------------------------------------------------------


@dataclass(frozen=True)
class Code:
    """Rails on a sign pin and on pins of bits, the lowest first; ``model`` is the full scale."""

    bits: int

    @property
    def off(self) -> dict[str, str]:
        return {"sign": VSS} | {f"bit_{k}": VSS for k in range(self.bits)}

    @property
    def ties(self) -> dict[str, Tie]:
        return {}

    @property
    def latches(self) -> dict[str, Latch]:
        return {}

    def store(
        self,
        weights: Sequence[Array],
        model: float,
        *,
        scale: tuple[float, float],
        clip: bool,
        steps: Sequence[float] | None,
    ) -> tuple[Stored, ...]:
        found, most = [], 2**self.bits - 1
        for weight in weights:
            code = np.rint(np.abs(weight) / model * most).astype(int)
            if (code > most).any() and not clip:
                raise OutOfRange(f"weights beyond the full scale {model}")
            clipped, code = code > most, np.minimum(code, most)
            held = np.copysign(code * model / most, weight)
            volts = {f"bit_{k}": 1.8 * (code >> k & 1) for k in range(self.bits)}
            volts["sign"] = np.where(weight < 0, 1.8, 0.0)
            found.append(
                Stored(held, {"code": code, "current_A": 1e-8 * code, "clipped": clipped}, volts, {})
            )
        return tuple(found)

    def notes(self, stored: Stored, port: str) -> list[list[str]]:
        return [[f" code={code}" for code in row] for row in stored.columns["code"].tolist()]

    def read(
        self,
        volts: Mapping[str, Array],
        lines: Mapping[str, float],
        model: float,
        scale: tuple[float, float],
        layer: int,
    ) -> Array:
        code = sum((volts[f"bit_{k}"] > 0.9) * 2**k for k in range(self.bits))
        return np.where(volts["sign"] > 0.9, -1.0, 1.0) * code * model / (2**self.bits - 1)


class CodedSizes(SynapseSettings):
    """Settings of its own: how many bits, one size of unit, the level of a line."""

    bits: int = 2
    unit: Fet = Fet(w_um=0.42, l_um=1.0)
    line_V: float = 0.55

    def contract(self) -> Synapse:
        bits = [f"bit_{k}" for k in range(self.bits)]
        parts = [Device("sign", "MSG", NFET, ("x", "sign", "vss", "vss"), SMALL, key="unit")]
        for k, bit in enumerate(bits):
            parts += [
                Device("unit", f"MU{k}", NFET, ("dendrite", "gate_n", f"y{k}", "vss"), self.unit),
                Device("bit", f"MB{k}", NFET, (f"y{k}", bit, "x", "vss"), self.unit, key="unit"),
            ]
        parts.append(Device("axon", "MAX", PFET, ("x", "axon_b", "vdd", "vdd"), SMALL, key="unit"))
        parts.append(Device("word", "MWO", NFET, ("x", "word", "axon", "vss"), SMALL, key="unit"))
        return Synapse(
            "synapse",
            (
                *RAILS,  # in front: no port has the place that it has in the pair
                *ports("dendrite", Role.DENDRITE),
                *ports("sign", Role.WEIGHT),
                *ports(" ".join(bits), Role.WEIGHT),
                *ports("axon", Role.AXON),
                *ports("axon_b", Role.AXON_B),
                Port("gate_n", Role.LINE, self.line_V),
                Port("word", Role.LINE, 0.0, Per.AXON),
            ),
            tuple(parts),
            storage=Code(self.bits),
        )


# ---- a neuron: no isolation switch, no source in its sensing stage, its membrane under another name --------------------------------------


class BareSizes(NeuronSettings):
    """Of a neuron without isolation and without a bias of its sensing stage."""

    fet: Fet = SMALL

    def contract(self) -> Neuron:
        return Neuron(
            "neuron",
            (
                *RAILS,
                *ports("ramp", Role.TRIM),
                *ports("spike", Role.SPIKE),
                *ports("spike_b", Role.SPIKE_B),
                *ports("dendrite", Role.DENDRITE),
                *ports("reset phase", Role.CONTROL),
                Port("level", Role.RESET_LEVEL, "v0_V"),
            ),
            (
                Device("capacitor", "CAP", MIM, ("dendrite", "vss"), Fet(w_um=5, l_um=5), key="plates"),
                Device("reset", "MRE", NFET, ("level", "reset", "dendrite", "vss"), self.fet, key="fet"),
                Device("discharge", "MRA", NFET, ("dendrite", "ramp", "d", "vss"), self.fet, key="fet"),
                Device("enable", "MEN", NFET, ("d", "phase", "vss", "vss"), self.fet, key="fet"),
                Device("sense_n", "MN", NFET, ("seen", "dendrite", "vss", "vss"), self.fet, key="fet"),
                Device("sense_p", "MP", PFET, ("seen", "dendrite", "vdd", "vdd"), self.fet, key="fet"),
                driver_call("seen", "phase", "spike", "spike_b"),
            ),
            {"membrane": "dendrite", "sense": "seen"},
        )


# ---- the same pair and neuron behind other ports, which are drawn ----------------------------------------------------------------------


def renamed(port: Port, names: Mapping[str, str]) -> Port:
    return replace(port, name=names.get(port.name, port.name))


def moved(part: Any, names: Mapping[str, str]) -> Any:
    return replace(part, nodes=tuple(names.get(node, node) for node in part.nodes))


PULLS = {"bias_n": "pull", "bias_p": "push"}
RAMPS = {"vdis": "ramp", "vsense": "vsource"}


class PulledSizes(SynapseSizes):
    """The pair, its weights on ``pull`` and ``push``."""

    def contract(self) -> Synapse:
        pair = super().contract()
        return replace(
            pair,
            ports=tuple(renamed(port, PULLS) for port in reversed(pair.ports)),
            parts=tuple(moved(part, PULLS) for part in pair.parts),
            storage=type(pair.storage)("pull", "push"),  # type: ignore[call-arg]
        )


class RampedSizes(NeuronSizes):
    """The neuron, its discharger's bias on ``ramp``."""

    def contract(self) -> Neuron:
        neuron = super().contract()
        return replace(
            neuron,
            ports=tuple(renamed(port, RAMPS) for port in reversed(neuron.ports)),
            parts=tuple(moved(part, RAMPS) for part in neuron.parts),
        )


def with_pins(block: Block, names: Mapping[str, str]) -> Block:
    block.pins.update({new: block.pins[old] for old, new in names.items()})
    return block


def draw_pulled(settings: Any, **how: Any) -> Block:
    return with_pins(PAIR.draw(settings, **how), PULLS)


def draw_ramped(settings: Any, driver: Any, **how: Any) -> tuple[Block, NeuronAnchors]:
    block, anchors = MIM_MET5.draw(settings, driver, **how)
    return with_pins(block, RAMPS), anchors


GATES = tuple(RAMPS.get(line, line) for line in MIM_MET5.gate_lines)
