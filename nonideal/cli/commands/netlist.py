"""`nonideal netlist`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nonideal.cli.command import Panel, command
from nonideal.cli.options import (
    ClipOption,
    Common,
    ForceOption,
    ModelOption,
    OutFileOption,
    WeightsOption,
    with_common,
)
from nonideal.cli.output import console, finish, print_json

if TYPE_CHECKING:
    from nonideal.cli.own_files import GivenNetlist


@command(
    "nonideal netlist --weights weights.safetensors --model model.json --out network.spice",
    Panel.loop,
)
@with_common
def netlist(
    common: Common,
    *,
    weights: WeightsOption = None,
    model: ModelOption = None,
    out: OutFileOption = None,
    clip: ClipOption = False,
    force: ForceOption = False,
) -> None:
    """Turn trained weights into bias voltages and a SPICE network (network.spice, mapping.csv).

    With --weights and --out any weights: ours, a plain .safetensors, .pt or .pth of a state_dict, .npz or .npy; the mapping goes beside the
    netlist as .csv.
    """
    from nonideal.cli.own_files import write_given
    from nonideal.experiment.errors import BadOption

    if (weights is None) != (out is None):
        raise BadOption(
            "--weights and --out belong together: give both, or neither for the experiment's own weights"
        )
    if weights is None or out is None:
        if model is not None:
            raise BadOption("--model belongs to --weights and --out")
        with common.session(force=force) as opened:
            outcomes = opened.run(("netlist",), {"netlist": {"clip": True}} if clip else None)
        finish(outcomes, common.as_json)
        return
    summary = write_given(
        common.experiment,
        weights=weights,
        out=out,
        model=model,
        run_dir=common.run_dir,
        corner=common.corner,
        clip=clip,
        force=force,
    )
    if common.as_json:
        print_json(summary.as_json())
    else:
        _tell(out, summary)


def _tell(out: Path, summary: GivenNetlist) -> None:
    say = console()
    counts = f"{summary.synapses} synapses, {summary.clipped} clipped, {summary.off} off"
    say.print(f"{out}: {counts}; mapping in {summary.mapping}, pins in {summary.pins}")
    if summary.order is not None:
        order = f"layers in the order {', '.join(summary.order)}"
        left = f"; left out: {', '.join(summary.left_out)}" if summary.left_out else ""
        say.print(f"{order}{left}; {summary.realised}", markup=False)
    for note in (summary.circuit_unknown, summary.model_unknown):
        if note is not None:
            say.print(f"note: {note}", markup=False)
