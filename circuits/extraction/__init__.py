"""Parasitic extraction: a checked netlist with the schematic's ports, and what it holds.

    extraction = extract(database, report, ports, folder=Path("layout"), options=ExtractionOptions(mode="RC"))
    extraction.text                 # SPICE text of `.subckt network`, ports in the schematic's order
    extraction.write(folder)        # network.pex.spice and pex.json

The devices and internal nets carry the schematic's names (`neuron_1_0_misn`, `dendrite_1_0`), a net's further nodes a number
after a dot. Results are kept by content: the same database, options and tools extract nothing again.

Three extractors: our own (`parasitics/`), with the rules of kpex's sky130A technology; kpex itself, both on the LVS database, the witness, which
takes minutes for our seconds; optionally magic, on the GDS (`magic.py`: tested
with a stand-in only). `compare_dendrites` holds one against the other.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Literal

from nonideal.circuits.errors import CircuitError
from nonideal.circuits.extraction.cache import ExtractionCache
from nonideal.circuits.extraction.check import check_extraction
from nonideal.circuits.extraction.kpex import (
    ExtractorMissing,
    Kpex,
    KpexReduction,
    Mode,
    Run,
    find_kpex,
    is_pinned,
    run_kpex,
)
from nonideal.circuits.extraction.magic import PLAIN, Magic, find_magic, read_magic, run_magic
from nonideal.circuits.extraction.naming import named_after
from nonideal.circuits.extraction.netlist import Netlist, net_of, read_netlist
from nonideal.circuits.extraction.parasitics import Native, find_native
from nonideal.circuits.extraction.parasitics.exchange import read_arrays
from nonideal.circuits.extraction.parasitics.run import run_native
from nonideal.circuits.extraction.progress import Progress, read_progress
from nonideal.circuits.extraction.reduction import NO_REDUCTION, Reduction, reduce
from nonideal.circuits.extraction.spread import with_capacitances_of
from nonideal.circuits.extraction.totals import check_same_totals, net_capacitances
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.circuits.sidewall import DEFAULT, Sidewall, of_magic
from nonideal.files import write_if_changed
from nonideal.spice.process import Stop

FORMAT = 2
Extractor = Literal["nonideal", "kpex", "magic"]
Tool = Kpex | Magic | Native

__all__ = [
    "NO_REDUCTION",
    "Extraction",
    "ExtractionFailed",
    "ExtractionOptions",
    "Extractor",
    "ExtractorMissing",
    "Progress",
    "Reduction",
    "Sidewall",
    "check_convention",
    "compare_dendrites",
    "extract",
    "find_kpex",
    "find_magic",
    "find_native",
    "is_pinned",
    "read_progress",
]


@dataclass(frozen=True, slots=True)
class ExtractionOptions:
    """What to extract and how far to reduce it.

    `sidewall` says how the technology's sidewall coefficients are counted (see `nonideal.circuits.sidewall`). Capacitances of one convention
    are not to be mixed with those of the other: 24 % lie between them on a dendrite.
    `kpex_reduction` is kpex's own pass; with "none" the reduction here starts from every resistor that was extracted.
    `halo_um` is how far conductors see each other sideways (None: the technology's 8 um). 4 um halves the time and gives
    signal nets 4 to 10 % more capacitance, for kpex then puts what is beyond onto what is near. Both are kpex's alone.
    """

    extractor: Extractor = "nonideal"
    mode: Mode = "RC"
    sidewall: Sidewall = DEFAULT
    kpex_reduction: KpexReduction = "none"
    halo_um: float | None = None
    reduction: Reduction = field(default_factory=Reduction)
    timeout_s: float = 1800.0

    def __post_init__(self) -> None:
        if self.extractor != "kpex" and (self.kpex_reduction != "none" or self.halo_um is not None):
            raise ValueError(
                f"kpex_reduction and halo_um are options of kpex: leave them out for {self.extractor}"
            )


@dataclass(frozen=True, slots=True)
class Extraction:
    """An extracted netlist: before the reduction (`raw_*` counts and `net_capacitance_F`) and after it."""

    netlist: Netlist
    mode: Mode
    raw_resistors: int
    raw_capacitors: int
    net_capacitance_F: dict[str, float]
    net_resistors: dict[str, int]
    seconds_cpu: float
    seconds_wall: float
    cached: bool
    options: ExtractionOptions
    tools: dict[str, str]

    @property
    def text(self) -> str:
        """The netlist as SPICE text."""
        return self.netlist.text(
            [
                f"extracted, mode {self.mode}, sidewalls {self.options.sidewall}",
                json.dumps(asdict(self.options.reduction)),
            ]
        )

    @property
    def resistance_ohm(self) -> dict[str, float]:
        """Smallest, median and largest resistor of the netlist; empty without resistors."""
        values = [r.value for r in self.netlist.resistors]
        return {"smallest": min(values), "median": median(values), "largest": max(values)} if values else {}

    def to_json(self) -> dict[str, object]:
        return {
            "extractor": self.options.extractor,
            "mode": self.mode,
            "sidewall": self.options.sidewall,
            "ports": len(self.netlist.ports),
            "devices": len(self.netlist.devices),
            "resistors_extracted": self.raw_resistors,
            "capacitors_extracted": self.raw_capacitors,
            "resistors": len(self.netlist.resistors),
            "capacitors": len(self.netlist.capacitors),
            "resistance_ohm": self.resistance_ohm,
            "net_capacitance_F": self.net_capacitance_F,
            "options": asdict(self.options),
            "tools": self.tools,
            "seconds_cpu": round(self.seconds_cpu, 2),
            "seconds_wall": round(self.seconds_wall, 2),
            "cached": self.cached,
        }

    def write(self, folder: Path) -> None:
        """Write `<cell>.pex.spice` and `pex.json`."""
        write_if_changed(folder / f"{self.netlist.cell}.pex.spice", self.text.encode())
        write_if_changed(folder / "pex.json", (json.dumps(self.to_json(), indent=1) + "\n").encode())


def extract(
    database: Path,
    ports: Sequence[str],
    devices: int,
    *,
    folder: Path,
    cache: Path | None = None,
    options: ExtractionOptions | None = None,
    kpex: Kpex | None = None,
    magic: Magic | None = None,
    native: Native | None = None,
    gds: Path | None = None,
    ground: str = "vss",
    stop: Stop | None = None,
) -> Extraction:
    """Extract the parasitics of the layout in an LVS database (see `nonideal.circuits.lvs.compare`).

    `ports` are the schematic's, in its order; `devices` is how many the LVS found. The extractor works in `folder` and leaves
    its log there. With `cache`, what it extracted is kept there and found again by the content of the database, the mode and
    the tools. Magic extracts `gds`, the file that the LVS read, whose top cell has the name of the database's circuit.
    Raises ExtractionFailed (ExtractorMissing without the extractor): nothing half-made is returned or kept.
    """
    options = ExtractionOptions() if options is None else options
    if (options.extractor == "magic") != (gds is not None):
        raise ValueError("magic extracts a GDS file, the others none: give gds with it and not with them")
    tool = _tool(options, kpex, magic, native)
    check_convention(tool, options.sidewall)
    started = time.perf_counter()
    key = extraction_key(database, options, tool, gds)
    kept = None if cache is None else ExtractionCache(cache)
    raw = None if kept is None else kept.get(key)
    cached = raw is not None
    seconds_cpu, where = 0.0, None if kept is None else kept.path(key)
    log = None
    if raw is None:
        run = _run(tool, database, gds, folder, options, stop)
        seconds_cpu, log = run.seconds_cpu, run.log
    try:
        if raw is None:
            raw = _read(tool, run)
        check_extraction(raw, ports, devices, resistance=options.mode == "RC")
        if gds is not None and not cached:
            raw = named_after(raw, database)
            if options.mode == "RC":
                plain = read_magic(run.netlist.parent / PLAIN / run.netlist.name)
                check_extraction(plain, ports, devices, resistance=False)
                plain = named_after(plain, database)
                raw = with_capacitances_of(plain, raw, ground)
                check_same_totals(plain, raw, "without resistances", "with them")
        netlist = replace(reduce(raw, options.reduction, ground), ports=tuple(ports))
        check_extraction(netlist, ports, devices, resistance=False)
        check_same_totals(raw, netlist, "extracted", "reduced", but=ground)
        other = _of_other_mode(kept, database, options, tool, gds)
        if other is not None:
            check_same_totals(other, raw, "the other mode's extraction", f"that of mode {options.mode}")
    except ExtractionFailed as error:
        kept_at = log or where
        raise ExtractionFailed(f"{error} (log: {kept_at})" if kept_at else str(error), log) from error
    if kept is not None and not cached:
        kept.put(key, raw)
    return Extraction(
        netlist=netlist,
        mode=options.mode,
        raw_resistors=len(raw.resistors),
        raw_capacitors=len(raw.capacitors),
        net_capacitance_F=net_capacitances(raw),
        net_resistors=_resistors_by_net(raw),
        seconds_cpu=seconds_cpu,
        seconds_wall=time.perf_counter() - started,
        cached=cached,
        options=options,
        tools=tool_versions(tool),
    )


def check_convention(tool: Tool, sidewall: Sidewall) -> None:
    """Raise CircuitError unless the extractor can count sidewalls so; the pinned kpex and our own can do both."""
    if isinstance(tool, Native):
        return
    if isinstance(tool, Kpex):
        if is_pinned(tool) or sidewall == "halved":
            return
        told, own = f"{tool.path} ({tool.version}) is not the pinned kpex beside this Python", "halved"
    else:
        own = of_magic(tuple(map(int, tool.version.split("."))))
        if own == sidewall:
            return
        told = f"magic {tool.version} counts sidewalls {own}"
    raise CircuitError(
        f'extraction.sidewall = "{sidewall}": {told}; set it to "{own}" for columns and network alike, or extract with the pinned kpex'
    )


def _of_other_mode(
    kept: ExtractionCache | None,
    database: Path,
    options: ExtractionOptions,
    tool: Tool,
    gds: Path | None,
) -> Netlist | None:
    """What was extracted of the same layout in the other mode, C for RC, where it is kept."""
    if kept is None:
        return None
    other = replace(options, mode="RC" if options.mode == "CC" else "CC")
    return kept.get(extraction_key(database, other, tool, gds))


def _tool(options: ExtractionOptions, kpex: Kpex | None, magic: Magic | None, native: Native | None) -> Tool:
    if options.extractor == "magic":
        return find_magic() if magic is None else magic
    if options.extractor == "nonideal":
        return find_native() if native is None else native
    return find_kpex() if kpex is None else kpex


def _run(
    tool: Tool,
    database: Path,
    gds: Path | None,
    folder: Path,
    options: ExtractionOptions,
    stop: Stop | None,
) -> Run:
    if isinstance(tool, Kpex):
        return run_kpex(
            tool,
            database,
            folder,
            mode=options.mode,
            reduction=options.kpex_reduction,
            timeout_s=options.timeout_s,
            sidewall=options.sidewall,
            halo_um=options.halo_um,
            stop=stop,
        )
    if isinstance(tool, Native):
        return run_native(
            tool,
            database,
            folder,
            mode=options.mode,
            sidewall=options.sidewall,
            timeout_s=options.timeout_s,
            stop=stop,
        )
    if gds is None:
        raise ValueError("magic extracts a GDS file")
    return run_magic(tool, gds, folder, mode=options.mode, timeout_s=options.timeout_s, stop=stop)


def _read(tool: Tool, run: Run) -> Netlist:
    if isinstance(tool, Native):
        try:
            return read_arrays(run.netlist)
        finally:
            run.netlist.unlink(missing_ok=True)
    return read_netlist(run.netlist) if isinstance(tool, Kpex) else read_magic(run.netlist)


def compare_dendrites(kpex: Extraction, magic: Extraction) -> dict[str, float]:
    """How much more capacitance kpex gives each dendrite than magic, relative to magic; kpex was some 10 % above.

    The capacitances are those of the wires, without the devices' own. Raises ExtractionFailed unless both extracted the same
    dendrites.
    """
    theirs, ours = (
        {net: farad for net, farad in found.net_capacitance_F.items() if net.startswith("dendrite_")}
        for found in (magic, kpex)
    )
    if set(theirs) != set(ours) or not ours:
        raise ExtractionFailed(f"kpex extracted the dendrites {sorted(ours)}, magic {sorted(theirs)}")
    return {net: (ours[net] - theirs[net]) / theirs[net] for net in sorted(ours)}


def _resistors_by_net(netlist: Netlist) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for r in netlist.resistors:
        counts[net_of(r.a)] += 1
    return dict(sorted(counts.items()))


def tool_versions(tool: Tool) -> dict[str, str]:
    """Versions of the tools that an extraction depends on."""
    klayout = {"klayout": metadata.version("klayout")}
    if isinstance(tool, Native):
        return {"nonideal": tool.sources_sha256, "sky130A": tool.technology_sha256} | klayout
    if isinstance(tool, Kpex):
        return {"klayout-pex": tool.version} | klayout
    return {"magic": tool.version, tool.pdk: tool.technology_sha256} | klayout


def extraction_key(database: Path, options: ExtractionOptions, tool: Tool, gds: Path | None = None) -> str:
    """What an extraction is kept under: content of database (and GDS, for magic), mode, kpex's reduction and tools."""
    content = database.read_bytes()
    if database.suffix == ".gz":
        content = gzip.decompress(content)
    if gds is not None:
        content += hashlib.sha256(gds.read_bytes()).digest()
    what: list[object] = [FORMAT, options.mode, options.sidewall, options.kpex_reduction, options.halo_um]
    what.append(tool_versions(tool))
    told = json.dumps(what)
    return hashlib.sha256(told.encode() + b"\0" + content).hexdigest()
