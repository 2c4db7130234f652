"""`nonideal yield`."""

from __future__ import annotations

from nonideal.cli import lists
from nonideal.cli.command import Panel, command
from nonideal.cli.options import (
    ChipsOption,
    Common,
    FirstChipOption,
    ForceOption,
    HiddenOption,
    Kind,
    NetlistOption,
    SpiceChipsOption,
    VaryOption,
    with_common,
)
from nonideal.cli.output import finish


@command("nonideal yield --experiment iris --chips 1000 --spice-chips 20", Panel.beside)
@with_common
def chip_yield(
    common: Common,
    *,
    chips: ChipsOption = None,
    first_chip: FirstChipOption = None,
    spice_chips: SpiceChipsOption = None,
    netlist: NetlistOption = Kind.schematic,
    vary: VaryOption = None,
    hidden: HiddenOption = None,
    force: ForceOption = False,
) -> None:
    """Draw chips: what fraction classifies as well as the model, as written and trimmed (yield.csv, yield.png)."""
    from nonideal.stages.explore import vary_from_options

    asked = {
        "chips": chips,
        "first_chip": first_chip,
        "spice_chips": spice_chips,
        "vary": vary_from_options(vary or ()) or None,
        "hidden": None if hidden is None else lists.sizes("--hidden", hidden),
    }
    with common.session(force=force, like=netlist.value, changes={"chips": asked}) as opened:
        outcomes = opened.chips(netlist.value)
    finish(outcomes, common.as_json)
