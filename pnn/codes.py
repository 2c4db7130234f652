"""Weights that are codes, as a coded synapse holds them: what a layer keeps of them, and how they are trained.

A weight is ``code * step``: codes are whole numbers within ``+-top``, ``top = 2**bits - 1``, and ``step = full_scale / top``. A step has 16
significant bits, so that the product is exact in float32 and in float64: whoever reads codes, bits and full scale computes the same weight.

    network = nonideal.train(data, options, nonideal.TrainingOptions(bits=4)).network
    network.layers[0].codes.code                        # int32 [out_features, in_features]
    round_weights(network.spiking_layers, bits=3)       # to codes of other bits, after training
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import Any, Final, cast

import torch
from torch import Tensor, nn

from nonideal.pnn import checks
from nonideal.pnn.choices import FEWEST_BITS, MOST_BITS, MOST_FULL_SCALE, FullScale
from nonideal.pnn.errors import BadParameter
from nonideal.pnn.native import available, function

STEP_BITS: Final = 16


class Codes(nn.Module):
    """The codes of one layer's weights, ``layer.codes`` beside ``layer.weight``, which is always ``code * step``.

    Buffers, so that every ``state_dict`` holds them: ``code`` int32 (which every backend of DDP takes) of the weight's shape, ``bits`` (of the
    magnitude; the sign is one more) and ``full_scale``, the weight of the largest code. Raises ``BadParameter`` for bits outside 2 to 8.

        codes = nonideal.pnn.Codes(torch.zeros(3, 5), bits=4)    # of a layer whose weights are 0; codes.code is int32 [3, 5]
    """

    code: Tensor
    bits: Tensor
    full_scale: Tensor

    def __init__(self, weight: Tensor, bits: int) -> None:
        super().__init__()
        bits = checks.whole(bits, "bits", FEWEST_BITS, MOST_BITS)
        weight = weight.detach()
        self.register_buffer("code", torch.zeros_like(weight, dtype=torch.int32))
        self.register_buffer("bits", torch.tensor(bits, dtype=torch.uint8, device=weight.device))
        self.register_buffer("full_scale", weight.new_ones(()))

    @property
    def top(self) -> int:
        """The largest code."""
        return 2 ** int(self.bits) - 1

    @property
    def step(self) -> float:
        """The weight of code 1."""
        return float(self.full_scale) / self.top

    def extra_repr(self) -> str:
        return f"bits={int(self.bits)}, full_scale={float(self.full_scale):.6g}"


def nearest(latent: Tensor, top: int, step: float, weight: Tensor, code: Tensor) -> None:
    """Set codes and weights to what is nearest to ``latent``, which is held half a step beyond the full scale at most."""
    if _side_by_side(latent, weight, code):
        function("codes_round", latent.dtype)(
            latent.data_ptr(), latent.numel(), top, step, weight.data_ptr(), code.data_ptr()
        )
        return
    with torch.no_grad():
        latent.clamp_(-(top + 0.5) * step, (top + 0.5) * step)
        found = (latent * (1.0 / step)).clamp_(-top, top).round_()
        code.copy_(found)
        weight.copy_(found.mul_(step))


def slope(grad: Tensor, latent: Tensor, top: int, step: float) -> float:
    """The derivative of a loss by ln(full scale), ``grad`` being that by the weights; see ``LatentWeights``."""
    if _side_by_side(latent, grad):
        found = ctypes.c_double()
        function("codes_slope", latent.dtype)(
            grad.data_ptr(), latent.data_ptr(), latent.numel(), top, step, ctypes.byref(found)
        )
        return found.value * step
    with torch.no_grad():
        u = latent * (1.0 / step)
        moved = torch.where(u.abs() < top, u.round() - u, u.sign() * top)
        return float((grad * moved).sum(dtype=torch.float64)) * step


class LatentWeights(nn.Module):
    """Training of layers whose weights are codes: behind each weight a latent one, a real number, which the optimiser steps.

        network = nonideal.RCSpikeNetwork((5, 5, 3), nonideal.pnn.Reversal.ideal())
        latent = nonideal.pnn.LatentWeights(network.spiking_layers, bits=4)
        optimiser = torch.optim.Adam(latent.parameters(), lr=1e-3)
        latent.follow(optimiser)                    # loss.backward() and optimiser.step() as ever

    Before a step gradients of the weights become those of the latent ones, after it the weights are their nearest codes. A weight's gradient is
    its latent one's (straight through). That of a full scale F which is learned, with u = latent / step and code c, sums dw/dF = (c - u) / top
    inside the full scale, sign(u) at it and beyond, over the layer (learned-step-size quantisation); ln F is stepped, so F stays positive. A
    latent weight is held half a step beyond F at most: from there, however long it was pushed, it comes back at once. ``full_scale`` "largest" is
    at every step the layer's largest latent weight, a number is that. Raises ``BadParameter`` for bits, a full scale or weights that cannot be.
    """

    def __init__(self, layers: Sequence[nn.Module], bits: int, full_scale: FullScale = "learned") -> None:
        super().__init__()
        self.full_scale = _full_scale(full_scale)
        self.layers: tuple[Any, ...] = tuple(layers)  # a tuple: they stay the network's
        self.weight = nn.ParameterList(layer.weight.detach().clone() for layer in self.layers)
        self._latent = tuple(self.weight)  # a list of parameters is slow to go through
        if self.full_scale == "learned":
            start = [_largest(w, k) for k, w in enumerate(self._latent, start=1)]
            self.ln_full_scale = nn.Parameter(self.weight[0].new_tensor(start).log())
        for layer in self.layers:
            layer.codes = Codes(layer.weight, bits)
        self.top = 2**bits - 1
        self.steps: list[float] = []
        self.register_load_state_dict_post_hook(lambda *_: self.push())
        self.push()

    def follow(self, optimiser: torch.optim.Optimizer) -> None:
        """Let every step of the optimiser, whose parameters are these, step the weights."""
        optimiser.register_step_pre_hook(lambda *_: self.pull())
        optimiser.register_step_post_hook(lambda *_: self.push())

    def pull(self) -> None:
        """Take over the gradients of the weights."""
        slopes = []
        for layer, latent, step in zip(self.layers, self._latent, self.steps, strict=True):
            weight = layer.weight
            latent.grad = grad = weight.grad
            weight.grad = None
            if self.full_scale == "learned":
                slopes.append(0.0 if grad is None else slope(grad, latent, self.top, step))
        if slopes:
            self.ln_full_scale.grad = self.ln_full_scale.new_tensor(slopes)

    @torch.no_grad()
    def push(self) -> None:
        """Set weights and codes to what is nearest."""
        self.steps = [short_step(full_scale, self.top) for full_scale in self.full_scales()]
        for layer, latent, step in zip(self.layers, self._latent, self.steps, strict=True):
            codes = layer.codes
            codes.full_scale.fill_(step * self.top)
            nearest(latent, self.top, step, layer.weight, codes.code)

    def full_scales(self) -> list[float]:
        """Of every layer, as it is now."""
        if self.full_scale == "learned":
            return [math.exp(x) for x in self.ln_full_scale.tolist()]
        if self.full_scale == "largest":
            return [_largest(w, k) for k, w in enumerate(self._latent, start=1)]
        return [float(self.full_scale)] * len(self.layers)


def round_weights(layers: Sequence[nn.Module], bits: int, full_scale: FullScale = "largest") -> None:
    """Round the weights of layers to codes as they are, in place, and give the layers their ``codes``; full scales as ``LatentWeights`` begins
    with them. Raises ``BadParameter``.

        network = nonideal.RCSpikeNetwork((5, 5, 3), nonideal.pnn.Reversal.ideal())
        nonideal.pnn.round_weights(network.spiking_layers, bits=4)
        print(network.layers[0].codes.code)    # int32 [5, 5]
    """
    if layers and cast(Tensor, layers[0].weight).is_meta:  # shapes alone
        for layer in layers:
            layer.codes = Codes(cast(Tensor, layer.weight), bits)
    else:
        LatentWeights(layers, bits, full_scale)


def keep_codes(layer: Any) -> None:
    """Round a layer's newly written weights, if it holds codes."""
    if layer.codes is not None:
        round_weights((layer,), int(layer.codes.bits))


