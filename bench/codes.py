"""Accuracy of weights that are codes against analog ones: writes bench/codes.json, which docs/explanation/training-codes.md is filled from.

    python bench/codes.py [--only iris] [--variant bottom_up] [--seeds 1 2 3 4 5] [--epochs N] [--out FILE]

Experiments iris and digits on the physical model that ships with the package: analog weights, the same rounded after training, and weights
trained as codes, by the same recipe on the same seeds. Held-out accuracies, evaluated exactly in float64, always with the codes. Rows are
kept as they are measured: a restart on the same day goes on.
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
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch

from nonideal.experiment.experiment import Experiment, load_experiment
from nonideal.pnn import Dataset, SpikingNetwork, TrainingOptions, kernel_name, preset, round_weights, train
from nonideal.pnn.accuracies import exact_accuracy
from nonideal.pnn.choices import FullScale, Variant
from nonideal.stages.training_job import network_of

MODEL = "sky130_tt"
SETS = ("iris", "digits")
BITS = (2, 3, 4, 5)
"""Of the magnitude; the sign is one more."""
FULL_SCALES: tuple[FullScale, ...] = ("learned", "largest", 1.2, 2.0)


class Way(NamedTuple):
    """How weights are come by. ``bits`` None: analog; ``trained``: with codes, else rounded after training."""

    set: str
    bits: int | None
    full_scale: FullScale | None
    trained: bool


@dataclass(frozen=True, slots=True)
class Accuracies:
    """Of one way, seed by seed."""

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
    name: str, variant: Variant, seeds: list[int], epochs: int | None, known: set[Way]
) -> Iterator[Accuracies]:
    """Every way of one experiment that is not known yet."""
    experiment = load_experiment(name).changed({"training": {"epochs": epochs, "tensorboard": False}})
    data = experiment.data.load()

    @cache
    def analog() -> list[SpikingNetwork]:
        return [trained(experiment, data, variant, experiment.training.options(seed)) for seed in seeds]

    def row(way: Way, networks: list[SpikingNetwork]) -> Accuracies:
        found = [exact_accuracy(network, data.test_x, data.test_y) for network in networks]
        scales = [[float(codes.full_scale) for codes in network.codes] for network in networks]
        return Accuracies(*way, len(data.test_y), found, scales)

    if (way := Way(name, None, None, True)) not in known:
        yield row(way, analog())
    for full_scale in FULL_SCALES:
        for bits in BITS:
            if full_scale != "learned" and (way := Way(name, bits, full_scale, False)) not in known:
                yield row(way, [rounded(network, bits, full_scale) for network in analog()])
            if (way := Way(name, bits, full_scale, True)) not in known:
                coded = experiment.changed({"training": {"full_scale": full_scale}}).training
                options = [coded.options(seed, bits=bits) for seed in seeds]
                yield row(way, [trained(experiment, data, variant, one) for one in options])


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
    parser.add_argument("--only", choices=SETS, help="one experiment")
    parser.add_argument("--variant", choices=("ann", "pnn", "bottom_up"), default="bottom_up")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--epochs", type=int, help="instead of the experiment's")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("codes.json"))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    told: dict[str, Any] = {
        "command": "python bench/codes.py", "date": datetime.now(UTC).date().isoformat(), "variant": asked.variant,
        "model": MODEL, "kernel": kernel_name(), "torch": torch.__version__, "seeds": asked.seeds, "epochs": asked.epochs,
    }  # fmt: skip
    rows = kept(asked.out, told)
    known = {Way(*(row[field] for field in Way._fields)) for row in rows}
    for name in (asked.only,) if asked.only else SETS:
        for found in measured(name, asked.variant, asked.seeds, asked.epochs, known):
            print(found.told(), flush=True)
            rows.append(asdict(found))
            write(asked.out, told | {"rows": rows})
    print(asked.out)


def kept(path: Path, told: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of a run that was cut off, if it was asked the same on the same day."""
    if not path.is_file():
        return []
    before = json.loads(path.read_text(encoding="utf-8"))
    rows: list[dict[str, Any]] = before.pop("rows")
    return rows if before == told else []


def write(path: Path, results: dict[str, Any]) -> None:
    """Whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)


if __name__ == "__main__":
    main()
