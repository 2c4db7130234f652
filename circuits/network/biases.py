"""The cell ``biases``: a voltage source on every pin that holds a weight. Written here and read here, whatever kind of synapse it is of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.errors import MappingError
from nonideal.circuits.network.netlist import Topology

Array = NDArray[np.float64]


def _no_note(port: str, layer: int, axon: int, neuron: int) -> str:
    return ""


def bias_cell(
    topology: Topology,
    volts: Sequence[Mapping[str, Array]],
    note: Callable[[str, int, int, int], str] = _no_note,
) -> str:
    """The cell as SPICE; ``volts`` of every layer by weight port, [neurons, axons]. ``note(port, layer, axon, neuron)`` ends a source's line."""
    lines = [".subckt biases " + " ".join(topology.bias_ports)]
    for layer, by_port in enumerate(volts, start=1):
        levels = [(port, by_port[port].tolist()) for port in topology.weight_ports]
        for axon in range(topology.layers[layer - 1]):
            for neuron in range(topology.layers[layer]):
                for port, level in levels:
                    net = topology.bias(port, layer, axon, neuron)
                    lines.append(
                        f"V{net} {net} 0 {level[neuron][axon]:.12g}{note(port, layer, axon, neuron)}"
                    )
    return "\n".join([*lines, ".ends biases"]) + "\n"


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of a cell ``biases``, all [sources]: ``port`` is the number of the weight port, ``layer`` counts from 1."""

    port: NDArray[np.int64]
    layer: NDArray[np.int64]
    axon: NDArray[np.int64]
    neuron: NDArray[np.int64]
    volts: Array


@lru_cache(maxsize=16)
def _source(ports: tuple[str, ...]) -> re.Pattern[str]:
    """A line that begins as a source of these ports does; groups are None where it goes on otherwise."""
    stems = "|".join(dict.fromkeys(re.escape(port.split("_")[0]) for port in ports))
    return re.compile(
        rf"^v(?:(?P<port>{'|'.join(map(re.escape, ports))})_(?P<layer>[1-9]\d{{0,5}})_(?P<axon>\d{{1,6}})_(?P<neuron>\d{{1,6}})"
        rf"[ \t]+\S+[ \t]+0[ \t]+(?P<volts>[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?=\s|;|$)|(?:{stems})_.*$)",
        re.IGNORECASE | re.MULTILINE | re.ASCII,
    )


def read_sources(text: str, ports: tuple[str, ...]) -> Sources:
    """The sources that stand anywhere in a text on pins of these weight ports.

    Raises ``MappingError`` where there is none, or a line begins as one and is none.
    """
    found = _source(ports).findall(text)
    if not found:
        raise MappingError(
            f"the netlist holds no bias source (V {ports[0]}_<layer>_<axon>_<neuron>): is it a network written by nonideal?"
        )
    if not all(one[0] for one in found):
        number, line = next(_misread(text, ports))
        raise MappingError(
            f"line {number}: `{line[:80]}` is not a bias source as nonideal writes it (V{ports[0]}_<layer>_<axon>_<neuron> net 0 volts)"
        )
    order = {port.lower(): index for index, port in enumerate(ports)}
    layer, axon, neuron = np.array([one[1:4] for one in found], dtype=np.int64).T
    port = np.array([order[one[0].lower()] for one in found], dtype=np.int64)
    return Sources(port, layer, axon, neuron, np.array([one[4] for one in found], dtype=np.float64))


def levels_of(text: str, ports: tuple[str, ...]) -> list[dict[str, Array]]:
    """Volts of every layer by weight port, [neurons, axons], as ``bias_cell`` wrote them.

    Raises ``MappingError`` where a source stands there twice or is missing.
    """
    sources, many, layers = read_sources(text, ports), len(ports), []
    for layer in range(1, int(sources.layer.max()) + 1):
        here = sources.layer == layer
        axon, neuron, port = sources.axon[here], sources.neuron[here], sources.port[here]
        axons, neurons = int(axon.max(initial=-1)) + 1, int(neuron.max(initial=-1)) + 1
        place = (neuron * axons + axon) * many + port
        found, times = np.unique(place, return_counts=True)
        if np.any(times > 1):
            synapse, number = divmod(int(found[np.argmax(times > 1)]), many)
            raise MappingError(
                f"layer {layer}: a second source for {ports[number]} of axon {synapse % axons} on neuron {synapse // axons}; remove one of them"
            )
        if len(axon) == 0 or len(axon) != many * axons * neurons:
            raise MappingError(
                f"layer {layer}: {len(axon)} bias sources, but {axons} axons on {neurons} neurons need {many * axons * neurons}: "
                "the netlist is not complete"
            )
        volts = np.zeros((neurons, axons, many))
        volts.reshape(-1)[place] = sources.volts[here]
        layers.append({name: volts[..., index] for index, name in enumerate(ports)})
    return layers


def _misread(text: str, ports: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Number and text of every line that begins as a source does and is none."""
    for source in _source(ports).finditer(text):
        if source["port"] is None:
            yield text.count("\n", 0, source.start()) + 1, source[0]
