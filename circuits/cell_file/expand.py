"""From a file's tree to one cell of devices alone: helpers in their places under names of their own, every value a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from nonideal.circuits.cell_file.cell import Cell, Element, Model, number_text
from nonideal.circuits.cell_file.errors import CellFileError
from nonideal.circuits.cell_file.parse import CellFile, Instance, ModelCard, Subcircuit, parse_cell_file
from nonideal.circuits.cell_file.word import Words
from nonideal.sky130_models.device import DEVICES, PREFIX, check_size
from nonideal.sky130_models.errors import IllegalSize, PdkError
from nonideal.sky130_models.expression import Node, Number
from nonideal.sky130_models.netlist import drawn_um, drawn_um2, parallel_devices
from nonideal.sky130_models.reduction import Lookup, names, reduce, scope

SHARED: Final = "driver"
"""The one cell of the design that another's file may call without defining it."""
MOST_DEVICES: Final = 5000
MOST_DEEP: Final = 32
DEVICE_ORDER: Final = ("mult", "l", "w", "nf", "ad", "as", "pd", "ps", "nrd", "nrs", "sa", "sb", "sd")
"""Of the process's devices."""
_AREAS: Final = frozenset({"ad", "as"})
_LENGTHS: Final = frozenset({"w", "l", "pd", "ps", "sa", "sb", "sd"})
_COUNTS: Final = frozenset({"m", "mult", "mf"})


def own_cell(
    name: str, text: str, ports: tuple[str, ...], *, file: str, shared_ports: tuple[str, ...]
) -> Cell:
    """The cell ``name`` of a file, of devices alone; ``shared_ports`` are those of the design's cell ``driver``.

    Raises ``CellFileError`` where the file does not hold it with these ``ports``, or holds what a cell may not.
    """
    tree = parse_cell_file(text, file)
    if name not in tree.subcircuits:
        raise CellFileError(f"{file}: no `.subckt {name} {' '.join(ports)}` in it")
    found = tree.subcircuits[name]
    if found.ports != ports:
        raise found.words.refuse(f"the ports of {name} must be `{' '.join(ports)}`, in this order")
    making = _Making(tree, name, shared_ports if name != SHARED else None)
    top = _resolved(found, {}, _global(tree))
    making.place(found, top, (), dict(zip(ports, ports, strict=True)), 1.0, (name,))
    if not making.elements:
        raise found.words.refuse("holds no device")
    return Cell(name, ports, tuple(making.elements), tuple(making.models.values()))


def _global(tree: CellFile) -> Lookup:
    return scope(tree.parameters, {}, lambda _: None)


def _resolved(subcircuit: Subcircuit, given: Mapping[str, Node], outer: Lookup) -> Lookup:
    """The names inside of a subcircuit."""
    return scope({**subcircuit.defaults, **subcircuit.parameters}, given, outer)


