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

from nonideal.circuits.errors import CircuitError, MappingError, OutOfRange
from nonideal.circuits.network.netlist import Topology

BIAS_SOURCE = re.compile(
    r"^vbias_(?:(?P<polarity>[np])_(?P<layer>[1-9]\d{0,5})_(?P<axon>\d{1,6})_(?P<neuron>\d{1,6})[ \t]+\S+[ \t]+0[ \t]+"
    r"(?P<volts>[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?=\s|;|$)|.*$)",
    re.IGNORECASE | re.MULTILINE | re.ASCII,
)
"""A line that begins as one of the cell ``biases`` does; groups are None where it goes on otherwise."""


UNUSED = " unused branch, off"


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
    bias[on] = PchipInterpolator(branch.ln_current, branch.bias_V)(np.log(current[on]))
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


STEPS = 60
"""Of a root's search; halving alone narrows a table's range to the last bit."""


def _solved(branch: Branch, volts: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln(current) at which the monotone table passes each of ``volts``: Newton's steps, halved intervals where one leads out."""
    curve = PchipInterpolator(branch.ln_current, branch.bias_V)
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
class Mapping:
    """A network's weights as bias voltages: one row a synapse pair (see ``COLUMNS``)."""

    topology: Topology
    scale: tuple[float, float]
    table: pd.DataFrame

    def rows(self) -> Iterator[Row]:
        """The table row by row."""
        return map(Row._make, zip(*(self.table[name].tolist() for name in COLUMNS), strict=True))

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
    tables: list[pd.DataFrame] = []
    for layer, matrix in enumerate(weights, start=1):
        unit_A = model.unit_current_A(topology.layers[layer - 1])
        neurons, axons = matrix.shape
        # Axon by axon, as the netlist has them.
        wanted = np.asarray(matrix, dtype=np.float64).T.ravel()
        positive = wanted >= 0
        factor = np.where(positive, scale[0], scale[1])
        most_A = np.where(positive, model.positive.current_max_A, model.negative.current_max_A)
        least_A = np.where(positive, model.positive.current_min_A, model.negative.current_min_A)
        wanted_A = np.abs(wanted) * unit_A * factor
        clipped = wanted_A > most_A
        current_A = np.where(clipped, most_A, np.where(wanted_A >= least_A, wanted_A, 0.0))
        weight = np.where(current_A == wanted_A, wanted, np.copysign(current_A / (unit_A * factor), wanted))
        columns = (
            np.full(wanted.shape, layer), np.repeat(np.arange(axons), neurons), np.tile(np.arange(neurons), axons),
            weight, np.where(positive, "n", "p").astype(object), current_A, np.zeros(wanted.shape), clipped,
        )  # fmt: skip
        tables.append(
            pd.DataFrame(dict(zip(COLUMNS, columns, strict=True))).assign(wanted=wanted, wanted_A=wanted_A)
        )
    table = pd.concat(tables, ignore_index=True)
    outside = table[table["clipped"]]
    if len(outside) and not clip:
        p, n = model.positive, model.negative
        told = [
            f"layer {row.layer} axon {row.axon} neuron {row.neuron}: weight {row.wanted:+.4g} wants {row.wanted_A:.3g} A"
            for row in outside.head(5).itertuples()
        ]
        shown = "; ".join(told) + (f"; and {len(outside) - 5} more" if len(outside) > 5 else "")
        raise OutOfRange(
            f"{len(outside)} of {len(table)} weights are outside the realisable currents "
            f"(positive up to {p.current_max_A:.3g} A, negative up to {n.current_max_A:.3g} A): {shown}. "
            "Ask for clipping (clip = true, --clip) or train with a weight penalty."
        )
    table = table[list(COLUMNS)]
    for polarity, branch in (("n", model.positive), ("p", model.negative)):
        chosen = table["polarity"] == polarity
        table.loc[chosen, "bias_V"] = bias_for_current(branch, table.loc[chosen, "current_A"].to_numpy(float))
    return Mapping(topology, scale, table)


def bias_sources(mapping: Mapping, model: BiasModel) -> str:
    """Cell ``biases``: a voltage source on every memory gate, each commented with the synapse it belongs to; unused branches are off."""
    off = {"n": f"{model.positive.off_bias_V:.12g}", "p": f"{model.negative.off_bias_V:.12g}"}
    lines = [".subckt biases " + " ".join(mapping.topology.bias_ports)]
    for row in mapping.rows():
        where = f"{row.layer}_{row.axon}_{row.neuron}"
        comment = f" ; layer={row.layer} axon={row.axon} neuron={row.neuron}"
        on = f"{row.bias_V:.12g}{comment} weight={row.weight:+.9g} current_A={row.current_A:.6g}"
        n, p = (
            (on, f"{off['p']}{comment}{UNUSED}")
            if row.polarity == "n"
            else (f"{off['n']}{comment}{UNUSED}", on)
        )
        lines.append(f"Vbias_n_{where} bias_n_{where} 0 {n}\nVbias_p_{where} bias_p_{where} 0 {p}")
    return "\n".join([*lines, ".ends biases"]) + "\n"


def read_biases(
    text: str, model: BiasModel, *, scale: tuple[float, float] = (1.0, 1.0)
) -> list[NDArray[np.float64]]:
    """Weights, per layer ``[neurons, axons]``, recovered from the bias voltages in a netlist written by :func:`bias_sources`."""
    sources = BIAS_SOURCE.findall(text)
    if not sources:
        raise MappingError(
            "the netlist holds no bias source (V bias_n_<layer>_<axon>_<neuron>): is it a network written by nonideal?"
        )
    if not all(source[0] for source in sources):
        number, line = next(_misread(text))
        raise MappingError(
            f"line {number}: `{line[:80]}` is not a bias source as nonideal writes it (Vbias_n_<layer>_<axon>_<neuron> net 0 volts)"
        )
    is_p = np.array([source[0] in "pP" for source in sources])
    layer_of, axon_of, neuron_of = np.array([source[1:4] for source in sources], dtype=np.int64).T
    volts_of = np.array([source[4] for source in sources], dtype=np.float64)
    weights = []
    for layer in range(1, int(layer_of.max()) + 1):
        here = layer_of == layer
        axon, neuron = axon_of[here], neuron_of[here]
        axons, neurons = int(axon.max(initial=-1)) + 1, int(neuron.max(initial=-1)) + 1
        place = (neuron * axons + axon) * 2 + is_p[here]
        found, times = np.unique(place, return_counts=True)
        if np.any(times > 1):
            pair, polarity = divmod(int(found[np.argmax(times > 1)]), 2)
            raise MappingError(
                f"layer {layer}: a second source for bias {'np'[polarity]} of axon {pair % axons} on neuron {pair // axons}; remove one of them"
            )
        if len(axon) == 0 or len(axon) != 2 * axons * neurons:
            raise MappingError(
                f"layer {layer}: {len(axon)} bias sources, but {axons} axons on {neurons} neurons need {2 * axons * neurons}: "
                "the netlist is not complete"
            )
        unit_A = model.unit_current_A(axons)
        volts = np.zeros((neurons, axons, 2))
        volts.reshape(-1)[place] = volts_of[here]
        positive = current_for_bias(model.positive, volts[..., 0])
        negative = current_for_bias(model.negative, volts[..., 1])
        both = np.argwhere((positive > 0) & (negative > 0))
        if len(both):
            neuron, axon = both[0]
            raise MappingError(f"synapse layer {layer} axon {axon} neuron {neuron}: both branches are on")
        matrix = (positive / scale[0] - negative / scale[1]) / unit_A
        weights.append(matrix)
    return weights


def _misread(text: str) -> Iterator[tuple[int, str]]:
    """Number and text of every line that begins as a bias source does and is none."""
    for source in BIAS_SOURCE.finditer(text):
        if source["polarity"] is None:
            yield text.count("\n", 0, source.start()) + 1, source[0]
