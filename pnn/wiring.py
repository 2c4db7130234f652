"""What a column adds to the synapses' currents: delays, the charge of arriving spikes, coupling between neighbours.

Small beside the reversal potentials (parts of a per cent), but all that is left once those are right. In normalised units,
from ``characterize.physics``; every term is differentiable where it has a gradient and costs one small product a layer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from characterize.physics import Physics
from pnn.errors import BadParameter


@dataclass(frozen=True, slots=True)
class Wiring:
    """Delays in T_circ, charges in V_th, coupling as a fraction of the membrane's capacitance; all zero is the bare neuron.

    A spike at t works from ``t + delay`` on and once takes ``charge_positive`` off v on a synapse of weight > 0 (adds
    ``charge_negative`` where the weight is < 0). A membrane takes ``coupling`` of either neighbour's swing; an outer one, which
    lacks a neighbour's capacitance too, of its own. Spikes leave ``spike_delay`` late. Raises ``BadParameter`` for values that
    are not finite or not small.
    """

    delay: float = 0.0
    charge_positive: float = 0.0
    charge_negative: float = 0.0
    coupling: float = 0.0
    spike_delay: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value) or abs(value) > 0.25:
                raise BadParameter(
                    f"wiring {field.name} = {value}: it must be a small correction, within +-0.25 of T_circ, V_th or C_m"
                )

    @classmethod
    def of(cls, physics: Physics) -> Wiring:
        """The wiring of a measured column."""
        return cls(**{field.name: getattr(physics, field.name) for field in fields(cls)})

    def arrival(self, spike_time: Tensor) -> Tensor:
        """When spikes begin to work, the shape of ``spike_time``; those at 1 or later still never do."""
        if self.delay == 0.0:
            return spike_time
        return torch.where(spike_time < 1.0, spike_time.clamp(min=0.0) + self.delay, spike_time)

    def settle(self, v: Tensor, spike_time: Tensor, weight: Tensor) -> Tensor:
        """v(1) [B, N_out] with the charges of what arrived, spike_time [B, N_in], and the neighbours' share.

        To first order: charges do not decay before the phase ends (a tenth of a tenth of a per cent).
        """
        if self.charge_positive or self.charge_negative:
            with torch.no_grad():
                # sign(w) times the one charge, plus |sign(w)| times what the two polarities differ by
                sign = torch.sign(weight)
                even, odd = (
                    self.charge_positive + self.charge_negative,
                    self.charge_negative - self.charge_positive,
                )
                arrived = (self.arrival(spike_time) < 1.0).to(v.dtype)
                charge = arrived @ sign.t() * (-even / 2)
                if odd:
                    charge += arrived @ sign.abs().t() * (odd / 2)
            v = v + charge
        if self.coupling:
            beside = functional.pad(v.unsqueeze(1), (1, 1), mode="replicate").squeeze(1)
            v = v + self.coupling * (beside[:, :-2] + beside[:, 2:])
        return v
