"""A mini-batch of the trainer whose spikes jitter as measured, against the plain one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import nonideal
from nonideal.characterize.jitter import network_noise
from nonideal.pnn import DSTD, Exact, TrainingOptions, load_small, variant_options
from timing.mini_batch import mini_batch
from timing.networks import SIZES
from timing.plan import Plan
from timing.row import Row, compare


def rows(plan: Plan) -> Iterator[Row]:
    """Small and large networks, on the physical model that ships."""
    model = nonideal.preset("sky130_tt")
    mnist = plan.images.x, plan.images.y
    iris, digits = load_small("iris"), load_small("digits")
    small, middle = (iris.train_x, iris.train_y), (digits.train_x, digits.train_y)
    for title, (x, y), layers, method, batch in (
        ("batch 32 M 10", mnist, SIZES, DSTD(10), 32),
        ("batch 256 M 10", mnist, SIZES, DSTD(10), 256),
        ("batch 32 exact", mnist, SIZES, Exact(), 32),
        ("digits 65-32-10 batch 50 exact", middle, (65, 32, 10), Exact(), 50),
        ("iris 5-5-5 batch 50 exact", small, (5, 5, 5), Exact(), 50),
    ):
        name = f"noisy step {title}"
        if plan.wants(name):
            made = partial(variant_options, "bottom_up", model, layers, method=method)
            ours, reference = (
                mini_batch(x, y, network, TrainingOptions(batch_size=batch))
                for network in (made(noise=network_noise(model, layers)), made())
            )
            many = 10 * plan.rounds if x is not plan.images.x else plan.rounds
            note = plan.images.note if many == plan.rounds else ""
            yield compare(name, ours, "step without noise", reference, many, target="<= 1.2", note=note)
