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


SimulateOption = Annotated[
    int | None,
    typer.Option(
        "--simulate",
        help="Run this many held-out samples on the extracted tile in SPICE, through its digital pins: by columns, the first whole too.",
        show_default=False,
    ),
]


ColumnsAloneOption = Annotated[
    bool,
    typer.Option("--columns-alone", help="Leave out the first sample's simulation of the whole tile."),
]


@command("nonideal tapeout -e iris_tile", Panel.beside)
@with_common
def tapeout(
    common: Common,
    *,
    no_extraction: NoExtractionOption = False,
    simulate: SimulateOption = None,
    columns_alone: ColumnsAloneOption = False,
    force: ForceOption = False,
) -> None:
    """Make the tile of a shuttle of a trained network: GDS, LEF, Verilog, info.yaml, netlists; rules, LVS, precheck, extraction."""
    with common.session(force=force) as opened:
        outcomes = opened.tapeout(
            extraction=not no_extraction, simulate=simulate, columns_alone=columns_alone
        )
    finish(outcomes, common.as_json)
