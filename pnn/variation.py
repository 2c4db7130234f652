"""Training on drawn chips: what a chip's devices do to weights and firing times.

Every mini-batch sees chips of its own. A synapse's current is that of its weight times ``exp(sigma(|w|) z)``, z standard normal;
a neuron's ramp is r = exp(sigma z) times as steep and its threshold theta off by sigma z, the two correlated, which moves its spike from t to
``(t - 1 + ln(1 - b theta) / ln(1 - b)) / r``. Where conditions are given, a chip meets one of them as well: ln of its currents moves by
that condition's ``level + slope / sqrt(1 + |w| / bend)``, and its spikes to ``gain t + offset``. Gradients go through all of it, sigma's
fall with |w| included. A convolution's kernel is drawn anew for every output pixel, which has columns of its own
(``nonideal.pnn.layers.Columns``); its gradient is the sum over them. The numbers are measured ones: ``nonideal.characterize.variation``,
``nonideal.characterize.shift``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor

from nonideal.characterize.shift import LayerShift
from nonideal.characterize.variation import LayerVariation
from nonideal.pnn.errors import BadParameter
from nonideal.pnn.layers import Columns
from nonideal.pnn.native import available, doubles, function, pointer

POOL = 1 << 22
"""Numbers of a pool, at least."""
SMALL = 1 << 17
"""Weights that are perturbed in little time beside a step's overhead."""
GROUP = 128
"""Samples for which a chip of a large network is worth drawing: 1.3 nominal steps on MNIST, see bench/training.py."""
MOST_SYNAPSES = 1 << 26
"""Of a chip that is drawn: its numbers, perturbed weights and their derivatives take 12 bytes each, 0.8 GB; the pool as much again."""
_POOL_SEED = 0x5EED


class Variation(BaseModel):
    """On which chips, and in which conditions, a training sees its mini-batches.

    ``layers``: the spread of every layer, times ``scale`` (what calibration leaves of it; more than 1: train on worse
    chips than are built). ``chips``: how many are drawn for a mini-batch, all weights and neurons anew; ``tail``: the share of
    them, the worst by cross-entropy, whose loss is averaged (1: the mean over chips). ``conditions``: corners and temperatures, one
    shift for every layer; the chips of a mini-batch meet them in turn, from a drawn one on. Home is among them only where it is given
    (``Shifts.of`` puts it first); without any, all chips are at home.

    The chips share the mini-batch's samples: to show every chip all of them trained no better and costs more. Of a network with
    more weights than ``SMALL / chips`` fewer chips are drawn, one for every ``GROUP`` samples: there drawing a chip costs as
    much as evaluating many samples, and the next mini-batches bring others.

        from nonideal.characterize.variation import CurrentSpread, LayerVariation

        spread = LayerVariation(CurrentSpread(0.4, 1.0), CurrentSpread(0.22, 2.0), ln_ramp=0.18, threshold=0.012, discharge=0.155)
        variation = nonideal.pnn.Variation(layers=(spread, spread), chips=8)    # of a network of two layers
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: tuple[LayerVariation, ...] = Field(min_length=1)
    conditions: tuple[tuple[LayerShift, ...], ...] = ()
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
            if not abs(one.correlation) <= 1.0:
                raise ValueError(f"layer {index}: a correlation lies between -1 and 1")
        return layers

    @field_validator("conditions")
    @classmethod
    def _shifts_are_numbers(
        cls, conditions: tuple[tuple[LayerShift, ...], ...]
    ) -> tuple[tuple[LayerShift, ...], ...]:
        for index, shifts in enumerate(conditions, start=1):
            for one in shifts:
                branches = (one.positive, one.negative)
                numbers = (one.gain, one.offset, *(x for b in branches for x in (b.level, b.slope, b.bend)))
                if (
                    not all(map(math.isfinite, numbers))
                    or one.gain <= 0
                    or min(b.bend for b in branches) <= 0
                ):
                    raise ValueError(
                        f"condition {index}: shifts must be finite, gains and bends must be above 0"
                    )
        return conditions

    def check_fits(self, layers: int) -> None:
        """Raise ``BadParameter`` unless there is one spread, and one shift of every condition, for each of a network's layers."""
        for what, found in (("variation", self.layers), *(("a condition", c) for c in self.conditions)):
            if len(found) != layers:
                raise BadParameter(
                    f"{what} describes {len(found)} layers, the network has {layers}: give one for each"
                )

    def check_size(self, columns: Sequence[Columns]) -> None:
        """Raise ``BadParameter`` where a chip of these layers has more synapses than can be drawn."""
        largest, total = max(columns, key=lambda one: one.synapses), sum(one.synapses for one in columns)
        if total > MOST_SYNAPSES:
            raise BadParameter(
                f"variation: a chip of this network has {total} synapses, most of them in a layer of {largest.positions} positions x "
                f"{largest.neurons} neurons x {largest.axons} axons; at most {MOST_SYNAPSES} can be drawn: pool earlier, take fewer channels, "
                "or leave variation out"
            )

    def chips_of(self, samples: int, weights: int) -> int:
        """How many chips a mini-batch of ``samples`` sees, the network having ``weights`` synapses, a kernel's at every position."""
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
    """A layer on drawn chips: standard normal shifts of its synapses [columns, N_in, N_out], their spread (weak and bend for
    w >= 0, for w < 0), and what its neurons' spikes become, ``gain t + offset``, [columns, N_out]. ``columns`` = chips x positions:
    a fully connected layer has one position, a convolution one for each output pixel, row by row.

    ``shifts``: what conditions do to currents (level, slope and bend for w >= 0, for w < 0); ``met`` [columns]: the condition met there;
    ``stretch`` [chips, 2]: the gain and offset of that condition, contained in ``gain`` and ``offset``.
    """

    normal: Tensor
    spread: tuple[float, ...]
    gain: Tensor
    offset: Tensor
    shifts: tuple[tuple[float, ...], ...] = ()
    met: Tensor | None = None
    stretch: Tensor | None = None

    def apart(self, count: int = 1) -> Iterator[LayerChips]:
        """``count`` of the first dimension after others: of a fully connected layer one chip after the other."""
        for k in range(0, self.normal.shape[0], count):
            mine = slice(k, k + count)
            met = None if self.met is None else self.met[mine]
            yield self._replace(
                normal=self.normal[mine], gain=self.gain[mine], offset=self.offset[mine], met=met
            )

    def at_home(self, spike_time: Tensor) -> Tensor:
        """Unclipped times of the chips' neurons, were the condition's ramp that of home: [B, chips, N_out or image] -> the same."""
        if self.stretch is None:
            return spike_time
        gain, offset = self.stretch.view(-1, 2, *(1,) * (spike_time.ndim - 2)).unbind(1)
        return (spike_time - offset) / gain


