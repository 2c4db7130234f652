"""`nonideal conditions`."""

from __future__ import annotations

from nonideal.cli.command import Panel, command
from nonideal.cli.options import (
    Common,
    ForceOption,
    KeepSenseOption,
    SpiceOption,
    TemperatureOption,
    V0Option,
    VddOption,
    VsenseOption,
    with_common,
)
from nonideal.cli.output import finish


@command(
    "nonideal conditions --corner tt,ss --temperature -40,27,125 --vdd -0.09,0.09 --spice 3", Panel.beside
)
@with_common
def conditions(
    common: Common,
    *,
    temperature: TemperatureOption = None,
    vdd: VddOption = None,
    v0: V0Option = None,
    vsense: VsenseOption = None,
    spice: SpiceOption = None,
    keep_sense: KeepSenseOption = False,
    force: ForceOption = False,
) -> None:
    """Characterise corners, temperatures and supplies, and try the trained network in each (table.csv, conditions.png)."""
    from dataclasses import replace

    from nonideal.stages.conditions import section_from_options

    supplies = {"vdd": vdd, "v0": v0, "vsense": vsense}
    found = section_from_options(common.corner, temperature, supplies, spice, False if keep_sense else None)
    changes = {"conditions": found}
    # Here corners are what is compared, in one run directory, not where the whole command runs.
    with replace(common, corner=None).session(force=force, like="schematic", changes=changes) as opened:
        outcomes = opened.conditions()
    finish(outcomes, common.as_json)
