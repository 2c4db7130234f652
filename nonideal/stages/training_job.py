"""One training of an experiment: a variant on a seed, as a job for another process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from nonideal.characterize.errors import NoNoise, NoSpread
from nonideal.characterize.jitter import LayerNoise, layer_noise
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.shift import Shifts
from nonideal.characterize.variation import LayerVariation, layer_variation, no_variation
from nonideal.experiment.belonging import PRESET
from nonideal.experiment.experiment import Experiment
from nonideal.files import sha256_of
from nonideal.runs.summaries.training import SeedSummary
from nonideal.stages.fan_in import axons_of, input_shape

if TYPE_CHECKING:
    from nonideal.pnn.choices import Variant
    from nonideal.pnn.data import Dataset
    from nonideal.pnn.network import NetworkOptions, SpikingNetwork
    from nonideal.pnn.options import TrainingOptions
    from nonideal.pnn.scaling import Origin
    from nonideal.pnn.stack import StackOptions
    from nonideal.pnn.trainer import TrainingResult

    Options: TypeAlias = NetworkOptions | StackOptions


CHIPS = 200
WEIGHTS = 1 << 19
"""On so many chips a network is tried in every condition, fewer of more than ``WEIGHTS`` weights in all."""
FEWEST_CHIPS = 10
SYNAPSES = 1 << 31
"""Synapses x samples x chips of a condition: a network of convolutions is tried on as many held-out samples as these allow, evenly spaced."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A training that ended: its numbers, where its samples come from, and the file of its weights."""

    seed: SeedSummary
    test_samples: int
    origin: Origin | None
    weights: Path


def train_one(
    experiment: Experiment,
    model_path: Path,
    variant: Variant,
    seed: int,
    folder: Path,
    *,
    shifts: Shifts | None = None,
    show_progress: bool = False,
) -> Trained:
    """Train one variant on one seed, in a process of its own; a cut-off training is continued.

    ``shifts``: of the conditions that it sees; none of them without.
    """
    import torch

    from nonideal.pnn.presets import preset
    from nonideal.pnn.trainer import train

    torch.set_num_threads(1)
    data, training = experiment.data, experiment.training
    dataset = data.load()
    shipped = training.preset is not None
    model = preset(training.preset) if training.preset is not None else PhysicalModel.load(model_path)
    axons = axons_of(experiment, dataset)
    conditions = () if shifts is None else shifts.of(axons)
    options = training.options(seed, spread_of(experiment, model, axons), conditions, experiment.bits)
    result = train(
        dataset,
        network_of(experiment, dataset, variant, model),
        options,
        folder,
        variant=variant,
        model_sha256=f"{PRESET}{training.preset}" if shipped else sha256_of(model_path),
        show_progress=show_progress,
    )
    if variant == "bottom_up" and model.codes is not None and result.full_scale:
        result = at_its_full_scales(result, dataset, model)
    labels = () if shifts is None else shifts.labels
    accuracies = condition_accuracy(result.network, dataset, options, model)
    found = SeedSummary(
        conditions=dict(zip(labels, accuracies, strict=True)),
        seed=seed,
        test_samples=len(dataset.test_y),
        train_accuracy=result.train_accuracy,
        test_accuracy=result.test_accuracy,
        membrane_range_norm=tuple(result.membrane_range),
        largest_weight=tuple(result.largest_weight),
        full_scale=result.full_scale or None,
        epochs=result.epochs,
    )
    return Trained(found, len(dataset.test_y), dataset.origin, result.weights_path)


def at_its_full_scales(result: TrainingResult, dataset: Dataset, model: PhysicalModel) -> TrainingResult:
    """The trained network with the physics of the full scales that its layers have come to, in its file too.

    Lambda of a layer goes with the current of its units, by some per cent over all full scales; it was trained at the nominal one's.
    """
    from nonideal.characterize.physics import network_physics
    from nonideal.pnn.accuracies import exact_accuracy
    from nonideal.pnn.checkpoint import load_header, save_network
    from nonideal.pnn.network import NetworkOptions

    header = load_header(result.weights_path)
    if not isinstance(header.network, NetworkOptions):
        return result
    physics = network_physics(model, header.network.layer_sizes, result.full_scale)
    options = header.network.model_copy(update={"physics": physics})
    network = options.build()
    network.load_state_dict(result.network.state_dict())
    save_network(result.weights_path, network, header.model_copy(update={"network": options}))
    return replace(
        result,
        network=network,
        train_accuracy=exact_accuracy(network, dataset.train_x, dataset.train_y),
        test_accuracy=exact_accuracy(network, dataset.test_x, dataset.test_y),
        membrane_range=tuple(network.membrane_range(dataset.train_x)),
    )


