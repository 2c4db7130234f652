"""The extractor magic, run as a process of its own on the GDS: a second opinion beside kpex, some 50 times faster.

TESTED WITH A STAND-IN ONLY: a program that writes netlists in magic's style, with what foreign runs of magic 8.3.677 on our layouts
were seen to do. On a machine that has magic and the sky130A technology, `tests/circuits/layout/test_magic.py` holds it against kpex.

Magic reads the GDS, not the LVS database, so it gets a flat copy: its device recognition works cell by cell and would miss
a device whose implant lies in another cell, and its resistances do not cross cells. Its netlist has names of its own
(`X12`, `a_120_n34#`); `naming.py` gives devices and internal nets those of the schematic, after the LVS database, and devices the
areas and perimeters of the drains and sources that are drawn: magic gives a dummy, both of whose ends are one net, all of that net's.

Capacitances are those of the extraction without resistances, in both modes. Its `extresist` drops the substrate capacitance of
nets without a name and counts that of the others twice, so of the run with resistances only those are taken (`spread.py`).

Not `ext2spice lvs`: with it the capacitors between ports and substrate go missing without a word.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import klayout.db as kdb

from nonideal.circuits.extraction.kpex import ExtractorMissing, Mode, Run, with_tail
from nonideal.circuits.extraction.netlist import Device, Element, Netlist, net_of, read_netlist
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.spice.number import number
from nonideal.spice.process import Stop, clean_environment, supervise

LEAST = (8, 3, 677)
"""The oldest that our layouts were held against. It counts sidewalls in full, those from 8.3.679 on half: see `sidewall.py`."""
PDK = "sky130A"
VERSION_TIMEOUT_S = 60.0
PLAIN = "plain"
"""The folder of the extraction without resistances, within that of the one with them."""
NETLIST, FLAT, SCRIPT, LOG = "extracted.spice", "network.flat.gds", "magic.tcl", "magic.log"
SHORT_OHM = 1e-3
"""What a resistor of 0 ohm becomes."""


@dataclass(frozen=True, slots=True)
class Magic:
    """An installed magic and its technology; `technology_sha256` is of the start-up and technology files."""

    path: Path
    version: str
    pdk_root: Path
    pdk: str
    technology_sha256: str

    @property
    def rcfile(self) -> Path:
        return _rcfile(self.pdk_root, self.pdk)


def find_magic(environ: Mapping[str, str] | None = None) -> Magic:
    """Magic on PATH, with the technology of PDK (sky130A unless set) below PDK_ROOT; raises ExtractorMissing."""
    environ = os.environ if environ is None else environ
    pdk_root, pdk = environ.get("PDK_ROOT", ""), environ.get("PDK") or PDK
    missing: list[str] = []
    if not pdk_root:
        missing.append("PDK_ROOT is not set")
    elif not _rcfile(Path(pdk_root), pdk).is_file():
        missing.append(f"there is no {_rcfile(Path(pdk_root), pdk)} (PDK_ROOT = {pdk_root}, PDK = {pdk})")
    found = shutil.which("magic", path=environ.get("PATH", ""))
    version: tuple[int, ...] | None = None
    if found is None:
        missing.append("no magic on PATH")
    else:
        version = _version(found)
        if version is None:
            missing.append(f"{found} --version names no version")
        elif version < LEAST:
            missing.append(f"{found} is {_dotted(version)}, too old")
    if missing or found is None or version is None:
        raise ExtractorMissing(
            f"the extractor magic needs magic >= {_dotted(LEAST)} on PATH and a PDK's libs.tech/magic below PDK_ROOT: "
            f"{'; '.join(missing)}. Install them, or extract with kpex"
        )
    rcfile = _rcfile(Path(pdk_root), pdk)
    content = hashlib.sha256()
    for path in (rcfile, rcfile.with_suffix(".tech")):
        content.update(path.read_bytes() if path.is_file() else b"\0")
    return Magic(Path(found), _dotted(version), Path(pdk_root), pdk, content.hexdigest())


def _rcfile(pdk_root: Path, pdk: str) -> Path:
    return pdk_root / pdk / "libs.tech" / "magic" / f"{pdk}.magicrc"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _version(program: str) -> tuple[int, ...] | None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "version"
        supervise(
            [program, "--version"],
            Path(folder),
            log,
            VERSION_TIMEOUT_S,
            environ=clean_environment(Path(folder)),
        )
        match = re.search(r"(\d+)\.(\d+)\.(\d+)", log.read_text(encoding="utf-8", errors="replace"))
    return None if match is None else tuple(map(int, match.groups()))


def run_magic(
    magic: Magic, gds: Path, folder: Path, *, mode: Mode, timeout_s: float, stop: Stop | None = None
) -> Run:
    """Extract the top cell of a GDS file into a folder; raises ExtractionFailed with the log's last lines.

    Mode RC extracts without resistances too, into the folder PLAIN within. The script stays beside the log; its first lines
    say how to run it by hand.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if mode == "RC":
        plain = run_magic(magic, gds, folder / PLAIN, mode="CC", timeout_s=timeout_s, stop=stop)
    netlist, script, log = folder / NETLIST, folder / SCRIPT, folder / LOG
    cell = _write_flat(gds, folder / FLAT)
    for left in (netlist, folder / f"{cell}.ext", folder / f"{cell}.res.ext"):
        left.unlink(missing_ok=True)
    script.write_text(script_text(magic, cell, folder.resolve(), mode), encoding="utf-8")
    command = [
        str(magic.path), "-dnull", "-noconsole", "-rcfile", str(magic.rcfile.resolve()), str(script.resolve()),
    ]  # fmt: skip
    root = magic.pdk_root.resolve()
    environ = clean_environment(
        folder.resolve(), PDK_ROOT=str(root), PDK=magic.pdk, PDKPATH=str(root / magic.pdk)
    )
    ended = supervise(command, folder, log, timeout_s, environ=environ, stop=stop)
    if ended.timed_out:
        raise ExtractionFailed(with_tail(f"magic was not done after {timeout_s:g} s", log), log)
    if ended.limit is not None:
        raise ExtractionFailed(with_tail(f"magic: {ended.limit}", log), log)
    if ended.code != 0 or not netlist.is_file():
        what = f"ended with code {ended.code}" if ended.code else "wrote no netlist"
        raise ExtractionFailed(with_tail(f"magic {what}", log), log)
    before = (plain.seconds_cpu, plain.seconds_wall) if mode == "RC" else (0.0, 0.0)
    return Run(netlist, log, before[0] + ended.seconds_cpu, before[1] + ended.seconds_wall)


