"""An extracted tile in two halves, each simulated by itself: its digital side, and network with generator; or the generator, and all else.

The cut goes through nets that devices of both are on: control lines, inputs and trim bits, which the digital side drives, and spikes, which it
listens to. Each half keeps all of such a net, and of the other half's devices those whose gates are on it, as loads: their other ends on
their rail. A coupling to a net of the other half alone goes to ground.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from nonideal.circuits.extraction.netlist import Device, Element, Netlist, net_of
from nonideal.circuits.extraction.reduction import Reduction, reduce, shorted
from nonideal.circuits.extraction.units import joined_units
from nonideal.tapeout.errors import TapeoutError

GATE, BULK = 1, 3
TRUNK_OHM = 20.0
"""Of a supply, resistors below this are its trunk, which is one node: at the 10 uA of the analog side they drop less than a millivolt."""
PIECE, PIECE_OHM = 40, 1.0
"""So many terminals hang on a piece of the supply's trunk, behind this resistance: a simulator orders a matrix with a row of thousands of
elements in minutes, one with rows of some tens in a second."""
NO_MODEL = "sky130_fd_pr__special_nfet_01v8"
MODELLED, LEAST_W_UM = "sky130_fd_pr__nfet_01v8", 0.42
"""The narrow NMOS in flip-flops has no model: the narrowest ordinary one takes its place (``nonideal.circuits.digital.transistors``)."""
_WIDTH = re.compile(r"\bw=([0-9.]+)")


@dataclass(frozen=True, slots=True)
class Half:
    """A half's netlist, its ground the simulator's ``0`` and its names plain (``ui_in_3``).

    ``driven`` and ``heard``: by net the port where the other half drives it, or listens to it. ``loads``: how many devices of the other half
    it has as loads.
    """

    netlist: Netlist
    driven: Mapping[str, str]
    heard: Mapping[str, str]
    loads: int

    def node(self, net: str) -> str:
        """A node of a net, a device's, as the netlist names it. Raises ``TapeoutError`` for a net that is not there."""
        wanted = plain(net)
        for device in self.netlist.devices:
            for node in device.nodes:
                if net_of(node) == wanted:
                    return node
        raise TapeoutError(f"{self.netlist.cell}: no device is on net {net}")


def half(
    netlist: Netlist,
    part: str | tuple[str, ...],
    supplies: tuple[str, str],
    *,
    rest: bool,
    reduction: Reduction | None = None,
    moving: Collection[str] = (),
    loose: Collection[str] = (),
) -> Half:
    """The devices of ``part`` (what their names begin with, or several such), or with ``rest`` all others; ``supplies`` are (supply, ground).

    ``moving``: nets that are driven, even where none of these devices is on them, for what couples to them. ``loose``: nets that nothing drives
    here, whatever the other half has on them.

    ``reduction``: of the wires, where they are to be resistors; None: every net is a node, the supplies too. Raises ``TapeoutError`` where a
    half has no devices, and for a load whose bulk is on no supply.
    """
    supply, ground = supplies
    own = [one for one in netlist.devices if one.name.startswith(part) is not rest]
    others = [one for one in netlist.devices if one.name.startswith(part) is rest]
    if not own or not others:
        raise TapeoutError(
            f"{netlist.cell}: {len(own)} devices are in this half and {len(others)} in the other (by names that begin with {part}): is it a tile?"
        )
    # What decouples, both ends on supplies, does nothing on ideal ones.
    own = [one for one in own if reduction is not None or not {*map(net_of, one.nodes)} <= {*supplies}]
    nets = {net_of(node) for device in own for node in device.nodes} - {*supplies}
    driven, heard, loads = _cut(others, nets, supplies)
    # Pins are the board's to drive.
    driven = {net: at for net, at in driven.items() if net not in netlist.ports and net not in loose}
    node: Callable[[str], str] = net_of if reduction is None else _same
    kept = nets | {*supplies}
    devices = tuple(replace(one, nodes=tuple(map(node, one.nodes))) for one in (*own, *loads))
    resistors = () if reduction is None else tuple(r for r in netlist.resistors if net_of(r.a) in kept)
    own_ports = [port for port in netlist.ports if port in kept]
    beside = {*moving} - kept

    def end_of(end: str) -> str:
        return node(end) if net_of(end) in kept else net_of(end) if net_of(end) in beside else ground

    capacitors = tuple(_capacitors(netlist, end_of, beside))
    met = {end for one in capacitors for end in (one.a, one.b)}
    driven |= {net: net for net in sorted(beside & met)}
    cut = [node(at) for at in (*driven.values(), *heard.values())]
    ports = tuple(dict.fromkeys([*own_ports, *cut]))
    made = Netlist(netlist.cell, ports, devices, resistors, capacitors)
    made = _plain(made)
    if reduction is not None:
        made = reduce(shorted(made, TRUNK_OHM, supplies), reduction, ground)
        made = joined_units(made, ground, supplies)
    made = _solvable(made, supply, ground)
    return Half(
        made,
        {net: plain(node(at)) for net, at in driven.items()},
        {net: plain(node(at)) for net, at in heard.items()},
        len(loads),
    )


