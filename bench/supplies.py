"""How far spikes move with a supply that is a little off: the trained Iris network in SPICE, every bias as written; writes bench/supplies.json.

    nonideal train iris
    python bench/supplies.py [--samples 3] [--ripple-samples 1] [--run-dir runs/iris] [--out FILE]

Schematic. Each supply is moved up and down by ``STEPS_V``; sensitivities are central differences over spikes of both, ns per mV: rms and mean of each
layer, an output's with what its hidden spikes bring along. Then each supply gets a ripple of ``RIPPLE_V`` at ``RIPPLES_HZ``, a sine and a cosine: a
spike moves by their root of squares at the worst phase, and by 0.71 of it rms over all phases, which is told. Pins are held against ground.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp
from nonideal.circuits.network.mapping import map_weights
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Circuit, spike_times_s
from nonideal.experiment.experiment import load_experiment
from nonideal.pnn.checkpoint import load_dense
from nonideal.runs.context import Context
from nonideal.runs.rundir import RunDir
from nonideal.sky130_models import lean_library
from nonideal.stages.workbench import workbench

ROOT = Path(__file__).resolve().parent.parent
STEPS_V = {"vdd_V": 5e-3, "v0_V": 2e-3, "vsense_V": 2e-3}
RIPPLE_V, RIPPLES_HZ, POINTS = 10e-3, (1e6, 1e7, 1e8), 16
"""Peak; and so many steps of the simulator in a period, at least."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--ripple-samples", type=int, default=1)
    parser.add_argument("--run-dir", type=Path, default=ROOT / "runs" / "iris")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    iris, rundir = load_experiment("iris"), RunDir(arguments.run_dir)
    bench, model = workbench(iris, Context(), rundir.cache), PhysicalModel.load(rundir.model)
    network = load_dense(rundir.weights("bottom_up"))
    weights = [layer.weight.detach().double().numpy() for layer in network.linear_layers]
    inputs = iris.data.load().test_x.double().numpy()[: arguments.samples]
    topology = Topology.of(network.layer_sizes, iris.circuit)
    netlist = schematic(topology, iris.circuit)
    models = lean_library(bench.pdk, bench.corner, netlist)
    biases = map_weights(weights, BottomUp(model), design=iris.circuit).biases("supplies")

    def times_s(
        name: str,
        changes: Mapping[str, float],
        driven: tuple[tuple[str, str], ...] = (),
        step_s: float = np.inf,
        samples: int = len(inputs),
    ) -> list[np.ndarray]:
        """Per layer [samples, neurons]."""
        supplies = iris.circuit.supplies
        moved = supplies.model_copy(update={key: getattr(supplies, key) + by for key, by in changes.items()})
        design = iris.circuit.model_copy(update={"supplies": moved})
        circuit = Circuit(topology, design, netlist, models, BottomUp(model).vdis_V, driven=driven)
        simulator = replace(bench.simulator, max_step_s=min(step_s, bench.simulator.max_step_s))
        decks = [
            circuit.deck(f"{name}_{k}", biases, one, simulator) for k, one in enumerate(inputs[:samples])
        ]
        results = bench.run_decks(decks, ROOT / "runs" / "supplies" / name)
        return [
            np.array(rows) for rows in zip(*(spike_times_s(one, circuit) for one in results), strict=True)
        ]

    rows = []
    for key, step in STEPS_V.items():
        up, down = times_s(f"{key}_up", {key: step}), times_s(f"{key}_down", {key: -step})
        for layer, (a, b) in enumerate(zip(up, down, strict=True), start=1):
            both = np.isfinite(a) & np.isfinite(b) & (a > 1e-7) & (a < 9.9e-7) & (b < 9.9e-7)
            per_mV = (a[both] - b[both]) / (2e3 * step)
            told = {
                "supply": key,
                "layer": layer,
                "spikes": int(both.sum()),
                "mean_s_per_mV": float(per_mV.mean()),
            }
            rows.append(told | {"rms_s_per_mV": float(np.sqrt(np.mean(per_mV**2)))})
            print(rows[-1], flush=True)
    ripples = []
    quiet = times_s("quiet", {}, samples=arguments.ripple_samples)
    for key in STEPS_V:
        net, level_V = key.removesuffix("_V"), getattr(iris.circuit.supplies, key)
        for hertz in RIPPLES_HZ:
            moved = []
            for phase in (0, 90):
                wave = f"SIN({level_V:.6g} {RIPPLE_V:g} {hertz:g} 0 0 {phase})"
                name = f"{key}_{hertz:.0f}_{phase}"
                times = times_s(name, {}, ((net, wave),), 1 / (POINTS * hertz), arguments.ripple_samples)
                moved.append(times)
            for layer, (sine, cosine, at) in enumerate(zip(*moved, quiet, strict=True), start=1):
                both = np.isfinite(sine) & np.isfinite(cosine) & (at > 1e-7) & (at < 9.9e-7)
                worst = np.hypot(sine[both] - at[both], cosine[both] - at[both])
                told = {"supply": key, "hertz": hertz, "layer": layer, "spikes": int(both.sum())}
                ripples.append(told | {"rms_s": float(np.sqrt(np.mean(worst**2) / 2)), "worst_s": float(worst.max())})  # fmt: skip
                print(ripples[-1], flush=True)
    whole = {"date": datetime.now(UTC).date().isoformat(), "samples": len(inputs), "rows": rows}
    whole |= {"ripple_V": RIPPLE_V, "ripple_samples": arguments.ripple_samples, "ripples": ripples}
    arguments.out.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