def script_text(magic: Magic, cell: str, folder: Path, mode: Mode) -> str:
    """The Tcl script. Many of magic's commands print an error and go on: what must be there is looked at by name."""
    made = [f"{cell}.ext", NETLIST] + ([f"{cell}.res.ext"] if mode == "RC" else [])
    environ = [f"PDK_ROOT={magic.pdk_root.resolve()}", f"PDK={magic.pdk}"]
    options = ["-dnull", "-noconsole", "-rcfile", str(magic.rcfile.resolve()), str(folder / SCRIPT)]
    by_hand = shlex.join(["env", *environ, "magic", *options])
    # Without `extract do resistance` a net's lumped resistance is 0, which is not above any threshold. It runs extresist
    # with the extraction; where it did not, extresist runs here. threshold and minres are in mohm, mindelay in ps.
    resistances = (
        "extract no resistance"
        if mode == "CC"
        else "extract do resistance\nextresist threshold 0\nextresist minres 1\nextresist mindelay 0"
    )
    networks = (
        "ext2spice extresist off"
        if mode == "CC"
        else f"if {{![file isfile {cell}.res.ext]}} {{extresist}}\next2spice extresist on"
    )
    return f"""\
# Parasitics of {cell}, mode {mode}. By hand:
# {by_hand}
if {{[catch {{
cd {_word(str(folder))}
crashbackups stop
drc off
if {{![string equal [tech name] {_word(magic.pdk)}]}} {{error "the technology is [tech name], not {magic.pdk}"}}
gds read {FLAT}
if {{[cellname list exists {cell}] eq "0"}} {{error "{FLAT} has no cell {cell}"}}
load {cell}
select top cell
extract do local
extract do capacitance
extract do coupling
{resistances}
extract all
ext2spice format ngspice
ext2spice scale off
ext2spice merge none
ext2spice hierarchy off
ext2spice subcircuit top on
ext2spice cthresh 0
ext2spice rthresh infinite
{networks}
ext2spice -o {NETLIST}
foreach made {{{" ".join(made)}}} {{
    if {{![file isfile $made]}} {{error "magic wrote no $made"}}
}}
}} message]}} {{
puts stderr "extraction failed: $message"
exit 1
}}
exit 0
"""


def _word(text: str) -> str:
    """One Tcl word, every character that could mean something escaped."""
    return re.sub(r"([^\w./+-])", r"\\\1", text)


def _write_flat(gds: Path, path: Path) -> str:
    """Write the top cell of a GDS file without hierarchy; its name."""
    layout = kdb.Layout()
    layout.read(str(gds))
    tops = layout.top_cells()
    if len(tops) != 1:
        raise ExtractionFailed(f"{gds} has {len(tops)} top cells instead of one")
    tops[0].flatten(True)
    options = kdb.SaveLayoutOptions()
    options.format = "GDS2"
    options.gds2_write_timestamps = False
    layout.write(str(path), options)
    return tops[0].name


def read_magic(path: Path) -> Netlist:
    """Magic's netlist, its sizes in um, um2 and its ports those of the layout. Capacitors below 1 aF, which it writes as 0, are left out.

    A net with resistance has nodes `<net>.t0`, `<net>.n1`. Some versions export such nodes as ports; ports here hold no dot.
    """
    found = read_netlist(path)
    return replace(
        found,
        ports=tuple(port for port in found.ports if net_of(port) == port),
        devices=tuple(_sized(device) for device in found.devices),
        resistors=tuple(Element(r.a, r.b, r.value or SHORT_OHM) for r in found.resistors),
        capacitors=tuple(c for c in found.capacitors if c.value != 0),
    )


def _sized(device: Device) -> Device:
    """Sizes without unit are in um and um2, as are those with the scale of an older style (`w=1e+06u`); `1u` is in m."""
    sizes: list[str] = []
    for assignment in device.parameters.split():
        name, _, text = assignment.partition("=")
        try:
            value = number(text)
        except ValueError as error:
            raise ExtractionFailed(f"device {device.name}: {assignment} is no size") from error
        key = name.lower()
        if key in ("w", "l", "pd", "ps") and 0 < value < 1e-3:
            value *= 1e6
        elif key in ("ad", "as") and 0 < value < 1e-6:
            value *= 1e12
        sizes.append(f"{key}={value:.6g}")
    return replace(device, parameters=" ".join(sizes))