Chips: TypeAlias = Sequence[LayerChips]
Normals: TypeAlias = Callable[[int], Tensor]


class ChipDraw:
    """Draws chips of a network whose layers have ``sizes`` = (N_in, N_out), or ``Columns`` where there are several positions."""

    def __init__(
        self, variation: Variation, sizes: Sequence[tuple[int, int] | Columns], like: Tensor | None = None
    ) -> None:
        """``like``: a tensor of the device and precision wanted."""
        variation.check_fits(len(sizes))
        self.sizes = tuple(size if isinstance(size, Columns) else Columns(*size) for size in sizes)
        self.neurons = [size.neurons * size.positions for size in self.sizes]
        self.per_chip = sum(size.synapses for size in self.sizes) + 2 * sum(self.neurons)
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
        threshold = [
            -x / (1.0 - x) * one.threshold * scale for x, one in zip(b, variation.layers, strict=True)
        ]
        shared = [one.correlation for one in variation.layers]
        self.threshold = of_neurons(
            [x * math.sqrt(1.0 - rho**2) for x, rho in zip(threshold, shared, strict=True)]
        )
        self.threshold_with_ramp = (
            of_neurons([x * rho for x, rho in zip(threshold, shared, strict=True)]) if any(shared) else None
        )
        self.per_log = of_neurons([1.0 / math.log1p(-x) for x in b])
        self.conditions = len(variation.conditions)
        by_layer = list(zip(*variation.conditions, strict=True))
        self.shifts = [
            tuple(
                tuple(x for b in (one.positive, one.negative) for x in (b.level, b.slope, b.bend))
                for one in layer
            )
            for layer in by_layer or [()] * len(self.sizes)
        ]
        self.stretch = [like.new_tensor([[one.gain, one.offset] for one in layer]) for layer in by_layer]

    def meet(self, chips: int, generator: torch.Generator | None) -> Tensor | None:
        """The conditions of so many chips, by index: all in turn, from a drawn one on. None where there is only home."""
        if not self.conditions:
            return None
        first = torch.randint(self.conditions, (), generator=generator)
        return (torch.arange(chips) + first) % self.conditions

    def draw(self, chips: int, normals: Normals, met: Tensor | None = None) -> tuple[LayerChips, ...]:
        """So many chips; ``normals(n)`` draws n standard normal numbers; ``met`` [chips]: the conditions that they meet (None: home).

        Raises ``BadParameter`` for conditions that there are not.
        """
        if met is not None:
            known = met.shape == (chips,) and bool(((met >= 0) & (met < self.conditions)).all())
            if not known:
                raise BadParameter(
                    f"conditions {met.tolist()} of {chips} chips: give each one index below {self.conditions}, the number of conditions"
                )
        parts = [chips * size.synapses for size in self.sizes]
        *synapses, ramp, threshold = normals(chips * self.per_chip).split(
            (*parts, *(chips * sum(self.neurons),) * 2)
        )
        ramp, threshold = ramp.view(chips, -1), threshold.view(chips, -1) * self.threshold
        if self.threshold_with_ramp is not None:
            threshold.addcmul_(ramp, self.threshold_with_ramp)
        gain = (ramp * self.ramp).exp_()
        # no threshold is so high that a ramp never reaches it
        late = threshold.clamp_(min=-0.99).log1p_().mul_(self.per_log)
        layers = zip(
            self.sizes, synapses, self.spreads, gain.split(self.neurons, 1),
            late.mul_(gain).split(self.neurons, 1), strict=True,
        )  # fmt: skip
        drawn = tuple(
            LayerChips(
                z.view(-1, size.axons, size.neurons), spread,
                gains.reshape(-1, size.neurons), offsets.reshape(-1, size.neurons),
            )
            for size, z, spread, gains, offsets in layers
        )  # fmt: skip
        return drawn if met is None else self._in_conditions(drawn, met)

    def _in_conditions(self, drawn: Sequence[LayerChips], met: Tensor) -> tuple[LayerChips, ...]:
        moved = []
        for chips, shifts, stretch, size in zip(drawn, self.shifts, self.stretch, self.sizes, strict=True):
            mine = stretch[met]
            gain, offset = mine.repeat_interleave(size.positions, 0).split(1, 1)
            moved.append(
                chips._replace(
                    gain=chips.gain * gain,
                    offset=chips.offset * gain + offset,
                    shifts=shifts,
                    met=met.repeat_interleave(size.positions),
                    stretch=mine,
                )
            )
        return tuple(moved)


