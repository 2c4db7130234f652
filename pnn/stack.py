"""A network described layer by layer: convolutions, pooling and full connections of RC-Spike or TTFS neurons.

StackOptions(input_shape=(1, 28, 28), layers=(Convolution(conv=16), Pool(), Convolution(conv=32), Pool(), 128, 10),
             neuron=TTFSNeuron(), reversal=Reversal.constant(2.80, -1.53), method=DSTD(20, random_offset=True))
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Literal, TypeAlias, cast

import torch
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator
from torch import Tensor, nn

from nonideal.characterize.jitter import LayerNoise
from nonideal.pnn import checks
from nonideal.pnn.choices import Bits
from nonideal.pnn.codes import round_weights
from nonideal.pnn.conv import EarliestSpikePool2d, RCSpikeConv2d
from nonideal.pnn.discharger import Discharger
from nonideal.pnn.dstd import DSTD
from nonideal.pnn.errors import BadParameter
from nonideal.pnn.exact import Exact
from nonideal.pnn.layers import Columns, Convolution, Layer, Pool, Shape, check_order, columns, shapes
from nonideal.pnn.network import Measured, NetworkOptions, SpikingNetwork, disturbed
from nonideal.pnn.rc_spike import Method, RCSpikeLinear
from nonideal.pnn.reversal import Reversal
from nonideal.pnn.spikes import Firing, Spikes
from nonideal.pnn.ttfs import TTFSConv2d, TTFSLinear
from nonideal.pnn.variation import Chips

NO_TTFS_CHIPS = (
    "there are no drawn chips of time-to-first-spike neurons: the threshold that was measured is where a ramp and its sensing stage fire, "
    "which these neurons do not have, and chips with spread currents alone would promise too much. Leave variation out, or take RC-Spike neurons"
)


NO_TTFS_NOISE = (
    "there is no measured noise of time-to-first-spike neurons: it is of a membrane at the end of its phase and of the ramp that follows, "
    "which these neurons do not have. Give sigma_spike, or take RC-Spike neurons"
)


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RCSpikeNeuron(_Options):
    """RC-Spike neurons: accumulation and firing in phases.

    Example:

        options = nonideal.pnn.StackOptions(
            input_shape=(64,), layers=(16, 10), neuron=nonideal.pnn.RCSpikeNeuron(discharger=nonideal.pnn.Discharger(0.155)),
            reversal=nonideal.pnn.Reversal.ideal(),
        )
    """

    kind: Literal["rc_spike"] = "rc_spike"
    discharger: Discharger = Discharger()

    @property
    def horizon(self) -> float:
        """The end of the phase."""
        return 1.0


class TTFSNeuron(_Options):
    """Time-to-first-spike neurons, computed up to ``horizon``; ``t_ref`` and ``spread`` set their initial weights (see ``TTFSLinear``).

    Example:

        options = nonideal.pnn.StackOptions(
            input_shape=(1, 8, 8),
            layers=(nonideal.pnn.Convolution(conv=4), nonideal.pnn.Pool(), 10),
            neuron=nonideal.pnn.TTFSNeuron(),
            reversal=nonideal.pnn.Reversal.constant(2.80, -1.53),
        )
    """

    kind: Literal["ttfs"] = "ttfs"
    horizon: float = Field(default=3.0, gt=0.0, le=1000.0)
    t_ref: float = Field(default=3.6, gt=0.0, le=1000.0)
    spread: float = Field(default=1.5, ge=0.0, le=10.0)


Neuron: TypeAlias = Annotated[RCSpikeNeuron | TTFSNeuron, Field(discriminator="kind")]


class StackOptions(_Options):
    """Everything but the weights of a network of any layers: enough to rebuild it.

    ``layers`` follow the input: a number is a full connection to that many neurons. The others as in ``NetworkOptions``; ``noise``, one for
    each layer of RC-Spike neurons, as ``nonideal.characterize.jitter.layer_noise`` gives it for the layer's ``columns``.
    Raises (pydantic) where a layer does not fit the one before it.

        options = nonideal.pnn.StackOptions(
            input_shape=(1, 8, 8),
            layers=(nonideal.pnn.Convolution(conv=4), nonideal.pnn.Pool(), 10),
            neuron=nonideal.pnn.TTFSNeuron(),
            reversal=nonideal.pnn.Reversal.constant(2.80, -1.53),
        )
        network = options.build()
    """

    input_shape: Shape
    layers: tuple[Layer, ...] = Field(min_length=1)
    neuron: Neuron = RCSpikeNeuron()
    reversal: Reversal
    method: Method = DSTD()
    sigma_spike: float = Field(default=0.0, ge=0.0, le=1.0)
    classes: int | None = Field(default=None, ge=1)
    noise: tuple[LayerNoise, ...] = ()
    bits: Bits | None = None

    @model_validator(mode="after")
    def _parts_fit(self) -> StackOptions:
        shapes(self.input_shape, self.layers)
        check_order(self.neuron.kind, self.method.order if isinstance(self.method, DSTD) else None)
        if self.noise and self.neuron.kind == "ttfs":
            raise ValueError(NO_TTFS_NOISE)
        if self.noise and len(self.noise) != len(self.columns):
            raise ValueError(
                f"noise describes {len(self.noise)} layers, the network has {len(self.columns)} of neurons"
            )
        return self

    @property
    def layer_sizes(self) -> tuple[int, int]:
        """Axons and outputs, which a data set must fit."""
        return math.prod(self.input_shape), cast(int, self.layers[-1])

    @property
    def columns(self) -> tuple[Columns, ...]:
        """What every layer of neurons is on a chip: one column for each neuron, a convolution's at every position."""
        return columns(self.input_shape, self.layers)

    def build(self) -> StackNetwork:
        """A network with freshly drawn weights."""
        network = StackNetwork(self)
        if self.bits is not None:
            round_weights(network.spiking_layers, self.bits)
        return network


