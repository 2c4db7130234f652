"""A cell as devices alone, every value a number: what a deck is written from."""

from __future__ import annotations

from dataclasses import dataclass

from nonideal.sky130_models.device import PREFIX


@dataclass(frozen=True, slots=True)
class Element:
    """A line of a leaf cell with everything that stands in it expanded: ``MN1``, or ``driver_MN1`` inside a neuron.

    ``what`` is the device's name (``sky130_fd_pr__...``), a model's, or the value of a resistor, capacitor or source.
    """

    kind: str
    path: str
    nodes: tuple[str, ...]
    what: str
    parameters: str

    @property
    def is_device(self) -> bool:
        """Whether it is a device of the process, which varies from chip to chip."""
        return self.what.startswith(PREFIX)

    @property
    def line(self) -> str:
        """It as SPICE."""
        words = (f"{self.kind}{self.path}", *self.nodes, self.what, self.parameters)
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class Model:
    """A ``.model`` of a cell's own; ``parameters`` as ``name=number``."""

    name: str
    kind: str
    parameters: str

    @property
    def line(self) -> str:
        """It as SPICE."""
        return f".model {self.name} {self.kind}({self.parameters})"


@dataclass(frozen=True, slots=True)
class Cell:
    """One subcircuit without subcircuits of its own in it, but for the design's cell ``driver`` where it is used."""

    name: str
    ports: tuple[str, ...]
    elements: tuple[Element, ...]
    models: tuple[Model, ...] = ()

    def text(self) -> str:
        """SPICE text, the same for the same cell."""
        lines = [f".subckt {self.name} {' '.join(self.ports)}"]
        lines += [model.line for model in self.models]
        lines += [element.line for element in self.elements]
        return "\n".join([*lines, f".ends {self.name}"]) + "\n"


def number_text(value: float) -> str:
    """A number as decks have it: 12 digits, so that what arithmetic left behind the grid's last digit goes."""
    return f"{value:.12g}"
