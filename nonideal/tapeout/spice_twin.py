"""A twin of a tile whose network and generator are its extracted netlist in SPICE, behind the same digital pins as ``twin.Twin``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nonideal.circuits.digital.simulation import Change, Waves, as_written, simulate
from nonideal.tapeout.tile_simulation import Inference
from nonideal.tapeout.twin import Edge, Script


@dataclass
class SpiceTwin(Script):
    """``bringup.protocol`` runs on it. ``infer`` gives the spikes of one inference, its inputs' times in T_circ (1: none).

    Control, counters and read-out are the digital side's Verilog, which hears those spikes. Raises as Icarus and ``infer`` do.
    """

    infer: Callable[[tuple[float, ...]], Inference] = field(kw_only=True)
    heard: list[Change] = field(default_factory=list)
    inferences: list[Inference] = field(default_factory=list)
    _seen: tuple[tuple[int, float], Waves] | None = None

    def spikes(self, times_ns: Sequence[float | None]) -> None:
        """As ``Script`` has it; what the network makes of it is heard at its times."""
        super().spikes(times_ns)
        begin_ns, t_circ_ns = self.begin_ns, self.chip.design.timing.t_circ_s * 1e9
        found = self.infer(tuple(1.0 if at is None else at / t_circ_ns for at in times_ns))
        self.inferences.append(found)
        for net, edges in found.edges_s.items():
            self.heard += [(begin_ns + at_s * 1e9, net, str(bit)) for at_s, bit in edges]

    def get(self, name: str) -> int:
        """A pin now; one that is unknown counts as low."""
        return int(self._waves().at(name, self.now_ns) == "1")

    def edges(self, pins: Sequence[str]) -> list[Edge]:
        """Every change of these pins until now, in order; what is unknown counts as low."""
        waves = self._waves()
        found = [(at_ns, pin, int(bit == "1")) for pin in pins for at_ns, bit in waves.edges(pin)]
        return sorted(found, key=lambda one: one[0])

    def _waves(self) -> Waves:
        key = (len(self.done), self.now_ns)
        if self._seen is None or self._seen[0] != key:
            control = self.chip.control
            changes: list[Change] = [(at, pin, str(bit)) for at, pin, bit in self.done if at <= self.now_ns]
            changes += [one for one in self.heard if one[0] <= self.now_ns]
            self._seen = key, simulate(control, as_written(control), changes, self.now_ns)
        return self._seen[1]
