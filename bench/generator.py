"""The bias generator over corners, temperatures and supplies; its start; what spikes do to its lines.

    python bench/generator.py settle [--inferences 24] [--experiment iris_mask]
    python bench/generator.py mirrors
    python bench/generator.py start
    python bench/generator.py kick
    python bench/generator.py network
    python bench/generator.py mismatch [--experiment iris_mask]
    python bench/generator.py area

``settle``: the loop closed, nothing derived anew, one transient a line, from the loop's reset. Currents are those of a unit of either polarity
and of a discharger at the reset level, against home; I/I_dis is what of them is left once the loop has set the common current. Capacitors off
the chip are left out, for lines behind them follow the loop more slowly than it settles. ``mirrors``: the same currents at operating points,
the loop open. ``start``: how long after the supplies currents stay within 1 %.
``kick``: by how much a unit's charge runs ahead (ns of its current) at a time after other units have begun to conduct.
``network``: a 5-5-5 network of random codes on the generator, first beside ideal sources of the same levels at home, by capacitor, then in
other places beside itself at home. ``mismatch``: drawn generators beside nominal synapses and neurons. ``area``: of the devices with what
stands between them, by cell, estimated. ``--experiment``: the circuit of that one, in place of the default generator's.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.condition import Condition
from nonideal.characterize.generator import (
    HOME,
    INFERENCES,
    Settled,
    Surroundings,
    everywhere,
    kick,
    open_loop,
    start_up_s,
    survey,
)
from nonideal.characterize.generator_bench import GeneratorBench
from nonideal.characterize.generator_spread import SEED as SPREAD_SEED
from nonideal.characterize.generator_spread import spread
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.cells.codes import coded_weights
from nonideal.circuits.cells.generator import GeneratorSizes
from nonideal.circuits.design import Design
from nonideal.circuits.generator.area import areas_um2
from nonideal.circuits.generator.deck import BiasedCircuit
from nonideal.circuits.generator.generator import Generator
from nonideal.circuits.network.biases import bias_cell
from nonideal.circuits.network.netlist import Mask, Pinout, Topology, schematic
from nonideal.circuits.network.testbench import Biases, Circuit, spike_times_s
from nonideal.experiment.experiment import load_experiment
from nonideal.sky130_models import Corner, find_pdk, lean_library
from nonideal.spice import Cache, SimulatorOptions

Array = NDArray[np.float64]
CORNERS = ((Corner.ss, -40.0), (Corner.ff, 125.0), (Corner.sf, 125.0), (Corner.fs, -40.0))
CAPACITORS_F = (0.0, 1e-10, 1e-9, 1e-8)
SPIKES = {"1 synapse of code 15": (15,), "5 of code 4": (4,) * 5, "4 of code 15": (15,) * 4}
PLACES = [
    HOME,
    *(Surroundings(Condition(corner, t), 1.8) for corner, t in CORNERS),
    *(Surroundings(HOME.condition, volts) for volts in (1.62, 1.98)),
]
CODED = Design.model_validate({"synapse": {"kind": "coded"}})
SHAPE, SAMPLES, SEED = (5, 5, 5), 4, 1
CHIPS = 60
AFTER_S = (20e-9, 100e-9, 300e-9, 990e-9)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("settle", "mirrors", "start", "kick", "network", "mismatch", "area"))
    parser.add_argument("--inferences", type=int, default=INFERENCES)
    parser.add_argument("--experiment")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("/tmp/generator"))
    given = parser.parse_args()
    if given.what == "area":
        area()
        return
    design = CODED if given.experiment is None else load_experiment(given.experiment).circuit
    cache = Cache(given.out / "cache")
    bench = Workbench(find_pdk(), Corner.tt, SimulatorOptions(), given.jobs, 1800.0, cache)
    if given.what == "settle":
        settled(bench, bench_of(0.0, design=design), given.out, given.inferences)
    elif given.what == "mirrors":
        mirrored(bench, given.out)
    elif given.what == "start":
        started(bench, given.out)
    elif given.what == "kick":
        kicked(bench, given.out)
    elif given.what == "mismatch":
        found = spread(bench, bench_of(0.0, (1, 1), design), CHIPS, given.out / "mismatch")
        told = ", ".join(f"I_{key} / I_dis {100 * found.sigma_ratio(key):.1f} %" for key in "np")
        print(
            f"sigma over {CHIPS} chips, seed {SPREAD_SEED}: {told}, I_dis with the loop open {100 * found.sigma_common():.1f} %"
        )
    else:
        networked(bench, given.out)


def bench_of(
    capacitor_F: float, layers: tuple[int, ...] = (1, 1, 1), design: Design = CODED
) -> GeneratorBench:
    """The design's generator, else the default one, its lines with such capacitors; unless told for two layers, of a neuron each."""
    sizes = (design.generator or GeneratorSizes()).model_copy(update={"line_capacitor_F": capacitor_F})
    return GeneratorBench(Generator.of(sizes, design, layers), design)


