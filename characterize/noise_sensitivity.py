"""What a charge on a node of a lone neuron does to its spike, by how long before the spike it comes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.errors import FitRefused
from nonideal.characterize.noise_bench import ISOLATE_S, STEP_S, LoneFiring
from nonideal.characterize.noise_fit import Sensitivity
from nonideal.characterize.workbench import Workbench

Array = NDArray[np.float64]
PROBED_S = (3e-10, 12e-9, 60e-9)
"""Before the spike: when a charge is put on every node."""
BEFORE_S = (1e-9, 2.5e-9, 6e-9, 18e-9, 26e-9, 36e-9, 48e-9, 72e-9, 85e-9, 100e-9, 130e-9)
"""And on those nodes where it does something."""
MATTERS = 0.02
"""Of the largest sensitivity, before the last nanosecond."""
CHARGE_MEMBRANE_C, CHARGE_NODE_C = 3e-16, 3e-17
"""Small: the spike moves by 3 and by 0.5 ns."""
COPIES = 16
"""Neurons in one deck: every charge shortens the step of all that are in it."""


def spike_sensitivity(
    bench: Workbench,
    lone: LoneFiring,
    nodes: list[str],
    membrane: str,
    spike_s: float,
    folder: Path,
) -> Sensitivity:
    """Put charges on ``nodes``, one at a time, before the spike that an undisturbed neuron fires at ``spike_s``.

    All nodes are probed at a few instants, those that matter then at more. Raises ``FitRefused`` where a charge keeps the neuron from firing.
    """
    first = _moved(
        bench, lone, [(n, t) for n in nodes for t in PROBED_S], spike_s, membrane, folder, "noise_probe"
    )
    probed = {n: dict(zip(PROBED_S, first[i * len(PROBED_S) :], strict=False)) for i, n in enumerate(nodes)}
    most = max(abs(by_time[t]) for by_time in probed.values() for t in PROBED_S[1:])
    matter = [n for n in nodes if max(abs(probed[n][t]) for t in PROBED_S[1:]) > MATTERS * most]
    second = _moved(
        bench, lone, [(n, t) for n in matter for t in BEFORE_S], spike_s, membrane, folder, "noise_charge"
    )
    for i, n in enumerate(matter):
        probed[n] |= dict(zip(BEFORE_S, second[i * len(BEFORE_S) :], strict=False))
    before = np.array(sorted({*PROBED_S, *BEFORE_S}))
    return Sensitivity(before, {n: np.interp(before, *_table(probed[n])) for n in nodes})


def _table(values: dict[float, float]) -> tuple[Array, Array]:
    times = sorted(values)
    return np.array(times), np.array([values[t] for t in times])


def _moved(
    bench: Workbench,
    lone: LoneFiring,
    places: list[tuple[str, float]],
    spike_s: float,
    membrane: str,
    folder: Path,
    name: str,
) -> list[float]:
    """How far a charge at each (node, time before the spike) moves it, s/C."""
    charges = []
    for node, before_s in places:
        size_C = CHARGE_MEMBRANE_C if node == membrane else CHARGE_NODE_C
        charges.append((node, spike_s - before_s, size_C, min(STEP_S, before_s)))
    parts = [charges[i : i + COPIES] for i in range(0, len(charges), COPIES)]
    still = (membrane, ISOLATE_S, 0.0, STEP_S)
    benches = [lone.bench(f"{name}_{k}", [still, *part]) for k, part in enumerate(parts)]
    moved: list[float] = []
    for part, result in zip(parts, bench.run(benches, lone.design, folder), strict=True):
        times = lone.spikes_s(result, 1 + len(part))
        if not np.all(np.isfinite(times)):
            raise FitRefused(
                f"{result.name}: a charge of {CHARGE_MEMBRANE_C:g} C or less keeps a neuron from firing"
            )
        moved += ((times[1:] - times[0]) / [size_C for _, _, size_C, _ in part]).tolist()
    return moved
