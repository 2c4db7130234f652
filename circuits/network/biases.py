"""What a netlist holds weights by, written here and read here, whatever kind of synapse it is of.

The cell ``biases`` has a voltage source on every pin that holds a weight, and on every line that is the step of a layer's weights. What is a mask
stands in the cell ``network``: there each synapse has its ports on other nets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.cells.storage import Latch
from nonideal.circuits.errors import MappingError
from nonideal.circuits.network.netlist import Pinout, Topology

Array = NDArray[np.float64]


Notes = Mapping[str, Sequence[Sequence[str]]]


def bias_cell(
    topology: Topology,
    volts: Sequence[Mapping[str, Array]],
    notes: Sequence[Notes] = (),
    scales: Sequence[Mapping[str, float]] = (),
) -> str:
    """The cell as SPICE; ``volts`` of every layer by weight port, [neurons, axons]; ``scales`` of every layer by port of role ``SCALE``, V.

    ``notes`` of every layer by weight port, [neurons, axons], are remarked beside the synapse's place; () for a cell without remarks.
    """
    lines = [" ".join((".subckt biases", *topology.scale_ports, *topology.bias_ports))]
    for layer, by_port in enumerate(volts, start=1):
        for line in topology.pinout.scale_ports:
            net = topology.net(line, layer)
            lines.append(f"V{net} {net} 0 {scales[layer - 1][line.name]:.12g}")
        held = [(f"{port}_{layer}", by_port[port].T.tolist()) for port in topology.weight_ports]
        told = [[*zip(*notes[layer - 1][port], strict=True)] for port in topology.weight_ports if notes]
        for axon in range(topology.layers[layer - 1]):
            here = f"layer={layer} axon={axon}"
            rows = [
                _row(f"{stem}_{axon}", level[axon], told[n][axon] if told else None, here)
                for n, (stem, level) in enumerate(held)
            ]
            lines += [line for synapse in zip(*rows, strict=True) for line in synapse]
    return "\n".join([*lines, ".ends biases"]) + "\n"


def _row(stem: str, volts: Sequence[float], notes: Sequence[str] | None, axon: str) -> list[str]:
    """The sources of one port along an axon, neuron by neuron."""
    if notes is None:
        return [f"V{stem}_{k} {stem}_{k} 0 {level:.12g}" for k, level in enumerate(volts)]
    return [
        f"V{stem}_{k} {stem}_{k} 0 {level:.12g} ; {axon} neuron={k}{note}"
        for k, (level, note) in enumerate(zip(volts, notes, strict=True))
    ]


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
    """A line that begins as a source of these ports does, with the line feed before it, which is found faster than a line's begin.

    Groups are None where it goes on otherwise.
    """
    stems = "|".join(dict.fromkeys(re.escape(port.split("_")[0]) for port in ports))
    return re.compile(
        rf"\nv(?:(?P<port>{'|'.join(map(re.escape, ports))})_(?P<layer>[1-9]\d{{0,5}})_(?P<axon>\d{{1,6}})_(?P<neuron>\d{{1,6}})"
        rf"[ \t]+\S+[ \t]+0[ \t]+(?P<volts>[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?=\s|;|$)|(?:{stems})_.*$)",
        re.IGNORECASE | re.MULTILINE | re.ASCII,
    )


@lru_cache(maxsize=1)
def read_sources(text: str, ports: tuple[str, ...]) -> Sources:
    """The sources that stand anywhere in a text on pins of these weight ports.

    Raises ``MappingError`` where there is none, or a line begins as one and is none. The last are kept: what is read back from a netlist
    is asked for again by the table of its pins.
    """
    found = _source(ports).findall(f"\n{text}")
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


def mask_of(text: str, pinout: Pinout) -> list[dict[str, Array]]:
    """What the synapses of a cell ``network`` have wired: 1 or 0 for every port of a mask, [neurons, axons], layer by layer.

    Raises ``MappingError`` where a synapse is missing or stands there twice, or has a port where no mask wires it.
    """
    found: dict[tuple[int, int, int], list[str]] = {}
    for line in _SYNAPSE.finditer(text):
        where = int(line["layer"]), int(line["axon"]), int(line["neuron"])
        if where in found:
            raise MappingError(
                f"synapse_{line['layer']}_{line['axon']}_{line['neuron']} stands in the netlist twice"
            )
        found[where] = line["nets"].lower().split()
    if not found:
        raise MappingError(
            "the netlist holds no synapse (Xsynapse_<layer>_<axon>_<neuron>): is it a network written by nonideal?"
        )
    depth = max(layer for layer, _, _ in found)
    sizes = [
        (1 + max((n for at, _, n in found if at == layer), default=-1), 1 + max((a for at, a, _ in found if at == layer), default=-1))
        for layer in range(1, depth + 1)
    ]  # fmt: skip
    if len(found) != sum(n * a for n, a in sizes) or any(
        sizes[k][0] != sizes[k + 1][1] for k in range(depth - 1)
    ):
        raise MappingError(
            f"{len(found)} synapses make no network of layers {sizes}: the netlist is not complete"
        )
    topology = Topology((sizes[0][1], *(n for n, _ in sizes)), pinout)
    order = [port.name for port in pinout.synapse]
    by_name = {port.name: port for port in pinout.synapse}
    layers = [{port: np.zeros(size) for port, _ in pinout.ties} for size in sizes]
    for (layer, axon, neuron), nets in found.items():
        if len(nets) != len(order):
            raise MappingError(
                f"synapse_{layer}_{axon}_{neuron} has {len(nets)} nets, its cell has {len(order)} ports"
            )
        for port, tie in pinout.ties:
            net = nets[order.index(port)]
            on, off = (topology.net(by_name[name], layer, axon, neuron) for name in (tie.on, tie.off))
            if net not in (on, off):
                raise MappingError(
                    f"synapse_{layer}_{axon}_{neuron}: {port} is on {net}, and a mask wires it to {on} or {off}"
                )
            layers[layer - 1][port][neuron, axon] = net == on
    return layers


def mask_in(text: str, topology: Topology) -> Topology:
    """The topology with the mask that a netlist of it has wired. Raises ``MappingError`` where the netlist is of other layers."""
    layers = mask_of(text, topology.pinout)
    sizes = [next(iter(ports.values())).shape for ports in layers]
    if sizes != [(b, a) for a, b in pairwise(topology.layers)]:
        raise MappingError(
            f"the netlist's synapses are those of layers {sizes}, not of {list(topology.layers)}: write it anew (the command netlist)"
        )
    return replace(topology, mask=tuple(wired(ports) for ports in layers))


def wired(on: Mapping[str, Array]) -> tuple[tuple[frozenset[str], ...], ...]:
    """The ports of a layer's synapses that a mask has on, by neuron and axon, from 1 or 0 for every port [neurons, axons]."""
    neurons, axons = next(iter(on.values())).shape
    return tuple(
        tuple(frozenset(port for port in on if on[port][k, j] > 0) for j in range(axons))
        for k in range(neurons)
    )


