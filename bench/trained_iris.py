"""The trained Iris network of a run directory, ready for SPICE: what benches of its circuit have in common."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.network.mapping import map_weights
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.testbench import Biases, Circuit
from nonideal.experiment.experiment import Experiment, load_experiment
from nonideal.pnn.checkpoint import load_dense
from nonideal.runs.context import Context
from nonideal.runs.rundir import RunDir
from nonideal.sky130_models import lean_library
from nonideal.stages.workbench import workbench

Array = NDArray[np.float64]
ROOT = Path(__file__).resolve().parent.parent


def command_line(told: str | None, script: str, samples: int, run_dir: str) -> argparse.ArgumentParser:
    """Options of a bench: how many held-out samples, of which run, and the file to write."""
    parser = argparse.ArgumentParser(description=told, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=samples)
    parser.add_argument("--run-dir", type=Path, default=ROOT / "runs" / run_dir)
    parser.add_argument("--out", type=Path, default=Path(script).with_suffix(".json"))
    return parser


@dataclass(frozen=True, slots=True)
class TrainedIris:
    """Weights [neurons, axons] of ``bottom_up`` by layer, and what realises them; every bias as written."""

    experiment: Experiment
    bench: Workbench
    model: PhysicalModel
    topology: Topology
    weights: list[Array]
    biases: Biases

    @classmethod
    def of(cls, run_dir: Path, name: str) -> TrainedIris:
        """That of a run directory; ``name`` tells its biases' file from others'."""
        iris, rundir = load_experiment("iris"), RunDir(run_dir)
        model, network = PhysicalModel.load(rundir.model), load_dense(rundir.weights("bottom_up"))
        weights = [layer.weight.detach().double().numpy() for layer in network.linear_layers]
        biases = map_weights(weights, BottomUp(model), design=iris.circuit).biases(name)
        topology = Topology.of(network.layer_sizes, iris.circuit)
        return cls(iris, workbench(iris, Context(), rundir.cache), model, topology, weights, biases)

    def inputs(self, samples: int) -> Array:
        """The first held-out samples, [samples, axons] in T_circ."""
        return np.asarray(self.experiment.data.load().test_x.double().numpy()[:samples], np.float64)

    def circuit(self, netlist: str) -> Circuit:
        """It on a netlist."""
        models = lean_library(self.bench.pdk, self.bench.corner, netlist)
        return Circuit(self.topology, self.experiment.circuit, netlist, models, BottomUp(self.model).vdis_V)