class Pool:
    """Standard normal numbers for many mini-batches: drawn once from a seed, read at offsets that a generator draws.

    Drawing 300,000 anew takes longer than the training step that would use them. A weight meets the same number again after
    millions of draws, each time beside others.

        layers = (nonideal.pnn.Convolution(conv=16, kernel=3), nonideal.pnn.Pool(pool=2), 10)
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


def perturbed(weight: Tensor, chips: LayerChips) -> Tensor:
    """A layer's weights [N_out, N_in] on drawn chips: [columns, N_in, N_out], an axon's weights side by side."""
    return cast(Tensor, _Perturbed.apply(weight, chips))  # type: ignore[no-untyped-call]


class _Perturbed(torch.autograd.Function):
    """``w exp(sigma(|w|) z + shift(|w|))`` and its derivative in one pass over the weights."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, chips: LayerChips) -> Tensor:
        w, z = weight.t().contiguous(), chips.normal.to(weight.dtype)
        want = ctx.needs_input_grad[0]
        if available(w):
            z = z.contiguous()
            out, slope = torch.empty_like(z), torch.empty_like(z) if want else None
            met = None if chips.met is None else chips.met.contiguous()
            shifts = doubles([x for shift in chips.shifts for x in shift])
            function("perturb_forward", w.dtype)(
                w.data_ptr(), z.data_ptr(), w.numel(), z.shape[0], doubles(chips.spread), shifts,
                0 if met is None else len(chips.shifts), pointer(met), out.data_ptr(), pointer(slope),
            )  # fmt: skip
        else:
            out, slope = _perturb(w, z, chips)
        if want:
            ctx.save_for_backward(slope)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        if available(slope):
            grad = grad.contiguous()
            dw = torch.empty_like(grad[0])
            function("perturb_backward", grad.dtype)(
                grad.data_ptr(), slope.data_ptr(), dw.numel(), grad.shape[0], dw.data_ptr()
            )
        else:
            dw = (grad * slope).sum(0)
        return dw.t(), None


def _perturb(w: Tensor, z: Tensor, chips: LayerChips) -> tuple[Tensor, Tensor]:
    """The plain form: w [N_in, N_out], z [chips, N_in, N_out] -> perturbed weights and their derivative, the shape of z."""
    negative = w < 0.0
    positive, other = w.new_tensor(chips.spread).view(2, 2, 1, 1)
    weak, bend = torch.where(negative, other, positive).unbind()
    part = 1.0 / (1.0 + w.abs() / bend)
    x = weak * torch.sqrt(part) * z
    shift, bent = x, x * (1.0 - part)
    if chips.met is not None:
        of_chip = w.new_tensor(chips.shifts)[chips.met.to(w.device)][..., None, None]
        level, slope, bend = torch.where(negative, of_chip[:, 3:], of_chip[:, :3]).unbind(1)
        part = 1.0 / (1.0 + w.abs() / bend)
        near = slope * torch.sqrt(part)
        shift, bent = shift + level + near, bent + near * (1.0 - part)
    factor = torch.exp(shift)
    return w * factor, factor * (1.0 - 0.5 * bent)