def scales_of(text: str, ports: Sequence[str], depth: int) -> list[dict[str, float]]:
    """The levels of the lines that are steps of weights, V, by port for every layer. Raises ``MappingError`` unless each is there once."""
    layers: list[dict[str, float]] = [{} for _ in range(depth)]
    for port in ports:
        source = re.compile(
            rf"^v{re.escape(port)}_(?P<layer>[1-9]\d{{0,5}})[ \t]+\S+[ \t]+0[ \t]+(?P<volts>[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?=\s|;|$)",
            re.IGNORECASE | re.MULTILINE | re.ASCII,
        )
        seen = [int(one["layer"]) for one in source.finditer(text)]
        if sorted(seen) != list(range(1, depth + 1)):
            raise MappingError(
                f"the netlist has sources V{port}_<layer> for layers {sorted(seen)}, its network has layers 1 to {depth}, each needs one"
            )
        for one in source.finditer(text):
            layers[int(one["layer"]) - 1][port] = float(one["volts"])
    return layers


_SYNAPSE = re.compile(
    r"^xsynapse_(?P<layer>[1-9]\d{0,5})_(?P<axon>\d{1,6})_(?P<neuron>\d{1,6})[ \t]+(?P<nets>.*?)[ \t]+synapse[ \t]*$",
    re.IGNORECASE | re.MULTILINE | re.ASCII,
)


