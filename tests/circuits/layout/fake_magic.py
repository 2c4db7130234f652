"""A stand-in for magic that writes netlists in its style."""

from __future__ import annotations

import random
import stat
import sys
from itertools import pairwise
from pathlib import Path

import klayout.db as kdb

from nonideal.circuits.extraction import (
    Extraction,
    ExtractionOptions,
    extract,
    find_magic,
)
from nonideal.circuits.lvs.devices import MIMS
from nonideal.circuits.network.netlist import Topology

TOPOLOGY = Topology((2, 2))
PORTS = TOPOLOGY.ports


def drawn_circuit(database: Path) -> tuple[kdb.LayoutVsSchematic, kdb.Circuit]:
    lvs = kdb.LayoutVsSchematic()
    lvs.read(str(database))
    return lvs, next(iter(lvs.netlist().each_circuit()))


def in_magics_style(database: Path, mode: str, ports: tuple[str, ...] = PORTS) -> str:
    """The layout's netlist as ext2spice writes it: own names, own order, drain and source as they come, star-shaped nets."""
    _lvs, circuit = drawn_circuit(database)
    shuffle = random.Random(1)
    nets = {net.name: net.name for net in circuit.each_net()}
    internal = [name for name in nets if name not in ports]
    nets |= {name: f"a_{17 * i}_n{230 + i}#" for i, name in enumerate(internal)}
    models = {ours: theirs for theirs, ours in MIMS.items()}
    terminals: dict[str, list[str]] = {name: [] for name in nets}
    cards: list[str] = []

    def node(device: kdb.Device, terminal: str) -> str:
        net = device.net_for_terminal(terminal).name
        if mode == "CC":
            return nets[net]
        terminals[net].append(f"{nets[net]}.t{len(terminals[net])}")
        return terminals[net][-1]

    devices = list(circuit.each_device())
    shuffle.shuffle(devices)
    for index, device in enumerate(devices):
        model = device.device_class().name
        if model in models:
            side = device.parameter("A") ** 0.5
            cards.append(
                f"X{index} {node(device, 'B')} {node(device, 'A')} {models[model]} l={side:g} w={side:g}"
            )
            continue
        order = "DGSB" if index % 2 else "SGDB"
        nodes = " ".join(node(device, terminal) for terminal in order)
        width, length = (device.parameter(name) for name in "WL")
        area, around = 0.29 * width, 2 * width + 0.58
        cards.append(
            f"X{index} {nodes} {model} ad={area:g} pd={around:g} as={area:g} ps={around:g} w={width:g} l={length:g}"
        )
    resistors: list[tuple[str, str, float]] = []
    for net, ends in terminals.items():
        hub = f"{nets[net]}.n0"
        resistors += [(hub, end, 12.3 + i) for i, end in enumerate(ends)]
        if ends and net in ports:
            resistors.append((net, hub, 0.0))
    cards += [f"R{i} {a} {b} {ohm:g}" for i, (a, b, ohm) in enumerate(resistors)]
    others = [name for name in nets if name != "vss"]
    where = {name: terminals[name][0] if terminals[name] else nets[name] for name in nets}
    capacitors = [(where[a], where[b], "0.25f") for a, b in pairwise(others)]
    # Below 1 aF magic writes 0; with resistances nets without a name lose theirs to the substrate and the others have it twice.
    capacitors += [(where[a], where[b], "0") for a, b in pairwise(others)]
    substrate = {name: "1.5f" if mode == "CC" else "3f" for name in others if mode == "CC" or name in ports}
    capacitors += [(where[name], "vss", f"{farad} $ **FLOATING") for name, farad in substrate.items()]
    cards += [f"C{i} {a} {b} {farad}" for i, (a, b, farad) in enumerate(capacitors)]
    listed = sorted(ports, key=lambda port: port[::-1])
    head = " ".join(["\n+ " + port if i % 8 == 7 else port for i, port in enumerate(listed)])
    return "\n".join(
        [
            "* NGSPICE file created from network.ext - technology: sky130A",
            "",
            f".subckt network {head}",
            *cards,
            ".ends",
            "",
        ]
    )


FAKE = """#!{python}
import pathlib, sys, time
if sys.argv[1:] == ["--version"]:
    print("{version}")
    sys.exit(0)
out = pathlib.Path("extracted.spice")
PLAIN = {plain!r}
if PLAIN and pathlib.Path.cwd().name == "plain":
    out.write_text(PLAIN)
    sys.exit(0)
script = pathlib.Path(sys.argv[-1]).read_text()
assert sys.argv[1:4] == ["-dnull", "-noconsole", "-rcfile"], sys.argv
assert pathlib.Path("network.flat.gds").is_file()
print("fake magic speaking")
GOOD = {good!r}
{body}
"""
WRITE = "out.write_text(GOOD)"


def fake(
    folder: Path, good: str = "", body: str = WRITE, version: str = "8.3.701", plain: str = ""
) -> dict[str, str]:
    """An environment with a stand-in for magic on PATH, and an empty technology."""
    path = folder / "bin" / "magic"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(FAKE.format(python=sys.executable, version=version, good=good, body=body, plain=plain))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    rcfile = folder / "pdk" / "sky130A" / "libs.tech" / "magic" / "sky130A.magicrc"
    rcfile.parent.mkdir(parents=True, exist_ok=True)
    rcfile.write_text("tech load sky130A.tech\n")
    return {"PATH": str(path.parent), "PDK_ROOT": str(folder / "pdk")}


def extracted(
    folder: Path, drawn: tuple[Path, Path, int], mode: str, good: str, body: str = WRITE, **options: object
) -> Extraction:
    gds, database, devices = drawn
    plain = in_magics_style(database, "CC") if mode == "RC" and body == WRITE else ""
    return extract(
        database, PORTS, devices, folder=folder / "run", cache=folder / "cache", gds=gds,
        magic=find_magic(fake(folder, good, body, plain=plain)),
        options=ExtractionOptions(extractor="magic", mode=mode, sidewall="halved", **options),  # type: ignore[arg-type]
    )  # fmt: skip
