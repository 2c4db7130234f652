"""All rules of the precheck, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from nonideal.precheck.result import Finding
from nonideal.precheck.rules import (
    analog,
    density,
    drawing,
    lef,
    netlist,
    outline,
    outputs,
    power,
    verilog,
)
from nonideal.precheck.tile import Tile


@dataclass(frozen=True, slots=True)
class PrecheckRule:
    """A rule's name, who asks for it, and the function that judges a tile by it."""

    name: str
    asked_by: Literal["shuttle", "review"]
    check: Callable[[Tile], Finding]


RULES: tuple[PrecheckRule, ...] = (
    PrecheckRule("files", "shuttle", outline.files),
    PrecheckRule("top cell", "shuttle", outline.top_cell),
    PrecheckRule("cell names", "shuttle", outline.cell_names),
    PrecheckRule("boundary", "shuttle", outline.boundary),
    PrecheckRule("tile size", "shuttle", outline.size),
    PrecheckRule("layers", "shuttle", outline.layers),
    PrecheckRule("metal 5", "shuttle", outline.met5),
    PrecheckRule("info.yaml", "shuttle", outline.info),
    PrecheckRule("LEF size", "shuttle", lef.lef_size),
    PrecheckRule("LEF form", "shuttle", lef.lef_form),
    PrecheckRule("LEF pins", "shuttle", lef.lef_pins),
    PrecheckRule("power use", "shuttle", lef.power_use),
    PrecheckRule("obstruction", "shuttle", lef.obstruction),
    PrecheckRule("pins in layout", "shuttle", lef.pins_in_layout),
    PrecheckRule("power stripes", "shuttle", power.stripes),
    PrecheckRule("Verilog", "shuttle", verilog.ports),
    PrecheckRule("analog pins", "shuttle", analog.analog_pins),
    PrecheckRule("outputs", "shuttle", outputs.outputs),
    PrecheckRule("design rules", "shuttle", drawing.design_rules),
    PrecheckRule("grid", "shuttle", drawing.grid),
    PrecheckRule("empty shapes", "shuttle", drawing.empty_shapes),
    PrecheckRule("pins and labels", "shuttle", drawing.pins_and_labels),
    PrecheckRule("urpm", "shuttle", drawing.resistors_by_wells),
    PrecheckRule("antennas", "review", drawing.antennas),
    PrecheckRule("density", "review", density.density),
    PrecheckRule("supply current", "review", power.supply_current),
    PrecheckRule("ESD", "review", analog.esd),
    PrecheckRule("LVS", "review", netlist.lvs),
)
