"""What of an LVS database parasitics are extracted from: the shapes of every net, layer by layer, its pins and its devices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb

from nonideal.circuits.extraction.netlist import Device
from nonideal.circuits.extraction.parasitics.technology import Technology
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.circuits.lvs.devices import FETS, IN_SUBSTRATE, MIMS

NET = "net"
FET_TERMINALS, MIM_TERMINALS = ("D", "G", "S", "B"), ("B", "A")
"""In the order of the models' ports; of a capacitor the upper plate, B, comes first."""
FET_PARAMETERS = {"l": "L", "w": "W", "as": "AS", "ad": "AD", "ps": "PS", "pd": "PD"}
MIM_MODELS = {drawn: model for model, drawn in MIMS.items()}
SUBSTRATE_NET = "sky130_gnd"
Shapes = dict[str, kdb.Region]
"""By net."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a device's terminal lies: on which layer, which polygons; no polygons where it is on no conductor (a bulk in the substrate)."""

    device: int
    name: str
    net: str
    places: tuple[tuple[str, kdb.Polygon], ...]


@dataclass(frozen=True, slots=True)
class Pin:
    """A label on a pin's shape."""

    label: str
    net: str
    layer: str
    at: kdb.Point


@dataclass(frozen=True, slots=True)
class Drawn:
    """A layout's nets and devices (by number, on the nodes of their nets).

    `shapes` are merged, by layer of the technology (wells too) and net; `plates` those of device capacitors, held apart from them; `cuts`
    are contacts, by their name in the database. `channels` are the gates' areas by their nets, `box` is all there is, in `dbu_um`.
    """

    cell: str
    dbu_um: float
    nets: tuple[str, ...]
    ports: tuple[str, ...]
    substrate: str
    shapes: dict[str, Shapes]
    plates: dict[str, Shapes]
    cuts: dict[str, Shapes]
    pins: tuple[Pin, ...]
    devices: dict[int, Device]
    terminals: tuple[Terminal, ...]
    plate_pairs: frozenset[tuple[str, str]]
    channels: Shapes
    box: kdb.Box


def read_drawn(database: Path, technology: Technology) -> Drawn:
    """Read an LVS database of one flat circuit; raises ExtractionFailed where it is none, with the layer or the net."""
    lvs = kdb.LayoutVsSchematic()
    try:
        lvs.read(str(database))
    except RuntimeError as error:
        raise ExtractionFailed(f"{database} is no LVS database: {error}") from error
    circuit = lvs.netlist().top_circuit()
    if circuit is None:
        raise ExtractionFailed(f"{database}: there is no circuit in it")
    nets = _names(circuit)
    layers = {lvs.layer_name(index): index for index in lvs.layer_indexes()}
    flat = kdb.Layout()
    flat.dbu = lvs.internal_layout().dbu
    cell = flat.create_cell(circuit.name)
    placed = {name: flat.layer() for name in layers}
    lvs.build_all_nets(
        cmap=lvs.cell_mapping_into(flat, cell, False),
        target=flat,
        lmap={placed[name]: lvs.layer_by_index(index) for name, index in layers.items()},
        hier_mode=kdb.LayoutToNetlist.BuildNetHierarchyMode.BNH_Flatten,
        netname_prop=NET,
        circuit_cell_name_prefix="",
        net_cell_name_prefix=None,
        device_cell_name_prefix=None,
    )
    unknown = sorted(name for name in layers if name.startswith(("licon", "mcon", "via", "met", "li_", "poly")) and not _is_known(name, technology)
                     and not cell.shapes(placed[name]).is_empty())  # fmt: skip
    if unknown:
        raise ExtractionFailed(
            f"{database}: the technology has no layer {', '.join(unknown)}, so what is drawn on it would be missing"
        )
    shapes: dict[str, kdb.Region] = {}
    plates: dict[str, kdb.Region] = {}
    for name, conductor in technology.conductors.items():
        if name in placed:
            held = (plates if conductor.plate else shapes).setdefault(conductor.layer, _region())
            _gather(cell.shapes(placed[name]), held)
    cuts: dict[str, kdb.Region] = {}
    for name in technology.vias:
        if name in placed:
            _gather(cell.shapes(placed[name]), cuts.setdefault(name, _region()))
    terminals = tuple(_terminals(lvs, circuit, technology))
    gates = _region()
    for terminal in terminals:
        for layer, polygon in terminal.places if terminal.name == "G" else ():
            if layer == technology.gate:
                gates.insert(kdb.PolygonWithProperties(polygon, {NET: terminal.net}))
    substrate = SUBSTRATE_NET if SUBSTRATE_NET in nets else _substrate(circuit)
    return Drawn(
        cell=circuit.name,
        dbu_um=flat.dbu,
        nets=nets,
        ports=tuple(pin.name() for pin in circuit.each_pin()),
        substrate=substrate,
        shapes={layer: _by_net(region) for layer, region in shapes.items()},
        plates={layer: _by_net(region) for layer, region in plates.items()},
        cuts={name: _by_net(region) for name, region in cuts.items()},
        pins=_one_label_a_net(_pins(flat, cell, placed, technology)),
        devices=dict(_devices(circuit)),
        terminals=terminals,
        plate_pairs=frozenset(_plate_pairs(circuit)),
        channels=_by_net(gates),
        box=max(cell.bbox(), lvs.internal_top_cell().bbox(), key=lambda box: box.area()),
    )