def condition_accuracy(
    network: SpikingNetwork, dataset: Dataset, options: TrainingOptions, model: PhysicalModel
) -> list[float]:
    """Held-out accuracy in every condition of a training, the mean over chips, membranes held at the supplies; none where it saw none."""
    from nonideal.pnn.robustness import chip_accuracy, supply_rails

    variation = options.variation
    if variation is None:
        return []
    count = sum(one.synapses for one in network.columns)
    chips = 1 if variation.scale == 0.0 else max(FEWEST_CHIPS, min(CHIPS, WEIGHTS // count))
    x, y, seed = dataset.test_x, dataset.test_y, options.seed
    if any(one.positions > 1 for one in network.columns):
        samples = max(1, SYNAPSES // (count * chips))
        x, y = (part[:: max(1, -(-len(part) // samples))] for part in (x, y))
    return [
        float(
            chip_accuracy(
                network,
                x,
                y,
                variation,
                chips=chips,
                seed=seed,
                lead=0.0,
                condition=k,
                rails=supply_rails(model),
            ).mean()
        )
        for k in range(len(variation.conditions))
    ]


def spread_of(
    experiment: Experiment, model: PhysicalModel, axons: tuple[int, ...]
) -> tuple[LayerVariation, ...]:
    """How far every layer, with so many ``axons``, spreads, for training on drawn chips; nothing where none are asked for. Raises ``NoSpread``."""
    training = experiment.training
    if training.variation is None:
        return ()
    if training.variation.scale == 0.0:
        return tuple(no_variation(model, count) for count in axons)
    try:
        return tuple(layer_variation(model, count) for count in axons)
    except NoSpread as error:
        if training.preset is None:
            raise NoSpread(f"[training.variation]: {error}") from error
        raise NoSpread(
            f"[training.variation]: the preset {training.preset} knows no mismatch: leave training.preset out, so that the "
            "circuit's own model is trained on, or leave the section out"
        ) from error


def noise_of(experiment: Experiment, model: PhysicalModel, axons: tuple[int, ...]) -> tuple[LayerNoise, ...]:
    """How spikes of every layer, with so many ``axons``, jitter while training; nothing where jitter is a constant. Raises ``NoNoise``."""
    training = experiment.training
    if training.spike_noise == "constant":
        return ()
    try:
        return tuple(layer_noise(model, count, experiment.noise.low_corner_Hz) for count in axons)
    except NoNoise as error:
        raise NoNoise(f'training.spike_noise = "measured": {error}') from error


def network_of(experiment: Experiment, dataset: Dataset, variant: Variant, model: PhysicalModel) -> Options:
    """The network that a variant of the experiment trains."""
    from nonideal.pnn.discharger import Discharger
    from nonideal.pnn.stack import RCSpikeNeuron, StackOptions, TTFSNeuron
    from nonideal.pnn.variants import variant_options, variant_reversal

    training = experiment.training
    method, noise = training.evaluation(), training.spike_noise_norm
    network, measured = training.network, noise_of(experiment, model, axons_of(experiment, dataset))
    if network is None:
        return variant_options(
            variant,
            model,
            training.layers,
            method=method,
            sigma_spike=noise,
            noise=measured,
        )
    neuron = (
        TTFSNeuron(horizon=network.horizon_norm, t_ref=network.initial_t_ref_norm, spread=network.spread)
        if network.neuron == "ttfs"
        else RCSpikeNeuron(discharger=Discharger(model.discharge_norm.value))
    )
    return StackOptions(
        input_shape=input_shape(experiment, dataset),
        layers=network.layers,
        neuron=neuron,
        reversal=variant_reversal(variant, model),
        method=method,
        sigma_spike=noise,
        noise=measured,
    )
