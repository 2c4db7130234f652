"""`nonideal calibrate`."""

from __future__ import annotations

from nonideal.cli.command import Panel, command
from nonideal.cli.options import ChipOption, Common, ForceOption, Kind, NetlistOption, with_common
from nonideal.cli.output import finish


@command("nonideal calibrate --chip 7", Panel.beside)
@with_common
def calibrate(
    common: Common,
    *,
    chip: ChipOption,
    netlist: NetlistOption = Kind.schematic,
    force: ForceOption = False,
) -> None:
    """Measure chips in SPICE, trim their biases to the converters' steps, and write their netlists."""
    with common.session(force=force, like=netlist.value) as opened:
        outcomes = opened.calibrate(chip, netlist.value)
    finish(outcomes, common.as_json)
