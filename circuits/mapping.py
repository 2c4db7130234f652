"""Weights -> currents -> gate biases, and back.

The current of a synapse of weight ``w`` is ``I = scale * unit_current * |w|``; the bias that makes the memory FET carry it comes from the
characterised table of gate bias against ln(current), interpolated by a monotone cubic, so the way back is exact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from circuits.errors import CircuitError, MappingError, OutOfRange
from circuits.network import Topology

BIAS_SOURCE = re.compile(
    r"vbias_(?P<polarity>[np])_(?P<layer>[1-9]\d*)_(?P<axon>\d+)_(?P<neuron>\d+)\s+\S+\s+0\s+"
    r"(?P<volts>[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?=\s|;|$)"
)
"""A line of the cell ``biases``, in lower case."""


class Row(NamedTuple):
    """One synapse pair: ``weight`` as realised, ``polarity`` the branch that is on, ``clipped`` whether the weight had to be moved."""

    layer: int
    axon: int
    neuron: int
    weight: float
    polarity: str
    current_A: float
    bias_V: float
    clipped: bool


COLUMNS = Row._fields


class Branch(Protocol):
    """What write-back needs to know of one polarity (``characterize.model.Branch`` is one)."""

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
    bias[on] = PchipInterpolator(branch.ln_current, branch.bias_V)(np.log(current[on]))
    return bias


def current_for_bias(branch: Branch, bias_V: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of :func:`bias_for_current`. Raises ``MappingError`` for a bias the table does not reach."""
    bias = np.asarray(bias_V, dtype=np.float64)
    curve = PchipInterpolator(branch.ln_current, branch.bias_V)
    low, high = sorted((branch.bias_V[0], branch.bias_V[-1]))
    currents = np.zeros(bias.shape)
    for index, volts in np.ndenumerate(bias):
        if volts == branch.off_bias_V:
            continue
        # The text has 12 digits: a bias at the table's end may come back just beyond it.
        if not low - 1e-9 <= volts <= high + 1e-9:
            raise MappingError(
                f"bias {volts:.6g} V lies outside the characterised {low:.4g} .. {high:.4g} V: was it written with this model?"
            )
        currents[index] = float(np.exp(_solve(curve, branch, min(max(float(volts), low), high))))
    return currents


def _solve(curve: PchipInterpolator, branch: Branch, volts: float) -> float:
    """The ln(current) at which the monotone ``curve`` passes ``volts``, a bias inside the table."""
    for end in (0, -1):
        if volts == branch.bias_V[end]:
            return branch.ln_current[end]
    return float(
        brentq(
            lambda x: float(curve(x)) - volts,
            branch.ln_current[0],
            branch.ln_current[-1],
            xtol=1e-13,
            rtol=1e-14,
        )
    )


@dataclass(frozen=True, slots=True)
class Mapping:
    """A network's weights as bias voltages: one row a synapse pair (see ``COLUMNS``)."""

    topology: Topology
    scale: tuple[float, float]
    table: pd.DataFrame

    def rows(self) -> Iterator[Row]:
        """The table row by row."""
        return (Row(*row) for row in self.table[list(COLUMNS)].itertuples(index=False, name=None))

    @property
    def off(self) -> int:
        """How many weights are too small for any bias (below ten times the leakage) and are realised by a pair that is off."""
        return int((self.table["current_A"] == 0.0).sum())

    @property
    def clipped(self) -> int:
        """How many weights were moved into the realisable range."""
        return int(self.table["clipped"].sum())

    def weights(self) -> list[NDArray[np.float64]]:
        """Realised weights, per layer ``[neurons, axons]``."""
        out = [
            np.zeros((n, m)) for m, n in zip(self.topology.layers[:-1], self.topology.layers[1:], strict=True)
        ]
        for row in self.rows():
            out[row.layer - 1][row.neuron, row.axon] = row.weight
        return out


def check_weights(weights: Sequence[NDArray[np.float64]]) -> Topology:
    """The topology of a chain of weight matrices ``[neurons, axons]``; raises ``CircuitError`` when they do not chain or are not finite."""
    for index, matrix in enumerate(weights, start=1):
        if matrix.ndim != 2:
            raise CircuitError(f"layer {index}: weights have shape {matrix.shape}, expected [neurons, axons]")
        if not np.all(np.isfinite(matrix)):
            raise CircuitError(
                f"layer {index}: weights hold NaN or infinity; train again or pick an earlier checkpoint"
            )
        if index > 1 and matrix.shape[1] != weights[index - 2].shape[0]:
            raise CircuitError(
                f"layer {index} has {matrix.shape[1]} axons but layer {index - 1} has {weights[index - 2].shape[0]} neurons"
            )
    if not weights:
        raise CircuitError("no weights: the checkpoint holds no layer")
    return Topology((weights[0].shape[1], *(int(m.shape[0]) for m in weights)))


