"""Layout of a network: drawn, checked against rules and netlist, its parasitics extracted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from nonideal.circuits.design import Design
from nonideal.experiment.errors import BadOption, RequirementMissing
from nonideal.experiment.experiment import Experiment
from nonideal.files import read_text, write_csv
from nonideal.runs.pulse import minutes
from nonideal.runs.rundir import EXTRACTED, RunDir
from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.layout import CheckSeconds, ExtractionSummary, LayoutSummary

if TYPE_CHECKING:
    from nonideal.circuits.extraction import Extraction
    from nonideal.circuits.network.netlist import Topology

MODES = {"pex-c": "CC", "pex-rc": "RC"}
"""Netlist kind -> what is extracted."""
DATABASE, PINS = "network.lvsdb.gz", "pins.csv"
LAYOUT_FILES = (
    "network.gds",
    "network.lyp",
    "layout.png",
    "drc.json",
    "drc.lyrdb",
    "lvs.json",
    DATABASE,
    PINS,
)
"""What a drawn and checked network is."""
EXTRACTED_FILES = (EXTRACTED, "pex.json")
LARGE_FOR_KPEX = 600
"""Devices: a layout of so many takes kpex 4 minutes and 3 GB."""
LARGE_LIMIT_S = 4 * 3600.0
LEAST_PART = 0.03
"""Before this part of an extraction is done nothing is said of the time left."""
SECONDS_A_DEVICE, GIGABYTES_A_DEVICE = 0.35, 0.0045
"""kpex on a whole layout, capacitances alone, on a free core."""


def layout_options(
    netlist: str, extractor: str | None = None, *, override: bool = False
) -> dict[str, str | bool]:
    """The layout stage's options; without ``extractor`` it is the experiment's affair.

    An extractor is looked for first, for a run without it must not replace results. Raises ``BadOption`` where nothing is extracted,
    ``RequirementMissing`` where the extractor is not there.
    """
    options: dict[str, str | bool] = {"netlist": netlist, "override": override}
    if extractor is None:
        return options
    if netlist not in MODES:
        raise BadOption(
            f"--extractor {extractor}: nothing is extracted from the schematic; ask for pex-c or pex-rc"
        )
    return options | {"extractor": str(extractor)} | require_extractor(extractor)


def require_extractor(extractor: str) -> dict[str, str]:
    """Raise ``RequirementMissing`` where an extractor is not there; what tells one of its versions from another, where that is an option."""
    from nonideal.circuits.extraction import ExtractorMissing, find_kpex, find_magic, find_native

    try:
        if extractor == "magic":
            return {"magic": find_magic().version}
        if extractor == "nonideal":
            find_native()
        else:
            find_kpex()
    except ExtractorMissing as error:
        raise RequirementMissing(str(error)) from error
    return {}


def extractor_of(options: Mapping[str, Any], experiment: Experiment) -> str:
    """The extractor that the options name, else the experiment's."""
    return str(options.get("extractor") or experiment.extraction.extractor)


@dataclass(frozen=True, slots=True)
class Checked:
    """A drawn and checked layout: its files and what was found."""

    files: tuple[Path, ...]
    summary: LayoutSummary
    passed: bool


def draw_and_check(topology: Topology, design: Design, folder: Path, *, override: bool) -> Checked:
    """Draw a network, with its mask where it has one, check it (DRC, LVS), and write GDS, layer properties, table of pins, picture and
    both reports into ``folder``.

    A violation or mismatch raises ``DrcFailed`` or ``LvsFailed`` once the reports are written; with ``override`` it only
    counts as not passed.
    """
    from nonideal.circuits.drc import check
    from nonideal.circuits.errors import CircuitError
    from nonideal.circuits.layout.inventory import inventory
    from nonideal.circuits.layout.mask import mask_differences
    from nonideal.circuits.layout.network import network
    from nonideal.circuits.layout.picture import write_picture
    from nonideal.circuits.layout.write import write_gds, write_layer_properties
    from nonideal.circuits.lvs import compare
    from nonideal.circuits.network.netlist import schematic
    from nonideal.circuits.network.pins import pins_table

    if design.cells:
        raise CircuitError(
            f"circuit.cells replaces {', '.join(design.cells)}: only our own cells can be drawn; validate on the schematic netlist"
        )
    layers = topology.layers
    block = network(layers, design, mask=topology.mask)
    gds = write_gds(block, folder / "network.gds")
    write_layer_properties(folder / "network.lyp")
    write_csv(folder / PINS, pins_table(topology, design))
    write_picture(gds, folder / "network.lyp", folder / "layout.png")
    drc = check(gds, "network")
    drc.write(folder / "drc.json")
    drc.write_markers(folder / "drc.lyrdb")
    lvs = compare(gds, schematic(topology, design), "network", folder / DATABASE)
    if topology.mask is not None and not lvs.matched:
        ties = design.contracts.synapse.storage.ties
        lvs = lvs.with_differences(mask_differences(gds, block, ties, topology.mask))
    lvs.write(folder / "lvs.json")
    if not override:
        drc.require_clean()
        lvs.require_match()
    taken = inventory(block)
    summary = LayoutSummary(
        layers=layers,
        cell=taken.cell,
        area_um2=round(taken.area_um2, 2),
        width_um=round(taken.width_um, 3),
        height_um=round(taken.height_um, 3),
        cells=taken.cells,
        regions_um={name: tuple(box) for name, box in taken.regions_um.items()},
        devices=lvs.device_count,
        drc_violations=drc.count,
        drc_rules=len(drc.rules),
        worst_antenna=str(drc.worst_antenna) if drc.worst_antenna else None,
        lvs_matched=lvs.matched,
        override=override,
        seconds=CheckSeconds(drc=round(drc.seconds, 3), lvs=round(lvs.seconds, 3)),
    )
    return Checked(tuple(folder / name for name in LAYOUT_FILES), summary, drc.clean and lvs.matched)


