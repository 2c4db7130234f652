"""Accuracy on drawn chips of a small convolutional network: MNIST at 14 x 14, 8-P-16-P-32-10, trained nominally, with measured noise, on drawn chips.

    python bench/variation_images.py --mnist FOLDER [--samples 10000] [--epochs 2] [--seeds 1] [--divide 2] [--drawn 20] [--tested 500]

Spread and noise are those of the preset sky130_tt, the spread over ``--divide`` (it goes with 1 / sqrt(area)). One line a training: accuracy of
the network as trained; mean, lowest of ``--drawn`` chips that training never saw, on the first ``--tested`` test samples; CPU seconds of training.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from nonideal.characterize.jitter import layer_noise
from nonideal.characterize.variation import layer_variation
from nonideal.pnn import (
    DSTD,
    Convolution,
    Discharger,
    LossWeights,
    Pool,
    StackOptions,
    TrainingOptions,
    Variation,
    chip_accuracy,
    load_dataset,
    preset,
    train,
    variant_reversal,
)
from nonideal.pnn.stack import RCSpikeNeuron


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mnist", type=Path, required=True, help="folder of the four IDX files")
    parser.add_argument("--samples", type=int, default=10_000, help="to train on")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--divide", type=float, default=2.0, help="the measured spread is divided by this")
    parser.add_argument("--drawn", type=int, default=20, help="chips to try")
    parser.add_argument("--tested", type=int, default=500, help="held-out samples to try them on")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data, model = load_dataset("mnist", folder=arguments.mnist, pool=2), preset("sky130_tt")
    few = replace(data, train_x=data.train_x[: arguments.samples], train_y=data.train_y[: arguments.samples])
    quiet = StackOptions(
        input_shape=(1, 14, 14),
        layers=(Convolution(conv=8), Pool(), Convolution(conv=16), Pool(), 32, 10),
        neuron=RCSpikeNeuron(discharger=Discharger.from_model(model)),
        reversal=variant_reversal("pnn", model),
        method=DSTD(4, random_offset=True, order=3),
    )
    axons = [one.axons for one in quiet.columns]
    noisy = quiet.model_copy(update={"noise": tuple(layer_noise(model, count) for count in axons)})
    variation = Variation(
        layers=tuple(layer_variation(model, count) for count in axons), scale=1.0 / arguments.divide
    )
    print(f"{sum(one.synapses for one in quiet.columns)} synapses, {arguments.drawn} chips", flush=True)
    for seed in range(arguments.seeds):
        for name, network, drawn in (
            ("nominal", quiet, None),
            ("measured noise", noisy, None),
            ("drawn chips", quiet, variation),
            ("both", noisy, variation),
        ):
            options = TrainingOptions(
                seed=seed,
                epochs=arguments.epochs,
                batch_size=32,
                learning_rate=2e-3,
                schedule="cosine",
                loss=LossWeights(temporal_penalty=0.1, weight_norm=0.0, early_spike=0.0),
                tensorboard=False,
                variation=drawn,
            )
            start = time.process_time()
            with tempfile.TemporaryDirectory() as folder:
                result = train(few, network, options, folder, show_progress=False)
            took = time.process_time() - start
            on_chips = chip_accuracy(
                result.network, data.test_x[: arguments.tested], data.test_y[: arguments.tested],
                variation, chips=arguments.drawn, seed=4242,
            )  # fmt: skip
            print(
                f"seed {seed}, {name}: {100 * result.test_accuracy:.1f} %, on chips {100 * on_chips.mean():.1f} %, "
                f"worst {100 * on_chips.min():.1f} %, {took:.0f} CPU s",
                flush=True,
            )


if __name__ == "__main__":
    main()