@dataclass(slots=True)
class _Making:
    """The cell as far as it is made."""

    tree: CellFile
    cell: str
    shared_ports: tuple[str, ...] | None
    elements: list[Element] = field(default_factory=list)
    models: dict[tuple[str, str], Model] = field(default_factory=dict)
    owners: dict[str, tuple[str, ...]] = field(default_factory=dict)
    devices: set[str] = field(default_factory=set)

    def place(
        self,
        subcircuit: Subcircuit,
        known: Lookup,
        path: tuple[str, ...],
        bound: Mapping[str, str],
        parallel: float,
        chain: tuple[str, ...],
    ) -> None:
        """Add the devices of one instance of a subcircuit; ``bound`` are the cell's nets by its ports."""
        for instance in subcircuit.instances.values():
            nodes = tuple(self._net(instance.words, node, path, bound) for node in instance.nodes)
            values = _line_values(instance, known, self._order(instance.what))
            own_name = "_".join((*path, instance.name))
            if instance.kind != "X":
                self._add(
                    instance.words,
                    self._primitive(instance, own_name, nodes, values, subcircuit, known, parallel),
                )
            elif instance.what in self.tree.subcircuits:
                inner = self.tree.subcircuits[instance.what]
                if instance.what in chain or len(chain) >= MOST_DEEP:
                    raise instance.words.refuse(
                        f"{instance.what} holds itself ({' -> '.join((*chain, instance.what))})"
                    )
                if len(nodes) != len(inner.ports):
                    raise instance.words.refuse(
                        f"{len(nodes)} nets, but {inner.name} has the ports {' '.join(inner.ports)}"
                    )
                times = _count(instance.words, values.pop("m", 1.0))
                unknown = sorted(values.keys() - inner.defaults.keys())
                if unknown:
                    raise instance.words.refuse(f"{inner.name} has no parameter {', '.join(unknown)}")
                given = {name: Number(value) for name, value in values.items()}
                inside = _resolved(inner, given, _global(self.tree))
                ports = dict(zip(inner.ports, nodes, strict=True))
                self.place(
                    inner, inside, (*path, instance.name), ports, parallel * times, (*chain, inner.name)
                )
            elif instance.what.startswith(PREFIX):
                parameters = _device_parameters(instance, values, parallel)
                if len(nodes) != len(DEVICES[instance.what].ports):
                    raise instance.words.refuse(
                        f"{len(nodes)} nets, but a {instance.what} has {len(DEVICES[instance.what].ports)}"
                    )
                self._add(instance.words, Element("X", own_name, nodes, instance.what, parameters))
            elif instance.what == SHARED and self.shared_ports is not None:
                if len(nodes) != len(self.shared_ports) or values or parallel != 1:
                    raise instance.words.refuse(
                        f"the design's cell {SHARED} takes the nets {' '.join(self.shared_ports)} and no parameters"
                    )
                self._add(instance.words, Element("X", own_name, nodes, SHARED, ""))
            else:
                raise instance.words.refuse(f"the file defines no subcircuit {instance.what}")

    def _order(self, what: str) -> tuple[str, ...]:
        """The parameters of a subcircuit or device in the order that it declares them."""
        if what in self.tree.subcircuits:
            return tuple(self.tree.subcircuits[what].defaults)
        return DEVICE_ORDER if what.startswith(PREFIX) else ()

    def _add(self, words: Words, element: Element) -> None:
        key = f"{element.kind}{element.path}".lower()
        if key in self.devices:
            raise words.refuse(
                f"two devices would be called {key}, one of them inside of another subcircuit; rename one"
            )
        if len(self.elements) >= MOST_DEVICES:
            raise words.refuse(f"the cell has more than {MOST_DEVICES} devices")
        self.devices.add(key)
        self.elements.append(element)

    def _net(self, words: Words, node: str, path: tuple[str, ...], bound: Mapping[str, str]) -> str:
        if node == "0":
            return node
        if node in bound:
            return bound[node]
        flat = "_".join((*(name.lower() for name in path), node))
        owner = (*path, node)
        ports = self.tree.subcircuits[self.cell].ports
        if flat in ports or self.owners.setdefault(flat, owner) != owner:
            raise words.refuse(
                f"two nets would be called {flat}, one of them inside of another subcircuit; rename one"
            )
        return flat

    def _primitive(
        self,
        instance: Instance,
        name: str,
        nodes: tuple[str, ...],
        values: dict[str, float],
        subcircuit: Subcircuit,
        known: Lookup,
        parallel: float,
    ) -> Element:
        kind, words = instance.kind, instance.words
        times = parallel * _count(words, values.pop("m", 1.0))
        value = None if instance.value is None else _number(words, instance.value, known)
        rest = [f"{key}={number_text(one)}" for key, one in values.items()]
        what = []
        if instance.what:
            model = subcircuit.models.get(instance.what) or self.tree.models.get(instance.what)
            if model is None or model.kind != kind.lower():
                raise words.refuse(f"no model {instance.what} of type {kind.lower()} in this file")
            what.append(self._model(model, known))
        if kind == "D":
            rest = [f"area={number_text(_positive(words, 1.0 if value is None else value) * times)}"]
        elif value is not None:
            if kind in "RC":
                value = _positive(words, value)
            factor = {"R": 1 / times, "C": times, "I": times, "G": times}.get(kind, 1.0)
            what.insert(0, number_text(value * factor))
        return Element(kind, name, nodes, " ".join(what), " ".join(rest))

    def _model(self, model: ModelCard, known: Lookup) -> str:
        """The private name of a model at the values it has here."""
        pairs = {name: _number(model.words, node, known) for name, node in model.parameters.items()}
        text = " ".join(f"{name}={number_text(value)}" for name, value in pairs.items())
        name = f"{self.cell}_model_{len(self.models) + 1}"
        made = self.models.setdefault((model.kind, text), Model(name, model.kind, text))
        return made.name


