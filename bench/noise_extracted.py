"""Noise on a layout: an extracted column of three neurons simulated with noise beside the closed form; writes bench/noise_extracted.json.

    nonideal characterize -e iris --characterize-on pex-rc --run-dir runs/iris_pex
    python bench/noise_extracted.py [--runs 200] [--out FILE]

The closed form has the extracted column's parameters, and the noise of its inner neuron as laid out.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scipy import stats

from nonideal.characterize.jitter import network_noise
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.noise_stage import measure_noise
from nonideal.characterize.specimen import Specimen
from nonideal.circuits.extraction.netlist import parse_netlist
from nonideal.experiment.experiment import load_experiment
from nonideal.files import read_text
from nonideal.postlayout.jitter import blind_network, network_jitter, watch
from nonideal.runs.context import Context
from nonideal.stages.workbench import workbench

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "runs" / "iris_pex"
WEIGHTS = np.array([[0.8, -0.4, 0.5, 0.3, -0.2], [0.5, 0.3, 0.4, -0.2, 0.1], [0.3, 0.6, -0.3, 0.5, 0.2]])
INPUTS = np.array([0.1, 0.3, 0.45, 0.6, 0.0])
SEED, LOW_HZ = 20261, 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """One neuron."""

    neuron: int
    runs: int
    quiet_s: float
    predicted_s: float
    sigma_s: float
    sigma_stderr_s: float
    closed_form_s: float
    skewness: float
    excess_kurtosis: float


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    iris = load_experiment("iris")
    bench, design = workbench(iris, Context(), RUN / "cache"), iris.circuit
    model = PhysicalModel.load(RUN / "characterization" / "model.json")
    text = read_text(RUN / "columns" / "5" / "network.pex.spice")
    specimen = Specimen.drawn(design, model, 5, parse_netlist(text, "column"))
    noise = measure_noise(bench, design, model, RUN / "noise" / "characterization", specimen)
    model = model.model_copy(update={"noise": noise})
    closed = network_jitter(
        blind_network(model, [WEIGHTS]), INPUTS[None], network_noise(model, (5, 3), LOW_HZ)
    )[0]
    watched = watch(bench, design, model, [WEIGHTS], INPUTS, RUN / "noise" / "decks", extracted=text)
    found: list[np.ndarray] = []
    for first in range(0, arguments.runs, 20):
        numbers = range(first, min(first + 20, arguments.runs))
        found.append(watched.runs(bench, numbers, SEED, LOW_HZ, RUN / "noise" / "decks")[0])
        times = np.concatenate(found)
        rows = [
            Row(
                k, len(times), float(watched.quiet_s[0][k]), float(1e-6 * closed.time[0, k]), float(times[:, k].std(ddof=1)),
                float(times[:, k].std(ddof=1) / np.sqrt(2 * (len(times) - 1))), float(1e-6 * closed.sigma[0, k]),
                float(stats.skew(times[:, k])), float(stats.kurtosis(times[:, k])),
            )
            for k in range(3)
        ]  # fmt: skip
        print(
            len(times),
            [f"{1e9 * row.sigma_s:.3f} / {1e9 * row.closed_form_s:.3f} ns" for row in rows],
            flush=True,
        )
        told = {"date": datetime.now(UTC).date().isoformat(), "rows": [asdict(row) for row in rows]}
        arguments.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
