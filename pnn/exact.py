"""Event-sorted exact evaluation of the accumulation phase.

    dv_i/dt = -f_i(t) v_i + g_i(t),   f_i = sum_j beta_ij w_ij H(t - t_j),   g_i = sum_j w_ij H(t - t_j),
    v(0) = 0

(paper, section 2). Between two spikes f and g are constant and ``v(t+h) = v e^{-f h} + g h phi(f h)``. A spike's
charge, where a wiring has one, is added to v at its arrival.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from nonideal.pnn.discharger import Discharger
from nonideal.pnn.evaluation import Evaluation, check_shapes
from nonideal.pnn.fused_exact import fused_chips_exact, fused_exact
from nonideal.pnn.native import available
from nonideal.pnn.reversal import Reversal
from nonideal.pnn.wiring import Wiring

MOST_AXONS_A_CALL = 1024


def phi(x: Tensor) -> Tensor:
    """``(1 - e^{-x}) / x``, 1 at x = 0, with a correct value and gradient for small x in every precision."""
    small = x.abs() < (1e-3 if x.dtype == torch.float32 else 1e-5)
    safe = torch.where(small, torch.ones_like(x), x)
    series = 1.0 - x * (0.5 - x * (1.0 / 6.0 - x * (1.0 / 24.0)))
    return torch.where(small, series, -torch.expm1(-safe) / safe)


def in_phase(spike_time: Tensor) -> Tensor:
    """Spike times held in [0, 1]; at its ends and beyond they have no gradient. NaN stays NaN."""
    return torch.where(spike_time >= 1.0, torch.ones_like(spike_time), functional.relu(spike_time))


def share_a_call(spike_time: Tensor) -> bool:
    """Whether chips are evaluated in one call of a kernel, spike_time [B, chips, N_in]: where one is available, and a tile of all
    their weights stays in the cache.
    """
    return available(spike_time) and spike_time.shape[1] * spike_time.shape[2] <= MOST_AXONS_A_CALL


def membrane_exact(
    spike_time: Tensor,
    weight: Tensor,
    conductance: Tensor,
    charge: Tensor | None = None,
    *,
    chunk_elements: int = 1 << 24,
) -> Tensor:
    """v(1) of every neuron, exactly.

    spike_time [B, N_in] in units of T_circ (t < 0 counts as 0; t >= 1, infinity included, is silent and gets
    no gradient), weight and conductance = beta w [N_out, N_in], if any ``charge`` added to v per spike, the same shape
    -> v(1) [B, N_out] in units of V_th. Differentiable in all of them. Large batches are evaluated in chunks of at most ``chunk_elements`` = samples
    x N_out x N_in.

        w = torch.randn(3, 5)
        v = nonideal.pnn.membrane_exact(torch.rand(10, 5), w, nonideal.pnn.Reversal.ideal().conductance(w))    # [10, 3] in V_th
    """
    check_shapes(spike_time, weight, conductance)
    samples = max(1, chunk_elements // max(1, weight.numel()))
    if spike_time.shape[0] <= samples:
        return _membrane(spike_time, weight, conductance, charge)
    return torch.cat([_membrane(part, weight, conductance, charge) for part in spike_time.split(samples)])


def _membrane(spike_time: Tensor, weight: Tensor, conductance: Tensor, charge: Tensor | None) -> Tensor:
    t, order = torch.sort(in_phase(spike_time), dim=1)
    f = conductance.t()[order].cumsum(1)  # [B, N_in, N_out]: after each spike
    g = weight.t()[order].cumsum(1)
    h = torch.diff(t, dim=1, append=torch.ones_like(t[:, :1])).unsqueeze(2)
    x = f * h
    after = x.flip(1).cumsum(1).flip(1)  # decay from each spike to t = 1
    v = (g * h * phi(x) * torch.exp(x - after)).sum(1)
    if charge is None:
        return v
    arrived = (t < 1.0).to(t.dtype).unsqueeze(2)
    return v + (arrived * charge.t()[order] * torch.exp(-after)).sum(1)


@dataclass(frozen=True, slots=True)
class Exact(Evaluation):
    """Evaluate layers exactly. Choose it for small networks, for validation and as the truth in tests.

    Example:

        v = nonideal.pnn.Exact().membrane(torch.rand(10, 5), torch.randn(3, 5), nonideal.pnn.Reversal.ideal())    # [10, 3] in V_th
    """

    kind: Literal["exact"] = "exact"

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
        return fused_chips_exact(spike_time, weight, reversal, wiring, discharger.b)

    def _native(
        self,
        spike_time: Tensor,
        weight: Tensor,
        conductance: Tensor | Reversal,
        generator: torch.Generator | None,
        wiring: Wiring | None,
        ramp: float | None,
    ) -> tuple[Tensor, Tensor]:
        return fused_exact(spike_time, weight, conductance, wiring=wiring, ramp=ramp)

    def _plain(
        self,
        spike_time: Tensor,
        weight: Tensor,
        conductance: Tensor,
        generator: torch.Generator | None,
        charge: Tensor | None = None,
    ) -> Tensor:
        return membrane_exact(spike_time, weight, conductance, charge)
