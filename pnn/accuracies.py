"""Share of samples that a network decides right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from torch import Tensor

from nonideal.pnn import checks
from nonideal.pnn.network import SpikingNetwork

SAMPLES_A_CALL: Final = 250


def accuracy(network: SpikingNetwork, spike_time: Tensor, label: Tensor) -> float:
    """Share of right decisions in [0, 1], evaluated as the network is configured, without noise.

    spike_time [B, axons] in T_circ, label [B] from 0; a sample for which no output fires is wrong. Raises ``DataError``.

        data, network = nonideal.load_dataset("iris"), nonideal.pnn.RCSpikeNetwork((5, 5, 3), nonideal.pnn.Reversal.ideal())
        print(nonideal.pnn.accuracy(network, data.test_x, data.test_y))
    """
    checks.instance(network, "network", SpikingNetwork)
    return _share(network, spike_time, label, network.predict)


def exact_accuracy(network: SpikingNetwork, spike_time: Tensor, label: Tensor) -> float:
    """As ``accuracy``, evaluated as ``network.predict_times`` does: fully connected RC-Spike networks exactly, in float64.

    spike_time [B, axons] in T_circ, label [B] from 0.

        data, network = nonideal.load_dataset("iris"), nonideal.pnn.RCSpikeNetwork((5, 5, 3), nonideal.pnn.Reversal.ideal())
        print(nonideal.pnn.exact_accuracy(network, data.test_x, data.test_y))
    """
    checks.instance(network, "network", SpikingNetwork)
    return _share(network, spike_time, label, lambda x: network.decide(network.predict_times(x)[-1]))


def _share(
    network: SpikingNetwork, spike_time: Tensor, label: Tensor, decision: Callable[[Tensor], Tensor]
) -> float:
    spike_time = checks.network_input(spike_time)
    label = checks.labels(label, "label", network.classes, spike_time.shape[0]).cpu()
    parts = zip(spike_time.split(SAMPLES_A_CALL), label.split(SAMPLES_A_CALL), strict=True)
    return sum(int((decision(x).cpu() == y).sum()) for x, y in parts) / label.shape[0]
