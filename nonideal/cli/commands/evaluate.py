"""`nonideal evaluate`."""

from __future__ import annotations

from typing import Annotated

import typer

from nonideal.cli.command import Panel, command
from nonideal.cli.exit_code import ExitCode
from nonideal.cli.options import DebugOption, JsonOption, OwnDataOption
from nonideal.cli.output import console, print_json


@command("nonideal evaluate digits", Panel.look)
def evaluate(
    network: Annotated[
        str,
        typer.Argument(help="A network that ships (iris, digits), or a weights file.", show_default=False),
    ],
    *,
    data: OwnDataOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say how many samples a trained network decides right, with the silicon's physics and without SPICE.

    The samples are those of its training, split as there, or --data. A network that ships has to reach what its recipe records.
    """
    from nonideal.cli.evaluating import evaluated

    found = evaluated(network, data)
    if as_json:
        print_json(found.as_json())
    else:
        say = console()
        for part, share, samples in (
            ("training", found.train_accuracy, found.train_samples),
            ("test", found.test_accuracy, found.test_samples),
        ):
            say.print(f"{100 * share:.1f} % of {samples} {part} samples", highlight=False)
        if found.recorded is not None:
            told = "as recorded" if found.passed else f"its recipe records {100 * found.recorded:.1f} %"
            say.print(f"{found.weights}: {told}", highlight=False, soft_wrap=True, markup=False)
    if not found.passed:
        raise typer.Exit(ExitCode.out_of_spec)
