"""Accuracy under the circuit's own noise, trained without and with it: writes bench/noise.json, which docs/explanation/noise.md tells.

    python bench/noise.py [--sets iris digits] [--seeds 1 2 3 4 5] [--draws 200] [--out FILE]

Experiments iris and digits on the physical model that ships with the package, variant ``bottom_up``. Held-out accuracies in the fast model: without
noise, and the mean over draws of noise in closed form; the 95 % interval is over seeds (Student's t). Noise 5 and 20 times as large is told beside:
what else moves spikes, ripple say, may be that large. A network that was trained on a constant jitter of ``JITTER`` stands beside both.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from nonideal.characterize.jitter import LayerNoise, network_noise
from nonideal.experiment.experiment import load_experiment
from nonideal.pnn import preset, train
from nonideal.pnn.robustness import noisy_accuracy
from nonideal.pnn.trainer import exact_accuracy
from nonideal.stages.training_job import network_of

MODEL = "sky130_tt"
LOUDER = (5.0, 20.0)
JITTER = 0.05
"""In T_circ: as much as 10 times the noise."""
WAYS = {"constant": {}, "measured": {"spike_noise": "measured"}, "jitter": {"spike_noise_norm": JITTER}}


@dataclass(frozen=True, slots=True)
class Accuracies:
    """Of one data set and one way to train, seed by seed: without noise, under it, and (by the factor) under ``LOUDER`` times as much."""

    set: str
    trained: str
    low_corner_Hz: float
    test_samples: int
    quiet: list[float]
    noisy: list[float]
    louder: dict[str, list[float]]

    def told(self) -> str:
        """A line."""
        more = ((f"{factor} x", values) for factor, values in self.louder.items())
        parts = (("quiet", self.quiet), ("noisy", self.noisy), *more)
        shown = "  ".join(f"{name} {100 * np.mean(a):.2f} ± {100 * half_width(a):.2f} %" for name, a in parts)
        return f"{self.set:7s} trained {self.trained:9s} {shown}"


def half_width(values: list[float]) -> float:
    """Of the 95 % interval of the mean."""
    n = len(values)
    return float(stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else float("nan")


def louder(noise: LayerNoise, factor: float) -> LayerNoise:
    """Every standard deviation times ``factor``."""
    by = factor**2

    def scaled(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(by * c for c in values)

    sides = {
        name: replace(side, white=scaled(side.white), flicker=scaled(side.flicker))
        for name, side in (("positive", noise.positive), ("negative", noise.negative))
    }
    rest = ("switched", "ramp_white", "ramp_flicker", "sense_white", "sense_flicker")
    return replace(noise, **sides, **{name: by * getattr(noise, name) for name in rest})


def measured(name: str, how: str, seeds: list[int], draws: int) -> Accuracies:
    """One way."""
    asked = load_experiment(name).changed({"training": {"preset": MODEL, "tensorboard": False, **WAYS[how]}})
    data, model = asked.data.load(), preset(MODEL)
    network = network_of(asked, data, "bottom_up", model)
    noise = network_noise(model, asked.training.layers, asked.noise.low_corner_Hz)
    levels = {f"{factor:g}": tuple(louder(one, factor) for one in noise) for factor in LOUDER}
    found = Accuracies(
        name, how, asked.noise.low_corner_Hz, len(data.test_y), [], [], {factor: [] for factor in levels}
    )
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            options, told = asked.training.options(seed), f"preset {MODEL}"
            result = train(data, network, options, Path(folder), variant="bottom_up", model_sha256=told)
        found.quiet.append(exact_accuracy(result.network, data.test_x, data.test_y))
        for one, into in ((noise, found.noisy), *((levels[k], found.louder[k]) for k in levels)):
            share = noisy_accuracy(result.network, data.test_x, data.test_y, one, draws=draws, seed=seed)
            into.append(float(share.mean()))
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", default=["iris", "digits"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name in arguments.sets:
        for how in WAYS:
            rows.append(measured(name, how, arguments.seeds, arguments.draws))
            print(rows[-1].told(), flush=True)
            told = {"date": datetime.now(UTC).date().isoformat(), "model": MODEL, "draws": arguments.draws}
            told["rows"] = [asdict(row) for row in rows]
            arguments.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(arguments.out)


if __name__ == "__main__":
    main()
