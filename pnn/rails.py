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
from nonideal.pnn.rc_spike import RCSpikeLinear
from nonideal.pnn.variation import Chips, perturbed
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
