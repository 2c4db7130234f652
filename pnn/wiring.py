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
    ``skew`` more, negative ones by as much less; where the weight is 0 v falls by ``charge_zero``; whatever the weight, by ``axon_charge`` of
    its axon and ``neuron_charge`` of its neuron. The charge then decays as v does. A membrane takes ``coupling`` of either neighbour's
    swing; an outer one, which lacks a neighbour's capacitance too, of its own. Spikes leave ``spike_delay`` late, and by ``spike_lag`` of their
    neuron. All the while v rises by ``leak`` per T_circ, and by ``leak_positive`` or ``leak_negative`` for each synapse of that sign that still
    waits for its spike, by ``leak_on_positive`` or ``leak_on_negative`` once it has come. What is told by axon or neuron is empty where none
    has any. Raises ``BadParameter`` for values that are not finite or not small.
    """

    delay: float = 0.0
    charge_positive: float = 0.0
    charge_negative: float = 0.0
    coupling: float = 0.0
    spike_delay: float = 0.0
    skew: float = 0.0
    lag: float = 0.0
    charge_zero: float = 0.0
    axon_charge: tuple[float, ...] = ()
    neuron_charge: tuple[float, ...] = ()
    spike_lag: tuple[float, ...] = ()
    leak: float = 0.0
    leak_positive: float = 0.0
    leak_negative: float = 0.0
    leak_on_positive: float = 0.0
    leak_on_negative: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            for one in value if isinstance(value, tuple) else (value,):
                if not math.isfinite(one) or abs(one) > 0.25:
                    raise BadParameter(
                        f"wiring {field.name} = {value}: it must be a small correction, within +-0.25 of T_circ, V_th or C_m"
                    )

    def check_fits(self, axons: int, neurons: int) -> None:
        """Raise ``BadParameter`` unless what is told by axon or by neuron is told of all of a layer's, or of none."""
        for name, size in (("axon_charge", axons), ("neuron_charge", neurons), ("spike_lag", neurons)):
            told = len(getattr(self, name))
            if told not in (0, size):
                raise BadParameter(
                    f"wiring {name} holds {told} values: a layer of {axons} axons and {neurons} neurons wants {size}, or none"
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
        by_sign = (self.charge_positive, self.charge_negative, self.skew, self.lag, self.charge_zero)
        if not (any(by_sign) or self.axon_charge or self.neuron_charge):
            return None
        w = weight.detach()
        z = (w < 0.0).to(w.dtype) * self.charge_negative - (w > 0.0).to(w.dtype) * self.charge_positive
        if self.charge_zero:
            z = z - (w == 0.0).to(w.dtype) * self.charge_zero
        if self.axon_charge:
            z = z - w.new_tensor(self.axon_charge)
        if self.neuron_charge:
            z = z - w.new_tensor(self.neuron_charge).unsqueeze(1)
        return z - self.lag * w - self.skew * w.abs() if self.skew or self.lag else z

    def left(self, time: Tensor) -> Tensor:
        """When spikes leave [..., neurons] that the ramp would let leave at ``time``."""
        late = time + self.spike_delay
        return late + late.new_tensor(self.spike_lag) if self.spike_lag else late

    @property
    def leaks(self) -> bool:
        """Whether anything does."""
        return any(getattr(self, field.name) for field in fields(self) if field.name.startswith("leak"))

    def leaked(self, spike_time: Tensor, weight: Tensor, conductance: Tensor) -> Tensor:
        """What has leaked by the phase's end, [B, N_out], without a gradient: all of it decays as what leaks evenly does in the mean."""
        w, t = weight.detach(), spike_time.detach().clamp(0.0, 1.0)
        positive, negative = (w > 0.0).to(w.dtype), (w < 0.0).to(w.dtype)
        on = positive * self.leak_on_positive + negative * self.leak_on_negative
        more = positive * self.leak_positive + negative * self.leak_negative - on
        return (self.leak + on.sum(1) + t @ more.t()) * torch.exp(
            (t * t - 1.0) / 2 @ conductance.detach().t()
        )

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
