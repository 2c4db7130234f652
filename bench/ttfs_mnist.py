"""Train experiments/mnist_ttfs.toml, a small time-to-first-spike CNN: accuracy and seconds per epoch, one thread.

    python bench/ttfs_mnist.py --mnist FOLDER [--epochs N] [--seed S] [--samples N]

With --samples only the first N training images are used, and the test is on 5000 of the others: for choosing a recipe.
Continues a training of the same options in --folder.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import tempfile
import time
from pathlib import Path

import torch

from nonideal.experiment.experiment import load_experiment
from nonideal.pnn import Dataset, kernel_name, preset, train
from nonideal.stages.training_job import network_of

HELD_OUT = 5000


def parts_of_training_set(data: Dataset, samples: int) -> Dataset:
    """The first samples to train on, the last ones of the training set to test on."""
    x, y = data.train_x, data.train_y
    return dataclasses.replace(
        data, train_x=x[:samples], train_y=y[:samples], test_x=x[-HELD_OUT:], test_y=y[-HELD_OUT:]
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mnist", required=True, help="folder with the four MNIST files")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--samples", type=int)
    parser.add_argument("--folder", type=Path, help="where weights and metrics go (default: a temporary one)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    experiment = load_experiment("mnist_ttfs").changed(
        {"data": {"folder": arguments.mnist}, "training": {"epochs": arguments.epochs, "tensorboard": False}}
    )
    training = experiment.training
    data = experiment.data.load()
    if arguments.samples is not None:
        data = parts_of_training_set(data, arguments.samples)
    network = network_of(experiment, data, "pnn", preset(training.preset or "sky130_tt"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        print(f"kernel: {kernel_name()}", flush=True)
        start, start_cpu = time.perf_counter(), time.process_time()
        result = train(data, network, training.options(arguments.seed), folder, show_progress=False)
        seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
        for row in csv.DictReader((folder / "metrics.csv").open(encoding="utf-8")):
            print(", ".join(f"{key} {float(value):.4g}" for key, value in row.items()))
    each = f"{seconds / training.epochs:.0f} s ({cpu / training.epochs:.0f} s CPU)"
    print(
        f"test {100 * result.test_accuracy:.2f} %, train {100 * result.train_accuracy:.2f} %; with these tests {each} an epoch"
    )


if __name__ == "__main__":
    main()
