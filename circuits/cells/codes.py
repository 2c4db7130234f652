"""Weights held as codes: a sign and bits that switch binary groups of unit FETs between a gate line of the layer and a rail.

A synapse of code c carries ``|c|`` times the current of one unit, and that is set by the level of the layer's gate line: the weight of code 1
is the layer's *step*. One line for each polarity; both carry the same current a unit unless ``scale`` asks otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.cells.analog import BiasModel, Branch, bias_for_current, current_for_bias
from nonideal.circuits.cells.port import VDD, VSS
from nonideal.circuits.cells.storage import Array, Latch, Storage, Stored, Tie
from nonideal.circuits.errors import CircuitError, MappingError, OutOfRange

Codes = NDArray[np.int64]
TOLERANCE = 1e-4
"""How far from a whole number of steps a weight may lie and still be a code: far above single precision, far below half a step."""
SHOWN = 5


def largest_code(bits: int) -> int:
    """With so many bits besides the sign."""
    return 2**bits - 1


def step_of(weight: Array, bits: int) -> float | None:
    """The largest step that every weight of a layer is a multiple of, by no more than the largest code; None where none is.

    A layer of zeros has step 0. Where all codes of a layer have a common divisor, it is part of the step: the weights are the same.
    """
    size = np.abs(np.asarray(weight, np.float64))
    if not np.any(size > 0):
        return 0.0
    least = float(np.min(size[size > 0]))
    for divisor in range(1, largest_code(bits) + 1):
        step = least / divisor
        codes = size / step
        if np.max(codes) > largest_code(bits) + TOLERANCE:
            return None
        if np.all(np.abs(codes - np.rint(codes)) <= TOLERANCE * np.maximum(1.0, codes)):
            return float(np.max(size) / np.rint(np.max(codes)))
    return None


@dataclass(frozen=True, slots=True)
class CodedWeights:
    """A ``nonideal.circuits.cells.contract.Storage`` of codes, wired by a mask or latched; its model is a ``BiasModel`` of the largest code.

    That is, its tables say what the largest code carries at each level of a gate line: the full scale.

    ``n`` and ``p`` are the gates of the groups, of 1, 2, 4 ... units; ``drive_n`` and ``drive_p`` the inputs of the inverters that pull the
    banks' sources, tied to the axon in the bank that the sign picks, still in the other, and in both for code 0. ``latched``: they are no ports,
    but nodes that switches tie so, on latches of the synapse: one for each bit of the magnitude, which both banks share, and one for each sign.
    """

    n: tuple[str, ...]
    p: tuple[str, ...]
    drive_n: str
    drive_p: str
    gate_n: str
    gate_p: str
    axon: str = field(default="axon")
    axon_b: str = field(default="axon_b")
    latched: bool = False

    @property
    def bits(self) -> int:
        """Of the magnitude."""
        return len(self.n)

    @property
    def largest(self) -> int:
        """Code."""
        return largest_code(self.bits)

    @property
    def latches(self) -> dict[str, Latch]:
        """See ``Storage``: bits by their number, the signs ``n`` and ``p``."""
        names = (*map(str, range(self.bits)), "n", "p") if self.latched else ()
        return {name: Latch(f"q{name}", f"q_b{name}") for name in names}

    @property
    def ties(self) -> dict[str, Tie]:
        """See ``Storage``."""
        return {} if self.latched else self.wires

    @property
    def wires(self) -> dict[str, Tie]:
        """What each gate and drive is tied to, by wires or by switches."""
        gates_n = {port: Tie(self.gate_n, VSS) for port in self.n}
        gates_p = {port: Tie(self.gate_p, VDD) for port in self.p}
        return gates_n | gates_p | {self.drive_n: Tie(self.axon, VSS), self.drive_p: Tie(self.axon_b, VDD)}

    @property
    def off(self) -> dict[str, str]:
        """An NMOS is off at ground, a PMOS at the supply; still, the N bank's source is at the supply and the P bank's at ground."""
        return {port: tie.off for port, tie in self.ties.items()}

    def on(self, code: int) -> frozenset[str]:
        """The ports that are not off in a synapse of this code. Raises ``OutOfRange``."""
        if abs(code) > self.largest:
            raise OutOfRange(
                f"code {code}: with circuit.synapse.bits = {self.bits} codes go from {-self.largest} to {self.largest}"
            )
        if code == 0:
            return frozenset()
        groups, drive = (self.n, self.drive_n) if code > 0 else (self.p, self.drive_p)
        return frozenset((drive, *(port for k, port in enumerate(groups) if abs(code) >> k & 1)))

    def nets(self, code: int, bound: Mapping[str, str] | None = None) -> dict[str, str]:
        """The nets of the weight ports of a synapse of this code; ``bound`` are the nets of other ports, where they have other names."""
        on, known = self.on(code), bound or {}
        return {port: known.get(tie.on, tie.on) if port in on else tie.off for port, tie in self.ties.items()}

    def store(
        self,
        weights: Sequence[Array],
        model: BiasModel,
        *,
        scale: tuple[float, float],
        clip: bool,
        steps: Sequence[float] | None,
    ) -> tuple[Stored, ...]:
        """See ``Storage``."""
        if steps is not None and len(steps) != len(weights):
            raise CircuitError(f"{len(steps)} steps for {len(weights)} layers: give one for each layer")
        layers = []
        for layer, matrix in enumerate(weights, start=1):
            wanted = np.asarray(matrix, np.float64)
            given = None if steps is None else float(steps[layer - 1])
            step, codes = self._codes(wanted, given, layer)
            clipped = np.abs(codes) > self.largest
            if np.any(clipped) and not clip:
                raise OutOfRange(_too_large(wanted, codes, self, layer))
            codes = np.clip(codes, -self.largest, self.largest)
            full_scale = step * self.largest
            full_A = full_scale * model.unit_current_A(wanted.shape[1])
            lines = {
                self.gate_n: self._level(model.positive, full_A * scale[0], layer, "n", full_scale),
                self.gate_p: self._level(model.negative, full_A * scale[1], layer, "p", full_scale),
            }
            size = np.abs(codes)
            bits = [(size >> k & 1).astype(bool) for k in range(self.bits)]
            if self.latched:
                volts = {str(k): bit for k, bit in enumerate(bits)} | {"n": codes > 0, "p": codes < 0}
            else:
                volts = {self.drive_n: codes > 0, self.drive_p: codes < 0}
                for n, p, bit in zip(self.n, self.p, bits, strict=True):
                    volts |= {n: bit & (codes > 0), p: bit & (codes < 0)}
            columns = {
                "code": codes,
                "current_A": size / self.largest * full_A * np.where(codes >= 0, scale[0], scale[1]),
                "clipped": clipped,
            }
            tied = {port: on.astype(np.float64) for port, on in volts.items()}
            layers.append(Stored(np.asarray(codes * step, np.float64), columns, tied, lines))
        return tuple(layers)

    def _codes(self, wanted: Array, given: float | None, layer: int) -> tuple[float, Codes]:
        """The step of a layer and its codes, which may be too large. Raises ``CircuitError`` for weights that are no codes."""
        way_out = (
            "train with codes of this synapse, or give the experiment the synapse pair (circuit.synapse.kind)"
        )
        step = step_of(wanted, self.bits) if given is None else given
        if step is None:
            raise CircuitError(
                f"layer {layer}: its weights are no multiples, up to {self.largest}, of one step, so they were not trained for "
                f"circuit.synapse.bits = {self.bits}, but for analog biases or more bits: {way_out}"
            )
        if step == 0.0 and given is None:
            return 0.0, np.zeros(wanted.shape, np.int64)
        if not (np.isfinite(step) and step > 0):
            raise CircuitError(f"layer {layer}: step = {step}: the weight of code 1 is a positive number")
        codes = wanted / step
        off = np.abs(codes - np.rint(codes)) > TOLERANCE * np.maximum(1.0, np.abs(codes))
        if np.any(off):
            neuron, axon = np.argwhere(off)[0]
            raise CircuitError(
                f"layer {layer} axon {axon} neuron {neuron}: weight {wanted[neuron, axon]:+.6g} is {codes[neuron, axon]:.4f} steps of "
                f"{step:.6g}, and codes are whole numbers: {way_out}"
            )
        return step, np.rint(codes).astype(np.int64)

    def _level(self, branch: Branch, full_A: float, layer: int, polarity: str, full_scale: float) -> float:
        """The level of a gate line at which the largest code carries this, V. Raises ``OutOfRange``."""
        if full_A == 0.0:
            return branch.off_bias_V
        low_A, high_A = branch.current_min_A, branch.current_max_A
        if not low_A * (1 - 1e-9) <= full_A <= high_A * (1 + 1e-9):
            too_much = full_A > high_A
            bound_A = high_A if too_much else low_A
            raise OutOfRange(
                f"layer {layer}: its full scale {full_scale:.4g} (code {self.largest}) wants {full_A / self.largest:.3g} A of a unit, which carries "
                f"{low_A / self.largest:.3g} to {high_A / self.largest:.3g} A: train it with a full scale of at {'most' if too_much else 'least'} "
                f"{full_scale * bound_A / full_A:.4g}, or make circuit.synapse.unit_{polarity} {'wider' if too_much else 'narrower'}"
            )
        return float(bias_for_current(branch, np.clip([full_A], low_A, high_A))[0])

    def notes(self, stored: Stored, port: str) -> list[list[str]]:
        """See ``Storage``."""
        rows = zip(stored.columns["code"].tolist(), stored.weight.tolist(), strict=True)
        return [
            [f" code={code:+d} weight={weight:+.9g}" for code, weight in zip(*row, strict=True)]
            for row in rows
        ]

    def read(
        self,
        volts: Mapping[str, Array],
        lines: Mapping[str, float],
        model: BiasModel,
        scale: tuple[float, float],
        layer: int,
    ) -> Array:
        """See ``Storage``."""
        if self.latched:
            size, signs = _sum(volts[str(k)] for k in range(self.bits)), (volts["n"] > 0, volts["p"] > 0)
            volts = {self.drive_n: signs[0].astype(np.float64), self.drive_p: signs[1].astype(np.float64)}
            # Bits without a sign carry nothing, and are no code either: they count for the N bank, which its drive then contradicts.
            n, p = size * (signs[0] | ~signs[1]), size * signs[1]
        else:
            n, p = (_sum(volts[port] for port in groups) for groups in (self.n, self.p))
        for drive, groups, others in ((self.drive_n, n, p), (self.drive_p, p, n)):
            odd = (volts[drive] > 0) != (groups > 0)
            both = (groups > 0) & (others > 0)
            for wrong, told in ((odd, f"{drive} does not go with its groups"), (both, "both banks are on")):
                if np.any(wrong):
                    neuron, axon = np.argwhere(wrong)[0]
                    raise MappingError(
                        f"synapse layer {layer} axon {axon} neuron {neuron}: {told}: it is no code that nonideal writes"
                    )
        unit_A = model.unit_current_A(n.shape[1])
        n_A = current_for_bias(model.positive, np.array([lines[self.gate_n]]))[0]
        p_A = current_for_bias(model.negative, np.array([lines[self.gate_p]]))[0]
        return np.asarray((n * n_A / scale[0] - p * p_A / scale[1]) / (self.largest * unit_A))


def _sum(bits: Iterable[Array]) -> Array:
    return np.asarray(sum(2**k * (bit > 0) for k, bit in enumerate(bits)), np.float64)


def _too_large(wanted: Array, codes: Codes, storage: CodedWeights, layer: int) -> str:
    places = np.argwhere(np.abs(codes) > storage.largest)
    told = "; ".join(
        f"axon {axon} neuron {neuron}: weight {wanted[neuron, axon]:+.4g} is code {codes[neuron, axon]:+d}"
        for neuron, axon in places[:SHOWN]
    )
    more = f"; and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    return (
        f"layer {layer}: {len(places)} of {codes.size} codes are beyond {storage.largest}, the largest of circuit.synapse.bits = {storage.bits}: "
        f"{told}{more}. Give more bits, a larger step (full scale), or ask for clipping (clip = true, --clip)"
    )


def coded_weights(storage: Storage) -> CodedWeights:
    """The storage as what benches of codes ask of it. Raises ``CircuitError`` for a kind of synapse that holds weights otherwise."""
    if not isinstance(storage, CodedWeights):
        raise CircuitError(
            'circuit.synapse.kind: this is known of coded synapses alone (kind = "coded"), and those of this kind are not'
        )
    return storage
