"""The command line: its commands are in ``nonideal.cli.commands``, one a file."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from nonideal.cli.commands.calibrate import calibrate
from nonideal.cli.commands.characterize import characterize
from nonideal.cli.commands.chip_yield import chip_yield
from nonideal.cli.commands.conditions import conditions
from nonideal.cli.commands.doctor import doctor
from nonideal.cli.commands.evaluate import evaluate
from nonideal.cli.commands.explore import explore
from nonideal.cli.commands.layout import layout
from nonideal.cli.commands.netlist import netlist
from nonideal.cli.commands.new import new
from nonideal.cli.commands.noise import noise
from nonideal.cli.commands.precheck import precheck
from nonideal.cli.commands.report import report
from nonideal.cli.commands.reproduce import reproduce
from nonideal.cli.commands.show import show
from nonideal.cli.commands.simulate import simulate
from nonideal.cli.commands.tapeout import tapeout
from nonideal.cli.commands.train import train
from nonideal.cli.commands.validate_post_layout import validate_post_layout
from nonideal.cli.ending import Ending, told_to_end
from nonideal.cli.exit_code import ExitCode, exit_code_of
from nonideal.cli.output import report_error
from nonideal.cli.streams import OutputClosed, OutputFailed, guarded

COMMANDS = (
    new,
    doctor,
    reproduce,
    characterize,
    train,
    netlist,
    layout,
    validate_post_layout,
    explore,
    conditions,
    noise,
    chip_yield,
    calibrate,
    tapeout,
    precheck,
    show,
    evaluate,
    simulate,
    report,
)
"""In the order of help."""
EXIT_CODES = (
    "Exit codes: 0 pass, 1 out of spec, 2 bad input, 3 tool or PDK missing, "
    "4 simulator or tool failed or disk full, "
    "129 hung up, 130 interrupted, 141 output closed, 143 terminated."
)

app = typer.Typer(
    name="nonideal",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(asked: bool) -> None:
    if asked:
        from nonideal import __version__

        typer.echo(f"nonideal {__version__}")
        raise typer.Exit


@app.callback(epilog=f"Example: nonideal reproduce --experiment iris --samples 5\n\n{EXIT_CODES}")
def nonideal(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which version this is."),
    ] = False,
) -> None:
    """Co-design of analog in-memory computing: characterise silicon, train its physics, write back."""


for one in COMMANDS:
    one.add_to(app)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every declared exception becomes one message and an exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        with told_to_end() as ending, guarded():
            _run(arguments, ending)
    except OutputClosed:
        sys.exit(ExitCode.closed_pipe)
    except OutputFailed as error:
        report_error(error, ExitCode.tool_failed, as_json=False)
        sys.exit(ExitCode.tool_failed)


def _run(arguments: list[str], ending: Ending) -> None:
    as_json = "--json" in arguments
    try:
        _check_words(arguments)
        app(args=arguments, prog_name="nonideal")
    except SystemExit as ended:
        if ended.code == ExitCode.interrupted:
            _end(ending, as_json)
        raise
    except OutputFailed:
        raise
    except Exception as error:
        if ending.number is not None:  # what was cut off may say so in its own way
            _end(ending, as_json)
        code = exit_code_of(error)
        if code is None or "--debug" in arguments:
            import traceback

            traceback.print_exc()
        report_error(error, code, as_json)
        sys.exit(code if code is not None else ExitCode.tool_failed)


def _check_words(arguments: list[str]) -> None:
    """Raise ``BadOption`` for an empty word: as a path it would be the folder that one stands in."""
    for before, word in zip(["nonideal", *arguments], arguments, strict=False):
        if word == "" or (word.startswith("--") and word.endswith("=")):
            from nonideal.experiment.errors import BadOption

            option = word.rstrip("=") or before
            raise BadOption(f"{option}: what follows is empty; is a variable of the shell without a value?")


def _end(ending: Ending, as_json: bool) -> NoReturn:
    report_error(KeyboardInterrupt(ending.told), ExitCode(ending.code), as_json)
    sys.exit(ending.code)


if __name__ == "__main__":
    main()
