"""Whether weights, physical model and circuit belong together."""

from __future__ import annotations

from pathlib import Path

from nonideal.characterize.circuit import circuit_differences
from nonideal.characterize.model import PhysicalModel
from nonideal.experiment.errors import Mismatched
from nonideal.experiment.experiment import Experiment
from nonideal.files import sha256_of

SHOWN = 6
SHORT = 12
"""Digits of a hash in messages."""
PRESET = "preset "
"""What stands before a preset's name, where a training on one records its model."""


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


def check_weights(weights: Path, model: Path) -> str | None:
    """Raise ``Mismatched`` where weights were trained on another model than the one in ``model``, with both.

    What comes back is to be told: that they do not say which they were trained on. Raises ``CheckpointError``.
    """
    from nonideal.pnn.checkpoint import load_header
    from nonideal.pnn.matrices import load_matrices
    from nonideal.pnn.presets import preset_names, preset_path

    if not load_matrices(weights).own:
        return None  # another program's: it knows no physical model, and the netlist says what they are realised as
    known = load_header(weights).provenance.model_sha256
    if not known:
        return (
            f"{weights} does not say which physical model it was trained on (pnn.train was not told model_sha256): "
            f"{model} is taken for it"
        )
    name, here = known.removeprefix(PRESET), sha256_of(model)
    if known.startswith(PRESET):
        there = sha256_of(preset_path(name)) if name in preset_names() else ""
        told, way_out = f"the preset {name}", f"give --model {name}"
    else:
        there, told, way_out = known, f"the model of SHA-256 {known[:SHORT]}", "give that one (--model)"
    if there != here:
        raise Mismatched(
            f"{weights} was trained on {told}, {model} is another (SHA-256 {here[:SHORT]}): {way_out}, or train on {model}"
        )
    return None
