"""`nonideal train`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nonideal.cli import lists
from nonideal.cli.command import Panel, command
from nonideal.cli.options import (
    AcceleratorOption,
    Common,
    DevicesOption,
    ForceOption,
    ImagesOption,
    PresetOption,
    SeedsOption,
    with_common,
)
from nonideal.cli.output import finish

if TYPE_CHECKING:
    from nonideal.experiment.experiment import Experiment


@command("nonideal train iris --preset sky130_tt", Panel.loop)
@with_common
def train(
    common: Common,
    *,
    preset: PresetOption = None,
    data: ImagesOption = None,
    seeds: SeedsOption = None,
    accelerator: AcceleratorOption = None,
    devices: DevicesOption = None,
    force: ForceOption = False,
) -> None:
    """Train every variant on every seed, on the physical model (weights.safetensors). Needs a simulator only to train for other conditions."""
    changes = {
        "data": {"folder": None if data is None else str(data)},
        "training": {
            "preset": preset,
            "seeds": lists.seeds("--seeds", seeds),
            "accelerator": accelerator and accelerator.value,
            "devices": devices,
        },
    }
    with common.session(force=force, changes=changes) as opened:
        _check_preset(preset, opened.experiment)
        outcomes = opened.run(("shift", "training"))
    finish(outcomes, common.as_json)


def _check_preset(name: str | None, experiment: Experiment) -> None:
    """An experiment's own is checked where its file is read."""
    if name is None:
        return
    from nonideal.experiment.errors import BadOption
    from nonideal.pnn.presets import preset_names

    if name not in preset_names():
        raise BadOption(
            f"--preset {name}: no such physical model ships with the package; there are {', '.join(preset_names())}"
        )
    if experiment.sees_conditions:
        raise BadOption(
            f"--preset {name}: it does not know the conditions of [training.variation]; leave --preset out, so that they are characterised"
        )
