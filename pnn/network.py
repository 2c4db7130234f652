"""What every network has in common, and the one of fully connected RC-Spike layers, which the circuit realises."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol, cast

import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from torch import Tensor, nn

from nonideal.characterize.jitter import LayerNoise
from nonideal.characterize.physics import Physics
from nonideal.pnn import checks
from nonideal.pnn.choices import Bits
from nonideal.pnn.codes import Codes, round_weights
from nonideal.pnn.decision import decide
from nonideal.pnn.discharger import Discharger
from nonideal.pnn.errors import BadParameter
from nonideal.pnn.exact import Exact
from nonideal.pnn.layers import Columns
from nonideal.pnn.noise import jittered, spike_time_noise
from nonideal.pnn.rc_spike import Method, RCSpikeLinear
from nonideal.pnn.reversal import Reversal
from nonideal.pnn.spikes import Firing, Spikes
from nonideal.pnn.variation import Chips
from nonideal.pnn.wiring import Wiring


class NetworkOptions(BaseModel):
    """Everything but the weights: enough to rebuild a network.

    ``layer_sizes`` counts axons, hidden neurons and outputs (5, 5, 5); ``classes`` outputs, the first ones,
    are used (None: all). ``physics``, one for each layer as its column was measured, stands in for ``reversal`` and
    ``discharger``. ``noise``, one for each layer as it was measured, jitters its spikes in training,
    beside ``sigma_spike``. With ``bits`` weights are codes of so many bits and a sign (``nonideal.pnn.codes``), without analog.

        network = nonideal.pnn.NetworkOptions(layer_sizes=(5, 5, 3), reversal=nonideal.pnn.Reversal.ideal()).build()
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layer_sizes: tuple[int, ...] = Field(min_length=2)
    reversal: Reversal
    discharger: Discharger = Discharger()
    method: Method = Exact()
    sigma_spike: float = Field(default=0.0, ge=0.0, le=1.0)
    classes: int | None = Field(default=None, ge=1)
    physics: tuple[Physics, ...] = ()
    noise: tuple[LayerNoise, ...] = ()
    bits: Bits | None = None

    @model_validator(mode="after")
    def _measured_of_every_layer(self) -> NetworkOptions:
        for what, layers in (("physics", self.physics), ("noise", self.noise)):
            if layers and len(layers) != len(self.layer_sizes) - 1:
                raise ValueError(
                    f"{what} describes {len(layers)} layers, layer_sizes {self.layer_sizes} has {len(self.layer_sizes) - 1}"
                )
        return self

    @field_validator("layer_sizes")
    @classmethod
    def _sizes_are_positive(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        return checks.layer_sizes(sizes)

    @property
    def columns(self) -> tuple[Columns, ...]:
        """What every layer is on a chip."""
        return tuple(Columns(*sizes) for sizes in pairwise(self.layer_sizes))

    def build(self) -> RCSpikeNetwork:
        """A network with freshly drawn weights."""
        network = RCSpikeNetwork(
            self.layer_sizes,
            self.reversal,
            self.discharger,
            self.method,
            self.sigma_spike,
            classes=self.classes,
            physics=self.physics,
            noise=self.noise,
        )
        if self.bits is not None:
            round_weights(network.linear_layers, self.bits)
        return network


class SpikingNetwork(nn.Module):
    """What training asks of a network. Its spiking layers have one parameter each, ``weight``, and ``reset_parameters``.

    ``classes``: how many outputs, the first ones, are used. ``horizon``: the time from which on a neuron is silent.
    A ``generator`` passed to ``forward`` switches noise and random grid offsets on; without one the network is
    deterministic, in training and evaluation mode alike.

        network = nonideal.RCSpikeNetwork((5, 5, 3), nonideal.pnn.Reversal.ideal())
        assert isinstance(network, nonideal.pnn.SpikingNetwork)
        label = network.predict(torch.rand(10, 5))    # [10]
    """

    def __init__(self, *, outputs: int, classes: int | None, horizon: float, sigma_spike: float) -> None:
        super().__init__()
        if classes is not None and checks.whole(classes, "classes", 1, checks.MOST_NEURONS) > outputs:
            raise BadParameter(f"{classes} classes do not fit {outputs} outputs: enlarge the last layer")
        if not 0.0 <= checks.number(sigma_spike, "sigma_spike") <= 1.0:
            raise BadParameter(f"sigma_spike = {sigma_spike}: must lie in [0, 1], in units of T_circ")
        self.classes = outputs if classes is None else classes
        self.horizon, self.sigma_spike = horizon, sigma_spike

    @property
    def spiking_layers(self) -> Sequence[nn.Module]:
        """The layers of neurons, input side first."""
        raise NotImplementedError

    @property
    def columns(self) -> tuple[Columns, ...]:
        """What every layer of neurons is on a chip."""
        raise NotImplementedError

    @property
    def weights(self) -> list[nn.Parameter]:
        """Of every layer of neurons."""
        return [cast(nn.Parameter, layer.weight) for layer in self.spiking_layers]

    @property
    def codes(self) -> list[Codes]:
        """Of every layer of neurons; none where weights are analog."""
        return [layer.codes for layer in self.spiking_layers if isinstance(layer.codes, Codes)]

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw all weights from ``generator``."""
        for layer in self.spiking_layers:
            layer.reset_parameters(generator)  # type: ignore[operator]

    def noisy(self, spikes: Spikes, generator: torch.Generator | None) -> Spikes:
        """A layer's spikes with the network's jitter."""
        return spikes._replace(unclipped=spike_time_noise(spikes.unclipped, self.sigma_spike, generator))

    def decide(self, output_time: Tensor) -> Tensor:
        """Class of each sample from its output spike times [B, N_out]: the used output that fires first.

        Ties go to the lower index. -1 where no used output fires before the horizon.
        """
        return decide(output_time, self.classes, self.horizon)

    @torch.no_grad()
    def predict(self, spike_time: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Class of each sample, [B] integers; see ``decide``. Raises ``DataError`` as ``checks.network_input`` does."""
        spike_time = checks.network_input(spike_time)
        return self.decide(self(spike_time, generator)[-1].spike_time)

    def predict_times(self, spike_time: Tensor) -> list[Tensor]:
        """The truth of the model for [B, axons] in T_circ: spike times of every layer without noise, [B, N], evaluated as well as is practical."""
        raise NotImplementedError

    def membrane_range(self, spike_time: Tensor) -> list[tuple[float, float]]:
        """Smallest and largest v (V_th) of each layer over the samples [B, axons], where a circuit realises the network; else nothing."""
        return []


class Measured(Protocol):
    """A layer that knows what its measured noise does."""

    def sigma(self, spike_time: Tensor, fired: Firing, noise: LayerNoise) -> Tensor:
        """Standard deviation of every spike."""
        ...


def disturbed(
    layer: Measured, spike_time: Tensor, fired: Firing, noise: LayerNoise, generator: torch.Generator
) -> Firing:
    """A layer's spikes with a draw of its measured noise; ``spike_time`` are its inputs.

    It has no gradient, as a constant jitter has none: what noise costs, the loss of noisy spikes tells.
    """
    sigma = layer.sigma(spike_time, fired, noise)
    return fired._replace(unclipped=jittered(fired.unclipped, sigma, generator))


class RCSpikeNetwork(SpikingNetwork):
    """Layers of ``RCSpikeLinear``; a layer accumulates while the one before fires.

    Spike times are normalised to T_circ, each layer's in its own phase.

        reversal = nonideal.pnn.Reversal.from_model(nonideal.preset("sky130_tt"))
        network = nonideal.RCSpikeNetwork((5, 5, 3), reversal)
        times = network.predict_times(nonideal.load_dataset("iris").test_x)    # of every layer, in T_circ
    """

    def __init__(
        self,
        layer_sizes: Sequence[int],
        reversal: Reversal,
        discharger: Discharger | None = None,
        method: Method | None = None,
        sigma_spike: float = 0.0,
        *,
        classes: int | None = None,
        physics: Sequence[Physics] = (),
        noise: Sequence[LayerNoise] = (),
    ) -> None:
        sizes = checks.layer_sizes(layer_sizes)
        super().__init__(outputs=sizes[-1], classes=classes, horizon=1.0, sigma_spike=sigma_spike)
        self.layer_sizes, self.physics, self.noise = sizes, tuple(physics), tuple(noise)
        for what, layers in (("physics", physics), ("noise", noise)):
            if layers and len(layers) != len(sizes) - 1:
                raise BadParameter(f"{what} describes {len(layers)} layers, the network has {len(sizes) - 1}")
        self.layers = nn.ModuleList(
            RCSpikeLinear(n_in, n_out, reversal, discharger, method)
            if not physics
            else RCSpikeLinear(
                n_in,
                n_out,
                Reversal.of(physics[index]),
                Discharger(physics[index].discharge),
                method,
                Wiring.of(physics[index]),
            )
            for index, (n_in, n_out) in enumerate(pairwise(sizes))
        )

    @property
    def linear_layers(self) -> list[RCSpikeLinear]:
        """The layers, typed."""
        return [cast(RCSpikeLinear, layer) for layer in self.layers]

    @property
    def spiking_layers(self) -> Sequence[nn.Module]:
        """All layers."""
        return self.linear_layers

    @property
    def columns(self) -> tuple[Columns, ...]:
        """One for each neuron."""
        return tuple(Columns(layer.in_features, layer.out_features) for layer in self.linear_layers)

    def forward(
        self, spike_time: Tensor, generator: torch.Generator | None = None, chips: Chips = ()
    ) -> list[Firing]:
        """spike_time [B, layer_sizes[0]] -> one ``Firing`` per layer, [B, layer_sizes[l+1]].

        On drawn ``chips``, one entry per layer, from [B, chips, layer_sizes[0]] to [B, chips, layer_sizes[l+1]].
        """
        firings: list[Firing] = []
        for index, layer in enumerate(self.linear_layers):
            fired = (
                layer.on_chips(spike_time, chips[index], generator) if chips else layer(spike_time, generator)
            )
            firing = cast(Firing, self.noisy(fired, generator))
            if self.noise and generator is not None:
                firing = disturbed(layer, spike_time, firing, self.noise[index], generator)
            firings.append(firing)
            spike_time = firing.unclipped  # a layer holds what arrives in [0, 1] itself
        return firings

    @torch.no_grad()
    def predict_times(self, spike_time: Tensor) -> list[Tensor]:
        """The truth of the model: spike times of every layer, float64, evaluated exactly and without noise.

        spike_time [B, layer_sizes[0]] -> per layer [B, layer_sizes[l+1]] in [0, 1] (1: silent), in units of
        T_circ. Raises ``DataError`` for NaN.
        """
        t = checks.network_input(spike_time).to(torch.float64)
        times: list[Tensor] = []
        for layer in self.linear_layers:
            weight = layer.weight.detach().to(torch.float64)
            t = layer.evaluate(t.to(weight.device), weight, Exact()).spike_time
            times.append(t)
        return times

    @torch.no_grad()
    def membrane_range(
        self, spike_time: Tensor, *, limit_elements: int = 1 << 28
    ) -> list[tuple[float, float]]:
        """Smallest and largest v (V_th) of each layer over the whole accumulation phase (float64, exact): spike_time [B, axons] in T_circ.

        A circuit clips v at its rails: compare with (V_0 - V_dd) / V_th, about -0.57 for sky130. Of large
        sets only evenly spaced samples are looked at, ``limit_elements`` = samples x weights per layer.
        """
        spike_time = checks.network_input(spike_time)
        largest = max(layer.weight.numel() for layer in self.linear_layers)
        stride = max(1, -(-spike_time.shape[0] * largest // limit_elements))
        chunk = max(1, (1 << 23) // largest)
        ranges = [(0.0, 0.0)] * len(self.layers)
        for part in spike_time.to(torch.float64)[::stride].split(chunk):
            inputs = [part, *self.predict_times(part)[:-1]]
            for index, (layer, t) in enumerate(zip(self.linear_layers, inputs, strict=True)):
                v = layer.trajectory(t).v
                low, high = ranges[index]
                ranges[index] = (min(low, float(v.min())), max(high, float(v.max())))
        return ranges
