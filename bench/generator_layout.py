"""The bias generator as it is drawn: its area, what wires add, and an inference of network and generator on their extracted layout.

    python bench/generator_layout.py area [--storage latch] [--experiment iris_mask]
    python bench/generator_layout.py extract
    python bench/generator_layout.py inference [--control 0.875] [--samples 1]

A 5-5-5 network of random codes above its generator, drawn, checked (DRC, LVS) and, but for ``area``, extracted with resistances. ``extract``:
capacitances of wires. ``inference``: the network on its running generator, 1 nF on each gate line, beside the same extracted netlist with
ideal sources on V_dis, V_sense and the gate lines, at the levels that the generator holds them at as the inference begins.
``--experiment``: the circuit of that one, in place of the default generator's.
``--control``: the loop's control voltage at the start. What was extracted and simulated is kept in ``--out``; an inference takes minutes.
"""

from __future__ import annotations

import argparse
import random
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.workbench import Workbench
from nonideal.circuits.cells.codes import coded_weights
from nonideal.circuits.design import Design
from nonideal.circuits.drc import check
from nonideal.circuits.extraction import Extraction, ExtractionOptions, extract
from nonideal.circuits.generator.deck import BiasedCircuit
from nonideal.circuits.generator.generator import Generator, line_net
from nonideal.circuits.generator.joined import VDIS, VSENSE, joined_ports, joined_schematic
from nonideal.circuits.generator_layout.joined import joined
from nonideal.circuits.layout.inventory import inventory
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Biases, Circuit, first_rise_s, spike_times_s
from nonideal.experiment.experiment import load_experiment
from nonideal.sky130_models import Corner, find_pdk, lean_library
from nonideal.spice import Cache, Deck, Result, SimulatorOptions

Array = NDArray[np.float64]
LAYERS, SEED = (5, 5, 5), 1
SAMPLES = (
    (0.1, 0.35, 0.6, 0.8, 0.0),
    (0.5, 0.05, 0.85, 0.3, 0.0),
    (0.75, 0.6, 0.2, 0.45, 0.0),
    (0.25, 0.9, 0.4, 0.1, 0.0),
)
MADE = {VDIS: VDIS, VSENSE: VSENSE}
REPLICA, CONTROL = "generator_loop_spike", "generator_control"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("area", "extract", "inference"))
    parser.add_argument("--storage", choices=("mask", "latch"), default="mask")
    parser.add_argument("--experiment")
    parser.add_argument("--control", type=float, default=0.875)
    parser.add_argument("--samples", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("/tmp/generator_layout"))
    given = parser.parse_args()
    if given.experiment is None:
        design = Design.model_validate(
            {"synapse": {"kind": "coded", "storage": given.storage}, "generator": {}}
        )
    else:
        design = load_experiment(given.experiment).circuit
    topology = Topology.of(LAYERS, design)
    if not coded_weights(design.contracts.synapse.storage).latched:
        topology = replace(topology, mask=random_mask(design))
    assert design.generator is not None
    generator = Generator.of(design.generator, design, LAYERS)
    given.out.mkdir(parents=True, exist_ok=True)
    devices = draw(topology, design, generator, given.out)
    if given.what == "area":
        return
    found = extract(
        given.out / "network.lvsdb.gz", joined_ports(topology, generator), devices, folder=given.out, cache=given.out / "cache",
        options=ExtractionOptions(mode="RC"),
    )  # fmt: skip
    if given.what == "extract":
        told(found)
    else:
        inference(topology, design, generator, found, given.control, given.samples, given.out)


def random_mask(design: Design) -> tuple[tuple[tuple[frozenset[str], ...], ...], ...]:
    """Random codes, rather more of them positive."""
    storage, draw_one = coded_weights(design.contracts.synapse.storage), random.Random(SEED)
    return tuple(
        tuple(tuple(frozenset(storage.on(draw_one.randint(-4, 9))) for _ in range(m)) for _ in range(n))
        for m, n in pairwise(LAYERS)
    )


def draw(topology: Topology, design: Design, generator: Generator, folder: Path) -> int:
    """Draw and check; prints areas, returns the number of devices."""
    block = joined(LAYERS, design, mask=topology.mask)
    gds = write_gds(block, folder / "network.gds")
    check(gds, "network").require_clean()
    report = compare(
        gds, joined_schematic(topology, design, generator), "network", folder / "network.lvsdb.gz"
    )
    report.require_match()
    taken = inventory(block)
    told_size = f"{taken.width_um:.1f} x {taken.height_um:.1f} um, {taken.area_um2:.0f} um2"
    print(f"network and generator {told_size}, {report.device_count} devices, DRC clean, LVS matches")
    for name in ("generator", "replica"):
        x0, y0, x1, y1 = block.regions[name]
        print(f"{name:10} {x1 - x0:7.1f} x {y1 - y0:5.1f} um {(x1 - x0) * (y1 - y0):7.0f} um2")
    return report.device_count


