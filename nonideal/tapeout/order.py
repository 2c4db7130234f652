"""In which order the neurons of a tile spiked, as its pins show it: one run beside another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from nonideal.tapeout.assembly import Chip
from nonideal.tapeout.twin import Edge


def spike_pins(chip: Chip, layer: int) -> tuple[str, ...]:
    """The pins on which a layer's spikes are seen; none where inputs have taken those of the hidden neurons."""
    if layer < chip.topology.depth:
        return chip.control.hidden_pins
    return tuple(f"uo_out[{k}]" for k in range(chip.topology.layers[layer]))


def rises_ns(edges: Sequence[Edge], pins: Sequence[str]) -> tuple[float, ...]:
    """When each pin first rises; infinity for one that does not."""
    first: dict[str, float] = {}
    for at_ns, pin, bit in edges:
        if bit:
            first.setdefault(pin, at_ns)
    return tuple(first.get(pin, math.inf) for pin in pins)


def first_of(times_ns: Sequence[float]) -> int | None:
    """Which rises first: the decision. None where none does."""
    best = min(range(len(times_ns)), key=lambda k: times_ns[k])
    return best if math.isfinite(times_ns[best]) else None


@dataclass(frozen=True, slots=True)
class OrderDifference:
    """Pairs of neurons that two runs have in another order, and spikes that one of them alone has.

    ``apart_ns``: of all such pairs, the largest of the smaller one of the two runs' distances; two runs with times that far off may differ so.
    """

    swapped: int
    alone: int
    apart_ns: float

    @property
    def same(self) -> bool:
        return not self.swapped and not self.alone


def order_difference(one_ns: Sequence[float], other_ns: Sequence[float]) -> OrderDifference:
    """Of the rises of the same pins in two runs."""
    alone = sum(math.isfinite(a) is not math.isfinite(b) for a, b in zip(one_ns, other_ns, strict=True))
    both = [(a, b) for a, b in zip(one_ns, other_ns, strict=True) if math.isfinite(a) and math.isfinite(b)]
    apart = [min(abs(a - c), abs(b - d)) for (a, b), (c, d) in combinations(both, 2) if (a - c) * (b - d) < 0]
    return OrderDifference(len(apart), alone, max(apart, default=0.0))
