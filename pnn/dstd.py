"""Differentiable spike-time discretisation (paper, section 3).

The accumulation phase is cut into intervals [T_m, T_m+1]. A spike at t contributes to an interval the average
of its step over it,

    S_m = clamp((T_m+1 - t) / (T_m+1 - T_m), 0, 1),

which is the paper's cumulated linear interpolation. With ``f_m = sum_j beta w S``, ``g_m = sum_j w S`` the
exact step for constant f and g is taken over each interval. No sorting; the error of v(1) is O(dtau^2 /
|E_rev|).

Charges z of the arriving spikes: with ``Z = sum_j z H(t - t_j)``, v - Z has no jumps and follows g - f Z in place of g. The
mean of f Z over an interval is taken as the product of the means; in third order that of the slopes / 12 is added. Of a
spike's own f z at most dtau / 4 is left out, 1e-6 for the silicon's charges.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import torch
from torch import Tensor

from nonideal.pnn import checks
from nonideal.pnn.discharger import Discharger
from nonideal.pnn.errors import BadParameter
from nonideal.pnn.evaluation import Evaluation, check_shapes
from nonideal.pnn.exact import in_phase, phi
from nonideal.pnn.fused_dstd import fused_chips, fused_firing
from nonideal.pnn.reversal import Reversal
from nonideal.pnn.wiring import Wiring

MOST_STEPS: Final = 1_000_000


def grid(steps: int, offset: float = 0.0) -> tuple[float, ...]:
    """Edges of the intervals, from 0 to 1: ``T_m = m / steps - offset`` cut to [0, 1].

    ``offset`` in [0, 1/steps) shifts the grid; a shifted grid has ``steps + 1`` intervals, the first and last
    shorter than 1/steps.
    """
    if steps < 1:
        raise BadParameter(f"DSTD needs at least 1 step, got {steps}")
    width = 1.0 / steps
    if not 0.0 <= offset < width:
        raise BadParameter(f"DSTD offset {offset} must lie in [0, {width:.6g}) for {steps} steps")
    if offset < 1e-3 * width or offset > (1.0 - 1e-3) * width:
        return tuple(m / steps for m in range(steps + 1))
    return (0.0, *(m / steps - offset for m in range(1, steps + 1)), 1.0)


def membrane_dstd(
    spike_time: Tensor,
    weight: Tensor,
    conductance: Tensor,
    edges: tuple[float, ...],
    third_order: bool = False,
    charge: Tensor | None = None,
) -> Tensor:
    """v(1) of every neuron on the grid ``edges``, in plain PyTorch on any device.

    spike_time [B, N_in] (t < 0 counts as 0, t >= 1 is silent), weight and conductance = beta w [N_out, N_in]
    -> [B, N_out]. Differentiable in all three; the gradient in t jumps at the grid points, where it is that
    of the later interval. ``third_order`` adds the second Magnus term of each interval. ``charge`` [N_out, N_in], if
    any, is added to v per spike.

        w, edges = torch.randn(3, 5), (0.0, 0.25, 0.5, 0.75, 1.0)
        v = nonideal.pnn.membrane_dstd(torch.rand(10, 5), w, nonideal.pnn.Reversal.ideal().conductance(w), edges)    # [10, 3] in V_th
    """
    check_shapes(spike_time, weight, conductance)
    t = in_phase(spike_time)
    v = torch.zeros(t.shape[0], weight.shape[0], dtype=t.dtype, device=t.device)
    sums = torch.cat((conductance, weight) if charge is None else (conductance, weight, charge)).t()
    neurons = weight.shape[0]
    for start, end in pairwise(edges):
        h = end - start
        share = torch.where(t < start, 1.0, torch.where(t >= end, 0.0, (end - t) / h))
        f, g, *z = (share @ sums).split(neurons, dim=1)
        if z:
            g = g - f * z[0]
        gh = g * h
        if third_order:
            f1, g1, *z1 = ((0.5 * share * (1.0 - share)) @ sums).split(neurons, dim=1)
            if z1:
                g = g - 12.0 * f1 * z1[0]
                g1 = g1 - f1 * z[0] - f * z1[0]
            gh = g * h + h * h * (f * g1 - f1 * g)
        x = f * h
        v = v * torch.exp(-x) + gh * phi(x)
    return v if charge is None else v + (t < 1.0).to(t.dtype) @ charge.t()


@dataclass(frozen=True, slots=True)
class DSTD(Evaluation):
    """Evaluate layers on a grid of ``steps`` intervals, natively where the kernel is available.

    ``order`` 2 is the paper's; 3 is more exact at nearly the same cost: for few steps and small |E_rev|.
    Train with 3 to 10 steps, test with 30 or exactly. ``random_offset`` shifts the grid per call when a
    generator is given (training): the gradient's discretisation bias averages out over batches.

        method = nonideal.pnn.DSTD(4, random_offset=True, order=3)
        layer = nonideal.RCSpikeLinear(5, 3, nonideal.pnn.Reversal.ideal(), method=method)
    """

    steps: int = 10
    random_offset: bool = False
    order: Literal[2, 3] = 2
    kind: Literal["dstd"] = "dstd"

    def __post_init__(self) -> None:
        checks.whole(self.steps, "DSTD steps", 1, MOST_STEPS)
        if self.order not in (2, 3):
            raise BadParameter(f"DSTD order {self.order}: choose 2 or 3")

    def edges(self, generator: torch.Generator | None = None) -> tuple[float, ...]:
        """The grid of one call; with a generator and ``random_offset`` a fresh uniform offset."""
        if not self.random_offset or generator is None:
            return grid(self.steps)
        checks.instance(generator, "generator", torch.Generator)
        draw = torch.rand((), generator=generator, device=generator.device, dtype=torch.float64).item()
        return grid(self.steps, draw / self.steps)

    def chips_firing(
        self,
        spike_time: Tensor,
        weight: Tensor,
        reversal: Reversal,
        discharger: Discharger,
        generator: torch.Generator | None = None,
        wiring: Wiring | None = None,
    ) -> tuple[Tensor, Tensor]:
        """As ``Evaluation.chips_firing``: spike_time [B, chips, N_in], weight [chips, N_in, N_out] -> [B, chips, N_out]."""
        edges, third = self.edges(generator), self.order == 3
        return fused_chips(spike_time, weight, reversal, edges, third, wiring, discharger.b)

    def _native(
        self,
        spike_time: Tensor,
        weight: Tensor,
        conductance: Tensor | Reversal,
        generator: torch.Generator | None,
        wiring: Wiring | None,
        ramp: float | None,
    ) -> tuple[Tensor, Tensor]:
        edges, third = self.edges(generator), self.order == 3
        return fused_firing(spike_time, weight, conductance, edges, third, wiring=wiring, ramp=ramp)

    def _plain(
        self,
        spike_time: Tensor,
        weight: Tensor,
        conductance: Tensor,
        generator: torch.Generator | None,
        charge: Tensor | None = None,
    ) -> Tensor:
        edges, third = self.edges(generator), self.order == 3
        return membrane_dstd(spike_time, weight, conductance, edges, third, charge)
