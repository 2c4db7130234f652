"""One training of an experiment: a variant on a seed, as a job for another process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from characterize.model import PhysicalModel
from flow.experiment import Experiment
from flow.files import sha256_of


def train_one(
    experiment: Experiment,
    model_path: Path,
    variant: Any,
    seed: int,
    folder: Path,
    *,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Train one variant on one seed, in a process of its own; a cut-off training is continued."""
    import torch

    from pnn.presets import preset
    from pnn.trainer import train, variant_options

    torch.set_num_threads(1)
    data, training = experiment.data, experiment.training
    dataset = data.load()
    shipped = training.preset is not None
    model = preset(training.preset) if training.preset is not None else PhysicalModel.load(model_path)
    network = variant_options(
        variant,
        model,
        training.layers,
        method=training.evaluation(),
        sigma_spike=training.spike_noise_norm,
    )
    result = train(
        dataset,
        network,
        training.options(seed),
        folder,
        variant=variant,
        model_sha256=f"preset {training.preset}" if shipped else sha256_of(model_path),
        show_progress=show_progress,
    )
    return {
        "seed": seed,
        "test_samples": len(dataset.test_y),
        "train_accuracy": result.train_accuracy,
        "test_accuracy": result.test_accuracy,
        "membrane_range_norm": [list(r) for r in result.membrane_range],
        "largest_weight": list(result.largest_weight),
        "epochs": result.epochs,
        "weights": str(result.weights_path),
    }
