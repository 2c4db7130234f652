"""`nonideal train`."""

from __future__ import annotations

from nonideal.cli.command import Panel, command
from nonideal.cli.options import (
    AcceleratorOption,
    Common,
    DevicesOption,
    ForceOption,
    ImagesOption,
    with_common,
)
from nonideal.cli.output import finish


@command("nonideal train mnist --data data/mnist", Panel.loop)
@with_common
def train(
    common: Common,
    *,
    data: ImagesOption = None,
    accelerator: AcceleratorOption = None,
    devices: DevicesOption = None,
    force: ForceOption = False,
) -> None:
    """Train every variant on every seed, on the physical model (weights.safetensors). Needs a simulator only to train for other conditions."""
    changes = {
        "data": {"folder": None if data is None else str(data)},
        "training": {"accelerator": accelerator and accelerator.value, "devices": devices},
    }
    with common.session(force=force, changes=changes) as opened:
        outcomes = opened.run(("shift", "training"))
    finish(outcomes, common.as_json)
