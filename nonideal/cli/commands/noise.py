"""`nonideal noise`."""

from __future__ import annotations

from nonideal.cli.command import Panel, command
from nonideal.cli.options import (
    ColumnRunsOption,
    Common,
    ForceOption,
    LowCornerOption,
    NetworkRunsOption,
    with_common,
)
from nonideal.cli.output import finish


@command("nonideal noise --network-runs 200", Panel.beside)
@with_common
def noise(
    common: Common,
    *,
    column_runs: ColumnRunsOption = None,
    network_runs: NetworkRunsOption = None,
    low_corner: LowCornerOption = None,
    force: ForceOption = False,
) -> None:
    """Say what jitters the trained network's spikes, in closed form and in noisy simulations (jitter.csv, summary.json)."""
    from nonideal.stages.noise import section_from_options

    changes = {"noise": section_from_options(column_runs, network_runs, low_corner)}
    with common.session(force=force, like="schematic", changes=changes) as opened:
        outcomes = opened.noise()
    finish(outcomes, common.as_json)
