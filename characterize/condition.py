"""An operating condition: a process corner at a temperature, with supplies that may be off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nonideal.circuits.design import Design
from nonideal.circuits.supply_offsets import AS_DESIGNED, SupplyOffsets
from nonideal.sky130_models import Corner


@dataclass(frozen=True, slots=True)
class Condition:
    """A process corner at a temperature, with ``supplies`` that are off by so much."""

    corner: Corner
    temperature_C: float
    supplies: SupplyOffsets = AS_DESIGNED

    @property
    def name(self) -> str:
        """For files."""
        return f"{self.corner.value}_{self.temperature_C:g}{self.supplies.name}"

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.corner.value} {self.temperature_C:g} °C{self.supplies.label}"

    def design(self, design: Design, vsense_V: float | None = None) -> Design:
        """``design`` as it is met here; with another V_sense meant than its own, which is off all the same.

        Raises pydantic's ``ValidationError`` where a supply is off so far that there is no such circuit.
        """
        meant = design.supplies.model_dump() | ({} if vsense_V is None else {"vsense_V": vsense_V})
        moved = {name: round(meant[name] + by, 6) for name, by in self.supplies.given.items()}
        found = type(design.supplies)(**(meant | moved | {"temperature_C": self.temperature_C}))
        return design.model_copy(update={"supplies": found})


def conditions_of(
    home: Condition,
    corners: Sequence[Corner],
    temperatures_C: Sequence[float],
    near_C: Sequence[float] = (),
    supplies: Sequence[SupplyOffsets] = (),
) -> list[Condition]:
    """Home first, then every corner at every temperature, then home's corner at ``near_C``, and home with each of ``supplies``."""
    every = [Condition(corner, temperature) for corner in corners for temperature in temperatures_C]
    every += [Condition(home.corner, temperature) for temperature in near_C]
    off = [Condition(home.corner, home.temperature_C, one) for one in supplies]
    return list(dict.fromkeys([home, *every, *off]))
