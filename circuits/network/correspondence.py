"""Which device of an extracted netlist is which of the schematic, and the extracted netlist of a chip.

LVS names every device and net of a layout after its counterpart in the schematic, in lower case (`nonideal.circuits.lvs`). Names alone are not
believed: the two devices must also be of one kind and size, and hang on the same nets. LVS joins nothing: a FET of one line has exactly one
partner, and one of ``m`` units as many, ``<name>_0`` and on; whatever has fewer, or more, is an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.extraction.netlist import Device, Netlist, net_of
from nonideal.circuits.network.chip import Chip, shift_parameters
from nonideal.circuits.network.flat import Element, FlatElement, elements, flat_elements
from nonideal.circuits.network.flat import instances as cell_instances
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.units import unit_names
from nonideal.sky130_models.device import find_device
from nonideal.sky130_models.netlist import instances

TOLERANCE = 1e-3
"""Relative, between a size as drawn and as extracted."""
SHOWN = 5


class CorrespondenceError(CircuitError):
    """Devices of schematic and extracted netlist that are not each other's one partner; the message names them."""


def partners(extracted: Netlist, topology: Topology, design: Design) -> dict[str, tuple[Device, ...]]:
    """The extracted devices of every device of the schematic, by full name as in ``nonideal.circuits.network.flat``: ``synapse_1_0_2_MNM``.

    There is one, or one for each of its units. Raises ``CorrespondenceError`` unless it is one to one, and partners are alike.
    """
    drawn: dict[str, list[Device]] = {}
    for device in extracted.devices:
        drawn.setdefault(device.name.lower(), []).append(device)
    found: dict[str, tuple[Device, ...]] = {}
    problems: list[str] = []
    taken: set[str] = set()
    for wanted in flat_elements(topology, design):
        mine = []
        for name in unit_names(wanted.name, _units(wanted.element)):
            here = drawn.get(name.lower(), [])
            taken.add(name.lower())
            if len(here) != 1:
                problems.append(f"{name} of the schematic has {len(here) or 'no'} partners")
                continue
            mine += here
            problems += (f"{name}: {difference}" for difference in _differences(wanted, here[0]))
        found[wanted.name] = tuple(mine)
    problems += (
        f"{name} of the extracted netlist is not in the schematic" for name in sorted(drawn.keys() - taken)
    )
    if problems:
        raise CorrespondenceError(
            f"the extracted netlist is not that of layers {list(topology.layers)} on this circuit, {len(problems)} differences: "
            f"{'; '.join(problems[:SHOWN])}; draw and extract it anew (the command layout)"
        )
    return found


def extracted_chip_netlist(chip: Chip, design: Design, extracted: Netlist) -> str:
    """The extracted netlist of a chip: every device of the layout with the shift of its partner (``dvt``, ``dc``), parasitics as they are.

    The shifts are those of ``nonideal.circuits.network.chip.chip_netlist``, so that both are the same chip. Raises ``CorrespondenceError``.
    """
    matched = partners(extracted, chip.topology, design)
    shifts = shift_parameters(chip, design)
    if shifts.keys() != matched.keys():
        unlike = sorted(shifts.keys() ^ matched.keys())
        raise CorrespondenceError(
            f"chip {chip.seed} is not one of this circuit: it has a shift for the one, or a device without a shift, of {', '.join(unlike[:SHOWN])}"
        )
    added = {device.name: shifts[name] for name, units in matched.items() for device in units}
    devices = tuple(
        replace(device, parameters=f"{device.parameters} {added[device.name]}")
        for device in extracted.devices
    )
    return replace(extracted, devices=devices).text([f"chip {chip.seed}"])


def laid_out(extracted: Netlist, topology: Topology, design: Design, instance: str) -> tuple[Element, ...]:
    """The leaf cell ``instance`` (``neuron_1_0``) as the layout has it: its devices with their drawn junctions, and its wires' capacitance.

    Nodes are the cell's own, as in ``network.flat.elements``. What couples to a net outside of the cell ends on ``vss``; capacitance between
    two ports is the network's, and left out; so is resistance. Raises ``CorrespondenceError``.
    """
    matched = partners(extracted, topology, design)
    ((cell, bound),) = ((cell, bound) for name, cell, bound in cell_instances(topology) if name == instance)
    ports = {net: port for port, net in bound.items()}

    def local(net: str) -> str:
        own = net.removeprefix(f"{instance}_")
        return ports.get(net, "vss" if own == net else own)

    devices = []
    for one in elements(design)[cell]:
        units = matched[f"{instance}_{one.path}"]
        for path, device in zip(unit_names(one.path, len(units)), units, strict=True):
            nodes = tuple(local(net_of(node)) for node in device.nodes)
            devices.append(Element("X", path, nodes, device.model, device.parameters))
    wires: dict[tuple[str, str], float] = {}
    for c in extracted.capacitors:
        a, b = sorted((local(net_of(c.a)), local(net_of(c.b))))
        if a != b and not {a, b} <= bound.keys():
            wires[a, b] = wires.get((a, b), 0.0) + c.value
    return (
        *devices,
        *(Element("C", f"wire_{a}_{b}", (a, b), f"{farad:.9g}", "") for (a, b), farad in wires.items()),
    )


def _differences(wanted: FlatElement, device: Device) -> Iterator[str]:
    """In what an extracted device is not the schematic's."""
    model, asked = device.model, wanted.element
    if model.lower() != asked.what.lower():
        yield f"it was extracted as a {model}, the schematic has a {asked.what}"
        return
    here, there = _size(model, device.parameters), _size(model, asked.parameters)
    if any(abs(one - other) > TOLERANCE * other for one, other in zip(here, there, strict=True)):
        yield f"it was extracted with {_told(here)} um, the schematic has {_told(there)} um"
    nets = tuple(map(net_of, device.nodes))
    if _terminals(model, nets) != _terminals(model, wanted.nodes):
        yield f"it was extracted between {' '.join(nets)}, the schematic has it between {' '.join(wanted.nodes)}"


def _size(model: str, parameters: str) -> tuple[float, ...]:
    """Width and length, um; of a capacitor, which an extractor may turn, in the order of their sizes."""
    ((size, _),) = instances(f"Xdevice n {model} {parameters}\n")
    both = (size.w_um, size.l_um)
    if size.fingers != 1:
        raise CorrespondenceError(f"{model} {parameters}: a device of several fingers has no one partner")
    return tuple(sorted(both)) if find_device(model).kind == "mim" else both


def _units(element: Element) -> int:
    """How many devices an element stands for."""
    given = dict(pair.split("=", 1) for pair in element.parameters.split() if "=" in pair)
    return int(float(given.get("m", "1")))


def _told(size: tuple[float, ...]) -> str:
    return " x ".join(f"{one:g}" for one in size)


def _terminals(model: str, nets: tuple[str, ...]) -> tuple[object, ...]:
    """What of a device's nets tells it from others: source and drain, and the plates of a capacitor, are the layout's to choose."""
    if find_device(model).kind == "mim" or len(nets) != 4:
        return (Counter(nets),)
    drain, gate, source, bulk = nets
    return (gate, bulk, Counter((drain, source)))
