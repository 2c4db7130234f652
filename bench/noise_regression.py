"""The witness of hidden neurons by regression: what 200 noisy runs say to 2 % in place of 5; writes bench/noise_regression.json.

    nonideal noise -e iris --netlist pex-rc --network-runs 200 --run-dir runs/iris_pex
    python bench/noise_regression.py [--runs 200] [--draws 1500] [--run-dir runs/iris_pex]

A hidden spike's shift is nearly linear in its column's waves. It is regressed on their charges (synapses whole, discharger and sensing stage by spans
before the spike, what switches leave) over the runs that were simulated, which the run's cache holds; how much these charges vary is then found
from many more waves, which cost no simulation. The error is a bootstrap's, over runs and draws.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from trained_iris import TrainedIris, command_line

from nonideal.characterize.jitter import network_noise
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.noise_wave import Grid, generator_of
from nonideal.characterize.noise_witness import STEP_S, Witness
from nonideal.circuits.extraction.netlist import read_netlist
from nonideal.postlayout.jitter import blind_network, network_jitter, watch
from nonideal.runs.rundir import EXTRACTED
from nonideal.runs.summaries.noise import NoiseSummary

Array = NDArray[np.float64]
BATCH, FIRST_DRAW, BOOTSTRAPS = 20, 10_000, 300
DISCHARGER_S = (2e-6, 85e-9, 50e-9, 25e-9, 0.0)
SENSING_S = (100e-9, 40e-9, 15e-9, -5e-9)
"""Spans before the spike, from one to the next."""
SPANS = {"MDI": DISCHARGER_S, "MSN": SENSING_S, "MSP": SENSING_S, "MSB": SENSING_S}


def charges(witness: Witness, neuron: int, spike_s: float, seed: int, run: int, low_Hz: float) -> Array:
    """What the waves of a hidden neuron's column carry in one run, fC: [charges]."""
    grid = Grid(0.0, STEP_S, int(np.ceil(witness.circuit.timeline.stop_s / STEP_S)) + 1)
    before_s, found = spike_s - grid.times_s, []
    for one in witness.sources:
        fet = one.name.rsplit("_", 1)[1]
        memory = one.cell == "synapse" and fet in ("MNM", "MPM")
        if one.neuron != f"1_{neuron}" or not (memory or fet in SPANS):
            continue
        wave = one.wave(grid, low_Hz, seed, run, one.name) * STEP_S * 1e15
        spans = SPANS.get(fet, (np.inf, -np.inf))
        found += [wave[(before_s < a) & (before_s >= b)].sum() for a, b in pairwise(spans)]
    drawn = generator_of(seed, run, f"switches_1_{neuron}").standard_normal(2)
    return np.array([*found, *(0.1 * drawn)])


def sigma(shift: Array, simulated: Array, drawn: Array) -> tuple[float, float]:
    """Standard deviation of a shift [runs] by regression on charges [runs, charges] that vary as ``drawn`` [draws, charges]; the part explained."""
    runs, count = simulated.shape
    design = np.column_stack([np.ones(runs), simulated])
    slope, *_ = np.linalg.lstsq(design, shift, rcond=None)
    rest = float(np.sum((shift - design @ slope) ** 2)) / (runs - count - 1)
    variance = slope[1:] @ np.cov(drawn.T) @ slope[1:] + rest * (1 - count / runs)
    return float(np.sqrt(variance)), 1 - rest / float(shift.var(ddof=1))


def main() -> None:
    """Command line."""
    parser = command_line(__doc__, __file__, 50, "iris_pex")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--draws", type=int, default=1500)
    arguments = parser.parse_args()
    trained, folder = TrainedIris.of(arguments.run_dir, "noise"), Path(arguments.run_dir) / "noise_pex-rc"
    told, model = NoiseSummary.load(folder / "summary.json"), PhysicalModel.load(folder / "model.json")
    inputs, bench, seed, low_Hz = trained.inputs(1000), trained.bench, told.seed, told.low_corner_Hz
    noises = network_noise(model, trained.topology.layers, low_Hz)
    hidden = network_jitter(blind_network(model, trained.weights), inputs, noises)[0]
    text, decks = (
        read_netlist(arguments.run_dir / "layout" / EXTRACTED).text(),
        folder / "decks" / "network",
    )
    design = trained.experiment.circuit
    watched = watch(bench, design, model, trained.weights, inputs[told.sample], decks, extracted=text)
    batches = [range(first, min(first + BATCH, arguments.runs)) for first in range(0, arguments.runs, BATCH)]
    times = np.concatenate([watched.by_columns(bench, some, seed, low_Hz, decks)[0] for some in batches])
    rows, generator = [], np.random.default_rng(0)
    for k in (one.neuron for one in told.network if one.layer == 1):
        spike_s = watched.witness.circuit.timeline.firing_s(1) + float(watched.quiet_s[0][k])
        simulated, drawn = (
            np.array([charges(watched.witness, k, spike_s, seed, run, low_Hz) for run in runs])
            for runs in (range(arguments.runs), range(FIRST_DRAW, FIRST_DRAW + arguments.draws))
        )
        found, explained = sigma(times[:, k], simulated, drawn)
        again = []
        for _ in range(BOOTSTRAPS):
            i, j = (generator.integers(0, len(rows_), len(rows_)) for rows_ in (simulated, drawn))
            again.append(sigma(times[i, k], simulated[i], drawn[j])[0])
        closed_s = float(model.t_circ_s * hidden.sigma[told.sample, k])
        row = {
            "neuron": int(k),
            "explained": explained,
            "sigma_s": found,
            "stderr_s": float(np.std(again)),
            "closed_form_s": closed_s,
        }
        rows.append(row | {"ratio": found / closed_s, "ratio_stderr": float(np.std(again)) / closed_s})
        print(rows[-1], flush=True)
    whole = {"date": datetime.now(UTC).date().isoformat(), "runs": arguments.runs, "rows": rows}
    arguments.out.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
