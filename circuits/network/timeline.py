"""When each phase of an inference begins and ends, and the control sources that make it so.

All times in seconds from the start of the deck. Layer ``l`` accumulates in ``[accumulation_s(l), accumulation_s(l) + T_circ]``
and fires from ``firing_s(l) = accumulation_s(l + 1)``: the next layer integrates while this one fires.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from nonideal.circuits.design import Timing
from nonideal.circuits.errors import CircuitError


@dataclass(frozen=True, slots=True)
class Timeline:
    """Phase times of a pipelined inference through ``depth`` layers.

    The order at the end of a phase is what keeps charge off the membrane: the isolation switch of layer ``l + 1`` opens at T_circ,
    ``hold_s`` later the spikes of layer ``l`` are reset, a guard later layer ``l + 1`` starts to fire. The hold is short because the
    dendrite, cut off from the membrane, goes on under the synapses' currents and pulls at the membrane through what couples the two.
    """

    timing: Timing
    depth: int

    def accumulation_s(self, layer: int) -> float:
        """Start of the accumulation phase of ``layer`` (1-based)."""
        step = self.timing.t_circ_s + self.timing.guard_s
        return self.timing.reset_s + self.timing.guard_s + (layer - 1) * step

    def firing_s(self, layer: int) -> float:
        """Start of the firing phase: the instant spike times of ``layer`` are counted from (layer 0: the inputs)."""
        return self.accumulation_s(layer + 1)

    @property
    def window_s(self) -> float:
        """How long after ``firing_s`` a spike is still seen: until it is reset."""
        return self.timing.t_circ_s + self.timing.hold_s

    @property
    def stop_s(self) -> float:
        """End of the simulation: the last layer's spikes have been reset."""
        return self.firing_s(self.depth) + self.timing.t_circ_s + self.timing.guard_s

    def spans(self) -> dict[str, tuple[float, float]]:
        """For each control line the span (start, end) in which it is high; a start of 0 means high from the beginning."""
        t, guard, hold = self.timing.t_circ_s, self.timing.guard_s, self.timing.hold_s
        lines: dict[str, tuple[float, float]] = {
            "phase_0": (self.timing.reset_s / 2, self.accumulation_s(1) + t + hold)
        }
        for layer in range(1, self.depth + 1):
            start = self.accumulation_s(layer)
            lines[f"reset_{layer}"] = (0.0, start - guard / 2)
            lines[f"iso_{layer}"] = (0.0, start + t)
            lines[f"phase_{layer}"] = (self.firing_s(layer), self.firing_s(layer) + t + hold)
        return lines


def pwl(span: tuple[float, float], high_V: float, edge_s: float, *, inverted: bool = False) -> str:
    """A waveform that is at ``high_V`` inside ``span`` (at 0 inside it when ``inverted``); edges are centred on the span's ends.

    A span that ends by 0 s is over.
    """
    inside, outside = (0.0, high_V) if inverted else (high_V, 0.0)
    start, end = span
    half = edge_s / 2
    if end <= half:
        return f"PWL(0 {outside:.6g})"
    before = [(0.0, outside), (start - half, outside), (start + half, inside)]
    points = [(0.0, inside)] if start <= half else before
    points += [(end - half, inside), (end + half, outside)]
    return f"PWL({' '.join(f'{t:.12g} {v:.6g}' for t, v in points)})"


def pulse(
    name: str, node: str, span: tuple[float, float], high_V: float, edge_s: float, *, inverted: bool = False
) -> str:
    """A source of the waveform ``pwl`` on a node."""
    return f"V{name} {node} 0 {pwl(span, high_V, edge_s, inverted=inverted)}"


def waveforms(spans: Mapping[str, tuple[float, float]], high_V: float, edge_s: float) -> dict[str, str]:
    """What drives control lines that are high in these spans, and the complements of those that have one, by the network's port."""
    found = {}
    for line, span in spans.items():
        found[line] = pwl(span, high_V, edge_s)
        kind, layer = line.rsplit("_", 1)
        if kind in ("reset", "iso"):
            found[f"{kind}_b_{layer}"] = pwl(span, high_V, edge_s, inverted=True)
    return found


def control_waveforms(timeline: Timeline, vdd_V: float) -> dict[str, str]:
    """What drives every control line and its complement, by the network's port."""
    return waveforms(timeline.spans(), vdd_V, timeline.timing.edge_s)


def control_sources(timeline: Timeline, vdd_V: float, ports: Collection[str]) -> str:
    """Sources of the control lines and complements that a network has ``ports`` for. Raises ``CircuitError`` for one that no phase drives."""
    waves = control_waveforms(timeline, vdd_V)
    if strange := sorted(set(ports) - waves.keys()):
        raise CircuitError(
            f"nothing drives the control lines {', '.join(strange)}: phases have {', '.join(waves)}"
        )
    return "\n".join(f"V{net} {net} 0 {wave}" for net, wave in waves.items() if net in ports)
