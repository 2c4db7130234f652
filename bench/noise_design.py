"""What another discharger does to jitter: the circuit characterised anew with each, the same trained network; writes bench/noise_design.json.

nonideal train iris
python bench/noise_design.py [--out FILE]
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from nonideal.characterize.jitter import network_noise
from nonideal.characterize.stage import ColumnNetlist, characterize
from nonideal.circuits.cells.fet import Fet
from nonideal.experiment.experiment import load_experiment
from nonideal.pnn.checkpoint import load_dense
from nonideal.postlayout.jitter import blind_network, network_jitter
from nonideal.runs.context import Context
from nonideal.runs.rundir import RunDir
from nonideal.stages.workbench import workbench

ROOT = Path(__file__).resolve().parent.parent
DISCHARGERS = ((1.0, 0.5), (1.0, 2.0), (1.0, 8.0))
"""Width and length, um."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    iris, rundir = load_experiment("iris"), RunDir(ROOT / "runs" / "iris")
    bench = workbench(iris, Context(), rundir.cache)
    trained = load_dense(rundir.weights("bottom_up"))
    weights = [layer.weight.detach().double().numpy() for layer in trained.linear_layers]
    inputs = iris.data.load().test_x.double().numpy()
    options = iris.characterize.model_copy(update={"noise": True})
    rows = []
    for w_um, l_um in DISCHARGERS:
        neuron = iris.circuit.neuron.model_copy(update={"discharge": Fet(w_um=w_um, l_um=l_um)})
        design = iris.circuit.model_copy(update={"neuron": neuron})
        folder = ROOT / "runs" / "noise_design" / f"{w_um:g}x{l_um:g}"
        model = characterize(bench, design, options, folder, [ColumnNetlist.schematic(5, design)]).model
        found = network_jitter(
            blind_network(model, weights),
            inputs,
            network_noise(model, trained.layer_sizes, iris.noise.low_corner_Hz),
        )
        row = {"w_um": w_um, "l_um": l_um, "vdis_V": model.columns[0].vdis_V}
        for name, one in zip(("hidden", "output"), found, strict=True):
            row |= {f"{name}_s": float(1e-6 * np.sqrt(np.mean(one.sigma[one.fires] ** 2)))}
            row |= {
                f"{name}_{part}_s": float(1e-6 * np.sqrt(one.parts[part][one.fires].mean()))
                for part in ("ramp_white", "ramp_flicker")
            }
        rows.append(row)
        print(row, flush=True)
        told = {"date": datetime.now(UTC).date().isoformat(), "rows": rows}
        arguments.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
