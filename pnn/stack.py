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

from nonideal.pnn import checks
from nonideal.pnn.conv import EarliestSpikePool2d, RCSpikeConv2d
from nonideal.pnn.discharger import Discharger
from nonideal.pnn.dstd import DSTD
from nonideal.pnn.exact import Exact
from nonideal.pnn.network import NetworkOptions, Spikes, SpikingNetwork
from nonideal.pnn.rc_spike import Method, RCSpikeLinear
from nonideal.pnn.reversal import Reversal
from nonideal.pnn.ttfs import TTFSConv2d, TTFSLinear

Shape: TypeAlias = tuple[int, ...]  # (axons,) or (channels, height, width)


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Convolution(_Options):
    """``conv`` channels of ``kernel`` x ``kernel`` neurons, stride 1; ``padding`` silent pixels round the image (None: it keeps its size)."""

    conv: int = Field(ge=1, le=4096)
    kernel: int = Field(default=3, ge=1, le=31)
    padding: int | None = Field(default=None, ge=0, le=30)

    @model_validator(mode="after")
    def _keeps_its_size(self) -> Convolution:
        if self.padding is None and self.kernel % 2 == 0:
            raise ValueError(
                f"a kernel of {self.kernel} needs its padding: only an odd one keeps the image's size"
            )
        if self.padding is not None and self.padding >= self.kernel:
            raise ValueError(f"padding {self.padding} must be less than the kernel, {self.kernel}")
        return self

    @property
    def rim(self) -> int:
        """The padding in pixels."""
        return self.kernel // 2 if self.padding is None else self.padding


class Pool(_Options):
    """The earliest spike of every ``pool`` x ``pool`` window."""

    pool: int = Field(default=2, ge=2, le=32)


def _kind_of_layer(value: object) -> str | None:
    if isinstance(value, int):
        return "neurons"
    keys = value if isinstance(value, dict) else getattr(type(value), "model_fields", {})
    return "Convolution" if "conv" in keys else "Pool" if "pool" in keys else None


Layer: TypeAlias = Annotated[
    Annotated[int, Field(ge=1, le=65536), Tag("neurons")]
    | Annotated[Convolution, Tag("Convolution")]
    | Annotated[Pool, Tag("Pool")],
    Discriminator(
        _kind_of_layer,
        custom_error_type="layer",
        custom_error_message="a layer is a number of neurons, { conv = channels } or { pool = size }",
    ),
]


class RCSpikeNeuron(_Options):
    """RC-Spike neurons: accumulation and firing in phases."""

    kind: Literal["rc_spike"] = "rc_spike"
    discharger: Discharger = Discharger()

    @property
    def horizon(self) -> float:
        """The end of the phase."""
        return 1.0


class TTFSNeuron(_Options):
    """Time-to-first-spike neurons, computed up to ``horizon``; ``t_ref`` and ``spread`` set their initial weights (see ``TTFSLinear``)."""

    kind: Literal["ttfs"] = "ttfs"
    horizon: float = Field(default=3.0, gt=0.0, le=1000.0)
    t_ref: float = Field(default=3.6, gt=0.0, le=1000.0)
    spread: float = Field(default=1.5, ge=0.0, le=10.0)


Neuron: TypeAlias = Annotated[RCSpikeNeuron | TTFSNeuron, Field(discriminator="kind")]


class StackOptions(_Options):
    """Everything but the weights of a network of any layers: enough to rebuild it.

    ``layers`` follow the input: a number is a full connection to that many neurons. The others as in ``NetworkOptions``.
    Raises (pydantic) where a layer does not fit the one before it.
    """

    input_shape: Shape
    layers: tuple[Layer, ...] = Field(min_length=1)
    neuron: Neuron = RCSpikeNeuron()
    reversal: Reversal
    method: Method = DSTD()
    sigma_spike: float = Field(default=0.0, ge=0.0, le=1.0)
    classes: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _parts_fit(self) -> StackOptions:
        shapes(self.input_shape, self.layers)
        check_method(self.neuron.kind, self.method)
        return self

    @property
    def layer_sizes(self) -> tuple[int, int]:
        """Axons and outputs, which a data set must fit."""
        return math.prod(self.input_shape), cast(int, self.layers[-1])

    def build(self) -> StackNetwork:
        """A network with freshly drawn weights."""
        return StackNetwork(self)


