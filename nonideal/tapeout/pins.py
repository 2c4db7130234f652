"""The pins of a tile: which net each is on, and what it is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from nonideal.sky130_models.tile import GROUND, MOST_ANALOG, SUPPLY, TilePin, TileTemplate
from nonideal.tapeout.errors import TapeoutError

COLUMNS = ("pin", "direction", "use", "layer", "x0_um", "y0_um", "x1_um", "y1_um", "description", "esd")
PAD_ESD = "ESD: the shuttle's pad cell, nothing on the tile"
"""What protects a pin that has nothing of its own."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a design does with a pin: its name inside, what it is for, and for an analog pin what protects it."""

    name: str
    description: str
    esd: str = PAD_ESD


@dataclass(frozen=True, slots=True)
class Pinning:
    """The pins of a template and what each is used for; outputs that are not used are tied to ground, inputs left open.

    Raises ``TapeoutError`` for a pin that the template has not, and for analog pins that are not the first ones.
    """

    template: TileTemplate
    uses: Mapping[str, Use]

    def __post_init__(self) -> None:
        known = [pin.name for pin in self.template.pins]
        if strange := sorted(set(self.uses) - set(known)):
            raise TapeoutError(f"{', '.join(strange)}: a tile of {self.template.size} has no such pin")
        used = [pin.name in self.uses for pin in self.template.analog]
        if used != sorted(used, reverse=True) or sum(used) > MOST_ANALOG:
            told = ", ".join(pin.name for pin, one in zip(self.template.analog, used, strict=True) if one)
            raise TapeoutError(
                f"analog pins {told}: a design uses the first ones, ua[0] on, and at most {MOST_ANALOG}"
            )

    @property
    def analog_count(self) -> int:
        """How many analog pins are used."""
        return sum(pin.name in self.uses for pin in self.template.analog)

    @property
    def tied(self) -> tuple[TilePin, ...]:
        """The outputs that are not used."""
        return tuple(
            pin for pin in self.template.pins if pin.direction == "output" and pin.name not in self.uses
        )

    @property
    def ports(self) -> tuple[str, ...]:
        """The ports of the tile's netlist: all pins but those that are tied, and the supplies."""
        tied = {pin.name for pin in self.tied}
        return (*(pin.name for pin in self.template.pins if pin.name not in tied), SUPPLY, GROUND)

    def description(self, pin: TilePin) -> str:
        """What a pin is for; "" for one that is not used."""
        use = self.uses.get(pin.name)
        return "" if use is None else use.description

    def table(self) -> pd.DataFrame:
        """All pins, one a row."""
        return pd.DataFrame(self._rows(), columns=list(COLUMNS))

    def _rows(self) -> Iterable[tuple[object, ...]]:
        for pin in self.template.pins:
            use = self.uses.get(pin.name)
            box = (pin.layer, pin.x0_um, pin.y0_um, pin.x1_um, pin.y1_um)
            if use is not None:
                esd = use.esd if pin.is_analog else PAD_ESD
                yield (pin.name, pin.direction, use.name, *box, use.description, esd)
            elif pin.direction == "output":
                yield (pin.name, pin.direction, GROUND, *box, "not used: tied to ground", PAD_ESD)
            else:
                yield (pin.name, pin.direction, "", *box, "not used: open", PAD_ESD)
