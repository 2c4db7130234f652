"""`nonideal reproduce`."""

from __future__ import annotations

from nonideal.cli import lists
from nonideal.cli.command import Panel, command
from nonideal.cli.options import (
    Common,
    CompareOption,
    ExtractorOption,
    ForceOption,
    Kind,
    NetlistOption,
    OverrideOption,
    SamplesOption,
    SeedsOption,
    comparing,
    with_common,
)
from nonideal.cli.output import finish


@command("nonideal reproduce --experiment iris --samples 5", Panel.start)
@with_common
def reproduce(
    common: Common,
    *,
    netlist: NetlistOption = Kind.pex_rc,
    extractor: ExtractorOption = None,
    samples: SamplesOption = None,
    seeds: SeedsOption = None,
    compare: CompareOption = None,
    override: OverrideOption = False,
    force: ForceOption = False,
) -> None:
    """Run the whole loop: characterize, train, netlist, layout, validate, report. Continues where it was."""
    changes = comparing(compare) | {"training": {"seeds": lists.seeds("--seeds", seeds)}}
    with common.session(force=force, samples=samples, changes=changes, like=netlist.value) as opened:
        outcomes, reports = opened.loop(netlist.value, extractor, override=override)
    finish(outcomes, common.as_json, reports)