def _number(words: Words, node: Node, known: Lookup) -> float:
    try:
        found = reduce(node, known)
    except (PdkError, RecursionError) as error:
        raise words.refuse(
            "its parameters need each other too deeply" if isinstance(error, RecursionError) else str(error)
        ) from error
    if not isinstance(found, Number):
        raise words.refuse(f"no parameter {', '.join(sorted(names(found)))} here")
    return found.value


def _line_values(instance: Instance, known: Lookup, order: Sequence[str]) -> dict[str, float]:
    """The parameters of a line. One may name others of the line, as drawing programs write ``ad='W*0.29'``; itself is the cell's.

    A name that is the line's and the cell's is, as in ngspice, the line's where the subcircuit declares it first (``order``), else the cell's.
    """
    place = {name: k for k, name in enumerate(order)}
    values: dict[str, float] = {}
    pending: list[str] = []

    def value(name: str) -> float:
        if name in values:
            return values[name]
        if name in pending:
            raise instance.words.refuse(f"{' and '.join(pending)} need each other")
        pending.append(name)

        def look(inner: str) -> Node | None:
            outer = known(inner)
            own = inner != name and inner in instance.parameters
            if own and (outer is None or place.get(inner, len(place)) < place.get(name, len(place))):
                return Number(value(inner))
            return outer

        values[name] = _number(instance.words, instance.parameters[name], look)
        pending.pop()
        return values[name]

    return {name: value(name) for name in instance.parameters}


def _count(words: Words, value: float) -> float:
    if not (value >= 1 and value == round(value)) or value > 1e6:
        raise words.refuse(f"m = {value:g}: how many stand in parallel is a whole number from 1")
    return value


def _positive(words: Words, value: float) -> float:
    if not value > 0:
        raise words.refuse(f"its value is {value:g}; it must be positive")
    return value


def _device_parameters(instance: Instance, values: dict[str, float], parallel: float) -> str:
    """Sizes in um and um^2 as plain numbers; ``m`` times the current flows, and ``mult`` devices are what the library's statistics take it for.

    As in the library, ``mult`` (and ``mf``) alone changes statistics, no current; ``m`` alone is as many devices for both.
    """
    try:
        statistical = parallel_devices({name: number_text(values[name]) for name in _COUNTS & values.keys()})
        drawn = values.get("m", 1.0)
        if drawn != statistical and parallel != 1:
            raise IllegalSize(
                f"mult = {statistical:g} changes statistics alone, and this stands in {parallel:g} subcircuits in parallel: "
                f"write m={statistical:g} mult={statistical:g} for so many devices, or leave mult out"
            )
        written: dict[str, float] = {}
        for name, value in values.items():
            if name in _LENGTHS:
                written[name] = drawn_um(value)
            elif name in _AREAS:
                written[name] = drawn_um2(value)
            elif name not in _COUNTS:
                written[name] = value
        for needed in ("w", "l"):
            if needed not in written:
                raise IllegalSize(f"no {needed}=<um> given")
        check_size(instance.what, written["w"], written["l"], written.get("nf", 1.0))
    except IllegalSize as error:
        raise instance.words.refuse(str(error)) from error
    negative = [name for name, value in written.items() if value < 0]
    if negative:
        raise instance.words.refuse(f"{negative[0]} = {written[negative[0]]:g} is negative")
    for name, count in (("m", parallel * drawn), ("mult", parallel * statistical)):
        if count != 1:
            written[name] = count
    return " ".join(f"{name}={number_text(value)}" for name, value in written.items())
