"""`nonideal conditions`."""

from __future__ import annotations

from nonideal.cli.command import Panel, command
from nonideal.cli.options import (
    Common,
    ForceOption,
    KeepSenseOption,
    SpiceOption,
    TemperatureOption,
    with_common,
)
from nonideal.cli.output import finish


@command("nonideal conditions --corner tt,ss --temperature -40,27,125 --spice 3", Panel.beside)
@with_common
def conditions(
    common: Common,
    *,
    temperature: TemperatureOption = None,
    spice: SpiceOption = None,
    keep_sense: KeepSenseOption = False,
    force: ForceOption = False,
) -> None:
    """Characterise corners and temperatures, and try the trained network in each (table.csv, conditions.png)."""
    from dataclasses import replace

    from nonideal.stages.conditions import section_from_options

    changes = {
        "conditions": section_from_options(common.corner, temperature, spice, False if keep_sense else None)
    }
    # Here corners are what is compared, in one run directory, not where the whole command runs.
    with replace(common, corner=None).session(force=force, like="schematic", changes=changes) as opened:
        outcomes = opened.conditions()
    finish(outcomes, common.as_json)
