"""The analog tiles of an open sky130 shuttle: their sizes, and where their pins are.

Source: the templates of Tiny Tapeout's sky130 analog tiles (April 2026), in um from the lower left corner of the tile.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from nonideal.sky130_models.errors import PdkError
from nonideal.sky130_models.layers import LAYERS

DIRECTIONS = frozenset({"input", "output", "inout"})
GROUND, SUPPLY = "VGND", "VDPWR"
"""The power pins: vertical stripes on metal 4 that a tile draws itself."""
MOST_ANALOG = 6
"""Analog pins that a design may use: the first so many."""


@dataclass(frozen=True, slots=True)
class TilePin:
    """A pin of a tile: its direction, and its box on a layer in um."""

    name: str
    direction: str
    layer: str
    x0_um: float
    y0_um: float
    x1_um: float
    y1_um: float

    @property
    def is_analog(self) -> bool:
        return self.direction == "inout"


@dataclass(frozen=True, slots=True)
class TileTemplate:
    """A size of tiles, and the pins that every tile of that size has, but for the power pins."""

    size: str
    width_um: float
    height_um: float
    pins: tuple[TilePin, ...]

    def pin(self, name: str) -> TilePin:
        """A pin by its name (``ui_in[3]``). Raises ``KeyError``."""
        for pin in self.pins:
            if pin.name == name:
                return pin
        raise KeyError(f"a tile of {self.size} has no pin {name!r}")

    @property
    def digital(self) -> tuple[TilePin, ...]:
        return tuple(pin for pin in self.pins if not pin.is_analog)

    @property
    def analog(self) -> tuple[TilePin, ...]:
        """``ua[0]``, ``ua[1]`` ... in order."""
        return tuple(pin for pin in self.pins if pin.is_analog)


def read_templates(lines: Iterable[str], where: str = "tiles") -> Mapping[str, TileTemplate]:
    """Read a table of pins (CSV text with the header ``tile,width_um,height_um,pin,direction,layer,x1_um,y1_um,x2_um,y2_um``), by size.

    Raises PdkError, naming ``where`` and the line, for a bad number, a missing column, an unknown direction or layer, a pin that stands
    twice, or one outside its tile.
    """
    sizes: dict[str, tuple[float, float]] = {}
    pins: dict[str, list[TilePin]] = {}
    for number, row in enumerate(csv.DictReader(lines), start=2):
        try:
            size, extent = row["tile"], (float(row["width_um"]), float(row["height_um"]))
            box = tuple(float(row[key]) for key in ("x1_um", "y1_um", "x2_um", "y2_um"))
            pin = TilePin(row["pin"], row["direction"], row["layer"], *box)
        except (KeyError, TypeError, ValueError) as error:
            raise PdkError(f"{where}, line {number}: {row} is not a pin ({error!r})") from error
        if pin.direction not in DIRECTIONS or pin.layer not in LAYERS:
            raise PdkError(f"{where}, line {number}: pin {pin.name}: {pin.direction!r} on {pin.layer!r}")
        if sizes.setdefault(size, extent) != extent:
            raise PdkError(f"{where}, line {number}: {size} is {sizes[size]} um and {extent} um")
        if not (0 <= pin.x0_um < pin.x1_um <= extent[0] and 0 <= pin.y0_um < pin.y1_um <= extent[1]):
            raise PdkError(f"{where}, line {number}: pin {pin.name} does not lie in its tile")
        known = pins.setdefault(size, [])
        if any(one.name == pin.name for one in known):
            raise PdkError(f"{where}, line {number}: pin {pin.name} of {size} stands twice")
        known.append(pin)
    return MappingProxyType(
        {size: TileTemplate(size, *sizes[size], tuple(_in_order(pins[size]))) for size in sizes}
    )


def _in_order(pins: Iterable[TilePin]) -> list[TilePin]:
    """By bus and number: ``ua[10]`` after ``ua[9]``."""

    def place(pin: TilePin) -> tuple[str, int]:
        bus, _, index = pin.name.rstrip("]").partition("[")
        return bus, int(index or 0)

    return sorted(pins, key=place)


TEMPLATES: Mapping[str, TileTemplate] = read_templates(
    files(__package__)
    .joinpath("data", "tinytapeout_analog_pins.csv")
    .read_text(encoding="utf-8")
    .splitlines(),
    "tinytapeout_analog_pins.csv",
)
"""Every size of tile (``1x2``, ``2x2`` ...), read-only."""
