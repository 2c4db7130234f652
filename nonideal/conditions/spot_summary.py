"""What is told of simulations in a condition: of the network, and of drawn chips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from nonideal.files.record import Record

if TYPE_CHECKING:
    from nonideal.characterize.condition import Condition


class AtCondition(Record):
    """A process corner at a temperature."""

    corner: str
    temperature_C: float

    @property
    def label(self) -> str:
        """In words."""
        return f"{self.corner} {self.temperature_C:g} °C"


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
        return cls(
            corner=there.corner.value, temperature_C=there.temperature_C, biases=biases, samples=samples, failed=failed, rmse_s=None,
            pairs=0, missed=0, extra=0, right_spice=0, right_model=0, problem=problem,
        )  # fmt: skip


class ChipThere(AtCondition):
    """A drawn chip in a condition in SPICE: samples, those without a result, those decided right. ``silent``: no used output fired in its phase."""

    chip: int
    samples: int
    failed: int
    right: int
    silent: int
    problem: str = ""
