"""`nonideal characterize`."""

from __future__ import annotations

from nonideal.cli.command import Panel, command
from nonideal.cli.options import Common, ExtractorOption, ForceOption, OverrideOption, with_common
from nonideal.cli.output import finish


@command("nonideal characterize --experiment iris --corner tt,ff,ss,sf,fs", Panel.loop)
@with_common
def characterize(
    common: Common,
    *,
    extractor: ExtractorOption = None,
    override: OverrideOption = False,
    force: ForceOption = False,
) -> None:
    """Sweep the circuit in ngspice, measure its columns and fit the physical model (model.json)."""
    with common.session(force=force) as opened:
        outcomes = opened.characterize(extractor, override=override)
    finish(outcomes, common.as_json)
