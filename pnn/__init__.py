"""How it learns: RC-Spike networks with the measured reversal potentials of the silicon, in PyTorch.

Needs a ``PhysicalModel`` (``model.json``) and nothing else: neither SPICE nor a PDK.

    dataset = load_small("iris")
    options = variant_options("pnn", model, (5, 5, 5))
    result = train(dataset, options, TrainingOptions(seed=0), Path("runs/iris/training/pnn"))
    spike_times = load_network(result.weights_path).predict_times(dataset.test_x)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nonideal.files.lazy import lazy

if TYPE_CHECKING:
    from nonideal.pnn.accuracies import accuracy, exact_accuracy
    from nonideal.pnn.checkpoint import load_dense, load_header, load_network, save_network
    from nonideal.pnn.choices import Variant
    from nonideal.pnn.codes import Codes, LatentWeights, check_codes, round_weights
    from nonideal.pnn.conv import EarliestSpikePool2d, RCSpikeConv2d
    from nonideal.pnn.data import Dataset, Encoding, load_small
    from nonideal.pnn.decision import decide, silent_share
    from nonideal.pnn.discharger import Discharger
    from nonideal.pnn.dstd import DSTD, membrane_dstd
    from nonideal.pnn.errors import BadParameter, CheckpointError, DataError, PnnError, TrainingDiverged
    from nonideal.pnn.exact import Exact, membrane_exact
    from nonideal.pnn.images import load_dataset, load_images
    from nonideal.pnn.layers import Convolution, Pool
    from nonideal.pnn.loss import first_to_fire, training_loss
    from nonideal.pnn.loss_weights import LossWeights
    from nonideal.pnn.native import kernel_name
    from nonideal.pnn.network import NetworkOptions, RCSpikeNetwork, SpikingNetwork
    from nonideal.pnn.nir import load_nir, save_nir, start_from_nir, to_nir
    from nonideal.pnn.options import TrainingOptions
    from nonideal.pnn.own_data import load_as_trained, load_table
    from nonideal.pnn.plots import plot_membranes, plot_spikes, plot_training
    from nonideal.pnn.presets import preset, preset_names
    from nonideal.pnn.pretrained import load_pretrained, pretrained_names, pretrained_path
    from nonideal.pnn.rc_spike import RCSpikeLinear
    from nonideal.pnn.reversal import Reversal
    from nonideal.pnn.robustness import chip_accuracy
    from nonideal.pnn.scaling import Origin, Scaling
    from nonideal.pnn.spikes import Firing, FirstSpike, SpikeTime
    from nonideal.pnn.stack import RCSpikeNeuron, StackNetwork, StackOptions, TTFSNeuron
    from nonideal.pnn.trainer import TrainingResult, train
    from nonideal.pnn.trajectories import Trajectory, trajectory
    from nonideal.pnn.ttfs import TTFSConv2d, TTFSLinear, firing_promotion
    from nonideal.pnn.variants import variant_options, variant_reversal
    from nonideal.pnn.variation import Variation
else:
    __getattr__, __dir__ = lazy(__name__)

__all__ = [
    "DSTD",
    "BadParameter",
    "CheckpointError",
    "Codes",
    "Convolution",
    "DataError",
    "Dataset",
    "Discharger",
    "EarliestSpikePool2d",
    "Encoding",
    "Exact",
    "Firing",
    "FirstSpike",
    "LatentWeights",
    "LossWeights",
    "NetworkOptions",
    "Origin",
    "PnnError",
    "Pool",
    "RCSpikeConv2d",
    "RCSpikeLinear",
    "RCSpikeNetwork",
    "RCSpikeNeuron",
    "Reversal",
    "Scaling",
    "SpikeTime",
    "SpikingNetwork",
    "StackNetwork",
    "StackOptions",
    "TTFSConv2d",
    "TTFSLinear",
    "TTFSNeuron",
    "TrainingDiverged",
    "TrainingOptions",
    "TrainingResult",
    "Trajectory",
    "Variant",
    "Variation",
    "accuracy",
    "check_codes",
    "chip_accuracy",
    "decide",
    "exact_accuracy",
    "firing_promotion",
    "first_to_fire",
    "kernel_name",
    "load_as_trained",
    "load_dataset",
    "load_dense",
    "load_header",
    "load_images",
    "load_network",
    "load_nir",
    "load_pretrained",
    "load_small",
    "load_table",
    "membrane_dstd",
    "membrane_exact",
    "plot_membranes",
    "plot_spikes",
    "plot_training",
    "preset",
    "preset_names",
    "pretrained_names",
    "pretrained_path",
    "round_weights",
    "save_network",
    "save_nir",
    "silent_share",
    "start_from_nir",
    "to_nir",
    "train",
    "training_loss",
    "trajectory",
    "variant_options",
    "variant_reversal",
]
