"""The membrane over the accumulation phase, event by event: the same piecewise solution that ``Exact`` takes the end of."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nonideal.pnn.evaluation import check_shapes
from nonideal.pnn.exact import in_phase, phi
from nonideal.pnn.wiring import Wiring


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A layer's membranes at every event, E = 2 N_in + 2 of them: the start, before and after each spike in order, the end.

    ``time`` [B, E] in T_circ. ``alone`` [B, E, N_out] in V_th is v without the neighbours' share, and from each event on
    ``dv/dt = current - conductance v`` (both [B, E, N_out]) until the next: there v is monotone.

        found: nonideal.pnn.Trajectory = nonideal.RCSpikeLinear(5, 3, nonideal.pnn.Reversal.ideal()).trajectory(torch.rand(10, 5))
        v = found.at(torch.linspace(0.0, 1.0, 101))    # [10, 101, 3] in V_th
    """

    time: Tensor
    alone: Tensor
    conductance: Tensor
    current: Tensor
    wiring: Wiring

    @property
    def v(self) -> Tensor:
        """v [B, E, N_out] at the events."""
        return self._coupled(self.alone)

    def at(self, time: Tensor) -> Tensor:
        """v [B, T, N_out] at any times [T] in [0, 1]; where a spike arrives, after its charge."""
        wanted = time.to(self.time).expand(len(self.time), -1).contiguous()
        event = (torch.searchsorted(self.time, wanted, right=True) - 1).clamp(min=0)
        since = (wanted - self.time.gather(1, event)).unsqueeze(2)
        index = event.unsqueeze(2).expand(-1, -1, self.alone.shape[2])
        x = self.conductance.gather(1, index) * since
        moved = self.alone.gather(1, index) * torch.exp(-x)
        return self._coupled(moved + self.current.gather(1, index) * since * phi(x))

    def _coupled(self, alone: Tensor) -> Tensor:
        return self.wiring.coupled(alone.flatten(0, 1)).view_as(alone)


def trajectory(
    spike_time: Tensor, weight: Tensor, conductance: Tensor, wiring: Wiring | None = None
) -> Trajectory:
    """The membranes of a layer, with the delays, charges and coupling of its ``wiring``; spike_time [B, N_in] and the others as in
    ``membrane_exact``.

    The last v is what ``Exact().membrane`` gives.

        w = torch.randn(3, 5)
        found = nonideal.pnn.trajectory(torch.rand(10, 5), w, nonideal.pnn.Reversal.ideal().conductance(w))
        v = found.v    # [10, 12, 3] in V_th
    """
    check_shapes(spike_time, weight, conductance)
    wiring = wiring if wiring is not None else Wiring()
    t, order = torch.sort(in_phase(wiring.arrival(spike_time)), dim=1)
    charge = wiring.charge(weight)
    jump = torch.zeros_like(weight) if charge is None else charge
    jump = jump.t()[order] * (t < 1.0).to(t.dtype).unsqueeze(2)
    f, g = conductance.t()[order].cumsum(1), weight.t()[order].cumsum(1)
    h = torch.diff(t, dim=1, append=torch.ones_like(t[:, :1])).unsqueeze(2)
    v = torch.zeros_like(g[:, 0])
    values = [v]
    for k in range(t.shape[1]):
        values += [v, v + jump[:, k]]
        x = f[:, k] * h[:, k]
        v = values[-1] * torch.exp(-x) + g[:, k] * h[:, k] * phi(x)
    values.append(v)
    return Trajectory(
        time=torch.cat((torch.zeros_like(t[:, :1]), t.repeat_interleave(2, 1), torch.ones_like(t[:, :1])), 1),
        alone=torch.stack(values, dim=1),
        conductance=_by_event(f),
        current=_by_event(g),
        wiring=wiring,
    )


def _by_event(after_spike: Tensor) -> Tensor:
    """What holds after each spike [B, N_in, N_out], for every event: nothing at first; before a spike, what held after the last."""
    nothing = torch.zeros_like(after_spike[:, :1])
    before = torch.cat((nothing, after_spike[:, :-1]), dim=1)
    pairs = torch.stack((before, after_spike), dim=2).flatten(1, 2)
    return torch.cat((nothing, pairs, after_spike[:, -1:]), dim=1)