def plain(name: str) -> str:
    """A name that a deck can have: ``ui_in[3]`` is ``ui_in_3``."""
    return name.replace("[", "_").replace("]", "").replace("#", "x")


def _same(node: str) -> str:
    return node


def _cut(
    others: list[Device], nets: set[str], supplies: tuple[str, str]
) -> tuple[dict[str, str], dict[str, str], list[Device]]:
    """What the other half drives and listens to, by net the first node, and its devices that are loads."""
    driven: dict[str, str] = {}
    heard: dict[str, str] = {}
    loads = []
    for device in others:
        for place, node in enumerate(device.nodes):
            if net_of(node) in nets and place != BULK:
                (heard if place == GATE else driven).setdefault(net_of(node), node)
        if net_of(device.nodes[GATE]) in nets:
            loads.append(_load(device, supplies))
    return driven, {net: node for net, node in heard.items() if net not in driven}, loads


def _load(device: Device, supplies: tuple[str, str]) -> Device:
    """A device of the other half whose gate is here, without a current: source and drain on its bulk's rail."""
    rail = net_of(device.nodes[BULK])
    if rail not in supplies:
        raise TapeoutError(f"{device.name}: its bulk is on {rail}, which is no supply of the tile")
    return replace(device, nodes=(rail, device.nodes[GATE], rail, rail))


def _capacitors(netlist: Netlist, end_of: Callable[[str], str], beside: Collection[str]) -> Iterator[Element]:
    """Between what is kept, and to what moves ``beside`` it."""
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for one in netlist.capacitors:
        a, b = end_of(one.a), end_of(one.b)
        if a != b and not (a in beside and b in beside):
            sums[min(a, b), max(a, b)] += one.value
    for (a, b), farad in sums.items():
        yield Element(a, b, farad)


def _solvable(netlist: Netlist, supply: str, ground: str) -> Netlist:
    """With the simulator's own ground, and the supply's trunk in pieces; couplings to the supply are couplings to ground."""
    taken = 0

    def node(name: str) -> str:
        nonlocal taken
        if name != supply:
            return "0" if name == ground else name
        taken += 1
        return f"{supply}.piece{taken // PIECE}"

    devices = tuple(replace(one, nodes=tuple(map(node, one.nodes))) for one in netlist.devices)
    resistors = [Element(node(r.a), node(r.b), r.value) for r in netlist.resistors]
    resistors += [Element(supply, f"{supply}.piece{k}", PIECE_OHM) for k in range(taken // PIECE + 1)]
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for one in netlist.capacitors:
        a, b = ("0" if end == ground or net_of(end) == supply else end for end in (one.a, one.b))
        if a != b:
            sums[min(a, b), max(a, b)] += one.value
    capacitors = tuple(Element(a, b, farad) for (a, b), farad in sums.items())
    ports = tuple(port for port in netlist.ports if port != ground)
    return Netlist(netlist.cell, ports, devices, tuple(resistors), capacitors)


def _plain(netlist: Netlist) -> Netlist:
    """With names that a deck can have, and devices that have models."""

    def element(one: Element) -> Element:
        return Element(plain(one.a), plain(one.b), one.value)

    devices = tuple(
        modelled(Device(plain(one.name), tuple(map(plain, one.nodes)), one.model, one.parameters))
        for one in netlist.devices
    )
    resistors, capacitors = tuple(map(element, netlist.resistors)), tuple(map(element, netlist.capacitors))
    return Netlist(netlist.cell, tuple(map(plain, netlist.ports)), devices, resistors, capacitors)


def modelled(device: Device) -> Device:
    """The device, or one that has a model in its place."""
    if device.model != NO_MODEL:
        return device
    wide = _WIDTH.sub(lambda found: f"w={max(float(found[1]), LEAST_W_UM):g}", device.parameters)
    return replace(device, model=MODELLED, parameters=wide)
