"""What leaks off a membrane while nothing is meant to flow: of all that hangs on it, and of synapses that wait for their spike.

A synapse whose selector is off passes what that lets through, 9 to 40 pA at 125 degrees, in the direction of its weight and whatever the weight's
size; at room temperature a thousandth of it.
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
class Drift:
    """How fast membranes drop by leakage, V/s: ``idle`` without any weight, and how much more for a waiting synapse of either sign."""

    idle: float = 0.0
    positive: float = 0.0
    negative: float = 0.0

    def waiting(self, weight: float) -> float:
        """How much faster than idle while a synapse of this weight waits, V/s."""
        return self.positive if weight > 0 else self.negative if weight < 0 else 0.0

    def leakage(self, membrane_F: Estimate) -> Leakage:
        """The same as currents off a membrane of that capacitance."""
        c_m = membrane_F.value
        return Leakage(idle_A=c_m * self.idle, positive_A=c_m * self.positive, negative_A=c_m * self.negative)


def fit_drift(idle: float, waits: Sequence[Wait]) -> Drift:
    """From the drop of membranes without any weight (``idle``, V/s), and of those that wait; a longer wait says more."""

    def more(sign: float) -> float:
        mine = [one for one in waits if one.weight * sign > 0 and one.waited_s > 0]
        square = sum(one.waited_s**2 for one in mine)
        return sum(one.dropped_V * one.waited_s for one in mine) / square - idle if mine else 0.0

    return Drift(idle, more(1.0), more(-1.0))
