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


@dataclass(frozen=True, slots=True)
class Trim:
    """The trimmed bias of all neurons, and the spread of the neurons' silent spike times at it (standard deviation, s)."""

    vdis_V: float
    spread_s: float


def trim_discharger(circuit: Circuit, off: Biases, simulate: Simulate) -> Trim:
    """Find the bias in SPICE; ``off`` are biases with every synapse off.

    Raises ``FitRefused`` when no bias in reach does it, ``CharacterizationFailed`` when a simulation gave no result.
    """
    t_circ_s = circuit.design.timing.t_circ_s
    # A longer guard lets spikes just after the phase be seen.
    timing = circuit.design.timing.model_copy(update={"guard_s": 0.5 * t_circ_s, "hold_s": 0.25 * t_circ_s})
    slow = replace(circuit, design=circuit.design.model_copy(update={"timing": timing}))
    silent = np.full(circuit.topology.layers[0], np.inf)
    biases_V = [circuit.vdis_V + offset for offset in OFFSETS_V]
    cases = [Case(f"trim_{k}", replace(slow, vdis_V=v), off, silent) for k, v in enumerate(biases_V)]
    log_times = []
    for case, outcome in zip(cases, simulate(cases), strict=True):
        if isinstance(outcome, Failure):
            raise CharacterizationFailed(
                f"trimming the discharger: {case.name}: {outcome.kind.value}: {outcome.message} ({outcome.folder})"
            )
        log_times.append(np.log(np.concatenate(outcome.times_s) / t_circ_s))
    seen = np.array([bool(np.all(np.isfinite(row))) for row in log_times])
    mean = np.array([row.mean() if ok else np.nan for row, ok in zip(log_times, seen, strict=True)])
    if seen.sum() < 3 or not np.nanmin(mean) - 0.02 <= 0.0 <= np.nanmax(mean) + 0.02:
        told = ", ".join(
            f"{v:.4f} V: {'no spike' if not ok else f'{np.exp(m):.3f} T_circ'}"
            for v, ok, m in zip(biases_V, seen, mean, strict=True)
        )
        raise FitRefused(
            f"no discharger bias in reach lets a neuron without input fire at the end of its phase ({told}): characterise again with this design"
        )
    fit = np.polynomial.polynomial.polyfit(mean[seen], np.array(biases_V)[seen], 2)
    nearest = int(np.nanargmin(np.abs(mean)))
    return Trim(float(fit[0]), float(np.std(np.exp(log_times[nearest])) * t_circ_s))
