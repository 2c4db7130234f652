"""How late the spikes of a hidden layer leave, by neuron: gates alone, and with the wires of their axons as extracted.

    python bench/fan_out.py 5-5-5 65-32-10 [--experiment iris_mask] [--out /tmp/fan_out]

First what loads cost by themselves: 10 fF at the axon, at its complement, and between both, and ten synapses. Of each pair of layers the
axons are drawn, checked and extracted, and their neurons simulated with that load. A row is: the neuron, its wires (to what stands still, the
same of its complement, and between both, fF), and the delay against a neuron without load, ns.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

from nonideal.characterize.benches import LoneNeuron, SpikeWires, neuron_benches, silent_V
from nonideal.characterize.fan_out import DROP_V, FanOutNetlist, measure_fan_out, spike_wires
from nonideal.characterize.neuron import loaded_times_s
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.extraction import ExtractionOptions, extract
from nonideal.circuits.extraction.netlist import parse_netlist
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.timeline import Timeline
from nonideal.experiment.experiment import Experiment, load_experiment
from nonideal.pnn.presets import preset
from nonideal.sky130_models import find_pdk
from nonideal.stages.layout import DATABASE, draw_and_check

NOTHING = SpikeWires(0.0, 0.0, 0.0)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="+", help="layer sizes, as 5-5-5")
    parser.add_argument("--experiment", default="iris", help="whose circuit")
    parser.add_argument("--out", type=Path, default=Path("/tmp/fan_out"))
    given = parser.parse_args()
    experiment = load_experiment(given.experiment)
    tell_loads(experiment, given.out / f"{experiment.name}_loads")
    for name in given.networks:
        for neurons, driven in pairwise(int(part) for part in name.split("-")[1:]):
            tell(experiment, neurons, driven, given.out / f"{experiment.name}_{neurons}_{driven}")


def tell_loads(experiment: Experiment, folder: Path) -> None:
    """Print what each kind of load costs."""
    design, options, vdis_V = experiment.circuit, experiment.characterize, preset("sky130_tt").vdis_V
    loads = {"none": NOTHING, "axon": SpikeWires(10e-15, 0.0, 0.0), "complement": SpikeWires(0.0, 10e-15, 0.0),
             "between": SpikeWires(0.0, 0.0, 10e-15), "ten synapses": NOTHING}  # fmt: skip
    start_V = round(design.supplies.v0_V - DROP_V, 6)
    neurons = [
        LoneNeuron(0, start_V, vdis_V, driven=10 if name == "ten synapses" else 0, wires=wires)
        for name, wires in loads.items()
    ]
    silent = silent_V(design, options.silent_bias_n_V, options.silent_bias_p_V)
    results = workbench_of(experiment).run(neuron_benches(design, "loads", neurons, silent), design, folder)
    times = loaded_times_s(results, Timeline(design.timing, 1), design.supplies.vdd_V)
    for name, at in zip(loads, times - times[0], strict=True):
        print(f"{name:14s} {1e9 * at:7.3f} ns")


def workbench_of(experiment: Experiment) -> Workbench:
    """One simulation after the other, nothing kept."""
    options = experiment.simulator.options(experiment.circuit.supplies.temperature_C)
    return Workbench(find_pdk(), experiment.process.corner, options, 1, 3600.0)


def tell(experiment: Experiment, neurons: int, driven: int, folder: Path) -> None:
    """Print the rows of one pair of layers."""
    folder.mkdir(parents=True, exist_ok=True)
    design, options = experiment.circuit, experiment.characterize
    topology = Topology.of((1, neurons, driven), design).opened
    devices = draw_and_check(topology, design, folder, override=False).summary.devices
    text = extract(
        folder / DATABASE,
        topology.ports,
        devices,
        folder=folder / "own",
        options=ExtractionOptions(mode="CC"),
    ).text
    bench, vdis_V = workbench_of(experiment), preset("sky130_tt").vdis_V
    found = measure_fan_out(
        bench, design, options, vdis_V, NOTHING, FanOutNetlist(neurons, driven, text), folder / "decks"
    )
    print(f"{experiment.name}: {neurons} neurons that drive {driven}")
    wires = spike_wires(parse_netlist(text, "the extracted axons"), 1, neurons)
    for k, (one, late_s) in enumerate(zip(wires, found.delay_s, strict=True)):
        farads = " ".join(f"{1e15 * value:6.1f}" for value in (one.spike_F, one.spike_b_F, one.between_F))
        print(f"{k:4d} {farads} {1e9 * late_s:7.3f}")


if __name__ == "__main__":
    main()
