"""One training of an experiment: a variant on a seed, as a job for another process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from characterize.errors import NoSpread
from characterize.model import PhysicalModel
from characterize.variation import LayerVariation, layer_variation
from flow.experiment import Experiment
from flow.files import sha256_of

if TYPE_CHECKING:
    from pnn.data import Dataset
    from pnn.network import NetworkOptions
    from pnn.stack import StackOptions
    from pnn.trainer import Variant

    Options: TypeAlias = NetworkOptions | StackOptions


def train_one(
    experiment: Experiment,
    model_path: Path,
    variant: Variant,
    seed: int,
    folder: Path,
    *,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Train one variant on one seed, in a process of its own; a cut-off training is continued."""
    import torch

    from pnn.presets import preset
    from pnn.trainer import train

    torch.set_num_threads(1)
    data, training = experiment.data, experiment.training
    dataset = data.load()
    shipped = training.preset is not None
    model = preset(training.preset) if training.preset is not None else PhysicalModel.load(model_path)
    result = train(
        dataset,
        network_of(experiment, dataset, variant, model),
        training.options(seed, spread_of(experiment, model)),
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


def spread_of(experiment: Experiment, model: PhysicalModel) -> tuple[LayerVariation, ...]:
    """How far every layer spreads, for training on drawn chips; nothing where none are asked for. Raises ``NoSpread``."""
    training = experiment.training
    if training.variation is None:
        return ()
    try:
        return tuple(layer_variation(model, axons) for axons in training.layers[:-1])
    except NoSpread as error:
        if training.preset is None:
            raise NoSpread(f"[training.variation]: {error}") from error
        raise NoSpread(
            f"[training.variation]: the preset {training.preset} knows no mismatch: leave training.preset out, so that the "
            "circuit's own model is trained on, or leave the section out"
        ) from error


def network_of(experiment: Experiment, dataset: Dataset, variant: Variant, model: PhysicalModel) -> Options:
    """The network that a variant of the experiment trains."""
    from pnn.discharger import Discharger
    from pnn.images import IMAGES
    from pnn.stack import RCSpikeNeuron, StackOptions, TTFSNeuron
    from pnn.trainer import variant_options, variant_reversal

    training = experiment.training
    method, noise = training.evaluation(), training.spike_noise_norm
    network = training.network
    if network is None:
        return variant_options(variant, model, training.layers, method=method, sigma_spike=noise)
    neuron = (
        TTFSNeuron(horizon=network.horizon_norm, t_ref=network.initial_t_ref_norm, spread=network.spread)
        if network.neuron == "ttfs"
        else RCSpikeNeuron(discharger=Discharger(model.discharge_norm.value))
    )
    return StackOptions(
        input_shape=IMAGES[dataset.name] if network.needs_image else (dataset.features,),
        layers=network.layers,
        neuron=neuron,
        reversal=variant_reversal(variant, model),
        method=method,
        sigma_spike=noise,
    )
