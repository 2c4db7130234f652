"""How a trained network does on chips that were never seen: what training on drawn chips is for."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from nonideal.characterize.jitter import LayerNoise
from nonideal.characterize.model import PhysicalModel
from nonideal.pnn import checks
from nonideal.pnn.errors import BadParameter
from nonideal.pnn.exact import Exact
from nonideal.pnn.jitter import spike_variance, total
from nonideal.pnn.network import RCSpikeNetwork, SpikingNetwork
from nonideal.pnn.noise import jittered
from nonideal.pnn.rails import image_times, output_times
from nonideal.pnn.rc_spike import RCSpikeLinear
from nonideal.pnn.stack import NO_TTFS_CHIPS, NO_TTFS_NOISE, StackNetwork
from nonideal.pnn.variation import ChipDraw, Chips, Variation

_ELEMENTS = 1 << 24


@torch.no_grad()
def chip_accuracy(
    network: SpikingNetwork,
    spike_time: Tensor,
    label: Tensor,
    variation: Variation,
    *,
    chips: int,
    seed: int,
    lead: float | None = None,
    condition: int | None = None,
    rails: tuple[float, float] | None = None,
) -> Tensor:
    """Accuracy on each of so many drawn chips, [chips], float64, evaluated exactly and without noise; networks of convolutions, without
    ``rails``, as their ``predict_times`` does.

    spike_time [B, axons], label [B]. With ``lead`` (T_circ) a decision is wrong, too, where the next used output follows within that
    time: 0 for outputs that spike together, as those that have passed threshold before they fire do, where ``decide`` takes the
    lower index. Of ``variation`` the layers' spreads and the scale count, and one of its ``conditions``, by index, where it is asked
    for. With ``rails``, as ``supply_rails`` gives them, membranes end at the supplies, which takes longer. The yield is a share of
    chips: ``(chip_accuracy(...) >= least).double().mean()``.

        from nonideal.characterize.variation import CurrentSpread, LayerVariation

        spread = LayerVariation(CurrentSpread(0.4, 1.0), CurrentSpread(0.22, 2.0), ln_ramp=0.18, threshold=0.012, discharge=0.155)
        variation = nonideal.pnn.Variation(layers=(spread, spread), chips=8)    # of a network of two layers
        iris = nonideal.load_dataset("iris")
        network = nonideal.RCSpikeNetwork((5, 5, 3), nonideal.pnn.Reversal.ideal())
        found = nonideal.pnn.chip_accuracy(network, iris.test_x, iris.test_y, variation, chips=20, seed=1)    # [20]
    """
    if isinstance(network, StackNetwork) and network.options.neuron.kind == "ttfs":
        raise BadParameter(NO_TTFS_CHIPS)
    if not isinstance(network, RCSpikeNetwork | StackNetwork):
        raise BadParameter(f"network is {checks.shown(network)}: give a network of RC-Spike layers")
    exact = copy.deepcopy(network).cpu().double()
    t, label = _samples(exact, spike_time, label)
    checks.instance(variation, "variation", Variation)
    chips, seed = checks.whole(chips, "chips", 1, 10**9), checks.whole(seed, "seed", 0, 2**63 - 1)
    if condition is not None:
        condition = checks.whole(condition, "condition", 0, 2**31)
    if lead is not None:
        lead = checks.number(lead, "lead")
    if rails is not None and not (len(rails) == 2 and rails[0] < 0.0 < rails[1]):
        raise BadParameter(
            f"rails = {rails}: give (low, high) in V_th, low < 0 < high, as supply_rails(model) does"
        )
    source = ChipDraw(variation, network.columns, torch.empty(0, dtype=torch.float64))
    normals = partial(torch.randn, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    # so many chips that neither their weights nor their samples fill the memory; at least one
    widest = max(size.positions * max(size.axons, size.neurons) for size in network.columns)
    most = max(1, _ELEMENTS // max(source.per_chip, t.shape[0] * widest))
    found: list[Tensor] = []
    for start in range(0, chips, most):
        count = min(most, chips - start)
        met = None if condition is None else torch.full((count,), condition)
        drawn = source.draw(count, normals, met)
        few = max(1, _ELEMENTS // (count * widest))
        output = torch.cat([_output(exact, part, count, drawn, rails) for part in t.split(few)])
        right = exact.decide(output.flatten(0, 1)).view(-1, count) == label.unsqueeze(1)
        if lead is not None and exact.classes > 1:
            first = output[..., : exact.classes].sort(-1).values
            right &= first[..., 1] - first[..., 0] > lead
        found.append(right.double().mean(0))
    return torch.cat(found)


def _samples(
    network: RCSpikeNetwork | StackNetwork, spike_time: Tensor, label: Tensor
) -> tuple[Tensor, Tensor]:
    """Spike times, float64, and labels of a network's samples. Raises ``BadParameter`` for what are none, and unless there is a label for each."""
    axons = network.layer_sizes[0] if isinstance(network, RCSpikeNetwork) else network.options.layer_sizes[0]
    label = checks.labels(label, "label", network.classes)
    spike_time = checks.spike_times(spike_time, "spike_time", axons).double()
    if label.shape[0] != spike_time.shape[0]:
        raise BadParameter(
            f"label has {label.shape[0]} labels for {spike_time.shape[0]} samples: give one for each"
        )
    return spike_time, label


