"""What a column adds to the synapses' currents: delays, the charge of arriving spikes, coupling between neighbours.

Small beside the reversal potentials (parts of a per cent), but all that is left once those are right. In normalised units,
from ``nonideal.characterize.physics``. The methods here are the plain form; the native kernels have their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from nonideal.characterize.physics import Physics
from nonideal.pnn.errors import BadParameter


@dataclass(frozen=True, slots=True)
class Wiring:
    """Delays in T_circ, charges in V_th, coupling as a fraction of the membrane's capacitance; all zero is the bare neuron.

    A spike at t works from ``t + delay`` on. There v falls by ``charge_positive`` where the weight is > 0 and rises by
    ``charge_negative`` where it is < 0, and by ``lag weight + skew |weight|``, as if weights began later by ``lag`` and positive ones by
    ``skew`` more, negative ones by as much less; the charge then decays as v does. A membrane takes ``coupling`` of either neighbour's
    swing; an outer one, which lacks a neighbour's capacitance too, of its own. Spikes leave ``spike_delay`` late. Raises
    ``BadParameter`` for values that are not finite or not small.
    """

    delay: float = 0.0
    charge_positive: float = 0.0
    charge_negative: float = 0.0
    coupling: float = 0.0
    spike_delay: float = 0.0
    skew: float = 0.0
    lag: float = 0.0

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
        return torch.where(spike_time < 1.0, functional.relu(spike_time) + self.delay, spike_time)

    def charge(self, weight: Tensor) -> Tensor | None:
        """What an arriving spike adds to v, the shape of ``weight``, without a gradient; None: nothing anywhere."""
        if not (self.charge_positive or self.charge_negative or self.skew or self.lag):
            return None
        w = weight.detach()
        z = (w < 0.0).to(w.dtype) * self.charge_negative - (w > 0.0).to(w.dtype) * self.charge_positive
        return z - self.lag * w - self.skew * w.abs() if self.skew or self.lag else z

    def coupled(self, v: Tensor) -> Tensor:
        """v(1) [B, N_out] with the neighbours' share: the solution of ``x = v + coupling (left + right)``, by iteration."""
        if self.coupling == 0.0:
            return v
        rounds = math.ceil(math.log(torch.finfo(v.dtype).eps / 8) / math.log(2.0 * abs(self.coupling)))
        x = v
        for _ in range(rounds):
            beside = functional.pad(x.unsqueeze(1), (1, 1), mode="replicate").squeeze(1)
            x = v + self.coupling * (beside[:, :-2] + beside[:, 2:])
        return x
