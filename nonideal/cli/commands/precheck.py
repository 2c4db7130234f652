"""`nonideal precheck`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nonideal.cli.command import Panel, command
from nonideal.cli.exit_code import ExitCode
from nonideal.cli.options import DebugOption, JsonOption
from nonideal.cli.output import console, print_json

REPORT = "precheck.json"


@command("nonideal precheck tt_um_mine.gds", Panel.beside)
def precheck(
    gds: Annotated[Path, typer.Argument(metavar="FILE.gds", help="The tile's layout.", show_default=False)],
    *,
    lef: Annotated[
        Path | None,
        typer.Option("--lef", help="Its LEF (default: beside it, of the same name).", show_default=False),
    ] = None,
    verilog: Annotated[
        Path | None,
        typer.Option("--verilog", help="Its Verilog stub (default: beside it, .v).", show_default=False),
    ] = None,
    info: Annotated[
        Path | None,
        typer.Option(
            "--info", help="Its info.yaml (default: beside it, or in a folder above).", show_default=False
        ),
    ] = None,
    netlist: Annotated[
        Path | None,
        typer.Option("--netlist", help="SPICE to hold the layout against (LVS).", show_default=False),
    ] = None,
    current_mA: Annotated[
        float | None,
        typer.Option("--current", min=0.0, help="Supply current in mA, for the stripes.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help=f"The file to write (default: {REPORT} beside the layout).", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Ask of anybody's sky130 analog tile what the shuttle (Tiny Tapeout) asks of it, and what reviewers ask.

    Exit code 1 where a rule is broken. Every rule with its place and what to do is written to precheck.json.
    """
    from nonideal.cli.tables import on_terminal
    from nonideal.precheck import TileFiles
    from nonideal.precheck import precheck as judge
    from nonideal.report.precheck_table import precheck_tables

    files = TileFiles.beside(gds, lef=lef, verilog=verilog, info=info, netlist=netlist)
    found = judge(files, current_mA=current_mA)
    report = out or gds.with_name(REPORT)
    found.save(report)
    if as_json:
        print_json(found.as_json() | {"report": str(report)})
    else:
        say = console()
        for table in precheck_tables(found):
            say.print(on_terminal(table))
        broken = sum(one.state == "fail" for one in found.rules)
        told = "no rule is broken" if found.passed else f"{broken} rules are broken"
        say.print(f"{told}: {report}", highlight=False, soft_wrap=True, markup=False)
    if not found.passed:
        raise typer.Exit(ExitCode.out_of_spec)
