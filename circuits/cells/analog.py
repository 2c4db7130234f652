"""Weights held as gate biases of memory FETs: what the synapse pair does.

The current of a synapse of weight ``w`` is ``I = scale * unit_current * |w|``; the bias that makes the memory FET carry it comes from the
characterised table of gate bias against ln(current), interpolated by a monotone cubic, so the way back is exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.cells.port import VDD, VSS
from nonideal.circuits.cells.storage import Array, Latch, Storage, Stored, Tie
from nonideal.circuits.errors import CircuitError, MappingError, OutOfRange

if TYPE_CHECKING:
    from scipy.interpolate import PchipInterpolator

UNUSED = " unused branch, off"
Level = TypeVar("Level", float, str, Array)
"""Volts of one synapse, the net that has them, or volts of all of a layer [neurons, axons]."""


class Branch(Protocol):
    """What write-back needs to know of one polarity (``nonideal.characterize.model.Branch`` is one)."""

    @property
    def ln_current(self) -> Sequence[float]: ...
    @property
    def bias_V(self) -> Sequence[float]: ...
    @property
    def off_bias_V(self) -> float: ...
    @property
    def current_min_A(self) -> float: ...
    @property
    def current_max_A(self) -> float: ...


class BiasModel(Protocol):
    """What write-back needs of a physical model."""

    @property
    def positive(self) -> Branch: ...
    @property
    def negative(self) -> Branch: ...
    def unit_current_A(self, axons: int | None = None) -> float: ...


def bias_for_current(branch: Branch, current_A: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gate bias in volts for each current in amperes; zero current gives the off bias. Currents must be in range."""
    current = np.asarray(current_A, dtype=np.float64)
    bias = np.full(current.shape, branch.off_bias_V)
    on = current > 0
    bias[on] = _curve(branch)(np.log(current[on]))
    return bias


