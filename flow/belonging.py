"""Whether weights, physical model and circuit belong together."""

from __future__ import annotations

from pathlib import Path

from characterize.circuit import circuit_differences
from characterize.model import PhysicalModel
from flow.errors import Mismatched
from flow.experiment import Experiment

SHOWN = 6


def check_model(model: PhysicalModel, path: Path, experiment: Experiment) -> str | None:
    """Raise ``Mismatched`` where a model is not of the experiment's circuit, corner and temperature, with both.

    What comes back is to be told: that a model of an older version does not name its circuit, so that sizes could not be compared.
    """
    corner = experiment.process.corner.value
    if model.corner != corner:
        raise Mismatched(
            f"{path} was characterised at corner {model.corner}, experiment {experiment.name} asks for corner {corner}: "
            f"give --corner {model.corner}, or characterise at {corner}"
        )
    found = circuit_differences(model, experiment.circuit)
    if found:
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise Mismatched(
            f"{path} is the model of another circuit than experiment {experiment.name}'s: {'; '.join(found[:SHOWN])}{more}. "
            "Give the experiment that the model was characterised with (--experiment), or characterise this circuit"
        )
    if model.circuit is not None:
        return None
    return (
        f"{path} does not say which circuit it was measured on (an older version wrote it): supplies, temperature and T_circ agree, "
        "sizes and cells could not be compared"
    )
