"""Train on NumPy arrays: features [samples, n] and classes [samples] become a network for sky130 silicon, saved with all that it needs."""

from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_wine

import nonideal
from nonideal.pnn import Dataset, Encoding


def main(folder: Path = Path("trained/arrays"), epochs: int = 300) -> float:
    x, y = load_wine(return_X_y=True)  # your arrays
    order = np.random.default_rng(0).permutation(len(y))
    train, test = order[:128], order[128:]
    low, high = x[train].min(axis=0), x[train].max(axis=0)
    x = np.clip((x - low) / (high - low), 0.0, 1.0)  # features in 0 .. 1 become spikes at t = x
    times = Encoding().encode(x)  # [samples, 13 + 1], in T_circ: a bias axon is added
    data = Dataset(
        times[train], y[train], times[test], y[test], features=14, classes=3, name="wine", encoding=Encoding()
    )
    options = nonideal.variant_options("pnn", nonideal.preset("sky130_tt"), (14, 8, 3))
    result = nonideal.train(
        data, options, nonideal.TrainingOptions(epochs=epochs), folder, model_sha256="preset sky130_tt"
    )
    return result.test_accuracy


if __name__ == "__main__":
    torch.set_num_threads(1)  # a small network does not gain by more
    print(f"{100 * main():.1f} % of the test samples")