def current_for_bias(branch: Branch, bias_V: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of :func:`bias_for_current`, in A, of the shape of ``bias_V``. Raises ``MappingError`` for a bias the table does not reach."""
    bias = np.asarray(bias_V, dtype=np.float64)
    low, high = sorted((branch.bias_V[0], branch.bias_V[-1]))
    on = bias != branch.off_bias_V
    # The text has 12 digits: a bias at the table's end may come back just beyond it.
    outside = on & ~((low - 1e-9 <= bias) & (bias <= high + 1e-9))
    if np.any(outside):
        raise MappingError(
            f"bias {bias[outside].flat[0]:.6g} V lies outside the characterised {low:.4g} .. {high:.4g} V: was it written with this model?"
        )
    currents = np.zeros(bias.shape)
    currents[on] = np.exp(_solved(branch, np.clip(bias[on], low, high)))
    return currents


def _curve(branch: Branch) -> PchipInterpolator:
    """Gate bias over ln(current)."""
    from scipy.interpolate import PchipInterpolator  # 0.8 CPU s that an experiment's settings do not need

    return PchipInterpolator(branch.ln_current, branch.bias_V)


STEPS = 60
"""Of a root's search; halving alone narrows a table's range to the last bit."""


def _solved(branch: Branch, volts: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln(current) at which the monotone table passes each of ``volts``: Newton's steps, halved intervals where one leads out."""
    curve = _curve(branch)
    slope = curve.derivative()
    sign = np.sign(branch.bias_V[-1] - branch.bias_V[0])
    low, high = np.full(volts.shape, branch.ln_current[0]), np.full(volts.shape, branch.ln_current[-1])
    rising = np.argsort(branch.bias_V)
    x = np.interp(volts, np.array(branch.bias_V)[rising], np.array(branch.ln_current)[rising])
    for _ in range(STEPS):
        error = sign * (curve(x) - volts)
        low, high = np.where(error <= 0, x, low), np.where(error >= 0, x, high)
        steepness = sign * slope(x)
        newton = x - error / np.where(steepness > 0, steepness, np.inf)
        inside = (newton > low) & (newton < high)
        moved = np.where(error == 0, x, np.where(inside, newton, 0.5 * (low + high)))
        done = np.abs(moved - x) <= 1e-15 * np.maximum(1.0, np.abs(x))
        x = moved
        if np.all(done):
            break
    # The table's ends are exact.
    for end in (0, -1):
        x = np.where(volts == branch.bias_V[end], branch.ln_current[end], x)
    return x


@dataclass(frozen=True, slots=True)
class GateBiases:
    """A weight is the gate bias of one of two memory FETs: on port ``n`` a positive one, on port ``p`` a negative one; the other is off.

    It is a ``nonideal.circuits.cells.contract.Storage`` whose model is a ``BiasModel``.
    """

    n: str
    p: str

    @property
    def off(self) -> dict[str, str]:
        """An NMOS is off at ground, a PMOS at the supply."""
        return {self.n: VSS, self.p: VDD}

    @property
    def ties(self) -> dict[str, Tie]:
        """None: both are pins."""
        return {}

    @property
    def latches(self) -> dict[str, Latch]:
        """None."""
        return {}

    def port(self, polarity: str) -> str:
        """The weight port of a polarity, ``n`` (positive weights) or ``p``."""
        return {"n": self.n, "p": self.p}[polarity]

    def volts(self, n_V: Level, p_V: Level) -> dict[str, Level]:
        """By weight port: a positive weight's bias, and a negative one's."""
        return {self.n: n_V, self.p: p_V}

    def store(
        self,
        weights: Sequence[Array],
        model: BiasModel,
        *,
        scale: tuple[float, float],
        clip: bool,
        steps: Sequence[float] | None,
    ) -> tuple[Stored, ...]:
        """See ``Storage``. One below the range is smaller than leakage (about 3e-6 of a unit weight): its pair is off, its realised weight 0."""
        if steps is not None:
            raise CircuitError(
                "these weights are codes, and this circuit holds weights as gate biases: give it the coded synapse "
                '(circuit.synapse.kind = "coded"), or train without codes'
            )
        layers, outside, most = [], [], _Most(model.positive.current_max_A, model.negative.current_max_A)
        for layer, matrix in enumerate(weights, start=1):
            wanted = np.asarray(matrix, dtype=np.float64)
            unit_A = model.unit_current_A(wanted.shape[1])
            positive = wanted >= 0
            factor = np.where(positive, scale[0], scale[1])
            most_A = np.where(positive, most.positive_A, most.negative_A)
            least_A = np.where(positive, model.positive.current_min_A, model.negative.current_min_A)
            wanted_A = np.abs(wanted) * unit_A * factor
            clipped = wanted_A > most_A
            current_A = np.where(clipped, most_A, np.where(wanted_A >= least_A, wanted_A, 0.0))
            weight = np.where(
                current_A == wanted_A, wanted, np.copysign(current_A / (unit_A * factor), wanted)
            )
            outside += [(layer, axon, neuron, wanted[neuron, axon], wanted_A[neuron, axon]) for axon, neuron in np.argwhere(clipped.T)]  # fmt: skip
            bias_V = np.where(
                positive,
                bias_for_current(model.positive, np.where(positive, current_A, 0.0)),
                bias_for_current(model.negative, np.where(positive, 0.0, current_A)),
            )
            columns = {
                "polarity": np.where(positive, "n", "p").astype(object),
                "current_A": current_A,
                "bias_V": bias_V,
                "clipped": clipped,
            }
            off_n, off_p = model.positive.off_bias_V, model.negative.off_bias_V
            volts = self.volts(np.where(positive, bias_V, off_n), np.where(positive, off_p, bias_V))
            layers.append(Stored(weight, columns, volts, {}))
        if outside and not clip:
            raise OutOfRange(_told(outside, sum(np.size(matrix) for matrix in weights), most))
        return tuple(layers)

    def notes(self, stored: Stored, port: str) -> list[list[str]]:
        """See ``Storage``: what the pair does stands at the branch that does it."""
        used = (stored.columns["polarity"] == "n") == (port == self.n)
        columns = (used, stored.weight, stored.columns["current_A"])
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return [
            [
                f" weight={weight:+.9g} current_A={current_A:.6g}" if here else UNUSED
                for here, weight, current_A in zip(*row, strict=True)
            ]
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
        positive = current_for_bias(model.positive, volts[self.n])
        negative = current_for_bias(model.negative, volts[self.p])
        both = np.argwhere((positive > 0) & (negative > 0))
        if len(both):
            neuron, axon = both[0]
            raise MappingError(f"synapse layer {layer} axon {axon} neuron {neuron}: both branches are on")
        unit_A = model.unit_current_A(positive.shape[1])
        return np.asarray((positive / scale[0] - negative / scale[1]) / unit_A)


def gate_biases(storage: Storage) -> GateBiases:
    """The storage as what benches and chips ask of it. Raises ``CircuitError`` for a kind of synapse that holds weights otherwise."""
    if not isinstance(storage, GateBiases):
        raise CircuitError(
            "circuit.synapse.kind: this is known of synapses whose weights are gate biases alone, and those of this kind are not"
        )
    return storage


@dataclass(frozen=True, slots=True)
class _Most:
    positive_A: float
    negative_A: float


def _told(outside: Sequence[tuple[int, int, int, float, float]], count: int, most: _Most) -> str:
    """What is said of (layer, axon, neuron, weight, current) that cannot be realised."""
    told = [
        f"layer {layer} axon {axon} neuron {neuron}: weight {wanted:+.4g} wants {wanted_A:.3g} A"
        for layer, axon, neuron, wanted, wanted_A in outside[:5]
    ]
    shown = "; ".join(told) + (f"; and {len(outside) - 5} more" if len(outside) > 5 else "")
    return (
        f"{len(outside)} of {count} weights are outside the realisable currents "
        f"(positive up to {most.positive_A:.3g} A, negative up to {most.negative_A:.3g} A): {shown}. "
        "Ask for clipping (clip = true, --clip) or train with a weight penalty."
    )
