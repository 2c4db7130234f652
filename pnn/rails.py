"""Chips whose membranes end at the supplies, as those of a circuit do: slower than the layers themselves, for evaluation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import torch
from torch import Tensor

from nonideal.characterize.physics import Physics
from nonideal.characterize.reference import membrane
from nonideal.pnn.conv import RCSpikeConv2d
from nonideal.pnn.exact import in_phase, phi
from nonideal.pnn.rc_spike import RCSpikeLinear
from nonideal.pnn.stack import StackNetwork
from nonideal.pnn.variation import Chips, LayerChips, perturbed
from nonideal.pnn.wiring import Wiring


def physics_of(layer: RCSpikeLinear) -> Physics:
    """What a layer does, as ``nonideal.characterize.reference`` takes it."""

    def limits(reach: tuple[float, float | None]) -> tuple[float, float]:
        return reach[0], math.inf if reach[1] is None else reach[1]

    reversal, wiring = layer.reversal, layer.wiring or Wiring()
    return Physics(
        beta_positive=reversal.positive,
        beta_negative=reversal.negative,
        positive_range=limits(reversal.positive_range),
        negative_range=limits(reversal.negative_range),
        discharge=layer.discharger.b,
        **{field.name: getattr(wiring, field.name) for field in fields(Wiring)},
    )


@torch.no_grad()
def image_times(
    network: StackNetwork, spike_time: Tensor, chips: Chips, rails: tuple[float, float]
) -> Tensor:
    """As ``output_times`` of convolutions and pools: spike_time [B, axons] -> [B, chips, N_out]."""
    found = []
    sizes = [size.positions for size in network.columns]
    for chip in zip(*(layer.apart(count) for layer, count in zip(chips, sizes, strict=True)), strict=True):
        t = spike_time.double().unflatten(1, network.options.input_shape)
        drawn = iter(chip)
        for layer in network.layers:
            if isinstance(layer, RCSpikeConv2d):
                axons, rows = layer.unfolded(t)
                v = _held(layer, axons, layer.flat().double().t(), mine := next(drawn), rails)
                t = _fired(layer, v, mine).unflatten(1, rows).movedim(-1, 1)
            elif isinstance(layer, RCSpikeLinear):
                v = _held(layer, t.flatten(1).unsqueeze(1), layer.weight.double(), mine := next(drawn), rails)
                t = _fired(layer, v, mine).squeeze(1)
            else:
                t = layer(t)
        found.append(t)
    return torch.stack(found, 1)


def _held(
    layer: RCSpikeConv2d | RCSpikeLinear,
    axons: Tensor,
    weight: Tensor,
    chip: LayerChips,
    rails: tuple[float, float],
) -> Tensor:
    """v(1) [B, columns, N_out] of axons [B, columns, N_in], weight [N_out, N_in]: held at the rails exactly, as v is monotone between spikes."""
    own = perturbed(weight, chip)
    conductance = layer.reversal.conductance(own)
    t, order = torch.sort(in_phase(axons), dim=2)
    column = torch.arange(own.shape[0])
    v = t.new_zeros(*t.shape[:2], own.shape[2])
    f, g = torch.zeros_like(v), torch.zeros_like(v)
    until = torch.cat((t[..., 1:], torch.ones_like(t[..., :1])), 2)
    for k in range(t.shape[2]):
        at = order[..., k]
        f, g = f + conductance[column, at], g + own[column, at]
        h = (until[..., k] - t[..., k]).unsqueeze(2)
        x = f * h
        v = (v * torch.exp(-x) + g * h * phi(x)).clamp(*rails)
    return v


def _fired(layer: RCSpikeConv2d | RCSpikeLinear, v: Tensor, chip: LayerChips) -> Tensor:
    return (layer.discharger.unclipped(v) * chip.gain + chip.offset).clamp(0.0, 1.0)


@torch.no_grad()
def output_times(
    layers: Sequence[RCSpikeLinear], spike_time: Tensor, chips: Chips, rails: tuple[float, float]
) -> Tensor:
    """Spike times of the last layer on drawn chips, [B, chips, N_out] in [0, 1], v held between ``rails`` (V_th); spike_time [B, axons].

    float64, exact, without noise.
    """
    found = []
    for chip in zip(*(layer.apart() for layer in chips), strict=True):
        t = spike_time.double()
        for layer, drawn in zip(layers, chip, strict=True):
            weight = perturbed(layer.weight.double(), drawn)[0].t().numpy()
            arriving = np.where(t.numpy() < 1.0, t.numpy(), np.inf)
            v = torch.from_numpy(membrane(physics_of(layer), weight, arriving, rails))
            left = (layer.wiring or Wiring()).left(layer.discharger.unclipped(v))
            t = (left * drawn.gain + drawn.offset).clamp(0.0, 1.0)
        found.append(t)
    return torch.stack(found, 1)
