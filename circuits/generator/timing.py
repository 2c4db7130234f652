"""When the loop's own control lines are high."""

from __future__ import annotations

from nonideal.circuits.cells.generator import GeneratorSizes
from nonideal.circuits.design import Timing
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.generator.loop import EARLY, LATE, RAMP
from nonideal.circuits.network.timeline import Timeline

LAYER = 1
"""The replica is reset, isolated and fires with this layer."""


def inference_s(timing: Timing) -> float:
    """How long an inference keeps the replica busy: the shortest period."""
    return Timeline(timing, LAYER).stop_s


def loop_spans(
    sizes: GeneratorSizes, timing: Timing, target_norm: float = 1.0
) -> dict[str, tuple[float, float]]:
    """The span (start, end) in which each of them is high in an inference, in s from its start; a start of 0 means from the beginning.

    The replica runs on into the guard after the phase, or it could not be seen to be late. It is made to fire at ``target_norm`` T_circ,
    which trims a chip whose replica is not as its other neurons are. Raises ``CircuitError`` for an overlap and a target that the guard
    has no room for.
    """
    begin = Timeline(timing, LAYER).firing_s(LAYER)
    end = begin + target_norm * timing.t_circ_s
    last = begin + timing.t_circ_s + timing.guard_s - timing.hold_s
    closed = last - timing.hold_s
    if end + sizes.overlap_s >= closed:
        raise CircuitError(
            f"circuit.generator.overlap_s = {sizes.overlap_s:g} s and a target of {target_norm:g} T_circ do not fit into circuit.timing.guard_s = "
            f"{timing.guard_s:g} s less twice hold_s = {timing.hold_s:g} s: lower overlap_s or the target, or raise guard_s"
        )
    return {
        RAMP: (begin, last),
        EARLY: (0.0, end + sizes.overlap_s),
        LATE: (end - sizes.overlap_s, closed),
    }
