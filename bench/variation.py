"""Yield on drawn chips: trains on Iris and tries the networks on chips that training never saw.

    python bench/variation.py --model runs/iris/characterization/model.json [--layers 5,10,5] [--divide 2] [--seeds 2]
                              [--epochs 2000] [--learning-rate 0.01] [--schedule cosine] [--chips 50] [--tail 0.25] [--scale 1]
                              [--early-spike 0] [--temporal-penalty 0] [--weight-norm 0.001]

The spread is the one that the model holds (characterize.draws), over ``--divide``: spread goes with 1 / sqrt(area). ``--scale 0``
trains nominally. One line a seed: share of 1000 chips with an accuracy of at least 94 %, two points below the nominal median; the
same where only decisions by a lead of 0.002 T_circ count as right; the same with v held between V_dd and ground, (V_0 - V_dd) / V_th to
V_0 / V_th; mean accuracies; smallest v and largest weight of the nominal network.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.variation import layer_variation
from nonideal.pnn import (
    LossWeights,
    TrainingOptions,
    Variation,
    chip_accuracy,
    load_small,
    train,
    variant_options,
)
from nonideal.pnn.robustness import supply_rails

DRAWN, ENOUGH, LEAD = 1000, 0.94, 0.002


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="physical model with its mismatch")
    parser.add_argument("--layers", default="5,5,5")
    parser.add_argument("--divide", type=float, default=1.0, help="the model's spread is divided by this")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--split", type=int, default=0, help="seed of the held-out samples")
    parser.add_argument("--rails", type=float, nargs=2, help="hold v between these instead (V_th)")
    parser.add_argument("--chip-seed", type=int, default=4242, help="of the chips that are tried")
    parser.add_argument("--epochs", type=int, default=1000)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--schedule", choices=("constant", "cosine"), default="constant")
    parser.add_argument("--chips", type=int, default=8)
    parser.add_argument("--tail", type=float, default=1.0)
    parser.add_argument("--scale", type=float, default=1.0, help="spread in training over that on the chips")
    for name, default in LossWeights():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=default)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model, data = (
        PhysicalModel.load(arguments.model),
        load_small("iris", seed=arguments.split, test_samples=50),
    )
    sizes = tuple(int(n) for n in arguments.layers.split(","))
    spread = tuple(layer_variation(model, axons) for axons in sizes[:-1])
    tried = Variation(layers=spread, scale=1.0 / arguments.divide)
    drawn, chip_seed = None, arguments.chip_seed
    if arguments.scale > 0.0:
        scale = arguments.scale / arguments.divide
        drawn = Variation(layers=spread, scale=scale, chips=arguments.chips, tail=arguments.tail)
    loss = LossWeights(**{name: getattr(arguments, name) for name in LossWeights.model_fields})
    rails = tuple(arguments.rails or supply_rails(model))
    for seed in range(arguments.seeds):
        options = TrainingOptions(
            seed=seed,
            epochs=arguments.epochs,
            learning_rate=arguments.learning_rate,
            schedule=arguments.schedule,
            loss=loss,
            variation=drawn,
            tensorboard=False,
            log_every=arguments.epochs,
        )
        with tempfile.TemporaryDirectory() as folder:
            network = variant_options("pnn", model, sizes)
            result = train(data, network, options, Path(folder), show_progress=False)
        found = chip_accuracy(result.network, data.test_x, data.test_y, tried, chips=DRAWN, seed=chip_seed)
        clear = chip_accuracy(
            result.network, data.test_x, data.test_y, tried, chips=DRAWN, seed=chip_seed, lead=LEAD
        )
        held = chip_accuracy(
            result.network, data.test_x, data.test_y, tried, chips=DRAWN, seed=chip_seed, rails=rails
        )
        good, good_clear, good_held = (
            float((a >= ENOUGH - 1e-9).double().mean()) for a in (found, clear, held)
        )
        print(
            f"seed {seed}: nominal {100 * result.test_accuracy:.0f} %, yield {100 * good:.1f} % "
            f"(by a lead {100 * good_clear:.1f} %, between the rails {100 * good_held:.1f} %), "
            f"mean {100 * found.mean():.1f} ({100 * held.mean():.1f}) %, "
            f"v >= {min(low for low, _ in result.membrane_range):.2f}, |w| <= {max(result.largest_weight):.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