def map_weights(
    weights: Sequence[NDArray[np.float64]],
    model: BiasModel,
    *,
    scale: tuple[float, float] = (1.0, 1.0),
    clip: bool = False,
) -> Mapping:
    """Bias voltages for ``weights`` (per layer ``[neurons, axons]``).

    ``scale`` multiplies positive and negative currents. A weight whose current is above the characterised range raises ``OutOfRange``; with
    ``clip`` it is moved to the largest realisable current and marked in the column ``clipped``. One below the range is smaller than
    leakage (about 3e-6 of a unit weight): its pair is off, its realised weight 0.
    """
    topology = check_weights(weights)
    if not all(np.isfinite(factor) and factor > 0 for factor in scale):
        raise CircuitError(
            f"scale = {scale}: the factors on positive and negative currents must be positive numbers"
        )
    rows = []
    outside: list[str] = []
    for layer, matrix in enumerate(weights, start=1):
        unit_A = model.unit_current_A(topology.layers[layer - 1])
        for axon in range(matrix.shape[1]):
            for neuron in range(matrix.shape[0]):
                weight = float(matrix[neuron, axon])
                polarity, branch, factor = (
                    ("n", model.positive, scale[0]) if weight >= 0 else ("p", model.negative, scale[1])
                )
                wanted_A = abs(weight) * unit_A * factor
                clipped = wanted_A > branch.current_max_A
                current_A = (
                    branch.current_max_A if clipped else wanted_A if wanted_A >= branch.current_min_A else 0.0
                )
                if clipped:
                    outside.append(
                        f"layer {layer} axon {axon} neuron {neuron}: weight {weight:+.4g} wants {wanted_A:.3g} A"
                    )
                if current_A != wanted_A:
                    weight = float(np.copysign(current_A / (unit_A * factor), weight))
                rows.append((layer, axon, neuron, weight, polarity, current_A, 0.0, clipped))
    if outside and not clip:
        p, n = model.positive, model.negative
        shown = "; ".join(outside[:5]) + (f"; and {len(outside) - 5} more" if len(outside) > 5 else "")
        raise OutOfRange(
            f"{len(outside)} of {len(rows)} weights are outside the realisable currents "
            f"(positive up to {p.current_max_A:.3g} A, negative up to {n.current_max_A:.3g} A): {shown}. "
            "Ask for clipping (clip = true, --clip) or train with a weight penalty."
        )
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for polarity, branch in (("n", model.positive), ("p", model.negative)):
        chosen = table["polarity"] == polarity
        table.loc[chosen, "bias_V"] = bias_for_current(branch, table.loc[chosen, "current_A"].to_numpy(float))
    return Mapping(topology, scale, table)


def bias_sources(mapping: Mapping, model: BiasModel) -> str:
    """Cell ``biases``: a voltage source on every memory gate, each commented with the synapse it belongs to; unused branches are off."""
    lines = [".subckt biases " + " ".join(mapping.topology.bias_ports)]
    off = {"n": model.positive.off_bias_V, "p": model.negative.off_bias_V}
    for row in mapping.rows():
        for polarity in "np":
            net = Topology.bias(polarity, row.layer, row.axon, row.neuron)
            volts = row.bias_V if polarity == row.polarity else off[polarity]
            comment = f" ; layer={row.layer} axon={row.axon} neuron={row.neuron}"
            comment += (
                f" weight={row.weight:+.9g} current_A={row.current_A:.6g}"
                if polarity == row.polarity
                else " unused branch, off"
            )
            lines.append(f"V{net} {net} 0 {volts:.12g}{comment}")
    return "\n".join([*lines, ".ends biases"]) + "\n"


def read_biases(
    text: str, model: BiasModel, *, scale: tuple[float, float] = (1.0, 1.0)
) -> list[NDArray[np.float64]]:
    """Weights, per layer ``[neurons, axons]``, recovered from the bias voltages in a netlist written by :func:`bias_sources`."""
    biases: dict[tuple[int, int, int], dict[str, float]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.lower().startswith("vbias_"):
            continue
        source = BIAS_SOURCE.match(line.lower())
        if source is None:
            raise MappingError(
                f"line {number}: `{line[:80]}` is not a bias source as nonideal writes it (Vbias_n_<layer>_<axon>_<neuron> net 0 volts)"
            )
        pair = biases.setdefault((int(source["layer"]), int(source["axon"]), int(source["neuron"])), {})
        if source["polarity"] in pair:
            raise MappingError(
                f"line {number}: a second source for bias {source['polarity']} of this synapse: `{line[:80]}`"
            )
        pair[source["polarity"]] = float(source["volts"])
    if not biases:
        raise MappingError(
            "the netlist holds no bias source (V bias_n_<layer>_<axon>_<neuron>): is it a network written by nonideal?"
        )
    weights = []
    for layer in range(1, max(where[0] for where in biases) + 1):
        here = {(a, k): v for (index, a, k), v in biases.items() if index == layer}
        axons, neurons = 1 + max((a for a, _ in here), default=-1), 1 + max((k for _, k in here), default=-1)
        whole = sum(len(pair) for pair in here.values())
        if whole == 0 or whole != 2 * axons * neurons:
            raise MappingError(
                f"layer {layer}: {whole} bias sources, but {axons} axons on {neurons} neurons need {2 * axons * neurons}: the netlist is not complete"
            )
        unit_A = model.unit_current_A(axons)
        matrix = np.zeros((neurons, axons))
        for (axon, neuron), pair in here.items():
            positive = current_for_bias(model.positive, np.array(pair["n"]))
            negative = current_for_bias(model.negative, np.array(pair["p"]))
            if positive > 0 and negative > 0:
                raise MappingError(f"synapse layer {layer} axon {axon} neuron {neuron}: both branches are on")
            matrix[neuron, axon] = float(positive / scale[0] - negative / scale[1]) / unit_A
        weights.append(matrix)
    return weights
