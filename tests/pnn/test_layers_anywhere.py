"""Layers in the hands of PyTorch: whatever takes an ``nn.Module`` takes these."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, jacrev, vmap
from torch.nn.utils import parametrizations, parametrize, prune
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, TensorDataset

from nonideal.characterize.model import PhysicalModel
from nonideal.pnn import (
    DSTD,
    BadParameter,
    Discharger,
    EarliestSpikePool2d,
    Exact,
    Firing,
    FirstSpike,
    RCSpikeConv2d,
    RCSpikeLinear,
    Reversal,
    SpikeTime,
    TTFSConv2d,
    TTFSLinear,
    first_to_fire,
)

PAPER, RAMP = Reversal.constant(2.80, -1.53), Discharger(0.155)
FLAT, IMAGE = (5, 6), (2, 2, 5, 5)
LAYERS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "linear exact": (lambda: RCSpikeLinear(6, 4, PAPER, RAMP), FLAT),
    "linear dstd": (lambda: RCSpikeLinear(6, 4, PAPER, RAMP, DSTD(4, order=3)), FLAT),
    "conv exact": (lambda: RCSpikeConv2d(2, 3, 3, PAPER, RAMP, Exact(), padding=1), IMAGE),
    "conv dstd": (lambda: RCSpikeConv2d(2, 3, 3, PAPER, RAMP, DSTD(4), padding=1), IMAGE),
    "ttfs exact": (lambda: TTFSLinear(6, 4, PAPER, Exact(), spread=1.0), FLAT),
    "ttfs dstd": (lambda: TTFSLinear(6, 4, PAPER, DSTD(8), spread=1.0), FLAT),
    "ttfs conv": (lambda: TTFSConv2d(2, 3, 3, PAPER, DSTD(8), padding=1, spread=1.0), IMAGE),
}


@pytest.fixture(params=LAYERS)
def case(request: pytest.FixtureRequest) -> tuple[Any, Tensor]:
    make, shape = LAYERS[request.param]
    torch.manual_seed(1)
    return make(), torch.rand(shape)


def gradient(layer: nn.Module, t: Tensor) -> Tensor:
    layer.zero_grad()
    layer(t).unclipped.square().sum().backward()
    found = layer.weight.grad
    assert isinstance(found, Tensor)
    return found.clone()


def test_a_copy_gives_the_same_bits(case: tuple[Any, Tensor]) -> None:
    layer, t = case
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    other = type(layer)(*layer.weight.shape[1::-1], *layer.weight.shape[2:3], PAPER, method=layer.method)
    if isinstance(layer, RCSpikeLinear | RCSpikeConv2d):
        other.discharger = RAMP
    if t.ndim == 4:
        other.padding = 1
    other.load_state_dict(layer.state_dict())
    for twin in (
        copy.deepcopy(layer),
        pickle.loads(pickle.dumps(layer)),
        torch.load(file, weights_only=False),
        other,
    ):
        assert torch.equal(twin(t).unclipped, layer(t).unclipped)
        assert torch.equal(gradient(twin, t), gradient(layer, t))
        assert twin.weight.stride() == layer.weight.stride(), "it is as fast"


def test_precisions(case: tuple[Any, Tensor]) -> None:
    layer, t = case
    expected = layer(t).unclipped
    double = copy.deepcopy(layer).double()(t)
    assert double.unclipped.dtype == torch.float64
    torch.testing.assert_close(double.unclipped.float(), expected, rtol=1e-4, atol=1e-5)
    half = copy.deepcopy(layer).to(torch.bfloat16)(t.to(torch.bfloat16)).spike_time
    assert float((half.float() - layer(t).spike_time).detach().abs().max()) < 0.05
    with torch.autocast("cpu", torch.bfloat16):
        mixed = layer(t).unclipped
    torch.testing.assert_close(mixed.float(), expected, rtol=1e-4, atol=1e-5)


def test_moving_and_devices(case: tuple[Any, Tensor]) -> None:
    layer, t = case
    there = copy.deepcopy(layer).to("meta")
    assert there(t.to("meta")).unclipped.shape == layer(t).unclipped.shape
    with pytest.raises(BadParameter, match=r"spike_time is on cpu, the layer on meta: move one"):
        there(t)


def test_batches_of_any_kind(case: tuple[Any, Tensor]) -> None:
    layer, t = case
    expected = layer(t).unclipped
    assert layer(t[:0]).unclipped.shape == (0, *expected.shape[1:])
    spread = torch.stack((t, t), -1)[..., 0]
    assert not spread.is_contiguous()
    torch.testing.assert_close(layer(spread).unclipped, expected)
    with torch.inference_mode():
        assert torch.equal(layer(t).unclipped, expected)
    with pytest.raises(BadParameter, match=r"got shape .*: one sample is spike_time.unsqueeze\(0\)"):
        layer(t[0])


def test_torch_func_sees_plain_pytorch(case: tuple[Any, Tensor]) -> None:
    layer, t = case
    weights = {"weight": layer.weight.detach()}

    def loss(weights: dict[str, Tensor], t: Tensor) -> Tensor:
        return functional_call(layer, weights, (t,)).unclipped.square().sum()

    torch.testing.assert_close(grad(loss)(weights, t)["weight"], gradient(layer, t), rtol=1e-3, atol=1e-4)
    each = vmap(grad(lambda w, one: loss(w, one.unsqueeze(0))), (None, 0))(weights, t)["weight"]
    torch.testing.assert_close(each.sum(0), gradient(layer, t), rtol=1e-3, atol=1e-4)
    assert jacrev(lambda t: layer(t).unclipped)(t).shape == (*layer(t).unclipped.shape, *t.shape)


def test_second_derivatives_are_refused_by_the_kernel_and_there_in_torch_func() -> None:
    layer = RCSpikeLinear(6, 4, PAPER, RAMP).double()
    t = torch.rand(5, 6, dtype=torch.float64)
    y = layer(t).unclipped.square().sum()
    with pytest.raises(BadParameter, match=r"create_graph = True: .* inside torch.func"):
        torch.autograd.grad(y, layer.weight, create_graph=True)

    def slope(w: Tensor) -> Tensor:
        return grad(lambda w: functional_call(layer, {"weight": w}, (t,)).unclipped.square().sum())(w).sum()

    w, step = layer.weight.detach(), torch.zeros_like(layer.weight)
    step[1, 2] = 1e-5
    numeric = (slope(w + step) - slope(w - step)) / 2e-5
    torch.testing.assert_close(grad(slope)(w)[1, 2], numeric, rtol=1e-4, atol=1e-6)


def test_torch_nn_utils(case: tuple[Any, Tensor]) -> None:
    layer, t = case

    class Held(nn.Module):
        def forward(self, weight: Tensor) -> Tensor:
            return weight.clamp(-0.1, 0.1)

    held = copy.deepcopy(layer)
    parametrize.register_parametrization(held, "weight", Held())
    inside = held(t).unclipped
    parametrize.remove_parametrizations(held, "weight")
    assert float(held.weight.detach().abs().max()) == pytest.approx(0.1)
    torch.testing.assert_close(held(t).unclipped, inside)
    for dress in (parametrizations.weight_norm, parametrizations.spectral_norm):
        dressed = copy.deepcopy(layer)
        dress(dressed)
        dressed(t).unclipped.sum().backward()
        assert all(p.grad is not None for p in dressed.parameters())
    large = torch.linalg.vector_norm(gradient(layer, t))
    assert nn.utils.clip_grad_norm_(layer.parameters(), 0.1) == pytest.approx(float(large), rel=1e-5)
    assert torch.linalg.vector_norm(layer.weight.grad) == pytest.approx(min(0.1, float(large)), rel=1e-4)


OPTIMISERS = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "Adafactor")


@pytest.mark.parametrize("name", OPTIMISERS)
def test_optimisers(name: str, case: tuple[Any, Tensor]) -> None:
    layer, t = case
    optimiser = getattr(torch.optim, name)(layer.parameters(), lr=1e-3)
    before = float(layer(t).unclipped.detach().square().sum())
    gradient(layer, t)
    optimiser.step()
    assert float(layer(t).unclipped.square().sum()) < before


def test_what_flattens_by_view_takes_contiguous_weights(case: tuple[Any, Tensor]) -> None:
    """LBFGS, pruning and ``parameters_to_vector`` call ``view(-1)``; the results are the same in either order of memory."""
    layer, t = case
    before, slope = layer(t).unclipped.detach(), gradient(layer, t)
    for p in layer.parameters():
        p.data = p.data.contiguous()
    torch.testing.assert_close(layer(t).unclipped, before)
    torch.testing.assert_close(gradient(layer, t), slope)
    assert nn.utils.parameters_to_vector(layer.parameters()).shape == (layer.weight.numel(),)
    optimiser = torch.optim.LBFGS(layer.parameters(), lr=1e-3, max_iter=2)

    def closure() -> float:
        gradient(layer, t)
        return float(layer(t).unclipped.square().sum())

    first = float(optimiser.step(closure))  # type: ignore[arg-type]
    assert closure() < first
    pruned = copy.deepcopy(layer)
    prune.l1_unstructured(pruned, "weight", amount=0.5)
    assert int((pruned.weight == 0.0).sum()) == pruned.weight.numel() // 2
    pruned(t).unclipped.sum().backward()


def test_averages_checkpoints_and_hooks(case: tuple[Any, Tensor]) -> None:
    layer, t = case
    average = torch.optim.swa_utils.AveragedModel(layer)
    average.update_parameters(layer)
    assert torch.equal(average(t).unclipped, layer(t).unclipped)
    expected = gradient(layer, t)
    layer.zero_grad()
    found = checkpoint(lambda t: layer(t).unclipped, t.clone().requires_grad_(), use_reentrant=False)
    assert isinstance(found, Tensor)
    found.square().sum().backward()
    torch.testing.assert_close(layer.weight.grad, expected)
    seen: list[Any] = []
    layer.register_forward_hook(lambda module, given, spikes: seen.append(spikes))
    layer(t)
    assert isinstance(seen[0], Firing | FirstSpike)


def chain(dense: Callable[..., nn.Module], conv: Callable[..., nn.Module]) -> nn.Sequential:
    return nn.Sequential(
        conv(1, 3, 3),
        EarliestSpikePool2d(2),
        conv(3, 4, 2),
        SpikeTime(),
        nn.Flatten(),
        dense(16, 8),
        dense(8, 5),
        SpikeTime(),
        nn.Linear(5, 3),
    )


def rc_spike() -> nn.Sequential:
    return chain(
        lambda n, m: RCSpikeLinear(n, m, PAPER, RAMP, DSTD(4)),
        lambda *sizes: RCSpikeConv2d(*sizes, PAPER, RAMP),
    )


def ttfs() -> nn.Sequential:
    options: dict[str, Any] = {"method": DSTD(8), "spread": 1.0, "t_ref": 2.0}
    return chain(
        lambda n, m: TTFSLinear(n, m, PAPER, **options), lambda *sizes: TTFSConv2d(*sizes, PAPER, **options)
    )


@pytest.mark.parametrize("make", [rc_spike, ttfs])
def test_a_chain_of_modules_trains_from_a_data_loader(make: Callable[[], nn.Sequential]) -> None:
    torch.manual_seed(3)
    network = make()
    x, y = torch.rand(96, 1, 8, 8), torch.arange(96) % 3
    for k in range(3):
        x[y == k, :, :, 2 * k : 2 * k + 3] *= 0.2
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-2)
    losses = []
    for _ in range(15):
        for batch, label in DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True):
            loss = nn.functional.cross_entropy(network(batch), label)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
    assert sum(losses[-3:]) < 0.7 * sum(losses[:3])
    assert float((network(x).argmax(1) == y).float().mean()) > 0.6


@pytest.mark.slow
@pytest.mark.filterwarnings("error:Dynamo")
@pytest.mark.parametrize("make", [rc_spike, ttfs])
def test_a_chain_compiles_whole_and_is_exported(make: Callable[[], nn.Sequential]) -> None:
    torch.manual_seed(3)
    network, x = make(), torch.rand(4, 1, 8, 8)
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x), network(x))
    compiled(x).sum().backward()
    found = [p.grad.clone() for p in network.parameters() if p.grad is not None]
    network.zero_grad()
    network(x).sum().backward()
    torch.testing.assert_close(found, [p.grad for p in network.parameters()])
    torch.testing.assert_close(torch.export.export(network, (x,)).module()(x), network(x))


def test_spikes_go_from_layer_to_layer_as_their_times_do() -> None:
    torch.manual_seed(2)
    first, second = RCSpikeLinear(6, 5, PAPER, RAMP), RCSpikeLinear(5, 3, PAPER, RAMP)
    t = torch.rand(20, 6)
    torch.testing.assert_close(
        nn.Sequential(first, second)(t).unclipped, second(first(t).spike_time).unclipped
    )
    unclipped = nn.Sequential(first, SpikeTime(clipped=False))(t)
    assert torch.equal(unclipped, first(t).unclipped)
    assert float(unclipped.max()) > 1.0 >= float(nn.Sequential(first, SpikeTime())(t).max())
    first_to_fire(unclipped, torch.zeros(20, dtype=torch.int64), 0.07).backward()


def test_silent_neurons_stay_silent_in_a_layer_that_listens_longer() -> None:
    silent = Firing(torch.tensor([[-0.5, 0.8]]), torch.tensor([[1.5, 0.2]]))
    layer = TTFSLinear(2, 3, PAPER, Exact(), horizon=4.0)
    expected = layer(torch.tensor([[4.0, 0.2]])).unclipped
    assert torch.equal(layer(silent).unclipped, expected)
    assert torch.equal(layer(FirstSpike(torch.tensor([[3.1, 0.2]]), 3.0)).unclipped, expected)
    other = RCSpikeLinear(2, 3, PAPER)
    assert torch.equal(
        other(FirstSpike(torch.tensor([[3.1, 0.2]]), 3.0)).membrane,
        other(torch.tensor([[2.0, 0.2]])).membrane,
    )


def test_pooling_of_spikes_is_pooling_of_their_times() -> None:
    torch.manual_seed(4)
    firing = RCSpikeConv2d(1, 2, 3, PAPER, RAMP)(torch.rand(3, 1, 8, 8))
    pooled = EarliestSpikePool2d(2)(firing)
    assert torch.equal(pooled.spike_time, EarliestSpikePool2d(2)(firing.spike_time))
    torch.testing.assert_close(RAMP.unclipped(pooled.membrane), pooled.unclipped)
    found = EarliestSpikePool2d(2)(FirstSpike(firing.unclipped, 4.0))
    assert (found.horizon, found.unclipped.shape) == (4.0, (3, 2, 3, 3))


def test_what_is_no_spikes_is_named() -> None:
    with pytest.raises(BadParameter, match=r"SpikeTime got Tensor .*: it stands after a layer of neurons"):
        SpikeTime()(torch.rand(2, 3))  # type: ignore[arg-type]
    with pytest.raises(BadParameter, match=r"got shape \[2, 3, 6\]: flatten it, spike_time.flatten\(0, -2\)"):
        RCSpikeLinear(6, 4, PAPER)(torch.rand(2, 3, 6))
    with pytest.raises(BadParameter, match=r"got shape \[2, 1, 2, 3\]: flatten it, spike_time.flatten\(1\)"):
        RCSpikeLinear(6, 4, PAPER)(torch.rand(2, 1, 2, 3))


def test_the_physics_of_a_model_in_one_call(paper_model: PhysicalModel) -> None:
    for layer in (
        RCSpikeLinear.from_model(5, 3, paper_model),
        RCSpikeConv2d.from_model(1, 3, 3, paper_model, padding=1),
    ):
        assert layer.reversal == Reversal.from_model(paper_model)
        assert layer.discharger == Discharger(0.155)
    assert layer.padding == 1
    assert RCSpikeLinear.from_model(5, 3, paper_model, DSTD(4)).method == DSTD(4)
