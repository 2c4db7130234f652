"""An operating condition: a process corner at a temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nonideal.circuits.design import Design
from nonideal.sky130_models import Corner


@dataclass(frozen=True, slots=True)
class Condition:
    """A process corner at a temperature."""

    corner: Corner
    temperature_C: float

    @property
    def name(self) -> str:
        """For files."""
        return f"{self.corner.value}_{self.temperature_C:g}"

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.corner.value} {self.temperature_C:g} °C"

    def design(self, design: Design, vsense_V: float | None = None) -> Design:
        """``design`` at this temperature, and with another V_sense."""
        update = {"temperature_C": self.temperature_C} | ({} if vsense_V is None else {"vsense_V": vsense_V})
        return design.model_copy(update={"supplies": design.supplies.model_copy(update=update)})


def conditions_of(
    home: Condition, corners: Sequence[Corner], temperatures_C: Sequence[float]
) -> list[Condition]:
    """Home first, then every corner at every temperature."""
    every = [Condition(corner, temperature) for corner in corners for temperature in temperatures_C]
    return list(dict.fromkeys([home, *every]))
