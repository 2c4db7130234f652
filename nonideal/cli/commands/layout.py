"""`nonideal layout`."""

from __future__ import annotations

from nonideal.cli.command import Panel, command
from nonideal.cli.options import (
    Common,
    ExtractorOption,
    ForceOption,
    Kind,
    LayersOption,
    NetlistOption,
    OutFolderOption,
    OverrideOption,
    with_common,
)
from nonideal.cli.output import console, finish, print_json


@command("nonideal layout --layers 32,32 --out layouts/32x32", Panel.loop)
@with_common
def layout(
    common: Common,
    *,
    layers: LayersOption = None,
    out: OutFolderOption = None,
    netlist: NetlistOption = Kind.schematic,
    extractor: ExtractorOption = None,
    override: OverrideOption = False,
    force: ForceOption = False,
) -> None:
    """Draw the network, check it (DRC, LVS) and, with --netlist pex-c or pex-rc, extract its parasitics.

    With --layers and --out any network, into a folder of its own.
    """
    from nonideal.cli.own_files import draw_given
    from nonideal.experiment.errors import BadOption
    from nonideal.stages.layout import layout_options

    if (layers is None) != (out is None):
        raise BadOption(
            "--layers and --out belong together: give both, or neither for the experiment's own network"
        )
    options = layout_options(netlist.value, extractor, override=override)
    if layers is None or out is None:
        with common.session(force=force) as opened:
            outcomes = opened.run(("layout",), {"layout": options})
        finish(outcomes, common.as_json)
        return
    summary = draw_given(
        common.experiment, layers=layers, out=out, options=options, jobs=common.jobs, force=force
    )
    if common.as_json:
        print_json(summary.as_json())
        return
    lvs = "matches" if summary.lvs_matched else "DIFFERS"
    console().print(
        f"{out}: {summary.devices} devices, {summary.area_um2:.0f} um2, "
        f"{summary.drc_violations} DRC violations, LVS {lvs}"
    )