def latch_states(
    topology: Topology, latches: Mapping[str, Latch], volts: Sequence[Mapping[str, Array]], vdd_V: float
) -> str:
    """What the latches of every synapse hold when a deck begins, as ``.ic``; ``volts`` of every layer by latch, 1 or 0, [neurons, axons]."""
    lines = []
    for layer, axon, neuron in topology.synapses():
        states = []
        for name, latch in latches.items():
            held = volts[layer - 1][name][neuron, axon] > 0
            for node, high in ((latch.q, held), (latch.q_b, not held)):
                states.append(
                    f"v(xnetwork.xsynapse_{layer}_{axon}_{neuron}.{node})={vdd_V if high else 0.0:.6g}"
                )
        lines.append(".ic " + " ".join(states))
    return "\n".join(lines) + "\n"


def latched_in(text: str, latches: Mapping[str, Latch]) -> list[dict[str, Array]]:
    """What ``latch_states`` wrote: 1 or 0 for every latch, [neurons, axons], layer by layer. Raises ``MappingError`` where states are missing."""
    found = {
        (int(one["layer"]), int(one["axon"]), int(one["neuron"]), one["node"].lower()): float(one["volts"])
        for one in _STATE.finditer(text)
    }
    if not found:
        raise MappingError(
            "the netlist sets no latches (.ic v(xnetwork.xsynapse_<layer>_<axon>_<neuron>.q0)=...): is it a network written by nonideal?"
        )
    layers: list[dict[str, Array]] = []
    for layer in range(1, max(where[0] for where in found) + 1):
        here = {(axon, neuron) for at, axon, neuron, _ in found if at == layer}
        size = (1 + max((n for _, n in here), default=-1), 1 + max((a for a, _ in here), default=-1))
        if not here or len(here) != size[0] * size[1]:
            raise MappingError(
                f"layer {layer}: the latches of {len(here)} synapses are set, {size[1]} axons and {size[0]} neurons have {size[0] * size[1]}: "
                "the netlist is not complete"
            )
        states = {name: np.zeros(size) for name in latches}
        for (neuron, axon), (name, latch) in product(np.ndindex(*size), latches.items()):
            q, q_b = (found.get((layer, axon, neuron, node)) for node in (latch.q, latch.q_b))
            if q is None or q_b is None or (q > 0) == (q_b > 0):
                raise MappingError(
                    f"synapse layer {layer} axon {axon} neuron {neuron}: its latch {name} is set to neither state (.ic of {latch.q}, {latch.q_b})"
                )
            states[name][neuron, axon] = q > 0
        layers.append(states)
    return layers


_STATE = re.compile(
    r"v\(xnetwork\.xsynapse_(?P<layer>[1-9]\d{0,5})_(?P<axon>\d{1,6})_(?P<neuron>\d{1,6})\.(?P<node>\w+)\)=(?P<volts>[\d.]+)",
    re.IGNORECASE | re.ASCII,
)


def _misread(text: str, ports: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Number and text of every line that begins as a source does and is none."""
    for source in _source(ports).finditer(f"\n{text}"):
        if source["port"] is None:
            yield source.string.count("\n", 0, source.start()) + 1, source[0][1:]
