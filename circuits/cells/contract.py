"""A cell as the rest of the program asks for it: ports, devices and inner nodes by what they are for, not by name or place.

A kind of cell is a class of settings, the keys of ``[circuit.synapse]`` or ``[circuit.neuron]``, whose ``contract`` describes the cell that
these settings make; ``nonideal.circuits.cells.kinds`` lists them. Netlists, decks, tables of pins, benches and layouts are written from contracts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from nonideal.circuits.cells.fet import Fet, add_fet
from nonideal.circuits.cells.port import VDD, VSS, Port, Role
from nonideal.circuits.cells.storage import Storage
from nonideal.circuits.errors import CircuitError
from nonideal.sky130_models.device import find_device

if TYPE_CHECKING:
    from PySpice.Spice.Netlist import SubCircuit


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the process. ``nodes``: drain, gate, source, bulk, or a capacitor's plates; ``path`` is its name in the cell.

    ``role`` is what it does (``memory_n``, ``discharge``); ``key`` the settings that its size stands at, the role's own unless given.
    ``units``: so many FETs of ``size`` in parallel, in a row in which neighbours share drains and sources; None: one by itself.
    """

    role: str
    path: str
    model: str
    nodes: tuple[str, ...]
    size: Fet
    key: str = ""
    units: int | None = None

    @property
    def setting(self) -> str:
        """What of the kind's settings gives its size."""
        return self.key or self.role

    def add(self, cell: SubCircuit) -> None:
        """Write it into a cell."""
        if find_device(self.model).kind == "mim":
            cell.X(self.path, self.model, *self.nodes, w=self.size.w_um, l=self.size.l_um)
        else:
            add_fet(cell, self.path, self.model, self.nodes, self.size, self.units)


@dataclass(frozen=True, slots=True)
class Call:
    """A cell inside of a cell, which must stand in the same netlist."""

    path: str
    cell: str
    nodes: tuple[str, ...]

    def add(self, cell: SubCircuit) -> None:
        """Write it into a cell."""
        cell.X(self.path, self.cell, *self.nodes)


