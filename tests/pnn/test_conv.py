"""Convolution and pooling."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from nonideal.pnn import DSTD, BadParameter, Discharger, Exact, RCSpikeLinear, Reversal
from nonideal.pnn.conv import EarliestSpikePool2d, RCSpikeConv2d

PAPER = Reversal.constant(2.80, -1.53)
CURVED = Reversal((0.36, 0.01), (-0.68, 0.05), (0.0, 3.0), (0.0, 3.0))


def draw(seed: int, shape: tuple[int, ...]) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 1.4 - 0.05


def run(layer: RCSpikeConv2d, t: Tensor) -> list[Tensor]:
    t = t.clone().requires_grad_()
    v = layer(t).membrane
    grad = torch.randn(v.shape, generator=torch.Generator().manual_seed(9), dtype=v.dtype)
    return [v.detach(), *torch.autograd.grad(v, (t, layer.weight), grad)]


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 1000),
    channels=st.tuples(st.integers(1, 5), st.integers(1, 40)),
    side=st.tuples(st.integers(3, 7), st.integers(3, 6)),
    kernel=st.sampled_from([1, 2, 3]),
    reversal=st.sampled_from([PAPER, CURVED]),
    order=st.sampled_from([2, 3]),
)
def test_native_is_the_unfolded_form(
    seed: int, channels: tuple[int, int], side: tuple[int, int], kernel: int, reversal: Reversal, order: int
) -> None:
    method = DSTD(4, order=order)  # type: ignore[arg-type]
    layer = RCSpikeConv2d(*channels, kernel, reversal, method=method, padding=kernel // 2).double()
    t = draw(seed, (2, channels[0], *side))
    native = run(layer, t)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nonideal.pnn.conv.available", lambda tensor: False)
        plain = run(layer, t)
    for a, b in zip(native, plain, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("method", [Exact(), DSTD(3), DSTD(3, order=3)])
def test_every_output_pixel_is_a_linear_neuron(method: Exact | DSTD) -> None:
    conv = RCSpikeConv2d(2, 3, 3, PAPER, method=method).double()
    linear = RCSpikeLinear(18, 3, PAPER, method=method).double()
    with torch.no_grad():
        linear.weight.copy_(conv.weight.reshape(3, 18))
    t = draw(1, (2, 2, 5, 6))
    patches = functional.unfold(t, 3).transpose(1, 2).reshape(-1, 18)
    expected = linear(patches).membrane.reshape(2, 3, 4, 3).permute(0, 3, 1, 2)
    torch.testing.assert_close(conv(t).membrane, expected, rtol=1e-10, atol=1e-12)


def test_infinite_reversal_is_an_ordinary_convolution() -> None:
    layer = RCSpikeConv2d(3, 8, 3, Reversal.ideal(math.inf), Discharger(0.0), DSTD(3), padding=1).double()
    t = draw(2, (2, 3, 6, 6))
    x = 1.0 - t.clamp(0.0, 1.0)
    expected = functional.conv2d(x, layer.weight, padding=1)
    firing = layer(t)
    torch.testing.assert_close(firing.membrane, expected, rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(firing.unclipped, 1.0 - expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("method", [Exact(), DSTD(3), DSTD(3, order=3)])
def test_gradcheck(method: Exact | DSTD) -> None:
    layer = RCSpikeConv2d(2, 3, 2, PAPER, method=method, padding=1).double()
    t = draw(3, (1, 2, 3, 3)).clamp(min=0.01).requires_grad_()
    weight = layer.weight

    def function(t: Tensor, w: Tensor) -> Tensor:
        return torch.func.functional_call(layer, {"weight": w}, (t,)).membrane  # type: ignore[no-any-return]

    assert torch.autograd.gradcheck(function, (t, weight.detach().clone().requires_grad_()))


def test_pooling_takes_the_first_spike_and_its_gradient() -> None:
    t = torch.tensor([[[[0.3, 0.9, 1.0], [0.7, 0.1, 1.0]]]], requires_grad=True)
    pooled = EarliestSpikePool2d(2)(t)
    assert pooled.tolist() == [[[[pytest.approx(0.1)]]]]
    (gradient,) = torch.autograd.grad(pooled.sum(), t)
    assert gradient.tolist() == [[[[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]]


def test_bad_shapes_are_named() -> None:
    with pytest.raises(BadParameter, match="padding"):
        RCSpikeConv2d(1, 1, 3, PAPER, padding=3)
    with pytest.raises(BadParameter, match=r"\[B, 2, H, W\]"):
        RCSpikeConv2d(2, 1, 3, PAPER)(torch.zeros(1, 3, 5, 5))
    with pytest.raises(BadParameter, match="smaller than the kernel"):
        RCSpikeConv2d(1, 1, 3, PAPER)(torch.zeros(1, 1, 2, 5))
