"""`nonideal noise`."""

from __future__ import annotations

from typing import Annotated

import typer

from nonideal.cli.command import Panel, command
from nonideal.cli.options import Common, ForceOption, Kind, NetlistOption, with_common
from nonideal.cli.output import finish

ColumnRunsOption = Annotated[
    int | None,
    typer.Option(
        "--column-runs",
        help="So many noisy simulations of one column; 0: none (default: the experiment's).",
        show_default=False,
    ),
]
NetworkRunsOption = Annotated[
    int | None,
    typer.Option(
        "--network-runs",
        help="So many noisy simulations of the network, about 5 CPU seconds each (default: the experiment's).",
        show_default=False,
    ),
]
LowCornerOption = Annotated[
    float | None,
    typer.Option(
        "--low-corner",
        help="Flicker noise that is slower is an offset, Hz (default: the experiment's).",
        show_default=False,
    ),
]


@command("nonideal noise --network-runs 200", Panel.beside)
@with_common
def noise(
    common: Common,
    *,
    column_runs: ColumnRunsOption = None,
    network_runs: NetworkRunsOption = None,
    low_corner: LowCornerOption = None,
    netlist: NetlistOption = Kind.schematic,
    force: ForceOption = False,
) -> None:
    """Say what jitters the trained network's spikes, in closed form and in noisy simulations (jitter.csv, summary.json).

    On an extracted netlist it is the network that is simulated with noise, column by column, and results are in noise_<netlist>/.
    """
    from nonideal.experiment.errors import BadOption
    from nonideal.stages.noise import section_from_options

    if column_runs and netlist is not Kind.schematic:
        raise BadOption(
            f"--column-runs {column_runs}: on the {netlist.value} netlist the network is simulated, no column; give --network-runs"
        )
    changes = {"noise": section_from_options(column_runs, network_runs, low_corner)}
    with common.session(force=force, like=netlist.value, changes=changes) as opened:
        outcomes = opened.noise(netlist.value)
    finish(outcomes, common.as_json)
