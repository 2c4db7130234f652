"""The discharger's bias on an extracted netlist.

Wiring adds to the membrane capacitance, so the ramp that characterisation calibrated on the schematic neuron is too slow on the extracted
one. As on the schematic (paper, section 6) the bias that all dischargers get is set so that a neuron without input fires when its phase
ends, on the average of all neurons: each has a pin of its own (``Circuit.trim_V``), but devices here are nominal, and one value does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.errors import CharacterizationFailed, FitRefused
from nonideal.circuits.network.inference import Case, Simulate
from nonideal.circuits.network.testbench import Biases, Circuit
from nonideal.spice import Failure

Array = NDArray[np.float64]
OFFSETS_V = (-0.002, 0.001, 0.004, 0.007)
"""About the bias that is begun with; where the right one is further off, about the one that these point to."""
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Trim:
    """The trimmed bias of all neurons, and the spread of the neurons' silent spike times at it (standard deviation, s)."""

    vdis_V: float
    spread_s: float


def trim_discharger(circuit: Circuit, off: Biases, simulate: Simulate) -> Trim:
    """Find the bias in SPICE; ``off`` are biases with every synapse off.

    Raises ``FitRefused`` when no bias in reach does it, ``CharacterizationFailed`` when a simulation gave no result.
    """
    found = None
    for round_ in range(ROUNDS):
        found = _look(circuit, off, simulate, "trim" if round_ == 0 else f"trim_again_{round_}")
        if found.reached:
            return found.trim(circuit.design.timing.t_circ_s)
        if found.seen.sum() < 2:
            break
        circuit = replace(circuit, vdis_V=found.pointed_to_V())
    assert found is not None
    raise FitRefused(
        f"no discharger bias in reach lets a neuron without input fire at the end of its phase ({found.told()}): characterise again with this design"
    )


@dataclass(frozen=True, slots=True)
class _Looked:
    """What neurons without input do at some biases: ``log_times`` [biases][neurons], ln of spike times in T_circ."""

    biases_V: Array
    log_times: list[Array]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """At which of them all fire."""
        return np.array([bool(np.all(np.isfinite(row))) for row in self.log_times])

    @property
    def mean(self) -> Array:
        """Over all neurons, NaN where one does not fire."""
        return np.array(
            [row.mean() if ok else np.nan for row, ok in zip(self.log_times, self.seen, strict=True)]
        )

    @property
    def reached(self) -> bool:
        """Whether the right bias lies among these."""
        seen, mean = self.seen, self.mean
        return bool(seen.sum() >= 3 and np.nanmin(mean) - 0.02 <= 0.0 <= np.nanmax(mean) + 0.02)

    def pointed_to_V(self) -> float:
        """Where a line through these says that the right one is."""
        line = np.polynomial.polynomial.polyfit(self.mean[self.seen], self.biases_V[self.seen], 1)
        return round(float(line[0]), 6)

    def trim(self, t_circ_s: float) -> Trim:
        """The right one, by a parabola through these."""
        fit = np.polynomial.polynomial.polyfit(self.mean[self.seen], self.biases_V[self.seen], 2)
        nearest = int(np.nanargmin(np.abs(self.mean)))
        return Trim(float(fit[0]), float(np.std(np.exp(self.log_times[nearest])) * t_circ_s))

    def told(self) -> str:
        """For people."""
        return ", ".join(
            f"{v:.4f} V: {'no spike' if not ok else f'{np.exp(m):.3f} T_circ'}"
            for v, ok, m in zip(self.biases_V, self.seen, self.mean, strict=True)
        )


def _look(circuit: Circuit, off: Biases, simulate: Simulate, name: str) -> _Looked:
    """Simulate neurons without input about the circuit's bias. Raises ``CharacterizationFailed``."""
    t_circ_s = circuit.design.timing.t_circ_s
    # A longer guard lets spikes just after the phase be seen.
    timing = circuit.design.timing.model_copy(update={"guard_s": 0.5 * t_circ_s, "hold_s": 0.25 * t_circ_s})
    slow = replace(circuit, design=circuit.design.model_copy(update={"timing": timing}))
    silent = np.full(circuit.topology.layers[0], np.inf)
    biases_V = [circuit.vdis_V + offset for offset in OFFSETS_V]
    cases = [Case(f"{name}_{k}", replace(slow, vdis_V=v), off, silent) for k, v in enumerate(biases_V)]
    log_times = []
    for case, outcome in zip(cases, simulate(cases), strict=True):
        if isinstance(outcome, Failure):
            raise CharacterizationFailed(
                f"trimming the discharger: {case.name}: {outcome.kind.value}: {outcome.message} ({outcome.folder})"
            )
        log_times.append(np.log(np.concatenate(outcome.times_s) / t_circ_s))
    return _Looked(np.array(biases_V), log_times)
