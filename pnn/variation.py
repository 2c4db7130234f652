"""Training on drawn chips: what a chip's devices do to weights and firing times.

Every mini-batch sees chips of its own. A synapse's current is that of its weight times ``exp(sigma(|w|) z)``, z standard normal;
a neuron's ramp is r = exp(sigma z) times as steep and its threshold theta off by sigma z, which moves its spike from t to
``(t - 1 + ln(1 - b theta) / ln(1 - b)) / r``. Gradients go through all of it, sigma's fall with |w| included. The statistics
are measured ones: ``characterize.variation``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor

from characterize.variation import LayerVariation
from pnn.errors import BadParameter
from pnn.native import available, doubles, function, pointer

POOL = 1 << 22
"""Numbers of a pool, at least."""
SMALL = 1 << 17
"""Weights that are perturbed in little time beside a step's overhead."""
GROUP = 128
"""Samples for which a chip of a large network is worth drawing: 1.3 nominal steps on MNIST, see bench/training.py."""
_POOL_SEED = 0x5EED


class Variation(BaseModel):
    """On which chips a training sees its mini-batches.

    ``layers``: the spread of every layer, times ``scale`` (what calibration leaves of it; more than 1: train on worse
    chips than are built). ``chips``: how many are drawn for a mini-batch, all weights and neurons anew; ``tail``: the share of
    them, the worst by cross-entropy, whose loss is averaged (1: the mean over chips).

    The chips share the mini-batch's samples: to show every chip all of them trained no better and costs more. Of a network with
    more weights than ``SMALL / chips`` fewer chips are drawn, one for every ``GROUP`` samples: there drawing a chip costs as
    much as evaluating many samples, and the next mini-batches bring others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: tuple[LayerVariation, ...] = Field(min_length=1)
    chips: int = Field(default=8, ge=1, le=4096)
    tail: float = Field(default=1.0, gt=0.0, le=1.0)
    scale: float = Field(default=1.0, ge=0.0, le=10.0)

    @field_validator("layers")
    @classmethod
    def _spreads_are_numbers(cls, layers: tuple[LayerVariation, ...]) -> tuple[LayerVariation, ...]:
        for index, one in enumerate(layers, start=1):
            sigmas = (one.positive.weak, one.negative.weak, one.ln_ramp, one.threshold)
            bends = (one.positive.bend, one.negative.bend)
            if not all(0.0 <= s < math.inf for s in sigmas) or not all(0.0 < b < math.inf for b in bends):
                raise ValueError(
                    f"layer {index}: standard deviations must not be negative, bends must be above 0"
                )
        return layers

    def check_fits(self, layers: int) -> None:
        """Raise ``BadParameter`` unless there is one spread for each of a network's layers."""
        if len(self.layers) != layers:
            raise BadParameter(
                f"variation describes {len(self.layers)} layers, the network has {layers}: give one spread for each"
            )

    def chips_of(self, samples: int, weights: int) -> int:
        """How many chips a mini-batch of ``samples`` sees, the network having ``weights`` weights."""
        return min(self.chips, samples, max(SMALL // weights, samples // GROUP, 1))

    def shares(self, samples: int, weights: int) -> Tensor:
        """Which of a mini-batch's samples each chip sees, [samples of a chip, chips].

        All chips see equally many; where the samples do not divide, the first ones are seen twice.
        """
        chips = self.chips_of(samples, weights)
        each = -(-samples // chips)
        return (torch.arange(each * chips) % samples).reshape(each, chips)

    def worst(self, chip_loss: Tensor) -> Tensor:
        """The chips, by index, whose loss counts: [chips] -> [ceil(tail chips)]."""
        count = math.ceil(self.tail * chip_loss.shape[0] - 1e-9)
        return chip_loss.topk(max(1, count)).indices


class LayerChips(NamedTuple):
    """A layer on drawn chips: standard normal shifts of its synapses [chips, N_in, N_out], their spread (weak and bend for
    w >= 0, for w < 0), and what its neurons' spikes become, ``gain t + offset``, [chips, N_out].
    """

    normal: Tensor
    spread: tuple[float, ...]
    gain: Tensor
    offset: Tensor


Chips: TypeAlias = Sequence[LayerChips]
Normals: TypeAlias = Callable[[int], Tensor]


class ChipDraw:
    """Draws chips of a network whose layers have ``sizes`` = (N_in, N_out)."""

    def __init__(
        self, variation: Variation, sizes: Sequence[tuple[int, int]], like: Tensor | None = None
    ) -> None:
        """``like``: a tensor of the device and precision wanted."""
        variation.check_fits(len(sizes))
        self.sizes = tuple(sizes)
        self.neurons = [n_out for _, n_out in sizes]
        self.per_chip = sum(n_in * n_out + 2 * n_out for n_in, n_out in sizes)
        scale, like = variation.scale, torch.empty(0) if like is None else like
        self.spreads = [
            tuple(x for side in (one.positive, one.negative) for x in (side.weak * scale, side.bend))
            for one in variation.layers
        ]
        # ln(1 - b theta) - ln(1 - b) = ln(1 - b x / (1 - b)) with theta = 1 + x; the limit b = 0 is taken at a b next to it
        b = [one.discharge or 1e-6 for one in variation.layers]

        def of_neurons(values: Sequence[float]) -> Tensor:
            return torch.cat([like.new_full((n,), v) for n, v in zip(self.neurons, values, strict=True)])

        self.ramp = of_neurons([-one.ln_ramp * scale for one in variation.layers])
        self.threshold = of_neurons(
            [-x / (1.0 - x) * one.threshold * scale for x, one in zip(b, variation.layers, strict=True)]
        )
        self.per_log = of_neurons([1.0 / math.log1p(-x) for x in b])

    def draw(self, chips: int, normals: Normals) -> tuple[LayerChips, ...]:
        """So many chips; ``normals(n)`` draws n standard normal numbers."""
        parts = [chips * n_in * n_out for n_in, n_out in self.sizes]
        *synapses, ramp, threshold = normals(chips * self.per_chip).split(
            (*parts, *(chips * sum(self.neurons),) * 2)
        )
        gain = (ramp.view(chips, -1) * self.ramp).exp_()
        # no threshold is so high that a ramp never reaches it
        late = (threshold.view(chips, -1) * self.threshold).clamp_(min=-0.99).log1p_().mul_(self.per_log)
        layers = zip(
            self.sizes, synapses, self.spreads, gain.split(self.neurons, 1),
            late.mul_(gain).split(self.neurons, 1), strict=True,
        )  # fmt: skip
        return tuple(
            LayerChips(z.view(chips, *size), spread, gains, offsets)
            for size, z, spread, gains, offsets in layers
        )


class Pool:
    """Standard normal numbers for many mini-batches: drawn once from a seed, read at offsets that a generator draws.

    Drawing 300,000 anew takes longer than the training step that would use them. A weight meets the same number again after
    millions of draws, each time beside others.
    """

    def __init__(self, seed: int, largest: int, device: torch.device | None = None) -> None:
        """For reads of up to ``largest`` numbers."""
        generator = torch.Generator().manual_seed(seed ^ _POOL_SEED)
        self.numbers = torch.randn(max(POOL, 2 * largest), generator=generator).to(device)

    def normals(self, generator: torch.Generator) -> Normals:
        """Draws of one mini-batch."""

        def read(count: int) -> Tensor:
            room = self.numbers.shape[0] - count
            start = int(torch.randint(room + 1, (), generator=generator))
            return self.numbers[start : start + count]

        return read


def perturbed(weight: Tensor, normal: Tensor, spread: tuple[float, ...]) -> Tensor:
    """A layer's weights [N_out, N_in] on drawn chips, see ``LayerChips``: [chips, N_in, N_out], an axon's weights side by side."""
    return cast(Tensor, _Perturbed.apply(weight, normal, spread))  # type: ignore[no-untyped-call]


class _Perturbed(torch.autograd.Function):
    """``w exp(sigma(|w|) z)`` and its derivative in one pass over the weights."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, normal: Tensor, spread: tuple[float, ...]) -> Tensor:
        w, z = weight.t().contiguous(), normal.to(weight.dtype)
        want = ctx.needs_input_grad[0]
        if available(w):
            z = z.contiguous()
            out, slope = torch.empty_like(z), torch.empty_like(z) if want else None
            function("perturb_forward", w.dtype)(
                w.data_ptr(), z.data_ptr(), w.numel(), z.shape[0], doubles(spread), out.data_ptr(), pointer(slope)
            )  # fmt: skip
        else:
            out, slope = _perturb(w, z, spread)
        if want:
            ctx.save_for_backward(slope)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (slope,) = ctx.saved_tensors
        if available(slope):
            grad = grad.contiguous()
            dw = torch.empty_like(grad[0])
            function("perturb_backward", grad.dtype)(
                grad.data_ptr(), slope.data_ptr(), dw.numel(), grad.shape[0], dw.data_ptr()
            )
        else:
            dw = (grad * slope).sum(0)
        return dw.t(), None, None


def _perturb(w: Tensor, z: Tensor, spread: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """The plain form: w [N_in, N_out], z [chips, N_in, N_out] -> perturbed weights and their derivative, the shape of z."""
    weak_positive, bend_positive, weak_negative, bend_negative = spread
    negative = (w < 0.0).to(w.dtype)
    size = w.abs() * (1.0 / bend_positive + (1.0 / bend_negative - 1.0 / bend_positive) * negative)
    sigma = (weak_positive + (weak_negative - weak_positive) * negative) / torch.sqrt(1.0 + size)
    x = sigma * z
    factor = torch.exp(x)
    return w * factor, factor * (1.0 - x * (0.5 * size / (1.0 + size)))
