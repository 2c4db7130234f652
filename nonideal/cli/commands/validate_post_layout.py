"""`nonideal validate-post-layout`."""

from __future__ import annotations

from nonideal.cli.command import Panel, command
from nonideal.cli.options import (
    ClipOption,
    Common,
    CompareOption,
    ForceOption,
    Kind,
    ModelOption,
    NetlistOption,
    OwnDataOption,
    SamplesOption,
    WeightsOption,
    comparing,
    with_common,
)
from nonideal.cli.output import finish


@command("nonideal validate-post-layout --netlist schematic --jobs 2", Panel.loop)
@with_common
def validate_post_layout(
    common: Common,
    *,
    netlist: NetlistOption = Kind.schematic,
    samples: SamplesOption = None,
    compare: CompareOption = None,
    weights: WeightsOption = None,
    model: ModelOption = None,
    data: OwnDataOption = None,
    clip: ClipOption = False,
    force: ForceOption = False,
) -> None:
    """Simulate the written-back networks in ngspice and compare their spikes with the models'.

    With --weights, --model and --data a network that was trained elsewhere, in a run directory of its own.
    """
    from nonideal.experiment.errors import BadOption

    if weights is not None and model is not None and data is not None:
        from nonideal.cli.own_network import Trained

        asked = Trained(weights, model, data, netlist=netlist.value, clip=clip)
        own = common.experiment if common.named else None
        finish(asked.validate(common, own, samples=samples, force=force), common.as_json)
        return
    if clip or any(given is not None for given in (weights, model, data)):
        raise BadOption(
            "--weights, --model and --data belong together (--clip to them): give all three, or none for the experiment's own network"
        )
    with common.session(force=force, samples=samples, changes=comparing(compare)) as opened:
        outcomes = opened.run(("validation",), {"validation": {"netlist": netlist.value}})
    finish(outcomes, common.as_json)
