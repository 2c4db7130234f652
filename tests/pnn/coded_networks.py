"""Networks of every kind whose weights can be codes."""

from __future__ import annotations

import torch
from torch import Tensor

from nonideal.pnn import (
    DSTD,
    Convolution,
    Discharger,
    Exact,
    NetworkOptions,
    Pool,
    RCSpikeNeuron,
    Reversal,
    StackOptions,
    TTFSNeuron,
)

PAPER = Reversal.constant(2.80, -1.53)
DENSE = NetworkOptions(layer_sizes=(5, 5, 5), reversal=PAPER, discharger=Discharger(0.155))
CNN = StackOptions(
    input_shape=(1, 6, 6),
    layers=(Convolution(conv=4), Pool(), 6, 4),
    neuron=RCSpikeNeuron(discharger=Discharger(0.155)),
    reversal=PAPER,
    method=DSTD(5),
)
NETWORKS = {
    "dense exact": DENSE,
    "dense DSTD": DENSE.model_copy(update={"method": DSTD(5)}),
    "dense third order": DENSE.model_copy(update={"method": DSTD(4, order=3)}),
    "convolution DSTD": CNN,
    "convolution exact": CNN.model_copy(update={"method": Exact()}),
    "TTFS DSTD": CNN.model_copy(update={"neuron": TTFSNeuron()}),
    "TTFS exact": CNN.model_copy(update={"neuron": TTFSNeuron(), "method": Exact()}),
}


def spikes(options: NetworkOptions | StackOptions, samples: int = 3) -> Tensor:
    return torch.rand(
        samples, options.layer_sizes[0], generator=torch.Generator().manual_seed(3), dtype=torch.float64
    )