def settled(bench: Workbench, made: GeneratorBench, folder: Path, count: int) -> None:
    """Print the table of ``everywhere``."""
    places = everywhere()
    found = survey(bench, made, places, folder / "settle", count=count)
    home = found[0]
    print(
        f"{'':22} inferences   replica    silent   I_N      I_P      I_dis    I_N/I_dis I_P/I_dis  static  control-middle"
    )
    print(
        f"{'':22} until 2 ns   ns         ns       home     home     home     home      home       uA      mV"
    )
    for place, one in zip(places, found, strict=True):
        print(f"{place.label:22} {row(one, home)}")
    print(
        f"home: {', '.join(f'I_{key} {1e9 * value:.3f} nA' for key, value in home.current_A.items())}; ",
        end="",
    )
    print(", ".join(f"{net} {volts:.4f} V" for net, volts in home.bias_V.items()))


def row(one: Settled, home: Settled) -> str:
    """A line of the table."""
    currents = " ".join(f"{one.current_A[key] / home.current_A[key]:8.4f}" for key in ("n", "p", "dis"))
    ratios = " ".join(f"{one.ratio(key) / home.ratio(key):9.4f}" for key in ("n", "p"))
    control_mV = 1e3 * (one.bias_V["control"] - one.bias_V["middle"])
    inferences = "-" if one.inferences is None else str(one.inferences)
    return (
        f"{inferences:>10} {1e9 * one.replica_s[-1]:9.2f} {1e9 * one.silent_s[-1]:9.2f}  {currents} {ratios} "
        f"{1e6 * one.static_A:9.2f} {control_mV:9.1f}"
    )


def mirrored(bench: Workbench, folder: Path) -> None:
    """Print currents with the loop open."""
    places = everywhere()
    found = open_loop(bench, bench_of(0.0, (1, 1)), places, folder / "mirrors")
    home = found[0]
    print(f"{'':22}   I_N      I_P      I_dis    I_N/I_dis I_P/I_dis   against home")
    for place, one in zip(places, found, strict=True):
        currents = " ".join(f"{one[key] / home[key]:8.4f}" for key in ("n", "p", "dis"))
        ratios = " ".join(f"{one[key] / one['dis'] * home['dis'] / home[key]:9.4f}" for key in ("n", "p"))
        print(f"{place.label:22} {currents} {ratios}")
    print(f"home: {', '.join(f'I_{key} {1e9 * value:.3f} nA' for key, value in home.items())}")


def started(bench: Workbench, folder: Path) -> None:
    """Print how long the start takes, by capacitor."""
    for capacitor_F in CAPACITORS_F[:3]:
        # The P line falls by its unit's threshold: some 2 ms for 1 nF.
        stop_s = 5e-5 + 5e6 * capacitor_F
        found = start_up_s(bench, bench_of(capacitor_F, (1, 1)), folder / "start", stop_s=stop_s)
        told = ", ".join(f"I_{key} {1e6 * value:.1f} us" for key, value in found.items())
        print(f"{1e9 * capacitor_F:6.1f} nF: {told}")


def kicked(bench: Workbench, folder: Path) -> None:
    """Print what spikes do to a unit that goes on, by polarity, capacitor and number of units."""
    print(f"{'':28} {'nF':>5}  " + " ".join(f"{1e9 * after:5.0f} ns" for after in AFTER_S))
    for polarity in "np":
        for told, codes in SPIKES.items():
            for capacitor_F in CAPACITORS_F:
                found = kick(bench, bench_of(capacitor_F, (1, 1)), polarity, codes, folder / "kick")
                moved = " ".join(f"{1e9 * found.after_s(after):8.3f}" for after in AFTER_S)
                print(f"{polarity}: {told:25} {1e9 * capacitor_F:5.1f} {moved}", flush=True)


