"""Tapeout: the experiment's network as the tile of a shuttle, with every file that the shuttle takes, checked and extracted."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import Experiment
from nonideal.files import UnreadableFile, read_text, write_json, write_text
from nonideal.runs.rundir import RunDir
from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.tapeout import TapeoutSummary
from nonideal.stages.layout import drawn_topology

if TYPE_CHECKING:
    from nonideal.tapeout.assembly import Chip

EXTRACTION, MAPPING = "pex.json", "mapping.csv"


@dataclass(frozen=True, slots=True)
class Unit:
    """What a unit of a line carries (A), and what it weighs (1)."""

    current_A: float
    weight: float


def units_of(mapping: Path) -> dict[tuple[str, int], Unit]:
    """By polarity and layer, what a unit is in a network that was written back: current and weight over code, of the synapses that are on.

    Raises ``UnreadableFile`` for a file that is no mapping of codes.
    """
    found: dict[tuple[str, int], Unit] = {}
    try:
        for row in csv.DictReader(read_text(mapping).splitlines()):
            code = int(row["code"])
            if code:
                unit = Unit(float(row["current_A"]) / abs(code), float(row["weight"]) / code)
                found["n" if code > 0 else "p", int(row["layer"])] = unit
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableFile(
            f"{mapping} is no mapping of codes ({error!r}): write the network back again (stage netlist)"
        ) from error
    return found


def discharger_current_A(rundir: RunDir) -> float:
    """What a discharger carries, its drain at the reset level, at the bias with which neurons of the run's columns fire as their phase ends.

    Raises ``UnreadableFile`` where the characterisation holds no such curve.
    """
    import numpy as np

    from nonideal.characterize.model import PhysicalModel

    model = PhysicalModel.load(rundir.model)
    vdis_V = model.columns[0].vdis_V if model.columns else model.vdis_V
    at: dict[float, dict[float, float]] = {}
    path = rundir.model.parent / "curves.csv"
    try:
        for row in csv.DictReader(read_text(path).splitlines()):
            if row["bench"] == "discharger":
                here = at.setdefault(float(row["bias_V"]), {})
                here[float(row["membrane_V"])] = float(row["current_A"])
        biases_V = np.array(sorted(at))
        log_A = np.array(
            [
                np.interp(model.v_0_V.value, sorted(at[v]), np.log([at[v][m] for m in sorted(at[v])]))
                for v in biases_V
            ]
        )
        # A parabola of the logarithm through the three nearest: between two, 20 mV apart, a line is 0.1 % off.
        near = np.argsort(np.abs(biases_V - vdis_V))[:3]
        found = np.polynomial.Polynomial.fit(biases_V[near], log_A[near], 2)(vdis_V)
    except (KeyError, ValueError, IndexError, np.linalg.LinAlgError) as error:
        raise UnreadableFile(
            f"{path} has no currents of a discharger ({error!r}): run the stage characterization anew"
        ) from error
    return float(np.exp(found))


def require_tile(experiment: Experiment) -> None:
    """Raise ``ExperimentError`` for an experiment that is to be no tile."""
    if experiment.tapeout is None:
        raise ExperimentError(
            experiment.name,
            [
                "[tapeout] is not there: it says what the tile is called and how large it is (docs/how-to/tapeout.md)"
            ],
        )


def chip_of(experiment: Experiment, rundir: RunDir) -> Chip:
    """The chip of the experiment's written-back network. Raises ``ExperimentError`` for an experiment that is to be no tile."""
    from nonideal.tapeout.assembly import Chip

    require_tile(experiment)
    assert experiment.tapeout is not None
    mapping = rundir.mapping_folder(str(experiment.drawn_mapping)) / MAPPING
    topology = drawn_topology(experiment, rundir)
    units = units_of(mapping)
    return Chip.of(
        experiment.tapeout,
        experiment.circuit,
        topology,
        {line: unit.current_A for line, unit in units.items()},
        {line: unit.weight for line, unit in units.items()},
        discharger_current_A(rundir),
    )