AnyNetworkOptions: TypeAlias = Annotated[
    Annotated[NetworkOptions, Tag("dense")] | Annotated[StackOptions, Tag("stack")],
    Discriminator(lambda value: "stack" if _has(value, "input_shape") else "dense"),
]


def _has(value: object, key: str) -> bool:
    return key in value if isinstance(value, dict) else hasattr(value, key)


def check_method(kind: str, method: Method) -> None:
    """Raise ``ValueError`` for a form that these neurons do not have."""
    if kind == "ttfs" and isinstance(method, DSTD) and method.order != 2:
        raise ValueError("time-to-first-spike neurons have no third-order form: choose order 2")


def shapes(input_shape: Shape, layers: Sequence[int | Convolution | Pool]) -> list[Shape]:
    """The shape after every layer. Raises ``ValueError`` that names the layer (from 1) that does not fit."""
    if len(input_shape) not in (1, 3) or min(input_shape) < 1:
        raise ValueError(f"input_shape {input_shape} is neither (axons,) nor (channels, height, width)")
    if not isinstance(layers[-1], int):
        raise ValueError(f"the last layer must be the number of outputs, not {layers[-1]!r}")
    shape: Shape = tuple(input_shape)
    found: list[Shape] = []
    for index, layer in enumerate(layers, start=1):
        if isinstance(layer, int):
            shape = (layer,)
        elif len(shape) != 3:
            raise ValueError(
                f"layer {index} ({layer!r}) needs an image before it, not {shape[0]} axons or neurons"
            )
        elif isinstance(layer, Pool):
            shape = (shape[0], shape[1] // layer.pool, shape[2] // layer.pool)
        else:
            grow = 2 * layer.rim - layer.kernel + 1
            shape = (layer.conv, shape[1] + grow, shape[2] + grow)
        if min(shape) < 1:
            raise ValueError(f"nothing is left of the image after layer {index} ({layer!r})")
        found.append(shape)
    return found


class StackNetwork(SpikingNetwork):
    """A network that ``StackOptions`` describes. Each layer's spikes reach the next one without those at or past the horizon."""

    def __init__(self, options: StackOptions) -> None:
        super().__init__(
            outputs=options.layer_sizes[1],
            classes=options.classes,
            horizon=options.neuron.horizon,
            sigma_spike=options.sigma_spike,
        )
        self.options = options
        before = [options.input_shape, *shapes(options.input_shape, options.layers)[:-1]]
        depth = sum(not isinstance(layer, Pool) for layer in options.layers)
        self.layers = nn.ModuleList(
            _module(layer, shape, options, depth) for layer, shape in zip(options.layers, before, strict=True)
        )

    @property
    def spiking_layers(self) -> Sequence[nn.Module]:
        """All layers but pooling."""
        return [layer for layer in self.layers if not isinstance(layer, EarliestSpikePool2d)]

    def forward(self, spike_time: Tensor, generator: torch.Generator | None = None) -> list[Spikes]:
        """spike_time [B, axons], channels first where it is an image (>= 1: silent) -> spikes of every layer of neurons, [B, *its shape]."""
        axons = self.options.layer_sizes[0]
        spike_time = checks.layer_input(spike_time, self.weights[0], f"[B, {axons}]", axons)
        t = torch.where(spike_time >= 1.0, self.horizon, spike_time).unflatten(1, self.options.input_shape)
        found: list[Spikes] = []
        for layer in self.layers:
            if isinstance(layer, EarliestSpikePool2d):
                t = layer(t)
                continue
            t = t.flatten(1) if isinstance(layer, (RCSpikeLinear, TTFSLinear)) else t
            found.append(self.noisy(layer(t, generator), generator))
            t = found[-1].spike_time
        return found

    @torch.no_grad()
    def predict_times(self, spike_time: Tensor) -> list[Tensor]:
        """Spike times of every layer of neurons without noise, [B, *its shape] up to the horizon (silent).

        Evaluated exactly if the network is configured so, else on a fine grid: RC-Spike 10 intervals of third order (closer
        than the 30 of second order in the paper, section 3), TTFS 60 as there. In the precision of the weights.
        """
        spike_time = checks.network_input(spike_time)
        with self._fine():
            weight = self.weights[0]
            return [spikes.spike_time for spikes in self(spike_time.to(weight.device, weight.dtype))]

    @contextmanager
    def _fine(self) -> Iterator[None]:
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
