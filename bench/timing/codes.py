"""A mini-batch of the trainer whose weights are codes, against the plain one."""

from __future__ import annotations

from collections.abc import Iterator

from nonideal.pnn import (
    DSTD,
    Convolution,
    Exact,
    NetworkOptions,
    Pool,
    RCSpikeNeuron,
    StackOptions,
    TrainingOptions,
    TTFSNeuron,
    load_small,
)
from timing.mini_batch import mini_batch
from timing.networks import PAPER, RAMP, SIZES
from timing.plan import Plan
from timing.row import Row, compare

BITS = 4
SHARED = {"reversal": PAPER, "discharger": RAMP}
CNN = StackOptions(
    input_shape=(1, 28, 28),
    layers=(Convolution(conv=8), Pool(), Convolution(conv=16), Pool(), 64, 10),
    neuron=RCSpikeNeuron(discharger=RAMP),
    reversal=PAPER,
    method=DSTD(5),
)
TTFS = CNN.model_copy(update={"neuron": TTFSNeuron(), "method": DSTD(10)})


def rows(plan: Plan) -> Iterator[Row]:
    """Large and small networks of every kind of layer; full scales learned, the dearest."""
    mnist = plan.images.x, plan.images.y
    iris, digits = load_small("iris"), load_small("digits")
    small, middle = (iris.train_x, iris.train_y), (digits.train_x, digits.train_y)
    for title, (x, y), network, batch in (
        ("batch 32 M 10", mnist, NetworkOptions(layer_sizes=SIZES, method=DSTD(10), **SHARED), 32),
        ("batch 256 M 10", mnist, NetworkOptions(layer_sizes=SIZES, method=DSTD(10), **SHARED), 256),
        ("batch 32 exact", mnist, NetworkOptions(layer_sizes=SIZES, method=Exact(), **SHARED), 32),
        ("CNN 8-P-16-P-64-10 batch 32 M 5", mnist, CNN, 32),
        ("TTFS CNN 8-P-16-P-64-10 batch 32 M 10", mnist, TTFS, 32),
        ("digits 65-32-10 batch 50 exact", middle, NetworkOptions(layer_sizes=(65, 32, 10), **SHARED), 50),
        ("iris 5-5-5 batch 50 exact", small, NetworkOptions(layer_sizes=(5, 5, 5), **SHARED), 50),
        (
            "iris 5-5-5 batch 50 M 10",
            small,
            NetworkOptions(layer_sizes=(5, 5, 5), method=DSTD(10), **SHARED),
            50,
        ),
    ):
        name = f"coded step {title}"
        if plan.wants(name):
            ours, reference = (
                mini_batch(x, y, network, TrainingOptions(batch_size=batch, bits=bits))
                for bits in (BITS, None)
            )
            many = 10 * plan.rounds if x is not plan.images.x else plan.rounds
            yield compare(
                name,
                ours,
                "analog step",
                reference,
                many,
                target="<= 1.2",
                note=plan.images.note if many == plan.rounds else "",
            )
