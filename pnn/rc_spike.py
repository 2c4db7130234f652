"""RC-Spike layers: accumulation with reversal potentials, then a firing phase (paper, section 2)."""

from __future__ import annotations

import math
from typing import TypeAlias

import torch
from torch import Tensor, nn

from nonideal.characterize.jitter import LayerNoise
from nonideal.characterize.model import PhysicalModel
from nonideal.pnn import checks
from nonideal.pnn.codes import Codes, keep_codes
from nonideal.pnn.discharger import Discharger
from nonideal.pnn.dstd import DSTD
from nonideal.pnn.errors import BadParameter
from nonideal.pnn.exact import Exact, share_a_call
from nonideal.pnn.jitter import layer_sigma
from nonideal.pnn.reversal import Reversal
from nonideal.pnn.spikes import Firing, Spikes, heard
from nonideal.pnn.trajectories import Trajectory, trajectory
from nonideal.pnn.variation import LayerChips, perturbed
from nonideal.pnn.wiring import Wiring

Method: TypeAlias = Exact | DSTD


def known_method(method: Method | None, default: Method) -> Method:
    """``method``, or the default where there is none. Raises ``BadParameter`` for what is no way to evaluate a layer."""
    if method is None:
        return default
    if not isinstance(method, Exact | DSTD):
        raise BadParameter(f"method is {checks.shown(method)}: give a pnn.Exact() or a pnn.DSTD(steps)")
    return method


class RCSpikeLinear(nn.Module):
    """A fully connected layer of RC-Spike neurons: one parameter, ``weight`` [out_features, in_features].

    The method (exact or DSTD) changes how v(1) is evaluated, not the parameters: weights move freely between
    both forms. Initialised as ``nn.Linear``, uniform in +-1/sqrt(in_features); wider initialisations train
    markedly worse.

        layer = nonideal.RCSpikeLinear.from_model(5, 3, nonideal.preset("sky130_tt"))    # or Reversal and Discharger of your choice
        firing = layer(torch.rand(10, 5))    # spike times of 10 samples, in T_circ
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        reversal: Reversal,
        discharger: Discharger | None = None,
        method: Method | None = None,
        wiring: Wiring | None = None,
    ) -> None:
        super().__init__()
        in_features, out_features = checks.layer_sizes((in_features, out_features))
        self.in_features = in_features
        self.out_features = out_features
        self.reversal = checks.instance(reversal, "reversal", Reversal)
        self.discharger = checks.instance(
            discharger if discharger is not None else Discharger(), "discharger", Discharger
        )
        self.method: Method = known_method(method, Exact())
        self.wiring = None if wiring is None else checks.instance(wiring, "wiring", Wiring)
        if self.wiring is not None:
            self.wiring.check_fits(in_features, out_features)
        # an axon's weights lie side by side in memory: the native kernel reads them without a copy
        self.weight = nn.Parameter(torch.empty(in_features, out_features).t())
        self.codes: Codes | None = None
        self.reset_parameters()

    @classmethod
    def from_model(
        cls, in_features: int, out_features: int, model: PhysicalModel, method: Method | None = None
    ) -> RCSpikeLinear:
        """A layer of a circuit as it was measured: one reversal potential per sign, and the ramp of its firing phase (the variant ``pnn``)."""
        return cls(
            in_features, out_features, Reversal.from_model(model), Discharger.from_model(model), method
        )

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the weights, from ``generator`` if given."""
        bound = 1.0 / math.sqrt(self.in_features)
        with torch.no_grad():
            self.weight.uniform_(-bound, bound, generator=generator)
        keep_codes(self)

    def forward(self, spike_time: Tensor | Spikes, generator: torch.Generator | None = None) -> Firing:
        """spike_time [B, in_features], or the spikes of another layer -> ``Firing`` [B, out_features]; ``generator`` draws a DSTD grid
        offset.
        """
        spike_time = heard(spike_time, 1.0)
        t = checks.layer_input(spike_time, self.weight, f"[B, {self.in_features}]", self.in_features)
        return self.evaluate(t, self.weight, self.method, generator)

    def evaluate(
        self,
        spike_time: Tensor,
        weight: Tensor,
        method: Method,
        generator: torch.Generator | None = None,
    ) -> Firing:
        """As ``forward``, with another method or other weights [out_features, in_features] than the layer's own."""
        return Firing(
            *method.firing(spike_time, weight, self.reversal, self.discharger, generator, self.wiring)
        )

    @torch.no_grad()
    def trajectory(self, spike_time: Tensor | Spikes) -> Trajectory:
        """The membranes over the accumulation phase, float64: spike_time [B, in_features] as in ``forward``. Raises ``DataError``."""
        weight = self.weight.detach().to(torch.float64)
        t = checks.network_input(heard(spike_time, 1.0), columns=self.in_features)
        t = t.to(weight.device, torch.float64)
        return trajectory(t, weight, self.reversal.conductance(weight), self.wiring)

    def on_chips(
        self, spike_time: Tensor, chips: LayerChips, generator: torch.Generator | None = None
    ) -> Firing:
        """As ``forward`` on drawn chips: spike_time [B, chips, in_features] -> ``Firing`` [B, chips, out_features]."""
        checks.instance(chips, "chips", LayerChips)
        return columns_firing(
            spike_time,
            self.weight,
            chips,
            self.method,
            self.reversal,
            self.discharger,
            generator,
            self.wiring,
        )

    def sigma(self, spike_time: Tensor, fired: Firing, noise: LayerNoise) -> Tensor:
        """Standard deviation of every spike by measured noise, T_circ: of spike_time [..., in_features], the shape of ``fired``, no gradient."""
        return layer_sigma(spike_time, self.weight, self.reversal, fired, noise)

    def extra_repr(self) -> str:
        parts = (self.in_features, self.out_features, self.reversal, self.discharger, self.method)
        return ", ".join(str(part) for part in (*parts, *((self.wiring,) if self.wiring is not None else ())))


def columns_firing(
    spike_time: Tensor,
    weight: Tensor,
    chips: LayerChips,
    method: Method,
    reversal: Reversal,
    discharger: Discharger,
    generator: torch.Generator | None = None,
    wiring: Wiring | None = None,
) -> Firing:
    """Columns that were written with the same ``weight`` [N_out, N_in] and drawn apart: spike_time [B, columns, N_in] -> [B, columns, N_out].

    Natively in one call where that pays (``share_a_call``), else one after the other.
    """
    if share_a_call(spike_time):
        own = perturbed(weight, chips)
        v, unclipped = method.chips_firing(spike_time, own, reversal, discharger, generator, wiring)
    else:
        found = [
            method.firing(t, perturbed(weight, chip)[0].t(), reversal, discharger, generator, wiring)
            for t, chip in zip(spike_time.unbind(1), chips.apart(), strict=True)
        ]
        v, unclipped = (torch.stack(x, 1) for x in zip(*found, strict=True))
    return Firing(v, torch.addcmul(chips.offset, unclipped, chips.gain))
