"""Our own extractor beside kpex whole: CPU seconds, peak memory, and how far they lie apart.

    python bench/extractors.py 1-1 3-2 5-5-5 [--circuit mask-met4] [--mode RC] [--sidewall full] [--alone]
        [--keep tests/circuits/layout/kpex] [--out /tmp/extractors]

Every layout is drawn and compared (LVS) first. Both extractors run in processes of their own, one after the other. With ``--alone`` kpex is
left out: it takes about a second of CPU for every device, and more on large layouts. ``--keep`` writes what kpex said of a layout, and
the layout's database, where tests read it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nonideal.circuits.design import Design
from nonideal.circuits.extraction import find_kpex
from nonideal.circuits.extraction.agreement import Measured, agreement, measured
from nonideal.circuits.extraction.kpex import run_kpex
from nonideal.circuits.extraction.netlist import Netlist, parse_netlist, read_netlist
from nonideal.circuits.extraction.parasitics import extract_parasitics, find_native, read_technology
from nonideal.circuits.layout.network import network
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.files import write_bytes, write_text

FLAT: dict[str, Any] = {"kind": "mim_met4", "mim_w_um": 19.0, "mim_l_um": 2.5}
CIRCUITS: dict[str, dict[str, Any]] = {
    "pair": {},
    "pair-met4": {"neuron": {"kind": "mim_met4"}},
    "mask-met4": {"synapse": {"kind": "coded", "storage": "mask"}, "neuron": FLAT},
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a process and its children."""

    cpu_s: float
    wall_s: float
    memory_MB: float


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("layouts", nargs="+", help="layer sizes, as 5-5-5")
    parser.add_argument("--circuit", choices=tuple(CIRCUITS), default="pair")
    parser.add_argument("--mode", choices=("CC", "RC"), default="RC")
    parser.add_argument("--sidewall", choices=("full", "halved"), default="full")
    parser.add_argument("--alone", action="store_true", help="leave kpex out")
    parser.add_argument("--keep", type=Path, help="where what kpex said goes")
    parser.add_argument("--out", type=Path, default=Path("/tmp/extractors"))
    parser.add_argument("--one", choices=("nonideal", "kpex"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        extract_one(given.one, Path(given.layouts[0]), given.mode, given.sidewall)
        return
    print(
        "layout        devices  extractor  CPU (s)  wall (s)  memory (MB)       R        C   nets     couplings   resistances"
    )
    design = Design.model_validate(CIRCUITS[given.circuit])
    for layout in given.layouts:
        name = layout if given.circuit == "pair" else f"{layout}-{given.circuit}"
        folder = given.out / name
        folder.mkdir(parents=True, exist_ok=True)
        drawn = draw(tuple(int(part) for part in layout.split("-")), design, folder)
        print(f"{name:12} {drawn[1]:8}  draw, LVS  {drawn[0]:7.1f}")
        cost, ours = run("nonideal", folder, given)
        print(line(name, drawn[1], "nonideal", cost, ours), flush=True)
        if given.alone:
            continue
        cost, theirs = run("kpex", folder, given)
        told = measured(theirs)
        apart = agreement(told, measured(ours))
        print(
            line(name, drawn[1], "kpex", cost, theirs),
            f" {apart.net[0]:.1e}  {1e15 * apart.coupling_F[0]:.1e} fF  {apart.path[0]:.1e}",
            flush=True,
        )
        if given.keep is not None:
            keep(given.keep, name, given.sidewall, folder, theirs, told, cost)


def draw(layers: tuple[int, ...], design: Design, folder: Path) -> tuple[float, int]:
    """CPU seconds, and the number of devices."""
    began = time.process_time()
    gds = write_gds(network(layers, design), folder / "network.gds")
    report = compare(
        gds, schematic(Topology.of(layers, design).opened, design), database=folder / "network.lvsdb.gz"
    )
    report.require_match()
    return time.process_time() - began, report.device_count


def extract_one(extractor: str, folder: Path, mode: Any, sidewall: Any) -> None:
    """In a process of its own: a netlist in the folder."""
    database, netlist = folder / "network.lvsdb.gz", folder / f"{extractor}.spice"
    if extractor == "nonideal":
        # Without what kpex leaves out, for the two are held against each other.
        technology = read_technology(find_native().technology).as_kpex()
        found = extract_parasitics(database, mode=mode, sidewall=sidewall, technology=technology)
        write_text(netlist, found.text())
        return
    made = run_kpex(
        find_kpex(),
        database,
        folder / "kpex",
        mode=mode,
        reduction="none",
        timeout_s=7200.0,
        sidewall=sidewall,
    )
    shutil.copy(made.netlist, netlist)


def run(extractor: str, folder: Path, given: argparse.Namespace) -> tuple[Cost, Netlist]:
    """What an extraction costs, and what it found."""
    command = [
        sys.executable,
        __file__,
        str(folder),
        "--one",
        extractor,
        "--mode",
        given.mode,
        "--sidewall",
        given.sidewall,
    ]
    began = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{extractor} failed on {folder}")
    cost = Cost(used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 1024)
    path = folder / f"{extractor}.spice"
    netlist = (
        read_netlist(path)
        if extractor == "kpex"
        else parse_netlist(path.read_text(encoding="utf-8"), str(path))
    )
    return cost, netlist


def line(name: str, devices: int, extractor: str, cost: Cost, netlist: Netlist) -> str:
    return (
        f"{name:12} {devices:8}  {extractor:9}  {cost.cpu_s:7.1f}  {cost.wall_s:8.1f}  {cost.memory_MB:11.0f}  "
        f"{len(netlist.resistors):6}  {len(netlist.capacitors):7}"
    )


def keep(
    into: Path, name: str, sidewall: str, folder: Path, netlist: Netlist, told: Measured, cost: Cost
) -> None:
    """The layout's database, and what kpex said of it, for `tests/circuits/layout/test_parasitics.py`."""
    content = {
        "made_by": f"klayout-pex {find_kpex().version}, whole, no reduction",
        "sidewall": sidewall,
        "seconds_cpu": round(cost.cpu_s, 1),
        "ports": list(netlist.ports),
        "devices": {device.name: f"{device.model} {device.parameters}" for device in netlist.devices},
        "resistors": len(netlist.resistors),
        "capacitors": len(netlist.capacitors),
        "nets_fF": {net: round(1e15 * value, 9) for net, value in told.nets_F.items()},
        "couplings_fF": [[*pair, round(1e15 * value, 9)] for pair, value in sorted(told.couplings_F.items())],
        "paths_ohm": [[*path, round(value, 9)] for path, value in sorted(told.paths_ohm.items())],
    }
    write_bytes(into / f"{name}.{sidewall}.json.gz", gzip.compress(json.dumps(content).encode(), 9, mtime=0))
    write_bytes(into / f"{name}.lvsdb.gz", (folder / "network.lvsdb.gz").read_bytes())


if __name__ == "__main__":
    main()