def drawn_topology(experiment: Experiment, rundir: RunDir) -> Topology:
    """The experiment's network as it is drawn: with the mask of its mapping's netlist, where weights are one.

    Raises ``MappingError``, ``ExperimentError``.
    """
    from nonideal.circuits.network.biases import mask_in
    from nonideal.circuits.network.netlist import Topology

    topology, mapping = Topology.of(experiment.training.layers, experiment.circuit), experiment.drawn_mapping
    if mapping is None:
        return topology
    return mask_in(read_text(rundir.mapping_folder(mapping) / "network.spice"), topology)


def layout_network(work: Work) -> Done:
    """The experiment's network: drawn, checked and, where an extracted netlist is wanted, extracted."""
    topology = drawn_topology(work.experiment, work.rundir)
    kind = str(work.options.get("netlist", "schematic"))
    checked = draw_and_check(
        topology, work.experiment.circuit, work.folder, override=bool(work.options.get("override"))
    )
    files, summary = list(checked.files), checked.summary
    if kind in MODES:
        with extracting(work, kind, summary.devices) as extract:
            found = extract(topology, work.folder, summary.devices)
        files += found.files
        summary = summary.model_copy(update={"extraction": found.summary})
    return Done(tuple(files), summary, passed=checked.passed)


@dataclass(frozen=True, slots=True)
class Extracted:
    """The files of an extraction, and what was found."""

    files: tuple[Path, ...]
    summary: ExtractionSummary


@contextmanager
def extracting(work: Work, kind: str, most: int = 0) -> Iterator[Callable[[Topology, Path, int], Extracted]]:
    """``extract(topology, folder, devices)`` for layouts drawn in ``folder``, from any thread; leaving ends what still runs.

    kpex has a longer time limit where ``most`` devices are more than LARGE_FOR_KPEX, and it is said what such a layout costs.
    """
    from nonideal.circuits.extraction import ExtractionOptions, extract

    extractor: Any = extractor_of(work.options, work.experiment)
    mode: Any = MODES[kind]
    options = ExtractionOptions(extractor=extractor, mode=mode, sidewall=work.experiment.extraction.sidewall)
    if extractor == "kpex" and most > LARGE_FOR_KPEX:
        options = replace(options, timeout_s=LARGE_LIMIT_S)
    stop, running = Event(), dict[Path, float]()
    work.context.console.print(
        f"  {extractor} extracts the parasitics ({kind}); kept by content for the next time"
    )

    def extract_one(topology: Topology, folder: Path, devices: int) -> Extracted:
        if extractor == "kpex" and devices > LARGE_FOR_KPEX:
            work.context.console.print(f"  {devices} devices: {_expected(devices, options.timeout_s)}")
        running[folder / extractor] = time.monotonic()
        found = extract(
            folder / DATABASE,
            topology.ports,
            devices,
            folder=folder / extractor,
            cache=work.rundir.cache / "extraction",
            options=options,
            gds=folder / "network.gds" if extractor == "magic" else None,
            stop=stop,
        )
        running.pop(folder / extractor)
        found.write(folder)
        return Extracted((folder / EXTRACTED, folder / "pex.json"), _told(found, work.experiment.circuit))

    try:
        with work.context.waiting(extractor, options.timeout_s, lambda: progress_of(dict(running), mode)):
            yield extract_one
    finally:
        stop.set()


def progress_of(running: Mapping[Path, float], mode: str) -> str:
    """How far the extractions in these folders, which have their extractors' names, are, from when each began; "" while none tells.

    The time left is by the usual share of the stages: an estimate.
    """
    from nonideal.circuits.extraction import read_progress

    told = []
    for folder, began in running.items():
        found = read_progress(folder, folder.name, mode)
        if found is None:
            continue
        place = f"{folder.parent.parent.name}/{folder.parent.name}"
        line = f"{place}: {found.stage}, {100 * found.part:.0f} %"
        elapsed_s = time.monotonic() - began
        if LEAST_PART < found.part < 1:
            line += f", about {minutes(elapsed_s / found.part * (1 - found.part))} left"
        told.append(line)
    return ", ".join(told)


def _expected(devices: int, limit_s: float) -> str:
    """What kpex needs for a large layout."""
    minutes, gigabytes = devices * SECONDS_A_DEVICE / 60, devices * GIGABYTES_A_DEVICE
    return (
        f"kpex will take some {minutes:.0f} minutes and {gigabytes:.0f} GB, {limit_s / 60:.0f} minutes at most; "
        "leave --extractor out for the default one, which takes seconds, by kpex's rules"
    )


def _told(found: Extraction, design: Design) -> ExtractionSummary:
    nets, neuron = found.net_capacitance_F, design.contracts.neuron
    membrane = neuron.inner("membrane")
    dendrites = [farad for net, farad in nets.items() if net.startswith("dendrite_")]
    inside = [farad for net, farad in nets.items() if net.endswith(f"_{membrane}")]
    # A neuron without isolation has its dendrite for its membrane.
    membranes = dendrites if membrane in neuron.names else inside
    return ExtractionSummary(
        extractor=found.options.extractor,
        mode=found.mode,
        sidewall=found.options.sidewall,
        resistors_extracted=found.raw_resistors,
        capacitors_extracted=found.raw_capacitors,
        resistors=len(found.netlist.resistors),
        capacitors=len(found.netlist.capacitors),
        dendrite_F=(min(dendrites), max(dendrites)),
        membrane_F=(min(membranes), max(membranes)),
        cached=found.cached,
        seconds_cpu=round(found.seconds_cpu, 1),
    )