def _is_known(name: str, technology: Technology) -> bool:
    return (
        name in technology.conductors
        or name in technology.vias
        or name.endswith(("_label", "_pin_con"))
        or name == "licon_ptap_con"
    )


def _names(circuit: kdb.Circuit) -> tuple[str, ...]:
    found = [net.expanded_name() for net in circuit.each_net()]
    twice = sorted({name for name in found if found.count(name) > 1}) if len(set(found)) < len(found) else []
    if twice:
        raise ExtractionFailed(f"{circuit.name}: net {twice[0]} is in more than one piece")
    return tuple(found)


def _region() -> kdb.Region:
    made = kdb.Region()
    made.enable_properties()
    return made


def _gather(shapes: kdb.Shapes, into: kdb.Region) -> None:
    for shape in shapes.each():
        into.insert(kdb.PolygonWithProperties(shape.polygon, {NET: shape.property(NET)}))


def _by_net(region: kdb.Region) -> Shapes:
    """The merged shapes of every net."""
    found: Shapes = defaultdict(kdb.Region)
    for polygon in region.merged().each():
        found[polygon.property(NET)].insert(polygon.downcast())
    return dict(found)


def _pins(flat: kdb.Layout, cell: kdb.Cell, placed: dict[str, int], technology: Technology) -> Iterator[Pin]:
    """Labels on pins, each with the net of the pin."""
    for name, conductor in technology.conductors.items():
        stem = name.removesuffix("_con").removesuffix("_ncap")
        label, pin = f"{stem}_label", f"{stem}_pin_con"
        if conductor.plate or label not in placed or pin not in placed:
            continue
        boxes = cell.shapes(placed[pin])
        for shape in cell.shapes(placed[label]).each():
            if not shape.is_text():
                continue
            at = shape.text.position()
            for found in boxes.each_touching(kdb.Box(at, at)):
                if found.polygon.inside(at):
                    yield Pin(shape.text.string, found.property(NET), conductor.layer, at)
                    break


def _one_label_a_net(pins: Iterator[Pin]) -> tuple[Pin, ...]:
    """A net's pins are one node; two labels on it would be two ports."""
    found: dict[str, Pin] = {}
    kept = tuple(pins)
    for pin in kept:
        other = found.setdefault(pin.net, pin)
        if other.label != pin.label:
            raise ExtractionFailed(
                f"net {pin.net} has two labels, {other.label} and {pin.label}: it can be extracted by kpex alone"
            )
    return kept


def _terminals(
    lvs: kdb.LayoutVsSchematic, circuit: kdb.Circuit, technology: Technology
) -> Iterator[Terminal]:
    """All terminals with their shapes; those of a kind of device are looked up once and moved."""
    known: dict[tuple[int, int], dict[int, kdb.Region]] = {}
    for net in circuit.each_net():
        name = net.expanded_name()
        for reference in net.each_terminal():
            device = reference.device()
            placed = kdb.ICplxTrans(device.trans, lvs.internal_layout().dbu)
            key = (device.device_abstract.cell_index(), reference.terminal_id())
            if key not in known:
                known[key] = lvs.shapes_of_terminal(reference, placed.inverted())
            places = []
            for index, region in known[key].items():
                conductor = technology.conductors.get(lvs.layer_name(index))
                if conductor is not None:
                    places += [(conductor.layer, polygon) for polygon in region.transformed(placed).each()]
            yield Terminal(device.id(), reference.terminal_def().name, name, tuple(places))


def _substrate(circuit: kdb.Circuit) -> str:
    """The net of the substrate, which a label may have named: that of its devices' bulks."""
    for device in circuit.each_device():
        if device.device_class().name in IN_SUBSTRATE and (net := device.net_for_terminal("B")) is not None:
            return str(net.expanded_name())
    return SUBSTRATE_NET


def _devices(circuit: kdb.Circuit) -> Iterator[tuple[int, Device]]:
    """By number; nodes are the nets."""
    for device in circuit.each_device():
        kind = device.device_class().name
        name = device.expanded_name()
        if kind in FETS:
            model = kind
            values = {ours: device.parameter(theirs) for ours, theirs in FET_PARAMETERS.items()}
        elif kind in MIM_MODELS:
            model = MIM_MODELS[kind]
            half, area = device.parameter("P") / 2, device.parameter("A")
            root = max(half * half / 4 - area, 0.0) ** 0.5
            values = {"w": half / 2 + root, "l": half / 2 - root}
        else:
            raise ExtractionFailed(f"{circuit.name}: device {name} is a {kind}")
        nets = [device.net_for_terminal(end) for end in (FET_TERMINALS if kind in FETS else MIM_TERMINALS)]
        if any(net is None for net in nets):
            raise ExtractionFailed(f"{circuit.name}: a terminal of {name} is on no net")
        told = " ".join(f"{k}={v:.6g}" for k, v in values.items())
        yield device.id(), Device(name, tuple(net.expanded_name() for net in nets), model, told)


def _plate_pairs(circuit: kdb.Circuit) -> Iterator[tuple[str, str]]:
    for device in circuit.each_device():
        if device.device_class().name in MIM_MODELS:
            a, b = (device.net_for_terminal(end).expanded_name() for end in MIM_TERMINALS)
            yield min(a, b), max(a, b)
