"""Columns beside the whole network: how far spikes lie apart, and CPU seconds of a sample, on extracted layouts, in one run.

    python bench/columns.py 5-5-5 8-8-4 [--samples 3] [--alone] [--out /tmp/columns]

Layouts are drawn, checked and extracted with resistances. Weights and samples are drawn at random, with the seed that is printed. Each sample
is simulated whole and then by columns, one process after the other. With ``--alone`` the whole network is left out.
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.columns.inference import infer_columns
from nonideal.circuits.design import Design
from nonideal.circuits.extraction import ExtractionOptions, extract
from nonideal.circuits.network.inference import Inference, infer_whole, samples
from nonideal.circuits.network.mapping import bias_sources, map_weights
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.testbench import Biases, Circuit
from nonideal.pnn.presets import preset
from nonideal.sky130_models import find_pdk, lean_library
from nonideal.spice import Deck, Failure, Result, SimulatorOptions, run_many
from nonideal.stages.layout import DATABASE, draw_and_check

SEED = 1


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("layouts", nargs="+", help="layer sizes, as 5-5-5")
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--alone", action="store_true", help="leave the whole network out")
    parser.add_argument("--out", type=Path, default=Path("/tmp/columns"))
    given = parser.parse_args()
    print(f"seed {SEED}, {given.samples} samples")
    print(
        "network     layer  rms (ns)  most (ns)  missed or extra   CPU a sample (s): whole  columns  this program"
    )
    for name in given.layouts:
        layers = tuple(int(part) for part in name.split("-"))
        compare(name, layers, given.samples, given.out / name, alone=given.alone)


def compare(name: str, layers: tuple[int, ...], count: int, folder: Path, *, alone: bool) -> None:
    """Print the rows of a network."""
    folder.mkdir(parents=True, exist_ok=True)
    circuit = extracted(layers, preset("sky130_tt").vdis_V, folder)
    biases, inputs = random_case(layers, count)

    def run(decks: list[Deck]) -> list[Result | Failure]:
        return run_many(decks, jobs=1, folder=folder / "decks", timeout_s=3600.0)

    began = time.process_time()
    columns = [done(one) for one in infer_columns(samples(circuit, biases, inputs), SimulatorOptions(), run)]
    own_s = (time.process_time() - began) / count
    cut_s = float(np.mean([one.seconds_cpu for one in columns]))
    if alone:
        print(f"{name:10} {'all':>6} {'':46} {'':10} {cut_s:8.2f} {own_s:13.2f}", flush=True)
        return
    whole = [done(one) for one in infer_whole(samples(circuit, biases, inputs), SimulatorOptions(), run)]
    whole_s = float(np.mean([one.seconds_cpu for one in whole]))
    for layer in range(len(layers) - 1):
        a, b = (np.concatenate([one.times_s[layer] for one in way]) for way in (whole, columns))
        both = np.isfinite(a) & np.isfinite(b)
        moved_ns = 1e9 * (b[both] - a[both])
        unpaired = int(np.sum(np.isfinite(a) != np.isfinite(b)))
        print(
            f"{name:10} {layer + 1:6} {np.sqrt(np.mean(moved_ns**2)):9.3f} {np.abs(moved_ns).max():10.3f} {unpaired:16}"
            f" {whole_s:25.2f} {cut_s:8.2f} {own_s:13.2f}",
            flush=True,
        )


def random_case(layers: tuple[int, ...], count: int) -> tuple[Biases, NDArray[np.float64]]:
    """Biases of weights, and samples [samples, inputs] (T_circ), drawn with the seed; the last input spikes at 0."""
    rng = np.random.default_rng(SEED)
    weights = [rng.normal(1.8 / m, 1.6 / m, (n, m)).clip(-1.2, 1.8) for m, n in pairwise(layers)]
    inputs = rng.uniform(0.0, 0.9, (count, layers[0]))
    inputs[:, -1] = 0.0
    return Biases("random", bias_sources(map_weights(weights, preset("sky130_tt"), clip=True))), inputs


def extracted(layers: tuple[int, ...], vdis_V: float, folder: Path) -> Circuit:
    """The circuit of a drawn network with resistances."""
    design = Design()
    topology = Topology.of(layers, design)
    devices = draw_and_check(topology, design, folder, override=False).summary.devices
    text = extract(
        folder / DATABASE, topology.ports, devices, folder=folder / "extraction", options=ExtractionOptions()
    ).text
    return Circuit(topology, design, text, lean_library(find_pdk(), "tt", text), vdis_V)


def done(outcome: Inference | Failure) -> Inference:
    """A result; ends the program at a failure."""
    if isinstance(outcome, Failure):
        raise SystemExit(f"{outcome.name}: {outcome.message} ({outcome.folder})")
    return outcome


if __name__ == "__main__":
    main()
