"""Weights that are codes: exact in every precision, trained straight through, refused by name where they cannot be."""

from __future__ import annotations

import copy
import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors.torch import load_file
from torch import Tensor, nn

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.variation import CurrentSpread, LayerVariation
from nonideal.pnn import (
    DSTD,
    BadParameter,
    CheckpointError,
    NetworkOptions,
    RCSpikeLinear,
    StackOptions,
    TrainingOptions,
    Variation,
    load_network,
    load_small,
    train,
    variant_options,
)
from nonideal.pnn import codes as room
from nonideal.pnn.adam import FusedAdam
from nonideal.pnn.codes import Codes, LatentWeights, check_codes, nearest, round_weights, short_step, slope
from tests.pnn.coded_networks import DENSE, NETWORKS, PAPER, spikes


@pytest.fixture(params=["native", "pytorch"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Rounding by the kernel, and in plain PyTorch."""
    if request.param == "pytorch":
        monkeypatch.setattr(room, "available", lambda tensor: False)
    return request.param


def layer_of(weight: Tensor) -> RCSpikeLinear:
    layer = RCSpikeLinear(weight.shape[1], weight.shape[0], PAPER).to(weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight)
    return layer


WEIGHTS = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.floats(-5.0, 5.0, allow_subnormal=False),
)


@settings(deadline=None)
@given(WEIGHTS, st.integers(2, 8), st.floats(1e-3, 1e3), st.sampled_from([torch.float32, torch.float64]))
def test_codes_and_weights_are_each_others(
    values: np.ndarray, bits: int, full_scale: float, dtype: torch.dtype
) -> None:
    given_weights = torch.from_numpy(values).to(dtype)
    layer = layer_of(given_weights)
    round_weights([layer], bits, full_scale)
    assert layer.codes is not None
    codes, weight, top = layer.codes, layer.weight.detach(), 2**bits - 1
    step = float(codes.full_scale) / top
    assert (int(codes.bits), codes.top, codes.step) == (bits, top, step)
    assert step == pytest.approx(full_scale / top, rel=2.0**-16)
    assert codes.code.abs().max() <= top
    # the same product in both precisions, and from it the same code
    assert torch.equal(weight.double(), codes.code.double() * step)
    assert torch.equal(weight.float(), codes.code.float() * step)
    assert torch.equal((weight / step).round().to(torch.int32), codes.code)
    inside = given_weights.clamp(-step * top, step * top)
    assert float((weight - inside).abs().max()) <= 0.5000001 * step
    before = weight.clone(), codes.code.clone()
    round_weights([layer], bits, float(codes.full_scale))
    assert torch.equal(layer.weight, before[0])
    assert torch.equal(layer.codes.code, before[1])
    check_codes([layer], bits)


@given(st.floats(1e-30, 1e30), st.integers(2, 8))
def test_a_step_has_16_significant_bits(full_scale: float, bits: int) -> None:
    step = short_step(full_scale, 2**bits - 1)
    mantissa, _ = math.frexp(step)
    assert (mantissa * 2.0**16).is_integer()
    assert short_step(step * (2**bits - 1), 2**bits - 1) == step


def test_forms_agree_in_any_memory_order(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(1)
    for shape, order in (((7, 33), (1, 0)), ((5, 3, 3, 3), (2, 3, 1, 0)), ((40, 60), (0, 1))):
        for dtype in (torch.float32, torch.float64):
            drawn = 0.7 * torch.randn(shape, generator=generator, dtype=dtype)
            grad = torch.randn(shape, generator=generator, dtype=dtype)
            back = [order.index(k) for k in range(len(order))]
            found = []
            for native in (True, False):
                with monkeypatch.context() as patch:
                    if not native:
                        patch.setattr(room, "available", lambda tensor: False)
                    weight = drawn.permute(order).clone(memory_format=torch.contiguous_format).permute(back)
                    latent, codes = weight.clone(), Codes(weight, 4)
                    step = short_step(1.1, 15)
                    nearest(latent, 15, step, weight, codes.code)
                    mine = grad.permute(order).contiguous().permute(back)
                    found.append(
                        (
                            weight,
                            latent,
                            codes.code,
                            slope(mine, latent, 15, step),
                            slope(grad.contiguous(), latent, 15, step),
                        )
                    )
            (weight, latent, code, total, other), plain = found
            assert torch.equal(weight, plain[0])
            assert torch.equal(latent, plain[1])
            assert torch.equal(code, plain[2])
            assert total == pytest.approx(plain[3], rel=1e-4)
            assert other == pytest.approx(total, rel=1e-4)
            assert latent.abs().max() == pytest.approx(15.5 * step)


def frozen(latent: Tensor, codes: Codes, ln_full_scale: Tensor) -> Tensor:
    """What the weights are a smooth function of where every rounding error, in steps, is held: the definition of the gradients."""
    u = (latent / codes.step).detach()
    step = ln_full_scale.exp() / codes.top
    inside = latent + (u.round() - u) * step
    beyond = u.sign() * codes.top * step + latent - latent.detach()
    return torch.where(u.abs() < codes.top, inside, beyond)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("full_scale", ["learned", "largest", 0.35])
def test_gradients_are_those_of_frozen_roundings(name: str, full_scale: float, form: str) -> None:
    """float64, through every kind of layer: by autograd of the frozen form, and by differences where a layer's own gradient is exact.

    No weight is 0, where the reversal potential jumps and left and right derivatives differ.
    """
    options = NETWORKS[name]
    network = options.build().double()
    network.reset_parameters(torch.Generator().manual_seed(5))
    with torch.no_grad():
        for w in network.weights:
            w.copy_(torch.where(w >= 0.0, 1.0, -1.0) * (w.abs() + 0.3 * w.abs().max()))
    latent = LatentWeights(network.spiking_layers, 3, full_scale)  # type: ignore[arg-type]
    if full_scale == "learned":
        with torch.no_grad():
            latent.ln_full_scale.sub_(0.3)  # some weights lie beyond
    latent.push()
    assert all(bool((codes.code != 0).all()) for codes in network.codes)
    t = spikes(options)
    names = [n for n, _ in network.named_parameters()]
    target = torch.rand_like(network(t)[-1].unclipped.detach())

    def loss(weights: list[Tensor]) -> Tensor:
        called = torch.func.functional_call(network, dict(zip(names, weights, strict=True)), (t,))
        return (called[-1].unclipped - target).square().sum()

    start = [w.detach().clone().requires_grad_() for w in latent.weight]
    ln = torch.tensor(
        [math.log(codes.full_scale) for codes in network.codes], dtype=torch.float64, requires_grad=True
    )

    def smooth(ln_full_scale: Tensor) -> list[Tensor]:
        return [frozen(w, codes, x) for w, codes, x in zip(start, network.codes, ln_full_scale, strict=True)]

    for weight, now in zip(smooth(ln), network.weights, strict=True):
        torch.testing.assert_close(weight, now, rtol=1e-12, atol=1e-14)
    loss(smooth(ln)).backward()
    (network(t)[-1].unclipped - target).square().sum().backward()
    latent.pull()
    for mine, expected in zip(latent.weight, start, strict=True):
        torch.testing.assert_close(mine.grad, expected.grad, rtol=1e-7, atol=1e-9)
    assert all(w.grad is None for w in network.weights)
    assert sum(float(w.grad.abs().sum()) for w in latent.weight) > 0.0
    if full_scale != "learned":
        assert not hasattr(latent, "ln_full_scale")
        return
    torch.testing.assert_close(latent.ln_full_scale.grad, ln.grad, rtol=1e-7, atol=1e-9)
    if name.startswith("TTFS"):  # a crossing's slope is held above a least one: no derivative
        return
    for k in range(len(ln)):
        ends = []
        for shift in (1e-6, -1e-6):
            moved = ln.detach().clone()
            moved[k] += shift
            ends.append(float(loss(smooth(moved)).detach()))
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(float(ln.grad[k]), rel=1e-4, abs=1e-6)


def test_a_latent_weight_comes_back_from_beyond_at_once(form: str) -> None:
    layer = layer_of(torch.tensor([[0.9, -0.6]], dtype=torch.float64))
    latent = LatentWeights([layer], 2, 1.0)
    assert layer.codes is not None
    optimiser = torch.optim.SGD(latent.parameters(), lr=0.1)
    latent.follow(optimiser)
    for _ in range(100):
        layer.weight.grad = torch.tensor([[-1.0, 0.0]], dtype=torch.float64)
        optimiser.step()
    assert latent.weight[0][0, 0].item() == pytest.approx(3.5 * layer.codes.step)
    layer.weight.grad = torch.tensor([[2.0, 0.0]], dtype=torch.float64)
    optimiser.step()
    assert latent.weight[0][0, 0].item() == pytest.approx(3.5 * layer.codes.step - 0.2)
    assert layer.codes.code.tolist() == [[3, -2]]


def test_a_learned_full_scale_grows_where_weights_want_to(form: str) -> None:
    """One weight that should be 3, from 0.5: its full scale is learned up to there."""
    layer = layer_of(torch.tensor([[0.5, 0.01]]))
    latent = LatentWeights([layer], 4)
    optimiser = FusedAdam(latent.parameters(), lr=0.02)
    latent.follow(optimiser)
    for _ in range(500):
        optimiser.zero_grad()
        (layer.weight - torch.tensor([[3.0, -0.4]])).square().sum().backward()
        optimiser.step()
    assert layer.codes is not None
    assert layer.weight[0].tolist() == pytest.approx([3.0, -0.4], abs=0.11)
    assert float(layer.codes.full_scale) == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize("bits", [0, 1, 9, 2.5, True, "4", None])
def test_bits_that_cannot_be_are_refused(bits: object) -> None:
    with pytest.raises(BadParameter, match=r"bits = .*at least 2 and at most 8"):
        round_weights([layer_of(torch.ones(2, 2))], bits)  # type: ignore[arg-type]
    if bits is not None:
        for make in (TrainingOptions, lambda bits: DENSE.__class__(**(DENSE.model_dump() | {"bits": bits}))):
            if not isinstance(bits, bool | str):
                with pytest.raises(ValueError, match="bits"):
                    make(bits=bits)


@pytest.mark.parametrize("full_scale", [0.0, -1.0, math.nan, math.inf, 1e7, "smallest"])
def test_full_scales_that_cannot_be_are_refused(full_scale: object) -> None:
    with pytest.raises(BadParameter, match="full_scale"):
        round_weights([layer_of(torch.ones(2, 2))], 4, full_scale)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="full_scale"):
        TrainingOptions(bits=4, full_scale=full_scale)  # type: ignore[arg-type]


def test_what_has_no_full_scale_is_refused() -> None:
    with pytest.raises(ValueError, match=r"full_scale = 'largest' is of weights that are codes: give bits"):
        TrainingOptions(full_scale="largest")
    layers = [layer_of(torch.ones(2, 2)), layer_of(torch.zeros(2, 2))]
    for full_scale in ("learned", "largest"):
        with pytest.raises(BadParameter, match="layer 2: all weights are 0"):
            LatentWeights(layers, 4, full_scale)  # type: ignore[arg-type]
    round_weights(layers, 4, 1.5)
    assert layers[1].codes is not None
    assert layers[1].codes.code.tolist() == [[0, 0], [0, 0]]


def short(
    folder: Path, epochs: int = 4, network: NetworkOptions | StackOptions = DENSE, **changes: object
) -> nn.Module:
    options = TrainingOptions(
        **({"epochs": epochs, "log_every": 1, "tensorboard": False, "bits": 4} | changes)
    )  # type: ignore[arg-type]
    return train(load_small("iris"), network, options, folder, show_progress=False)


@pytest.mark.parametrize("full_scale", ["learned", "largest", 1.2])
def test_training_ends_with_codes_and_resumes_bit_for_bit(full_scale: object, tmp_path: Path) -> None:
    noisy = DENSE.model_copy(update={"method": DSTD(4, random_offset=True), "sigma_spike": 0.01})
    whole = short(tmp_path / "whole", 6, noisy, full_scale=full_scale)
    short(tmp_path / "parts", 3, noisy, full_scale=full_scale)
    parts = short(tmp_path / "parts", 6, noisy, full_scale=full_scale)
    check_codes(whole.network.spiking_layers, 4)
    for a, b in zip(whole.network.state_dict().items(), parts.network.state_dict().items(), strict=True):
        assert a[0] == b[0]
        assert torch.equal(a[1], b[1])
    loaded = load_network(whole.weights_path)
    assert whole.full_scale == tuple(float(codes.full_scale) for codes in loaded.codes)
    if full_scale == 1.2:
        assert whole.full_scale == pytest.approx((1.2, 1.2), rel=2.0**-16)
    else:
        assert len(set(whole.full_scale)) == 2
    for a, b in zip(loaded.weights, whole.network.weights, strict=True):
        assert torch.equal(a, b)
    with pytest.raises(CheckpointError, match="other options"):
        short(tmp_path / "parts", 6, noisy, full_scale=full_scale, bits=3)


def test_analog_training_knows_nothing_of_codes(tmp_path: Path) -> None:
    result = short(tmp_path, bits=None)
    assert result.full_scale == ()
    assert not result.network.codes
    assert set(load_file(result.weights_path)) == {"layers.0.weight", "layers.1.weight"}
    with pytest.raises(BadParameter, match="the network's bits = 3, the training's None"):
        short(tmp_path / "x", network=DENSE.model_copy(update={"bits": 3}), bits=None)


def test_codes_train_on_drawn_chips_and_columns(tmp_path: Path, paper_model: PhysicalModel) -> None:
    spread = LayerVariation(CurrentSpread(0.4, 1.0), CurrentSpread(0.22, 2.0), 0.18, 0.012, 0.155)
    variation = Variation(layers=(spread, spread), chips=2)
    columns = variant_options("bottom_up", paper_model, (5, 5, 5))
    for name, network in (("chips", DENSE), ("columns", columns)):
        result = short(tmp_path / name, network=network, variation=variation)
        check_codes(result.network.spiking_layers, 4)


@pytest.mark.skipif(
    find_spec("lightning_fabric") is None, reason="Lightning Fabric (extra 'devices') is not installed"
)
def test_two_processes_train_the_same_codes(tmp_path: Path) -> None:
    one = short(tmp_path / "one", batch_size=33)
    two = short(tmp_path / "two", batch_size=33, devices=2)
    check_codes(two.network.spiking_layers, 4)
    for a, b in zip(one.network.codes, two.network.codes, strict=True):
        assert int((a.code - b.code).abs().max()) <= 1  # sums of gradients are rounded otherwise
        assert a.step == pytest.approx(b.step, rel=1e-3)
    short(tmp_path / "parts", 2, batch_size=33, devices=2)
    parts = short(tmp_path / "parts", batch_size=33, devices=2)
    for x, y in zip(two.network.state_dict().values(), parts.network.state_dict().values(), strict=True):
        assert torch.equal(x, y)


def test_a_network_of_codes_stays_one() -> None:
    network = DENSE.model_copy(update={"bits": 4}).build()
    network.reset_parameters(torch.Generator().manual_seed(2))
    check_codes(network.spiking_layers, 4)
    exact = copy.deepcopy(network).double()
    check_codes(exact.spiking_layers, 4)
    for a, b in zip(exact.weights, network.weights, strict=True):
        assert torch.equal(a, b.double())
    assert "bits=4" in repr(network)
