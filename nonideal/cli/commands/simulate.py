"""`nonideal simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nonideal.cli.command import Panel, command
from nonideal.cli.options import Common, ForceOption, Kind, NetlistOption, OutFolderOption, with_common
from nonideal.cli.output import console, finish

if TYPE_CHECKING:
    from nonideal.runs.stage import Outcome

PICTURE = "waveforms.png"


@command("nonideal simulate iris --sample 3 --mapping pnn --open", Panel.look)
@with_common
def simulate(
    common: Common,
    *,
    sample: Annotated[
        int, typer.Option("--sample", min=0, help="Which of the validated samples, counted from 0.")
    ] = 0,
    mapping: Annotated[
        str | None,
        typer.Option(
            "--mapping",
            help="Whose weights: ann, pnn or bottom_up (default: the last that fits the netlist).",
            show_default=False,
        ),
    ] = None,
    netlist: NetlistOption = Kind.schematic,
    out: OutFolderOption = None,
    plot: Annotated[bool, typer.Option("--plot/--no-plot", help=f"Draw the waveforms ({PICTURE}).")] = True,
    show: Annotated[bool, typer.Option("--open", help="Open the picture.")] = False,
    force: ForceOption = False,
) -> None:
    """Run one sample of a trained network in ngspice, with all membranes: waveforms, and spikes against the model's.

    Files go to simulate/<mapping>_<netlist>_<sample>/ of the run directory, or to --out: the deck with all it includes, its .raw file, the
    waveforms of SPICE and model as a table (.parquet), spikes.csv, and their picture.
    """
    from nonideal.cli.out_folder import check_out_folder
    from nonideal.cli.sample_tables import draw, sample_table
    from nonideal.experiment.errors import BadOption
    from nonideal.stages.simulate import check_sample, mapping_to_simulate, stage_name

    if show and not plot:
        raise BadOption("--open opens the picture, --no-plot draws none: give one of them")
    with common.session(force=force) as opened:
        check_sample(opened.experiment, sample)
        if out is not None and len(opened.corners) > 1:
            raise BadOption(f"--out {out}: give one corner for one folder")
        chosen = mapping_to_simulate(*opened.at(opened.corners[0]), netlist.value, mapping)
        if out is not None:
            check_out_folder(out, (f"sample_{sample}.cir", f"sample_{sample}.raw", PICTURE), force=force)
        name = stage_name(chosen, netlist.value, sample)
        options = {"sample": sample, "mapping": chosen, "netlist": netlist.value}
        outcomes = opened.run((name,), {name: options})
        places = [outcome.folder if out is None else _copied(outcome, out) for outcome in outcomes]
        pictures = []
        if plot:
            for corner, place in zip(opened.corners, places, strict=True):
                pictures.append(draw(place, opened.at(corner), sample))
    if not common.as_json:
        say = console()
        for outcome, place in zip(outcomes, places, strict=True):
            say.print(sample_table(outcome.summary))
            for file in sorted(place.iterdir()):
                if file.suffix in (".cir", ".raw", ".csv", ".parquet", ".png"):
                    say.print(f"  {file}", soft_wrap=True)
    if show:
        for picture in pictures:
            typer.launch(str(picture))
    finish(outcomes, common.as_json)


def _copied(outcome: Outcome, out: Path) -> Path:
    """What the stage made, in a folder of the user's own."""
    from nonideal.files import read_bytes, write_bytes
    from nonideal.runs.manifest import load_manifest

    made = load_manifest(outcome.folder)
    for name in () if made is None else made.outputs:
        write_bytes(out / name, read_bytes(outcome.folder / name))
    return out
