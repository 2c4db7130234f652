"""What leaks off a membrane while nothing is meant to flow: of all that hangs on it, and of synapses that wait for their spike.

A synapse whose selector is off passes what that lets through, 9 to 40 pA at 125 degrees, in the direction of its weight and whatever the weight's
size; at room temperature a thousandth of it. Once its spike has come its pair leaks otherwise, by as much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nonideal.characterize.column import Leakage
from nonideal.characterize.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Wait:
    """A membrane that waits for a lone synapse of ``weight``: for so long, and by how much it drops meanwhile."""

    weight: float
    waited_s: float
    dropped_V: float


@dataclass(frozen=True, slots=True)
class Flowing:
    """What a synapse of either sign carries beside its weight's current once its spike has come, A (positive: the membrane drops).

    Its pair no longer leaks as it did at rest, and its other branch, closed by the gate of its memory alone, does.
    """

    positive_A: float = 0.0
    negative_A: float = 0.0

    def of(self, weight: float) -> float:
        """A; none where there is no weight."""
        return self.positive_A if weight > 0 else self.negative_A if weight < 0 else 0.0


@dataclass(frozen=True, slots=True)
class Drift:
    """How fast membranes drop by leakage, V/s: ``idle`` without any weight, and how much more for a waiting synapse of either sign."""

    idle: float = 0.0
    positive: float = 0.0
    negative: float = 0.0

    def waiting(self, weight: float) -> float:
        """How much faster than idle while a synapse of this weight waits, V/s."""
        return self.positive if weight > 0 else self.negative if weight < 0 else 0.0

    def leakage(self, membrane_F: Estimate, flowing: Flowing = Flowing()) -> Leakage:
        """The same as currents off a membrane of that capacitance, with what flows beside the weights' currents."""
        c_m = membrane_F.value
        return Leakage(
            idle_A=c_m * self.idle,
            positive_A=c_m * self.positive,
            negative_A=c_m * self.negative,
            on_positive_A=flowing.positive_A,
            on_negative_A=flowing.negative_A,
        )


def fit_drift(idle: float, waits: Sequence[Wait]) -> Drift:
    """From the drop of membranes without any weight (``idle``, V/s), and of those that wait; a longer wait says more."""

    def more(sign: float) -> float:
        mine = [one for one in waits if one.weight * sign > 0 and one.waited_s > 0]
        square = sum(one.waited_s**2 for one in mine)
        return sum(one.dropped_V * one.waited_s for one in mine) / square - idle if mine else 0.0

    return Drift(idle, more(1.0), more(-1.0))
