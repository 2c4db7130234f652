"""`nonideal tapeout`."""

from __future__ import annotations

from typing import Annotated

import typer

from nonideal.cli.command import Panel, command
from nonideal.cli.options import Common, ForceOption, with_common
from nonideal.cli.output import finish

NoExtractionOption = Annotated[
    bool,
    typer.Option("--no-extraction", help="Do not extract the tile's parasitics."),
]


@command("nonideal tapeout -e iris_tile", Panel.beside)
@with_common
def tapeout(
    common: Common,
    *,
    no_extraction: NoExtractionOption = False,
    force: ForceOption = False,
) -> None:
    """Make the tile of a shuttle of a trained network: GDS, LEF, Verilog, info.yaml, netlists; rules, LVS, precheck, extraction."""
    with common.session(force=force) as opened:
        outcomes = opened.tapeout(extraction=not no_extraction)
    finish(outcomes, common.as_json)
