"""Parasitic extraction: a checked netlist with the schematic's ports, and what it holds.

    extraction = extract(database, report, ports, folder=Path("layout"), options=ExtractionOptions(mode="RC"))
    extraction.text                 # SPICE text of `.subckt network`, ports in the schematic's order
    extraction.write(folder)        # network.pex.spice and pex.json

The devices and internal nets carry the schematic's names (`neuron_1_0_misn`, `dendrite_1_0`), a net's further nodes a number
after a dot. Results are kept by content: the same database, options and tools extract nothing again.
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

from circuits.layout.errors import ExtractionFailed
from spice.files import write_whole
from spice.process import Stop

from .check import check_extraction
from .kpex import ExtractorMissing, Kpex, KpexReduction, Mode, find_kpex, run_kpex
from .netlist import Netlist, net_of, read_netlist
from .reduction import NO_REDUCTION, Reduction, reduce

FORMAT = 1

__all__ = [
    "NO_REDUCTION",
    "Extraction",
    "ExtractionFailed",
    "ExtractionOptions",
    "ExtractorMissing",
    "Reduction",
    "extract",
    "find_kpex",
]


@dataclass(frozen=True, slots=True)
class ExtractionOptions:
    """What to extract and how far to reduce it.

    `kpex_reduction` is kpex's own pass; with "none" the reduction here starts from every resistor that was extracted.
    `halo_um` is how far conductors see each other sideways (None: the technology's 8 um). 4 um halves the time and gives
    signal nets 4 to 10 % more capacitance, for kpex then puts what is beyond onto what is near.
    """

    mode: Mode = "RC"
    kpex_reduction: KpexReduction = "none"
    halo_um: float | None = None
    reduction: Reduction = field(default_factory=Reduction)
    timeout_s: float = 1800.0


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
        return self.netlist.text([f"extracted, mode {self.mode}", json.dumps(asdict(self.options.reduction))])

    def to_json(self) -> dict[str, object]:
        return {
            "mode": self.mode,
            "ports": len(self.netlist.ports),
            "devices": len(self.netlist.devices),
            "resistors_extracted": self.raw_resistors,
            "capacitors_extracted": self.raw_capacitors,
            "resistors": len(self.netlist.resistors),
            "capacitors": len(self.netlist.capacitors),
            "net_capacitance_F": self.net_capacitance_F,
            "options": asdict(self.options),
            "tools": self.tools,
            "seconds_cpu": round(self.seconds_cpu, 2),
            "seconds_wall": round(self.seconds_wall, 2),
            "cached": self.cached,
        }

    def write(self, folder: Path) -> None:
        """Write `<cell>.pex.spice` and `pex.json`."""
        write_whole(folder / f"{self.netlist.cell}.pex.spice", self.text.encode())
        write_whole(folder / "pex.json", (json.dumps(self.to_json(), indent=1) + "\n").encode())


def extract(
    database: Path,
    ports: Sequence[str],
    devices: int,
    *,
    folder: Path,
    cache: Path | None = None,
    options: ExtractionOptions | None = None,
    kpex: Kpex | None = None,
    ground: str = "vss",
    stop: Stop | None = None,
) -> Extraction:
    """Extract the parasitics of the layout in an LVS database (see `circuits.lvs.compare`).

    `ports` are the schematic's, in its order; `devices` is how many the LVS found. kpex works in `folder` and leaves its log
    there. With `cache`, what it extracted is kept there and found again by the content of the database, the mode and the tools.
    Raises ExtractionFailed (ExtractorMissing without kpex): nothing half-made is returned or kept.
    """
    options = ExtractionOptions() if options is None else options
    kpex = find_kpex() if kpex is None else kpex
    started = time.perf_counter()
    key = extraction_key(database, options, kpex)
    kept = None if cache is None else cache / f"{key}.spice"
    cached = kept is not None and kept.is_file()
    seconds_cpu = 0.0
    log = None
    if kept is not None and cached:
        written = kept
    else:
        run = run_kpex(
            kpex,
            database,
            folder,
            mode=options.mode,
            reduction=options.kpex_reduction,
            timeout_s=options.timeout_s,
            halo_um=options.halo_um,
            stop=stop,
        )
        written, seconds_cpu, log = run.netlist, run.seconds_cpu, run.log
    try:
        raw = read_netlist(written)
        check_extraction(raw, ports, devices, resistance=options.mode == "RC")
        netlist = replace(reduce(raw, options.reduction, ground), ports=tuple(ports))
        check_extraction(netlist, ports, devices, resistance=False)
    except ExtractionFailed as error:
        raise ExtractionFailed(f"{error} (log: {log or kept})", log) from error
    if kept is not None and not cached:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_whole(kept, raw.text().encode())
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
        tools=tool_versions(kpex),
    )


def net_capacitances(netlist: Netlist) -> dict[str, float]:
    """Total capacitance of every net to all others, in F, by name."""
    totals: dict[str, float] = defaultdict(float)
    for c in netlist.capacitors:
        a, b = net_of(c.a), net_of(c.b)
        if a != b:
            totals[a] += c.value
            totals[b] += c.value
    return dict(sorted(totals.items()))


def _resistors_by_net(netlist: Netlist) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for r in netlist.resistors:
        counts[net_of(r.a)] += 1
    return dict(sorted(counts.items()))


def tool_versions(kpex: Kpex) -> dict[str, str]:
    """Versions of the tools that an extraction depends on."""
    return {"klayout-pex": kpex.version, "klayout": metadata.version("klayout")}


def extraction_key(database: Path, options: ExtractionOptions, kpex: Kpex) -> str:
    """What an extraction is kept under: database content, mode, kpex's reduction and tools."""
    content = database.read_bytes()
    if database.suffix == ".gz":
        content = gzip.decompress(content)
    told = json.dumps([FORMAT, options.mode, options.kpex_reduction, options.halo_um, tool_versions(kpex)])
    return hashlib.sha256(told.encode() + b"\0" + content).hexdigest()
