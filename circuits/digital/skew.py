"""By how much flip-flops are clocked at different times, estimated from where the clock tree's cells lie."""

from __future__ import annotations

from nonideal.circuits.digital.buffering import LEAF
from nonideal.circuits.digital.cells import SITE_UM
from nonideal.circuits.digital.placement import Placed

WIRE_F_UM, WIRE_OHM_UM = 2.5e-16, 0.9
"""Of a wire of least width on the lower metals; a net's wire is taken to be as long as the half perimeter round its pins."""
PIN_F = 2.0e-15
"""Of a clock pin."""
LEAF_OHM = 1500.0
"""Of a leaf's output; its delay without load is the same for all leaves."""


def leaf_delays_s(placed: Placed) -> dict[str, float]:
    """For each net at the leaves of the clock tree what its own load adds to the delay (Elmore), in s."""
    found = {}
    for index, one in enumerate(placed.netlist.instances):
        if not one.cell.endswith(LEAF):
            continue
        net = one.nets["X"]
        ends = [placed.centre_um(other) for other, _ in placed.netlist.sinks[net]]
        ends.append(placed.centre_um(index))
        xs, ys = [x for x, _ in ends], [y for _, y in ends]
        length = max(xs) - min(xs) + max(ys) - min(ys)
        pins_F = PIN_F * (len(ends) - 1)
        wire_F, wire_ohm = WIRE_F_UM * length, WIRE_OHM_UM * length
        found[net] = LEAF_OHM * (wire_F + pins_F) + wire_ohm * (wire_F / 2 + pins_F)
    return found


def skew_s(placed: Placed) -> float:
    """A bound of the skew: what the leaves' own delays differ by, and what the way along the root's and one leaf's wire adds."""
    delays = leaf_delays_s(placed)
    plan = placed.plan
    across_um = plan.sites * SITE_UM + plan.height_um
    root = WIRE_OHM_UM * across_um * (WIRE_F_UM * across_um / 2 + PIN_F * len(delays))
    return max(delays.values()) - min(delays.values()) + root
