"""What commands print: tables for people, or nothing but JSON on stdout for machines; errors on stderr."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from nonideal.cli.exit_code import ExitCode, out_of_memory

if TYPE_CHECKING:
    from nonideal.runs.stage import Outcome


def finish(outcomes: list[Outcome], as_json: bool, reports: list[Path] | None = None) -> None:
    """Show what the stages gave (and where the reports lie); exit 1 where a result is out of spec."""
    from nonideal.cli.tables import show

    passed = all(outcome.passed for outcome in outcomes)
    if as_json:
        found: dict[str, Any] = {"passed": passed, "stages": [outcome.as_json() for outcome in outcomes]}
        print_json(found | ({"reports": [str(r) for r in reports]} if reports is not None else {}))
    else:
        for outcome in outcomes:
            show(console(), outcome)
        for report in reports or []:
            console().print(f"report: {report}", soft_wrap=True)
    if not passed:
        raise typer.Exit(ExitCode.out_of_spec)


def console() -> Any:
    """Tables for people, on stdout."""
    from nonideal.runs.terminal import console_for

    return console_for(stderr=False)


def print_json(value: Any) -> None:
    """A value as JSON on stdout."""
    sys.stdout.write(json.dumps(value, indent=1, allow_nan=False, default=str) + "\n")


def report_error(error: BaseException, code: ExitCode | None, as_json: bool) -> None:
    """One message for an exception; with ``as_json`` an object on stdout as well."""
    from rich.text import Text

    from nonideal.runs.terminal import console_for

    message = str(error) or type(error).__name__
    if out_of_memory(error):
        message = (
            f"memory ran out ({message}): lower --jobs, end other programs, or raise the limit (ulimit -v)"
        )
    if code is None:
        message = (
            f"{type(error).__name__}: {message} (a defect of nonideal: please report it with the lines above)"
        )
    if as_json:
        print_json({"error": {"type": type(error).__name__, "message": message, "exit_code": int(code or 4)}})
    console_for(stderr=True).print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)