def check_codes(layers: Sequence[nn.Module], bits: int) -> None:
    """Raise ``BadParameter`` that names layer, place and value unless all weights are codes of so many bits times their step.

    Example:

        network = nonideal.RCSpikeNetwork((5, 5, 3), nonideal.pnn.Reversal.ideal())
        nonideal.pnn.round_weights(network.spiking_layers, bits=4)
        nonideal.pnn.check_codes(network.spiking_layers, bits=4)
    """
    for number, layer in enumerate(layers, start=1):
        codes, weight = cast(Codes, layer.codes), cast(Tensor, layer.weight).detach()
        if int(codes.bits) != bits:
            raise BadParameter(f"layer {number}: its codes have {int(codes.bits)} bits, its network {bits}")
        full_scale = float(codes.full_scale)
        if not (math.isfinite(full_scale) and full_scale > 0.0):
            raise BadParameter(f"layer {number}: full_scale = {full_scale} must be a number above 0")
        if short_step(full_scale, codes.top) != codes.step:
            raise BadParameter(
                f"layer {number}: full_scale = {full_scale} has no step of {STEP_BITS} significant bits: round to codes anew"
            )
        far = codes.code.abs() > codes.top
        if bool(far.any()):
            place, code = _first(far, codes.code)
            raise BadParameter(
                f"layer {number}: code{place} is {code}, outside +-{codes.top}, which is what {bits} bits hold"
            )
        other = weight != codes.code.to(weight.dtype) * codes.step
        if bool(other.any()):
            place, value = _first(other, weight)
            _, code = _first(other, codes.code)
            raise BadParameter(
                f"layer {number}: weight{place} is {value}, its code {code} says {code * codes.step}: round the weights to codes anew (round_weights)"
            )


