"""Accuracy of weights that are codes against analog ones: writes bench/codes.json, which docs/explanation/codes.md is filled from.

    python bench/codes.py [--only iris] [--variant bottom_up] [--seeds 1 2 3 4 5] [--epochs N] [--out FILE]

Experiments iris and digits on the physical model that ships with the package: analog weights, the same rounded after training, and weights
trained as codes, by the same recipe on the same seeds. Held-out accuracies, evaluated exactly in float64, always with the codes.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import torch

from nonideal.experiment.experiment import Experiment, load_experiment
from nonideal.pnn import Dataset, SpikingNetwork, TrainingOptions, kernel_name, preset, round_weights, train
from nonideal.pnn.choices import FullScale, Variant
from nonideal.pnn.trainer import exact_accuracy
from nonideal.stages.training_job import network_of

MODEL = "sky130_tt"
SETS = ("iris", "digits")
BITS = (2, 3, 4, 5)
"""Of the magnitude; the sign is one more."""
FULL_SCALES: tuple[FullScale, ...] = ("learned", "largest", 1.2, 2.0)


@dataclass(frozen=True, slots=True)
class Accuracies:
    """Of one way to weights, seed by seed. ``bits`` None: analog; ``trained``: with codes, else rounded after training."""

    set: str
    bits: int | None
    full_scale: FullScale | None
    trained: bool
    test_samples: int
    accuracy: list[float]
    full_scales: list[list[float]]

    def told(self) -> str:
        """A line."""
        how = (
            "analog"
            if self.bits is None
            else f"{self.bits} bits, {'trained' if self.trained else 'rounded'}, full scale {self.full_scale}"
        )
        each = " ".join(f"{100 * a:.1f}" for a in self.accuracy)
        return f"{self.set:7s} {how:40s} median {100 * median(self.accuracy):5.1f} worst {100 * min(self.accuracy):5.1f}  ({each})"


def measured(
    name: str, variant: Variant, seeds: list[int] | None, epochs: int | None
) -> Iterator[Accuracies]:
    """Every way of one experiment."""
    experiment = load_experiment(name).changed({"training": {"epochs": epochs, "tensorboard": False}})
    data = experiment.data.load()
    seeds = seeds or list(range(1, 6))
    analog = [trained(experiment, data, variant, experiment.training.options(seed)) for seed in seeds]

    def row(
        bits: int | None, full_scale: FullScale | None, by: bool, networks: list[SpikingNetwork]
    ) -> Accuracies:
        found = [exact_accuracy(network, data.test_x, data.test_y) for network in networks]
        scales = [[float(codes.full_scale) for codes in network.codes] for network in networks]
        return Accuracies(name, bits, full_scale, by, len(data.test_y), found, scales)

    yield row(None, None, True, analog)
    for full_scale in FULL_SCALES:
        for bits in BITS:
            if full_scale != "learned":
                yield row(bits, full_scale, False, [rounded(network, bits, full_scale) for network in analog])
            coded = experiment.changed({"training": {"full_scale": full_scale}}).training
            options = [coded.options(seed, bits=bits) for seed in seeds]
            yield row(bits, full_scale, True, [trained(experiment, data, variant, one) for one in options])


def trained(
    experiment: Experiment, data: Dataset, variant: Variant, options: TrainingOptions
) -> SpikingNetwork:
    """One training."""
    network = network_of(experiment, data, variant, preset(MODEL))
    quiet = options.model_copy(update={"log_every": options.epochs, "checkpoint_every_s": 1e9})
    with tempfile.TemporaryDirectory() as folder:
        return train(data, network, quiet, folder, show_progress=False).network


def rounded(network: SpikingNetwork, bits: int, full_scale: FullScale) -> SpikingNetwork:
    """A copy, its weights rounded."""
    found = copy.deepcopy(network)
    round_weights(found.spiking_layers, bits, full_scale)
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=SETS, help="one experiment; the other's rows stay")
    parser.add_argument("--variant", choices=("ann", "pnn", "bottom_up"), default="bottom_up")
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--epochs", type=int, help="instead of the experiment's")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("codes.json"))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    if asked.only and asked.out.is_file():
        rows = [
            row
            for row in json.loads(asked.out.read_text(encoding="utf-8"))["rows"]
            if row["set"] != asked.only
        ]
    for name in (asked.only,) if asked.only else SETS:
        for found in measured(name, asked.variant, asked.seeds, asked.epochs):
            print(found.told(), flush=True)
            rows.append(asdict(found))
    told = {
        "command": "python bench/codes.py", "date": datetime.now(UTC).date().isoformat(), "variant": asked.variant,
        "model": MODEL, "kernel": kernel_name(), "torch": torch.__version__, "rows": rows,
    }  # fmt: skip
    part = asked.out.with_suffix(".part")
    part.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    os.replace(part, asked.out)
    print(asked.out)


if __name__ == "__main__":
    main()