AnyNetworkOptions: TypeAlias = Annotated[
    Annotated[NetworkOptions, Tag("dense")] | Annotated[StackOptions, Tag("stack")],
    Discriminator(lambda value: "stack" if _has(value, "input_shape") else "dense"),
]


def _has(value: object, key: str) -> bool:
    return key in value if isinstance(value, dict) else hasattr(value, key)


class StackNetwork(SpikingNetwork):
    """A network that ``StackOptions`` describes. Each layer's spikes reach the next one without those at or past the horizon.

    Example:

        options = nonideal.pnn.StackOptions(
            input_shape=(1, 8, 8),
            layers=(nonideal.pnn.Convolution(conv=4), nonideal.pnn.Pool(), 10),
            neuron=nonideal.pnn.TTFSNeuron(),
            reversal=nonideal.pnn.Reversal.constant(2.80, -1.53),
        )
        network: nonideal.pnn.StackNetwork = options.build()
        spikes = network(torch.rand(2, 64))    # of every layer of neurons: [2, 4, 8, 8], [2, 10]
    """

    def __init__(self, options: StackOptions) -> None:
        super().__init__(
            outputs=options.layer_sizes[1],
            classes=options.classes,
            horizon=options.neuron.horizon,
            sigma_spike=options.sigma_spike,
        )
        self.options, self.noise = options, options.noise
        before = [options.input_shape, *shapes(options.input_shape, options.layers)[:-1]]
        depth = sum(not isinstance(layer, Pool) for layer in options.layers)
        self.layers = nn.ModuleList(
            _module(layer, shape, options, depth) for layer, shape in zip(options.layers, before, strict=True)
        )

    @property
    def spiking_layers(self) -> Sequence[nn.Module]:
        """All layers but pooling."""
        return [layer for layer in self.layers if not isinstance(layer, EarliestSpikePool2d)]

    @property
    def columns(self) -> tuple[Columns, ...]:
        """As the options say."""
        return self.options.columns

    def forward(
        self, spike_time: Tensor, generator: torch.Generator | None = None, chips: Chips = ()
    ) -> list[Spikes]:
        """spike_time [B, axons], channels first where it is an image (>= 1: silent) -> spikes of every layer of neurons, [B, *its shape].

        On drawn ``chips`` (RC-Spike neurons), one entry per layer of neurons, from [B, chips, axons] to [B, chips, *its shape].
        """
        if chips:
            return self._on_chips(spike_time, generator, chips)
        axons = self.options.layer_sizes[0]
        spike_time = checks.layer_input(spike_time, self.weights[0], f"[B, {axons}]", axons)
        t = torch.where(spike_time >= 1.0, self.horizon, spike_time).unflatten(1, self.options.input_shape)
        found: list[Spikes] = []
        for layer in self.layers:
            if isinstance(layer, EarliestSpikePool2d):
                t = layer(t)
                continue
            t = t.flatten(1) if isinstance(layer, (RCSpikeLinear, TTFSLinear)) else t
            found.append(self._noisy(len(found), t, layer(t, generator), generator))
            t = found[-1].spike_time
        return found

    def _on_chips(self, spike_time: Tensor, generator: torch.Generator | None, chips: Chips) -> list[Spikes]:
        t = spike_time.unflatten(2, self.options.input_shape)
        found: list[Spikes] = []
        for layer in self.layers:
            if isinstance(layer, EarliestSpikePool2d):
                t = layer(t.flatten(0, 1)).unflatten(0, t.shape[:2])
                continue
            if not isinstance(layer, (RCSpikeLinear, RCSpikeConv2d)):
                raise BadParameter(NO_TTFS_CHIPS)
            t = t.flatten(2) if isinstance(layer, RCSpikeLinear) else t
            fired = layer.on_chips(t, chips[len(found)], generator)
            found.append(self._noisy(len(found), t, fired, generator))
            t = found[-1].spike_time
        return found

    def _noisy(
        self, index: int, spike_time: Tensor, fired: Spikes, generator: torch.Generator | None
    ) -> Spikes:
        """Spikes of the layer of neurons ``index`` with the network's jitter, and with measured noise where it has that."""
        fired = self.noisy(fired, generator)
        if not self.noise or generator is None or not isinstance(fired, Firing):
            return fired
        layer = cast(Measured, self.spiking_layers[index])
        return disturbed(layer, spike_time, fired, self.noise[index], generator)

    @torch.no_grad()
    def predict_times(self, spike_time: Tensor) -> list[Tensor]:
        """Spike times of every layer of neurons without noise, [B, *its shape] up to the horizon (silent).

        Evaluated exactly if the network is configured so, else on a fine grid: RC-Spike 10 intervals of third order (closer
        than the 30 of second order in the paper, section 3), TTFS 60 as there. In the precision of the weights.
        """
        spike_time = checks.network_input(spike_time)
        with self.fine():
            weight = self.weights[0]
            return [spikes.spike_time for spikes in self(spike_time.to(weight.device, weight.dtype))]

    @contextmanager
    def fine(self) -> Iterator[None]:
        """Layers are evaluated as ``predict_times`` does."""
        layers = cast("list[Any]", self.spiking_layers)
        methods = [layer.method for layer in layers]
        fine = DSTD(60) if self.options.neuron.kind == "ttfs" else DSTD(10, order=3)
        for layer in layers:
            layer.method = layer.method if isinstance(layer.method, Exact) else fine
        try:
            yield
        finally:
            for layer, method in zip(layers, methods, strict=True):
                layer.method = method


def _module(layer: int | Convolution | Pool, before: Shape, options: StackOptions, depth: int) -> nn.Module:
    """One layer of a network of ``depth`` layers of neurons, on an input of shape ``before``."""
    neuron, reversal, method = options.neuron, options.reversal, options.method
    if isinstance(layer, Pool):
        return EarliestSpikePool2d(layer.pool)
    if isinstance(neuron, TTFSNeuron):
        draw: dict[str, Any] = {
            "horizon": neuron.horizon,
            "t_ref": neuron.t_ref,
            "layers": depth,
            "spread": neuron.spread,
        }
        if isinstance(layer, int):
            return TTFSLinear(math.prod(before), layer, reversal, method, **draw)
        return TTFSConv2d(before[0], layer.conv, layer.kernel, reversal, method, padding=layer.rim, **draw)
    if isinstance(layer, int):
        return RCSpikeLinear(math.prod(before), layer, reversal, neuron.discharger, method)
    return RCSpikeConv2d(
        before[0], layer.conv, layer.kernel, reversal, neuron.discharger, method, padding=layer.rim
    )
