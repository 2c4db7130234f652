"""`nonideal explore`."""

from __future__ import annotations

from typing import Annotated

import typer

from nonideal.cli.command import Panel, command
from nonideal.cli.options import Common, ExtractorOption, ForceOption, VaryOption, with_common
from nonideal.cli.output import finish

AccuracyOption = Annotated[
    bool,
    typer.Option(
        "--accuracy",
        help="Train the network on every choice and say how accurate it is under noise, and on drawn chips under noise: minutes each.",
    ),
]


@command(
    "nonideal explore --vary neuron.mim_w_um+neuron.mim_l_um=5,7,9 --vary timing.hold_s=2e-9,5e-9",
    Panel.beside,
)
@with_common
def explore(
    common: Common,
    *,
    vary: VaryOption = None,
    accuracy: AccuracyOption = False,
    extractor: ExtractorOption = None,
    force: ForceOption = False,
) -> None:
    """Rank design choices by spike-time error, jitter, area and energy, each measured anew (table.csv, pareto.png)."""
    from nonideal.stages.explore import vary_from_options

    changes = {"explore": {"vary": vary_from_options(vary or ()) or None, "accuracy": accuracy or None}}
    with common.session(force=force, like="schematic", changes=changes) as opened:
        outcomes = opened.explore(extractor)
    finish(outcomes, common.as_json)
