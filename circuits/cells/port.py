"""The ports of a cell: what each is for, and how many nets of a network it takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nonideal.circuits.errors import CircuitError

VDD, VSS = "vdd", "vss"


class Per(StrEnum):
    """How many nets a network has for a port: one in all, or one for each layer, axon (row), neuron (column) or synapse."""

    NETWORK = "network"
    LAYER = "layer"
    AXON = "axon"
    NEURON = "neuron"
    SYNAPSE = "synapse"


class Role(StrEnum):
    """What a port is for. The value of what becomes a pin is how tables of pins call it."""

    INPUT = "input"
    AXON = "axon"
    AXON_B = "axon_b"
    DENDRITE = "dendrite"
    SPIKE = "output"
    SPIKE_B = "output_b"
    CONTROL = "control"
    """A line of the layer's phases, by the names of ``network.timeline``; the complement of ``x`` is ``x_b``."""
    WEIGHT = "weight"
    """Holds a weight, or a part of one; ``Storage`` says at which level."""
    TRIM = "discharger bias"
    """The bias of a neuron that is calibrated: of its discharger."""
    RESET_LEVEL = "reset level"
    SENSE = "sense"
    SUPPLY = "supply"
    SCALE = "gate line"
    """A line of a layer whose level is what one step of its weights is; ``Storage`` says which level."""
    LINE = "line"
    """Any other line that is held at a level, as one that many synapses share."""
    REFERENCE = "reference current"
    BIAS = "bias line"
    """A gate line that the bias generator drives."""
    SETTING = "setting"
    """A digital level that stays as it is over an inference, as a trim bit."""


_PER = {
    Role.INPUT: Per.AXON,
    Role.AXON: Per.AXON,
    Role.AXON_B: Per.AXON,
    Role.DENDRITE: Per.NEURON,
    Role.SPIKE: Per.NEURON,
    Role.SPIKE_B: Per.NEURON,
    Role.CONTROL: Per.LAYER,
    Role.WEIGHT: Per.SYNAPSE,
    Role.TRIM: Per.NEURON,
    Role.SCALE: Per.LAYER,
}
_HELD = (Role.RESET_LEVEL, Role.SENSE, Role.SUPPLY, Role.LINE)


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a cell. ``level`` is what holds a line: a key of ``[circuit.supplies]``, or volts.

    ``shared`` says of how many synapses or neurons a held line is; all other roles have one answer.
    """

    name: str
    role: Role
    level: str | float | None = None
    shared: Per = Per.NETWORK

    def __post_init__(self) -> None:
        if (self.level is None) == (self.role in _HELD):
            raise CircuitError(
                f"port {self.name}: a {self.role} {'needs a level that holds it' if self.role in _HELD else 'is held at no level'}"
            )

    @property
    def per(self) -> Per:
        """What it is one net for each of."""
        return _PER.get(self.role, self.shared)

    @property
    def kind(self) -> str:
        """How tables of pins call it: lines of phases and weights by their names."""
        return self.name if self.role in (Role.CONTROL, Role.WEIGHT) else self.role.value

    def net(self, layer: int, axon: int | None, neuron: int | None) -> str:
        """The net that is named after it, for the cell at this place: ``bias_n_<layer>_<axon>_<neuron>``."""
        numbers = {
            Per.NETWORK: (),
            Per.LAYER: (layer,),
            Per.AXON: (layer, axon),
            Per.NEURON: (layer, neuron),
            Per.SYNAPSE: (layer, axon, neuron),
        }[self.per]
        return "_".join([self.name, *map(str, numbers)])

    def level_V(self, supplies: object) -> float:
        """The level of a held line; ``supplies`` are the design's."""
        return float(getattr(supplies, self.level) if isinstance(self.level, str) else self.level or 0.0)


def ports(line: str, role: Role) -> tuple[Port, ...]:
    """Ports of one role that no level holds, from their names in a row."""
    return tuple(Port(name, role) for name in line.split())


RAILS = (Port(VDD, Role.SUPPLY, "vdd_V"), Port(VSS, Role.SUPPLY, 0.0))
