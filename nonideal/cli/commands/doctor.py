"""`nonideal doctor`."""

from __future__ import annotations

import typer

from nonideal.cli.command import Panel, command
from nonideal.cli.exit_code import ExitCode
from nonideal.cli.options import DebugOption, JsonOption
from nonideal.cli.output import console, print_json


@command("nonideal doctor --json", Panel.start)
def doctor(as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """Say what was found (ngspice, PDK, torch, C++ compiler ...) and what to do about what was not."""
    from nonideal.cli.doctor import examine, table, width_of

    findings = examine()
    if as_json:
        print_json({"findings": [f.as_json() for f in findings], "ok": all(f.fine for f in findings)})
    else:
        out = console()
        out.print(table(findings), width=width_of(out))
    if not all(f.fine for f in findings):
        raise typer.Exit(ExitCode.missing)
