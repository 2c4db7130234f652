"""`nonideal new`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nonideal.cli.command import Panel, command
from nonideal.cli.lists import sizes_in_order
from nonideal.cli.options import DebugOption, JsonOption, LayersOption, OwnDataOption
from nonideal.cli.output import console, print_json


@command("nonideal new mine --data mine.csv", Panel.start)
def new(
    name: Annotated[
        str, typer.Argument(help="What it is called: its file, its run directory.", show_default=False)
    ],
    *,
    layers: LayersOption = None,
    data: OwnDataOption = None,
    folder: Annotated[
        Path, typer.Option("--folder", help="Where the file goes; in experiments/ its name alone finds it.")
    ] = Path("experiments"),
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write an experiment file with every key, its default and what it is, ready to be changed.

    With --data layers and split are those that the samples ask for. A file that is there is not overwritten.
    """
    from nonideal.cli.new_experiment import write_new

    sizes = None if layers is None else sizes_in_order("--layers", layers)
    made = write_new(name, folder, layers=sizes, data=data)
    chosen = made.experiment.training.layers
    if as_json:
        print_json(
            {
                "experiment": name,
                "file": str(made.file),
                "layers": list(chosen),
                "data": made.experiment.data.name,
                "command": made.command,
            }
        )
        return
    say = console()
    say.print(
        f"{made.file}: {made.experiment.data.name}, layers {'-'.join(map(str, chosen))}", soft_wrap=True
    )
    say.print(f"run it: {made.command}", soft_wrap=True)