def short_step(full_scale: float, top: int) -> float:
    """``full_scale / top`` with 16 significant bits."""
    mantissa, exponent = math.frexp(full_scale / top)
    return math.ldexp(round(math.ldexp(mantissa, STEP_BITS)), exponent - STEP_BITS)


def _full_scale(value: object) -> FullScale:
    if isinstance(value, str):
        checks.one_of(value, "full_scale", ("learned", "largest"))
        return cast(FullScale, value)
    found = checks.number(value, "full_scale")
    if not 0.0 < found <= MOST_FULL_SCALE:
        raise BadParameter(
            f"full_scale = {found}: give 'learned', 'largest' or a number above 0, at most {MOST_FULL_SCALE:g}"
        )
    return found


def _largest(weight: Tensor, layer: int) -> float:
    low, high = weight.detach().aminmax()
    found = max(-float(low), float(high))
    if found > 0.0:
        return found
    raise BadParameter(
        f"layer {layer}: all weights are 0, so none is its full scale: give full_scale as a number"
    )


def _first(wrong: Tensor, values: Tensor) -> tuple[list[int], Any]:
    """The place and value of the first that is wrong."""
    place = wrong.nonzero()[0].tolist()
    return place, values[tuple(place)].item()


def _side_by_side(first: Tensor, *others: Tensor) -> bool:
    """Whether the kernel reads these in step: on the CPU, their values without gaps in one order."""
    if not available(first):
        return False
    order = first.stride()
    for x in others:
        if x.stride() != order or x.dtype not in (first.dtype, torch.int32):
            return False
    reach = 1
    for n, stride in zip(first.shape, order, strict=True):
        reach += (n - 1) * stride
    return reach == first.numel()
