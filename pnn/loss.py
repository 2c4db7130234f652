"""What training minimises (paper, sections 5 and 7)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from nonideal.pnn import checks
from nonideal.pnn.errors import BadParameter
from nonideal.pnn.loss_weights import LossWeights
from nonideal.pnn.spikes import Firing, FirstSpike

_NO_LABEL = -(2**62)


def first_to_fire(output_time: Tensor, label: Tensor, tau_soft: float) -> Tensor:
    """Cross-entropy of softmax(-t / tau): small when the true class fires first. output_time [B, classes],
    label [B], integers below the number of classes -> scalar. Raises ``DataError`` for a label that is no class, ``BadParameter`` for other shapes.

        loss = nonideal.pnn.first_to_fire(torch.rand(10, 3), torch.arange(10) % 3, tau_soft=0.07)    # output times in T_circ
    """
    if not isinstance(output_time, Tensor):
        raise BadParameter(
            f"output_time is {checks.shown(output_time)}: give a tensor [B, classes], of a layer's spikes their unclipped times"
        )
    if not tau_soft > 0.0:
        raise BadParameter(f"tau_soft = {tau_soft}: give a time above 0, in T_circ (the paper: 0.07)")
    return _cross_entropy(output_time * (-1.0 / tau_soft), label, "mean")


def chip_loss(output_time: Tensor, label: Tensor, options: LossWeights) -> Tensor:
    """What decides how bad a chip is, ``first_to_fire`` and ``window``: output_time [B, chips, classes], label [B, chips] -> [chips]."""
    scores = output_time.flatten(0, 1) * (-1.0 / options.tau_soft)
    loss = _cross_entropy(scores, label.flatten(), "none").view(label.shape)
    if options.window > 0.0:
        loss = loss + options.window * _outside(output_time, label, options).square()
    return loss.mean(0)


def _cross_entropy(score: Tensor, label: Tensor, reduction: str) -> Tensor:
    """PyTorch's, without its ignored label, -100. What it refuses is looked at only then: a training step pays nothing."""
    try:
        return functional.cross_entropy(score, label, reduction=reduction, ignore_index=_NO_LABEL)
    except (TypeError, AttributeError, ValueError, IndexError, RuntimeError) as error:
        scores = checks.table(score, "output_time")
        label = checks.labels(label, "label", scores.shape[1], scores.shape[0])
        raise BadParameter(
            f"output_time {checks.shown(score)}, label {checks.shown(label)}: {error}; give floating point [B, classes] and int64 [B]"
        ) from error


def _outside(output_time: Tensor, label: Tensor, options: LossWeights) -> Tensor:
    """How far outside ``t_window`` the true class's output comes: output_time [..., classes], label [...] -> [...]."""
    first, last = options.t_window
    true = output_time.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    return (true - last).clamp(min=0.0) + (first - true).clamp(min=0.0)


def training_loss(
    firings: Sequence[Firing],
    label: Tensor,
    weights: Sequence[Tensor],
    options: LossWeights,
    classes: int,
    at_home: Sequence[Tensor] = (),
) -> Tensor:
    """The whole loss, a scalar: mean over the batch, sums over neurons.

    ``firings`` of all layers, ``label`` [B], ``weights`` of all layers; the first ``classes`` outputs are
    used. Spike times enter unclipped, so that a silent or saturated neuron still has a gradient. ``at_home``: per layer
    [B, N_out], unclipped times as the ramp of home gives them, for ``rail``, which means membranes: elsewhere a neuron at rest does
    not fire as the phase ends. Left out: those of ``firings``. Raises as ``first_to_fire``.

        network = nonideal.RCSpikeNetwork((5, 5, 3), nonideal.pnn.Reversal.ideal())
        firings, label = network(torch.rand(10, 5)), torch.arange(10) % 3
        loss = nonideal.pnn.training_loss(firings, label, network.weights, nonideal.pnn.LossWeights(), classes=3)
    """
    if not all(isinstance(f, Firing | FirstSpike) for f in firings):
        raise BadParameter(
            f"firings is {checks.shown(firings)}: give a list of what every layer gave, Firing or FirstSpike"
        )
    if not firings or not 1 <= classes <= firings[-1].unclipped.shape[1]:
        raise BadParameter(
            f"classes = {classes} of {firings[-1].unclipped.shape[1] if firings else 0} outputs: give 1 to all of the last layer's"
        )
    used = firings[-1].unclipped[:, :classes]
    loss = first_to_fire(used, label, options.tau_soft)
    batch = label.shape[0]
    if options.temporal_penalty > 0.0:
        loss = loss + options.temporal_penalty / batch * (used - options.t_ref).square().sum()
    if options.window > 0.0:
        loss = loss + options.window / batch * _outside(used, label, options).square().sum()
    if options.early_spike > 0.0:
        early = torch.cat([f.unclipped for f in firings], dim=1) - 1.0
        loss = loss + options.early_spike / batch * early.square().sum()
    if options.rail > 0.0:
        time = torch.cat(list(at_home) or [f.unclipped for f in firings], dim=1)
        loss = loss + options.rail / batch * (time - options.t_rail).clamp(min=0.0).square().sum()
    if options.weight_norm > 0.0:
        loss = loss + options.weight_norm * torch.stack([w.square().sum() for w in weights]).sum()
    return loss
