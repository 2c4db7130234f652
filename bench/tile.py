"""A tile's network on its own generator in SPICE (schematic): do the lines give units the currents that the weights ask for, and do spikes come
when the model says?

    python bench/tile.py runs/iris_tile [--samples 2]

The run directory must hold `characterization`, `netlist` and `validation` of experiment iris_tile. The generator has the units that `nonideal
tapeout` draws, for which neurons with wires ask; its loop is settled first (24 inferences), then each sample is one inference of 5-5-5 without a
source but reference, reset level and control lines. Printed are the current of a unit, and spikes beside the model and beside the validation,
which has ideal sources.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from nonideal.characterize.generator import HOME, survey
from nonideal.characterize.generator_bench import GeneratorBench
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.generator.deck import BiasedCircuit
from nonideal.circuits.network.netlist import schematic
from nonideal.circuits.network.testbench import Biases, Circuit, spike_times_s
from nonideal.experiment.experiment import load_experiment
from nonideal.postlayout.plan import drawn_by_class
from nonideal.runs.rundir import RunDir
from nonideal.sky130_models import Corner, find_pdk, lean_library
from nonideal.spice import Cache, SimulatorOptions
from nonideal.stages.tapeout import chip_of, units_of


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rundir", type=Path)
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("/tmp/tile"))
    given = parser.parse_args()
    bench = Workbench(
        find_pdk(), Corner.tt, SimulatorOptions(), given.jobs, 3000.0, Cache(given.out / "cache")
    )
    experiment = load_experiment("iris_tile")
    rundir = RunDir(given.rundir)
    chip = chip_of(experiment, rundir)
    topology = chip.topology
    folder = rundir.mapping_folder(str(experiment.drawn_mapping))
    asked = {line: unit.current_A for line, unit in units_of(folder / "mapping.csv").items()}
    print("asked, nA:", {line: round(1e9 * one, 3) for line, one in asked.items()})
    print("units:", {line: chip.generator.units(*line) for line in chip.generator.lines})

    loose = replace(chip.generator, sizes=chip.generator.sizes.model_copy(update={"line_capacitor_F": 0.0}))
    (home,) = survey(bench, GeneratorBench(loose, chip.design), [HOME], given.out / "settle")
    print("settled, nA:", {key: round(1e9 * one, 3) for key, one in home.current_A.items()})
    print("settled, V:", {net: round(volts, 4) for net, volts in home.bias_V.items()}, flush=True)

    netlist = schematic(topology, chip.design)
    models = lean_library(bench.pdk, bench.corner, netlist + chip.generator.text())
    circuit = Circuit(topology, chip.design, netlist, models, 0.0)
    biased = BiasedCircuit(circuit, chip.generator, float(home.control_V[-1]))
    data = experiment.data.load()
    drawn = drawn_by_class(data.test_y, experiment.validation.samples)[: given.samples]
    spikes = pd.read_parquet(given.rundir / "validation" / "spikes.parquet")
    for number, index in enumerate(drawn):
        inputs = np.asarray(data.test_x[int(index)], float)
        deck = biased.deck(f"sample_{number}", Biases("tile", "", topology.mask), inputs, bench.simulator)
        (result,) = bench.run_decks([deck], given.out / "decks")
        for layer, found in enumerate(spike_times_s(result, circuit), start=1):
            there = spikes[(spikes["sample"] == number) & (spikes["layer"] == layer)].sort_values("neuron")
            for name in ("t_model_s", "t_spice_s"):
                told = " ".join(f"{1e9 * one:7.1f}" for one in found - there[name].to_numpy())
                print(f"sample {number}, layer {layer}, ns against {name}: {told}")
            print(f"   here (ns): {' '.join(f'{1e9 * one:7.1f}' for one in found)}", flush=True)


if __name__ == "__main__":
    main()