def told(found: Extraction) -> None:
    """Print the wires' capacitance of nets that matter."""
    print(f"{found.raw_resistors} resistors, {found.raw_capacitors} capacitors")
    for net, farad in sorted(found.net_capacitance_F.items()):
        if (
            net.endswith(("membrane", "dendrite"))
            or net.startswith(("dendrite_", "gate_", "generator_legs"))
            or net in (*MADE, CONTROL, "generator_middle", "iref", "v0")
        ):
            print(f"{net:32} {1e15 * farad:8.2f} fF")


def inference(
    topology: Topology,
    design: Design,
    generator: Generator,
    found: Extraction,
    control_V: float,
    samples: int,
    folder: Path,
) -> None:
    """Print the spikes on the generator, and how far they lie from those on ideal sources."""
    pdk = find_pdk()
    bench = Workbench(pdk, Corner.tt, SimulatorOptions(), 1, 7200.0, Cache(folder / "simulations"))
    text = schematic(topology, design)
    circuit = Circuit(topology, design, text, lean_library(pdk, Corner.tt, text + generator.text()), 0.0)
    biased = BiasedCircuit(circuit, generator, control_V, layout=found.text)
    lines = [line_net(*one) for one in generator.lines]
    probes = {net: f"v({node(found.text, net)})" for net in (*MADE, REPLICA, CONTROL)} | {
        net: f"v({net})" for net in lines
    }
    differences: list[list[Array]] = []
    for index, sample in enumerate(SAMPLES[:samples]):
        deck = biased.deck(
            f"generator_{index}",
            Biases("m", "", topology.mask),
            np.array(sample),
            bench.simulator,
            tuple(probes.values()),
        )
        (on_generator,) = bench.run_decks([deck], folder / "spice")
        levels = {net: float(np.asarray(on_generator[probes[net]])[0]) for net in (*lines, *MADE)}
        (on_sources,) = bench.run_decks(
            [on_ideal(deck, found.text, levels, f"ideal_{index}")], folder / "spice"
        )
        print(f"sample {index}: " + ", ".join(f"{net} {volts:.4f} V" for net, volts in levels.items()))
        replica, end_V = (
            replica_s(on_generator, probes[REPLICA], circuit),
            np.asarray(on_generator[probes[CONTROL]])[-1],
        )
        print(
            f"  replica {1e9 * replica:.2f} ns, control {control_V:.4f} V at the start, {float(end_V):.4f} V at the end"
        )
        both = [spike_times_s(one, circuit) for one in (on_generator, on_sources)]
        for layer, (a, b) in enumerate(zip(*both, strict=True), start=1):
            print(f"  layer {layer} on the generator (ns): {np.round(1e9 * a, 2).tolist()}")
            print(f"  layer {layer} on sources (ns):       {np.round(1e9 * b, 2).tolist()}")
        differences.append([1e9 * (a - b) for a, b in zip(*both, strict=True)])
    for layer, rows in enumerate(zip(*differences, strict=True), start=1):
        ns = np.concatenate(rows)
        ns = ns[np.isfinite(ns)]
        print(
            f"layer {layer}: rms {np.sqrt(np.mean(ns**2)):.3f} ns, most {np.abs(ns).max():.3f} ns, of {len(ns)} spikes"
        )


def node(netlist: str, net: str) -> str:
    """Any node of an extracted net, from outside."""
    found = re.search(rf"(?<=\s){re.escape(net)}(?:\.[\w.]+)?(?=\s)", netlist)
    if found is None:
        raise ValueError(f"the netlist has no net {net}")
    return f"xnetwork.{found[0]}"


def on_ideal(deck: Deck, netlist: str, levels: dict[str, float], name: str) -> Deck:
    """The same deck with sources on all that the generator makes: V_dis and V_sense become pins."""
    inner = {net: node(netlist, net).removeprefix("xnetwork.") for net in MADE}
    head = re.search(r"\.subckt network.*\n(?:\+.*\n)*", netlist)
    if head is None:
        raise ValueError("the netlist has no cell network")
    opened = f"{head[0]}+ {' '.join(inner.values())}\n".join((netlist[: head.start()], netlist[head.end() :]))
    text = re.sub(r"(?m)^(Xnetwork .*) network$", rf"\1 {' '.join(inner)} network", deck.text)
    for net, volts in levels.items():
        source = f"V{net} {net} 0 {volts:.9g}"
        text = (
            text.replace(".save", f"{source}\n.save", 1)
            if net in inner
            else re.sub(rf"(?m)^C{net} .*$", source, text)
        )
    vectors = deck.vectors
    for net, inside in inner.items():
        text = text.replace(f"v(xnetwork.{inside})", f"v({net})")
        vectors = tuple(vector.replace(f"v(xnetwork.{inside})", f"v({net})") for vector in vectors)
    includes = {file: opened if file.startswith("network") else body for file, body in deck.includes.items()}
    return replace(deck, name=name, text=text, includes=includes, vectors=vectors)


def replica_s(result: Result, vector: str, circuit: Circuit) -> float:
    """When the replica fires, from the start of its phase, in s."""
    begin = circuit.timeline.firing_s(1)
    inside = result.axis >= begin - circuit.design.timing.edge_s
    return (
        first_rise_s(
            result.axis[inside], np.asarray(result[vector], float)[inside], circuit.design.supplies.vdd_V / 2
        )
        - begin
    )


if __name__ == "__main__":
    main()