@dataclass(frozen=True, slots=True)
class Contract:
    """A cell: its ports in order, what it is made of, and the inner nodes that may be looked at, by what they are (``membrane``, ``sense``)."""

    cell: str
    ports: tuple[Port, ...]
    parts: tuple[Device | Call, ...]
    probes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = self.names
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise CircuitError(f"cell {self.cell}: ports {', '.join(twice)} are there twice")
        inside = {node for part in self.parts for node in part.nodes} | self.passing
        if lost := [node for node in (*names, *self.probes.values()) if node not in inside]:
            raise CircuitError(f"cell {self.cell}: nothing in it is on {', '.join(lost)}")

    @property
    def passing(self) -> frozenset[str]:
        """Ports that may pass by: nothing in the cell need be on them."""
        return frozenset()

    def require(self, *roles: Role) -> None:
        """Raises ``CircuitError`` unless there is one port of each of these roles."""
        for role in roles:
            if len(self.having(role)) != 1:
                raise CircuitError(
                    f"cell {self.cell}: it has {len(self.having(role))} ports of role {role}, and needs one"
                )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the ports, in order."""
        return tuple(port.name for port in self.ports)

    @property
    def devices(self) -> tuple[Device, ...]:
        """Its own devices, cells inside of it left out."""
        return tuple(part for part in self.parts if isinstance(part, Device))

    def having(self, role: Role) -> tuple[Port, ...]:
        """The ports of a role."""
        return tuple(port for port in self.ports if port.role is role)

    def device(self, role: str) -> Device:
        """The device that does this. Raises ``CircuitError`` where there is not one."""
        found = [device for device in self.devices if device.role == role]
        if len(found) != 1:
            roles = ", ".join(dict.fromkeys(device.role for device in self.devices))
            raise CircuitError(
                f"cell {self.cell}: {len(found)} devices are its {role}; its devices are {roles}"
            )
        return found[0]

    def nets(self, bound: Mapping[str, str]) -> tuple[str, ...]:
        """Nets in port order. ``bound``: net by role, or by a port's own name, which goes first; a port that is left out is on the net of its name.

        What may be left out of a kind is no error: ``bound`` may name a role that it has no port of.
        """
        known = {*self.names, *Role}
        if strange := [name for name in bound if name not in known]:
            raise CircuitError(
                f"cell {self.cell} has no port {', '.join(strange)}; it has {' '.join(self.names)}"
            )
        return tuple(bound.get(port.name, bound.get(port.role, port.name)) for port in self.ports)

    def add(self, circuit: SubCircuit, name: str, bound: Mapping[str, str]) -> None:
        """Write an instance of it into a deck; ``bound`` as in ``nets``."""
        circuit.X(name, self.cell, *self.nets(bound))

    def probe(self, instance: str, node: str, bound: Mapping[str, str]) -> str:
        """The vector of a node of an instance: ``probe("xneuron", "membrane", {})``.

        One that is a port of the cell is the net that the instance has it on, of those ``bound`` as in ``nets``.
        """
        inner, (around, dot, _) = self.inner(node), instance.rpartition(".")
        if inner not in self.names:
            return f"v({instance}.{inner})"
        return f"v({around}{dot}{self.nets(bound)[self.names.index(inner)]})"

    def inner(self, node: str) -> str:
        """The net inside the cell that is its ``membrane``, or whatever else is looked at. Raises ``CircuitError``."""
        if node not in self.probes:
            raise CircuitError(f"cell {self.cell} has no {node}; it has {', '.join(self.probes) or 'none'}")
        return self.probes[node]

    def lines(self, supplies: object, role: Role = Role.LINE) -> Iterator[tuple[str, float]]:
        """(port, volts) of every line of a role that is held."""
        return ((port.name, port.level_V(supplies)) for port in self.having(role))

    def text(self) -> str:
        """The cell as SPICE."""
        from PySpice.Spice.Netlist import SubCircuit

        cell = SubCircuit(self.cell, *self.names)
        for part in self.parts:
            part.add(cell)
        return str(cell)


@dataclass(frozen=True, slots=True)
class Synapse(Contract):
    """A synapse: ports of role ``AXON``, ``DENDRITE`` and ``WEIGHT``, and how weights stand on the latter.

    Of a synapse whose weight is a mask (``storage.ties``) the ports of role ``WEIGHT`` are no pins: each is wired, synapse by synapse, to
    another port, which may pass by otherwise, or to a rail.
    """

    storage: Storage = field(kw_only=True)

    @property
    def passing(self) -> frozenset[str]:
        """What the mask wires weight ports to."""
        return frozenset(net for tie in self.storage.ties.values() for net in (tie.on, tie.off))

    def __post_init__(self) -> None:
        Contract.__post_init__(self)
        self.require(Role.AXON, Role.DENDRITE)
        pins = [port.name for port in self.having(Role.WEIGHT)]
        if sorted(self.storage.off) != sorted(pins):
            raise CircuitError(
                f"cell {self.cell}: its storage holds {', '.join(self.storage.off)}, its weight ports are {', '.join(pins)}"
            )
        if lost := sorted(({*self.storage.ties} - {*pins}) | (self.passing - {*self.names})):
            raise CircuitError(
                f"cell {self.cell}: its mask wires {', '.join(lost)}, which it has no port for"
            )


@dataclass(frozen=True, slots=True)
class Neuron(Contract):
    """A neuron: ports of role ``DENDRITE``, ``SPIKE`` and ``TRIM``, control lines, and a node ``membrane``."""

    def __post_init__(self) -> None:
        Contract.__post_init__(self)
        self.require(Role.DENDRITE, Role.SPIKE, Role.TRIM)
        self.inner("membrane")

    def held(self, high: Sequence[str]) -> dict[str, str]:
        """Control ports tied to the rails: lines in ``high`` are high, the others low, complements the other way round."""
        bound = {}
        for port in self.having(Role.CONTROL):
            line = port.name.removesuffix("_b")
            bound[port.name] = VDD if (line in high) == (line == port.name) else VSS
        return bound

    def of_layer(self, layer: int) -> dict[str, str]:
        """Control ports on the lines of a layer."""
        return {port.name: f"{port.name}_{layer}" for port in self.having(Role.CONTROL)}


class CellSettings(BaseModel, ABC):
    """What a kind of cell is made by: keys of an experiment. Sizes in um; whatever a kind needs besides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def contract(self) -> Contract:
        """The cell that these settings make."""


class SynapseSettings(CellSettings):
    """Of a kind of synapse."""

    @abstractmethod
    def contract(self) -> Synapse:
        """The synapse that these settings make."""


class NeuronSettings(CellSettings):
    """Of a kind of neuron."""

    @abstractmethod
    def contract(self) -> Neuron:
        """The neuron that these settings make."""