def make_tapeout(work: Work) -> Done:
    """Draw a tile, write its files, check it and extract it; what it breaks is told in its reports, and it does not pass then."""
    from nonideal.circuits.layout.fill import draw_fill
    from nonideal.tapeout.assembly import assemble
    from nonideal.tapeout.behaviour import behaviour_text
    from nonideal.tapeout.checks import check_tile, extract_tile
    from nonideal.tapeout.figures import densities, drops_V, length_um, standard_cells, supply_A
    from nonideal.tapeout.frame import fill_area
    from nonideal.tapeout.tile import draw_tile, kept_empty
    from nonideal.tapeout.write import SCHEMATIC, write_tile

    require_tile(work.experiment)
    options = work.experiment.tapeout
    assert options is not None
    say, folder, top = work.context.console.print, work.folder, options.top
    chip = chip_of(work.experiment, work.rundir)
    say("  the digital side is synthesised, placed and routed; network and generator are drawn")
    tile = assemble(chip, work.rundir.cache / "synthesis")
    text = tile.netlist()
    say("  the parts are joined")
    drawn = draw_tile(tile)
    found = None
    if not work.options.get("no-extraction"):
        say("  the tile is extracted")
        found = extract_tile(
            drawn.block,
            text,
            chip.pinning,
            folder,
            work.rundir.cache / "extraction",
            work.experiment.extraction.sidewall,
        )
        write_text(folder / f"{top}.spice", found.text)
        found.write(folder)
    fill = draw_fill(drawn.block, fill_area(chip.template), kept_empty(tile))
    files = list(write_tile(drawn.block, options, chip.pinning, text, folder))
    say("  rules, netlist and precheck")
    current_A = supply_A(tile, options.clock_Hz)
    checks = check_tile(files[0], folder / SCHEMATIC, text, chip.pinning, 1e3 * current_A)
    files += [folder / name for name in ("drc.json", "drc.lyrdb", "lvs.json", "precheck.json")]
    if found is not None:
        files += [folder / f"{top}.spice", folder / EXTRACTION]
    judged = checks.precheck.rules
    summary = TapeoutSummary(
        top=top,
        tile=options.tile,
        analog_pins=chip.pinning.analog_count,
        devices=checks.lvs.device_count,
        standard_cells=standard_cells(tile),
        drc_violations=checks.drc.count,
        worst_antenna=str(checks.drc.worst_antenna) if checks.drc.worst_antenna else None,
        lvs_matched=checks.lvs.matched,
        precheck_passed=checks.precheck.passed,
        precheck_failed=tuple(one.rule for one in judged if one.state == "fail"),
        precheck_not_run=tuple(one.rule for one in judged if one.state == "not run"),
        wires=len(drawn.wires),
        wire_length_um=length_um(drawn),
        fill=fill,
        density=densities(drawn.block),
        supply_A=current_A,
        drop_V=drops_V(drawn, current_A),
        resistors=None if found is None else len(found.netlist.resistors),
        capacitors=None if found is None else len(found.netlist.capacitors),
    )
    files += write_sheet(chip, summary, folder)
    files.append(folder / f"{top}_model.v")
    write_text(files[-1], behaviour_text(chip))
    files += write_bringup(chip, folder / "bringup")
    return Done(tuple(files), summary, passed=checks.passed)


def write_bringup(chip: Chip, folder: Path) -> list[Path]:
    """What runs on the shuttle's board: the protocol, the board's pins, and what there is to know of this chip."""
    from importlib.resources import files

    from nonideal.tapeout.twin import chip_facts

    names = ("protocol.py", "board.py")
    for name in names:
        text = files("nonideal.tapeout.bringup").joinpath(name).read_text(encoding="utf-8")
        write_text(folder / name, text)
    write_json(folder / "chip.json", chip_facts(chip))
    return [folder / name for name in (*names, "chip.json")]


def write_sheet(
    chip: Chip, summary: TapeoutSummary, folder: Path, accuracy: Mapping[str, str] | None = None
) -> list[Path]:
    """The data sheet, as Markdown and as a page; ``accuracy`` where the tile was simulated."""
    from nonideal.tapeout.datasheet import html, markdown, sheet

    told = {
        "devices": str(summary.devices),
        "violations of design rules": str(summary.drc_violations),
        "layout against netlist": "matches" if summary.lvs_matched else "differs",
        "precheck, rules broken": ", ".join(summary.precheck_failed) or "none",
        "antenna nearest to its limit": summary.worst_antenna or "none",
        "supply current, bound": f"{summary.supply_A * 1e3:.2f} mA",
        "largest drop to a part": f"{max(summary.drop_V.values(), default=0.0) * 1e3:.1f} mV",
    }
    sections = sheet(chip, told, accuracy)
    found = [folder / "datasheet.md", folder / "datasheet.html"]
    for path, text in zip(found, (markdown(sections), html(sections)), strict=True):
        write_text(path, text)
    return found