def networked(bench: Workbench, folder: Path) -> None:
    """Print how far spikes of a network on its generator lie from those on ideal sources, and from home's in other places."""
    made = bench_of(0.0)
    found = survey(bench, made, PLACES, folder / "network_settle")
    home = found[0]
    mask, inputs = random_codes(made.design)
    ideal = spikes_on_sources(bench, made.design, home, mask, inputs, folder / "network")
    on_generator = []
    print(
        "at home, beside ideal sources: capacitor, rms and most (ns) of the hidden and of the output layer, spikes of one alone"
    )
    for capacitor_F in CAPACITORS_F:
        one = bench_of(capacitor_F, SHAPE)
        on_generator.append(
            spikes_on_generator(bench, one, home, mask, inputs, folder / "network", f"g{len(on_generator)}")
        )
        print(f"{1e9 * capacitor_F:6.1f} nF: {moved(on_generator[-1], ideal)}", flush=True)
    print("with 1 nF, beside itself at home")
    for place, settled_there in zip(PLACES[1:], found[1:], strict=True):
        there = replace(bench_of(1e-9, SHAPE), design=place.design(made.design))
        name = place.name.replace("-", "m")
        at = spikes_on_generator(
            bench.at(place.condition.corner), there, settled_there, mask, inputs, folder / name, "there"
        )
        print(f"{place.label:22} {moved(at, on_generator[2])}", flush=True)


def random_codes(design: Design) -> tuple[Mask, Array]:
    """The mask of random codes, rather more of them positive, and samples of input spikes [samples, inputs]; the last input is always there."""
    storage, rng = coded_weights(design.contracts.synapse.storage), np.random.default_rng(SEED)
    mask = tuple(
        tuple(tuple(storage.on(int(code)) for code in row) for row in rng.integers(-4, 10, (n, m)))
        for m, n in pairwise(SHAPE)
    )
    inputs = rng.uniform(0.0, 0.9, (SAMPLES, SHAPE[0]))
    inputs[:, -1] = 0.0
    return mask, inputs


def spikes_on_sources(
    bench: Workbench, design: Design, at: Settled, mask: Mask, inputs: Array, folder: Path
) -> list[Array]:
    """Spike times [samples, neurons] of every layer, s, with ideal sources at the levels that the generator has settled to."""
    supplies = design.supplies.model_copy(update={"vsense_V": at.bias_V["vsense"]})
    design = design.model_copy(update={"supplies": supplies})
    topology = Topology(SHAPE, Pinout.of(design), mask)
    scales = [{port: at.bias_V[f"{port}_{layer}"] for port in ("gate_n", "gate_p")} for layer in (1, 2)]
    biases = Biases("ideal", bias_cell(topology, [{}] * 2, scales=scales), mask)
    netlist = schematic(topology, design)
    circuit = Circuit(
        topology, design, netlist, lean_library(bench.pdk, bench.corner, netlist), at.bias_V["vdis"]
    )
    decks = [circuit.deck(f"ideal_{k}", biases, one, bench.simulator) for k, one in enumerate(inputs)]
    return by_layer([spike_times_s(one, circuit) for one in bench.run_decks(decks, folder / "ideal")])


def spikes_on_generator(
    bench: Workbench, made: GeneratorBench, at: Settled, mask: Mask, inputs: Array, folder: Path, name: str
) -> list[Array]:  # fmt: skip
    """Spike times [samples, neurons] of every layer, s."""
    topology = Topology(SHAPE, Pinout.of(made.design), mask)
    netlist = schematic(topology, made.design)
    models = lean_library(bench.pdk, bench.corner, netlist + made.generator.text())
    circuit = Circuit(topology, made.design, netlist, models, 0.0)
    biased = BiasedCircuit(circuit, made.generator, float(at.control_V[-1]))
    blank = Biases(name, "", mask)
    decks = [biased.deck(f"{name}_{k}", blank, one, bench.simulator) for k, one in enumerate(inputs)]
    return by_layer([spike_times_s(one, circuit) for one in bench.run_decks(decks, folder / name)])


def by_layer(samples: list[list[Array]]) -> list[Array]:
    """From layers of samples to samples of layers."""
    return [np.array(layer) for layer in zip(*samples, strict=True)]


def moved(these: list[Array], those: list[Array]) -> str:
    """Rms and largest difference of the spikes that both have, layer by layer, and how many one alone has."""
    told = []
    for a, b in zip(these, those, strict=True):
        both = np.isfinite(a) & np.isfinite(b)
        ns = 1e9 * (a[both] - b[both])
        alone = int(np.sum(np.isfinite(a) != np.isfinite(b)))
        told.append(f"{np.sqrt(np.mean(ns**2)):7.3f} {np.abs(ns).max():7.3f}  ({alone} alone of {a.size})")
    return "   ".join(told)


def area() -> None:
    """Print the estimate of the area."""
    found = areas_um2(bench_of(0.0, SHAPE).generator)
    for name, area_um2 in found.items():
        print(f"{name:18} {area_um2:8.0f} um2")
    print(f"{'in all':18} {sum(found.values()):8.0f} um2")


if __name__ == "__main__":
    main()
