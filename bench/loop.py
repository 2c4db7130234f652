"""The loop stage by stage: CPU seconds, wall seconds and peak memory of every stage, and how they grow with the synapses, in one run.

    python bench/loop.py 5-5-5 16-16 32-16-10 65-32-10 [--whole 5-5-5] [--kpex 5-5-5] [--out bench/loop.json] [--folder /tmp/loop]

Every stage runs in a process of its own, one after the other: draw, DRC, LVS, extraction (R and C), one sample by columns. Of the networks that
``--whole`` and ``--kpex`` name, one sample is simulated whole and the layout extracted by kpex as well; ``--until extraction`` leaves the
sample out. Weights and the sample are drawn at random (``bench/columns.py``). The file is written anew after every stage.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import columns
import numpy as np

from nonideal.circuits.columns.inference import infer_columns
from nonideal.circuits.design import Design
from nonideal.circuits.drc import check
from nonideal.circuits.extraction import ExtractionOptions, extract
from nonideal.circuits.layout.network import network
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare
from nonideal.circuits.network.inference import infer_whole, samples
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Circuit
from nonideal.files import read_json, read_text, write_json, write_text
from nonideal.pnn.presets import preset
from nonideal.sky130_models import find_pdk, lean_library
from nonideal.spice import Deck, Failure, Result, SimulatorOptions, run_many

GDS, DATABASE, NETLIST, LVS = "network.gds", "network.lvsdb.gz", "extracted.spice", "lvs.json"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a stage: its process and all below it; the memory is that of the largest of them."""

    cpu_s: float
    wall_s: float
    memory_MB: float


def draw(layers: tuple[int, ...], folder: Path) -> None:
    """GDS of the network."""
    write_gds(network(layers, Design()), folder / GDS)


def drc(layers: tuple[int, ...], folder: Path) -> None:
    """All rules; a violation ends the bench."""
    check(folder / GDS, "network").require_clean()


def lvs(layers: tuple[int, ...], folder: Path) -> None:
    """Against the schematic; a mismatch ends the bench."""
    text = schematic(Topology.of(layers, Design()), Design())
    found = compare(folder / GDS, text, "network", folder / DATABASE)
    found.write(folder / LVS)
    found.require_match()


def extraction(layers: tuple[int, ...], folder: Path) -> None:
    """R and C by our own extractor."""
    _extracted(layers, folder, ExtractionOptions(), NETLIST)


def kpex(layers: tuple[int, ...], folder: Path) -> None:
    """R and C by kpex whole."""
    _extracted(layers, folder, ExtractionOptions(extractor="kpex"), "kpex.spice")


def _extracted(layers: tuple[int, ...], folder: Path, options: ExtractionOptions, name: str) -> None:
    devices = int(read_json(folder / LVS)["devices"])
    ports = Topology.of(layers, Design()).ports
    found = extract(folder / DATABASE, ports, devices, folder=folder / options.extractor, options=options)
    write_text(folder / name, found.text)


def by_columns(layers: tuple[int, ...], folder: Path) -> None:
    """One sample, neuron by neuron."""
    circuit = _circuit(layers, folder)
    columns.done(*infer_columns(samples(circuit, *_sample(layers)), SimulatorOptions(), _run(folder)))


def whole(layers: tuple[int, ...], folder: Path) -> None:
    """The same sample, all in one deck."""
    circuit = _circuit(layers, folder)
    columns.done(*infer_whole(samples(circuit, *_sample(layers)), SimulatorOptions(), _run(folder)))


def _circuit(layers: tuple[int, ...], folder: Path) -> Circuit:
    text, design = read_text(folder / NETLIST, most_bytes=1024**3), Design()
    return Circuit(
        Topology.of(layers, design),
        design,
        text,
        lean_library(find_pdk(), "tt", text),
        preset("sky130_tt").vdis_V,
    )


def _sample(layers: tuple[int, ...]) -> tuple[columns.Biases, np.ndarray]:
    return columns.random_case(layers, 1)


def _run(folder: Path) -> Callable[[list[Deck]], list[Result | Failure]]:
    return lambda decks: run_many(decks, jobs=1, folder=folder / "decks", timeout_s=3600.0)


LOOP = ("draw", "drc", "lvs", "extraction", "by_columns")
STAGES = {one.__name__: one for one in (draw, drc, lvs, extraction, by_columns, whole, kpex)}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("layouts", nargs="+", help="layer sizes, as 5-5-5")
    parser.add_argument("--whole", nargs="*", default=[], help="of these, a sample whole as well")
    parser.add_argument("--kpex", nargs="*", default=[], help="of these, the extraction by kpex as well")
    parser.add_argument("--until", choices=LOOP, default=LOOP[-1], help="the last stage of each network")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--folder", type=Path, default=Path("/tmp/loop"))
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.stage:
        STAGES[given.stage](_layers(given.layouts[0]), given.folder)
        return
    found: dict[str, dict[str, Cost]] = {}
    print("network     stage          CPU (s)   wall (s)   memory (MB)", flush=True)
    for name in given.layouts:
        stages = [*LOOP[: LOOP.index(given.until) + 1]]
        stages += [stage for stage in ("whole", "kpex") if name in getattr(given, stage)]
        found[name] = {}
        for stage in stages:
            cost = measured(stage, name, given.folder / name)
            found[name][stage] = cost
            print(
                f"{name:11} {stage:12} {cost.cpu_s:9.2f} {cost.wall_s:10.2f} {cost.memory_MB:13.0f}",
                flush=True,
            )
            write(found, given.out)
    for stage, exponent in exponents(found).items():
        print(f"{stage}: grows as the synapses to the power of {exponent:.2f}")


def write(found: dict[str, dict[str, Cost]], path: Path) -> None:
    """What was measured so far: a network that ends the bench takes nothing of the others with it."""
    networks = {
        name: {stage: asdict(cost) for stage, cost in stages.items()} for name, stages in found.items()
    }
    table = {
        "date": date.today().isoformat(),
        "command": "python bench/loop.py " + " ".join(sys.argv[1:]),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "networks": networks,
        "exponents": exponents(found),
    }
    write_json(path, table)


def measured(stage: str, name: str, folder: Path) -> Cost:
    """What a stage costs; ends the program where it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, __file__, name, "--stage", stage, "--folder", str(folder)]
    began = time.monotonic()
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{name}: {stage} failed; its files are in {folder}")
    return Cost(
        round(used.ru_utime + used.ru_stime, 2), round(time.monotonic() - began, 2), round(used.ru_maxrss / 1024, 1)
    )  # fmt: skip


def exponents(found: dict[str, dict[str, Cost]]) -> dict[str, float]:
    """The slope of log CPU over log synapses between the smallest and the largest network, by stage; a fixed start counts as it is."""
    growth = {}
    for stage in STAGES:
        points = sorted(
            (_synapses(name), costs[stage].cpu_s) for name, costs in found.items() if stage in costs
        )
        if len(points) > 1:
            (few, low_s), (many, high_s) = points[0], points[-1]
            growth[stage] = round(float(np.log(high_s / low_s) / np.log(many / few)), 3)
    return growth


def _layers(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split("-"))


def _synapses(name: str) -> int:
    return sum(a * b for a, b in pairwise(_layers(name)))


if __name__ == "__main__":
    main()
