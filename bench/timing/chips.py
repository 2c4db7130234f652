"""A mini-batch of the trainer on drawn chips, against nominal training."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from nonideal.characterize.shift import CurrentShift, LayerShift
from nonideal.characterize.variation import CurrentSpread, LayerVariation
from nonideal.pnn import DSTD, Exact, NetworkOptions, TrainingOptions, Variation, load_small
from timing.mini_batch import mini_batch
from timing.networks import PAPER, RAMP, SIZES
from timing.plan import Plan
from timing.row import Row, compare

SPREAD = LayerVariation(CurrentSpread(0.30, 5.0), CurrentSpread(0.20, 7.2), 0.154, 0.0186, 0.153)
"""About what the default circuit shows; times do not depend on it."""
HOT = LayerShift(CurrentShift(0.12, 0.25, 0.12), CurrentShift(0.26, 0.24, 0.08), 0.83, -0.007)
"""About 10 degrees above home."""


def rows(plan: Plan) -> Iterator[Row]:
    """Large and small networks, several chips a mini-batch."""
    mnist = plan.images.x, plan.images.y
    iris, digits = load_small("iris"), load_small("digits")
    for title, (x, y), sizes, method, batch, tail, conditions in (
        ("batch 32 M 10", mnist, SIZES, DSTD(10), 32, 1.0, 0),
        ("batch 32 M 10, 7 conditions", mnist, SIZES, DSTD(10), 32, 1.0, 7),
        ("batch 256 M 10", mnist, SIZES, DSTD(10), 256, 1.0, 0),
        ("iris 5-5-5 batch 50 exact", (iris.train_x, iris.train_y), (5, 5, 5), Exact(), 50, 1.0, 0),
        ("iris 5-20-5 batch 50 exact", (iris.train_x, iris.train_y), (5, 20, 5), Exact(), 50, 1.0, 0),
        (
            "iris 5-5-5 batch 50 exact, tail 0.25",
            (iris.train_x, iris.train_y),
            (5, 5, 5),
            Exact(),
            50,
            0.25,
            0,
        ),
        (
            "iris 5-5-5 batch 50 exact, 7 conditions",
            (iris.train_x, iris.train_y),
            (5, 5, 5),
            Exact(),
            50,
            1.0,
            7,
        ),
        ("iris 5-5-5 batch 50 M 10", (iris.train_x, iris.train_y), (5, 5, 5), DSTD(10), 50, 1.0, 0),
        (
            "digits 65-32-10 batch 50 exact",
            (digits.train_x, digits.train_y),
            (65, 32, 10),
            Exact(),
            50,
            1.0,
            0,
        ),
        (
            "digits 65-32-10 batch 50 M 10",
            (digits.train_x, digits.train_y),
            (65, 32, 10),
            DSTD(10),
            50,
            1.0,
            0,
        ),
    ):
        name = f"variation-aware step {title}"
        if plan.wants(name):
            depth = len(sizes) - 1
            variation = Variation(
                layers=(SPREAD,) * depth, conditions=((HOT,) * depth,) * conditions, chips=8, tail=tail
            )
            weights = sum(a * b for a, b in pairwise(sizes))
            network = NetworkOptions(layer_sizes=sizes, reversal=PAPER, discharger=RAMP, method=method)
            ours, reference = (
                mini_batch(x, y, network, TrainingOptions(batch_size=batch, variation=v))
                for v in (variation, None)
            )
            chips = variation.chips_of(batch, weights)
            drawn = "1 chip" if chips == 1 else f"{chips} chips"
            many = plan.rounds if sizes == SIZES else 10 * plan.rounds
            yield compare(
                name, ours, "nominal step", reference, many, target="<= 1.5", note=f"{drawn} a mini-batch"
            )