def _output(
    network: RCSpikeNetwork | StackNetwork,
    t: Tensor,
    count: int,
    chips: Chips,
    rails: tuple[float, float] | None,
) -> Tensor:
    """Output times on drawn chips, [B, chips, N_out], of spike times [B, axons]."""
    if isinstance(network, StackNetwork):
        if rails is not None:
            return image_times(network, t, chips, rails)
        with network.fine():
            return network(t.unsqueeze(1).expand(-1, count, -1), None, chips)[-1].spike_time
    if rails is not None:
        return output_times(network.linear_layers, t, chips, rails)
    for layer in network.linear_layers:
        layer.method = Exact()
    return network(t.unsqueeze(1).expand(-1, count, -1), None, chips)[-1].spike_time


def supply_rails(model: PhysicalModel) -> tuple[float, float]:
    """The v at which a membrane meets V_dd, and ground."""
    v_0, v_th = model.v_0_V.value, model.v_th_V
    return (v_0 - model.vdd_V) / v_th, v_0 / v_th


@torch.no_grad()
def noisy_accuracy(
    network: SpikingNetwork,
    spike_time: Tensor,
    label: Tensor,
    noise: Sequence[LayerNoise],
    *,
    draws: int,
    seed: int,
) -> Tensor:
    """Accuracy under so many draws of the circuit's own noise, [draws], float64, evaluated exactly; every spike of every sample has its own.

    spike_time [B, axons], label [B]; ``noise`` of every layer, as ``nonideal.characterize.jitter.network_noise`` gives it (of a layer of
    neurons with ``n`` axons each, ``layer_noise(model, n)``). Jitter is drawn from the closed form, layer by layer, so that a hidden spike's goes
    on to the outputs; of networks of convolutions from its short form, as in training, and spikes as ``predict_times`` has them.

        from nonideal.characterize.jitter import layer_noise

        model = nonideal.preset("sky130_tt")
        network = nonideal.pnn.RCSpikeNetwork((5, 3), nonideal.pnn.Reversal.ideal())
        times, labels = torch.rand(4, 5), torch.tensor([0, 1, 2, 0])
        found = nonideal.pnn.robustness.noisy_accuracy(network, times, labels, [layer_noise(model, 5)], draws=20, seed=1)    # [20]
    """
    if isinstance(network, StackNetwork) and network.options.neuron.kind == "ttfs":
        raise BadParameter(NO_TTFS_NOISE)
    if not isinstance(network, RCSpikeNetwork | StackNetwork):
        raise BadParameter(f"network is {checks.shown(network)}: give a network of RC-Spike layers")
    exact = copy.deepcopy(network).cpu().double()
    if len(noise) != len(exact.columns):
        raise BadParameter(
            f"noise describes {len(noise)} layers, the network has {len(exact.columns)}: give one for each"
        )
    spike_time, label = _samples(exact, spike_time, label)
    draws, seed = checks.whole(draws, "draws", 1, 10**9), checks.whole(seed, "seed", 0, 2**63 - 1)
    generator = torch.Generator().manual_seed(seed)
    if isinstance(exact, StackNetwork):
        exact.noise, exact.sigma_spike = tuple(noise), 0.0
        return torch.stack([_share_right(exact, spike_time, label, generator) for _ in range(draws)])
    layers = list(zip(exact.linear_layers, noise, strict=True))
    # The inputs do not jitter: the first layer fires alike in every draw.
    first = _fired(spike_time, *layers[0])
    found = []
    for _ in range(draws):
        t = _drawn(first, generator)
        for layer, one in layers[1:]:
            t = _drawn(_fired(t, layer, one), generator)
        found.append((exact.decide(t) == label).double().mean())
    return torch.stack(found)


def _share_right(
    network: StackNetwork, spike_time: Tensor, label: Tensor, generator: torch.Generator
) -> Tensor:
    """Share of right decisions in one draw of a network's own noise, float64; so many samples at a time that they do not fill the memory."""
    widest = max(size.positions * max(size.axons, size.neurons) for size in network.columns)
    with network.fine():
        output = [
            network(part, generator)[-1].spike_time
            for part in spike_time.split(max(1, _ELEMENTS // (4 * widest)))
        ]
    return (network.decide(torch.cat(output)) == label).double().mean()


def _fired(t: Tensor, layer: RCSpikeLinear, noise: LayerNoise) -> tuple[Tensor, Tensor]:
    """Unclipped spike times of a layer and their standard deviations, [B, N_out]."""
    weight = layer.weight
    fired = layer.evaluate(t, weight, Exact())
    parts = spike_variance(
        t, weight, layer.reversal.conductance(weight), (fired.membrane, fired.spike_time), noise
    )
    return fired.unclipped, total(parts).sqrt()


def _drawn(fired: tuple[Tensor, Tensor], generator: torch.Generator) -> Tensor:
    """Spike times with a draw of jitter, in [0, 1]."""
    return jittered(*fired, generator).clamp(0.0, 1.0)
