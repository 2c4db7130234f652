"""Layers of a network as they are asked for: full connections, convolutions, pooling; and the shapes that they make."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

Shape: TypeAlias = tuple[int, ...]  # (axons,) or (channels, height, width)


class _Layer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Convolution(_Layer):
    """``conv`` channels of ``kernel`` x ``kernel`` neurons, stride 1; ``padding`` silent pixels round the image (None: it keeps its size).

    Example:

        layers = (nonideal.pnn.Convolution(conv=16, kernel=3), nonideal.pnn.Pool(pool=2), 10)
    """

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


class Pool(_Layer):
    """The earliest spike of every ``pool`` x ``pool`` window.

    Example:

        layers = (nonideal.pnn.Convolution(conv=16, kernel=3), nonideal.pnn.Pool(pool=2), 10)
    """

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


def check_order(neuron: str, order: int | None) -> None:
    """Raise ``ValueError`` for a form of the DSTD that these neurons do not have; None: another method."""
    if neuron == "ttfs" and order not in (None, 2):
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


class Columns(NamedTuple):
    """What a layer is on a chip: ``neurons`` columns of ``axons`` synapse pairs, at each of ``positions``.

    A membrane holds the state of one neuron, and all of a layer's neurons accumulate in the same phase. So every neuron has a
    column of its own. A convolution's kernel is written into the columns of every output pixel: its weights are shared, the devices
    that carry them are not. A neuron at the rim has all its synapses; those that look beyond the image never see a spike. Pooling is a
    wired OR, without a column.
    """

    axons: int
    neurons: int
    positions: int = 1

    @property
    def synapses(self) -> int:
        """Weights that are written, those of a kernel once for each position."""
        return self.axons * self.neurons * self.positions


def columns(input_shape: Shape, layers: Sequence[int | Convolution | Pool]) -> tuple[Columns, ...]:
    """Of every layer of neurons, on an input of this shape. Raises ``ValueError`` as ``shapes`` does."""
    after = shapes(input_shape, layers)
    found = []
    for layer, before, shape in zip(layers, (tuple(input_shape), *after), after, strict=False):
        if isinstance(layer, int):
            found.append(Columns(math.prod(before), layer))
        elif isinstance(layer, Convolution):
            found.append(Columns(layer.kernel**2 * before[0], layer.conv, shape[1] * shape[2]))
    return tuple(found)
