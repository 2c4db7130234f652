"""What is told of simulations in a condition: of the network, and of drawn chips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from nonideal.circuits.supply_offsets import SupplyOffsets
from nonideal.files.record import Record

if TYPE_CHECKING:
    from nonideal.characterize.condition import Condition


class AtCondition(Record):
    """A process corner at a temperature, with supplies that may be off."""

    corner: str
    temperature_C: float
    vdd_offset_V: float = 0.0
    v0_offset_V: float = 0.0
    vsense_offset_V: float = 0.0

    @property
    def supplies(self) -> SupplyOffsets:
        """By how much supplies are off."""
        return SupplyOffsets(self.vdd_offset_V, self.v0_offset_V, self.vsense_offset_V)

    @property
    def label(self) -> str:
        """In words."""
        return f"{self.corner} {self.temperature_C:g} °C{self.supplies.label}"


def place_of(there: Condition) -> dict[str, str | float]:
    """Of a condition what ``AtCondition`` holds, and the first columns of the table."""
    off = there.supplies
    return {
        "corner": there.corner.value, "temperature_C": there.temperature_C,
        "vdd_offset_V": off.vdd_V, "v0_offset_V": off.v0_V, "vsense_offset_V": off.vsense_V,
    }  # fmt: skip


class SpotCheckThere(AtCondition):
    """The network in a condition in SPICE against the fast model, with ``biases`` kept or derived anew; ``failed``: samples without a result.

    ``rmse_s`` is over the ``pairs`` of spikes that both have, in all layers.
    """

    biases: str
    samples: int
    failed: int
    rmse_s: float | None
    pairs: int
    missed: int
    extra: int
    right_spice: int
    right_model: int
    problem: str = ""

    @classmethod
    def without_result(cls, there: Condition, biases: str, samples: int, failed: int, problem: str) -> Self:
        """Nothing could be compared, and why."""
        return cls.model_validate(
            place_of(there)
            | {"biases": biases, "samples": samples, "failed": failed, "rmse_s": None, "pairs": 0, "missed": 0, "extra": 0}
            | {"right_spice": 0, "right_model": 0, "problem": problem}
        )  # fmt: skip


class ChipThere(AtCondition):
    """A drawn chip in a condition in SPICE: samples, those without a result, those decided right. ``silent``: no used output fired in its phase."""

    chip: int
    samples: int
    failed: int
    right: int
    silent: int
    problem: str = ""
