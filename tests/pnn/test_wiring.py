"""The whole physical model of a column: against ``nonideal.characterize.reference``, and the native form against the plain one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nonideal.characterize import reference
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import Physics, network_physics
from nonideal.pnn import DSTD, BadParameter, Discharger, Exact, RCSpikeLinear, Reversal
from nonideal.pnn.wiring import Wiring

PHYSICS = Physics(
    beta_positive=tuple(0.9 * c for c in (0.413, -0.019, 0.004, -6e-4, 5e-5, -2e-6)),
    beta_negative=tuple(-0.9 * c for c in (0.77, -0.11, 0.02, -2.5e-3, 2e-4, -6e-6)),
    positive_range=(0.01, 1.5),
    negative_range=(0.02, 1.2),
    discharge=0.153,
    delay=2e-4,
    charge_positive=1.2e-4,
    charge_negative=-0.7e-4,
    coupling=1.7e-3,
    spike_delay=3e-4,
)
STRONG = replace(
    PHYSICS,
    delay=0.06,
    charge_positive=0.02,
    charge_negative=0.05,
    coupling=0.1,
    spike_delay=0.02,
    discharge=0.0,
)
METHODS = [DSTD(5), DSTD(4, order=3), Exact()]
SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 50), st.integers(1, 70))
KINDS = ("random", "zeros", "tiny", "large", "silent", "late", "early")


def draw(seed: int, shape: tuple[int, int, int], kind: str = "random") -> tuple[Tensor, Tensor, Tensor]:
    """Spike times [batch, axons], weights [neurons, axons] and a gradient of the output, float64."""
    batch, axons, neurons = shape
    generator = torch.Generator().manual_seed(seed)
    t = torch.rand(batch, axons, generator=generator, dtype=torch.float64) * 1.4 - 0.1
    w = torch.randn(neurons, axons, generator=generator, dtype=torch.float64) / math.sqrt(axons)
    grad = torch.randn(batch, neurons, generator=generator, dtype=torch.float64)
    if kind == "zeros":
        w[torch.rand(w.shape, generator=generator) < 0.3] = 0.0
    scale = {"tiny": 1e-6, "large": 6.0}.get(kind, 1.0)
    shift = {"silent": 2.0, "early": -2.0}.get(kind, 0.0)
    if kind == "late":  # between 1 - delay and 1: they set out, but do not arrive
        t = 1.0 - 0.9 * PHYSICS.delay * torch.rand(t.shape, generator=generator, dtype=t.dtype)
    return t + shift, w * scale, grad


def told_apart(physics: Physics, axons: int, neurons: int) -> Physics:
    """The same where axons and neurons have charges and delays of their own, and weights of 0 a charge."""
    rng = np.random.default_rng(axons + 100 * neurons)
    return replace(
        physics,
        charge_zero=0.013,
        axon_charge=tuple(rng.uniform(-0.02, 0.02, axons)),
        neuron_charge=tuple(rng.uniform(-0.02, 0.02, neurons)),
        spike_lag=tuple(rng.uniform(-0.05, 0.05, neurons)),
    )


def layer(physics: Physics, weight: Tensor, method: DSTD | Exact) -> RCSpikeLinear:
    """A layer as networks build it."""
    made = RCSpikeLinear(
        weight.shape[1],
        weight.shape[0],
        Reversal.of(physics),
        Discharger(physics.discharge),
        method,
        Wiring.of(physics),
    ).to(weight.dtype)
    with torch.no_grad():
        made.weight.copy_(weight)
    return made


@contextmanager
def form(name: str) -> Iterator[None]:
    """``plain``: PyTorch; ``native``: the kernel where there is one."""
    with pytest.MonkeyPatch.context() as patch:
        if name == "plain":
            patch.setattr("nonideal.pnn.exact.available", lambda tensor: False)
        yield


def evaluate(
    function: Callable[[Tensor, Tensor], Tensor], t: Tensor, w: Tensor, grad: Tensor
) -> list[Tensor]:
    """The value and the gradients of t and w."""
    t, w = t.clone().requires_grad_(), w.clone().requires_grad_()
    value = function(t, w)
    return [value.detach(), *torch.autograd.grad(value, (t, w), grad)]


def truth(physics: Physics, t: Tensor, w: Tensor) -> Tensor:
    return torch.from_numpy(reference.membrane(physics, w.numpy(), t.numpy()))


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 10**6),
    shape=SHAPES,
    kind=st.sampled_from(KINDS),
    physics=st.sampled_from([PHYSICS, STRONG]),
    apart=st.booleans(),
    name=st.sampled_from(["native", "plain"]),
)
def test_exact_is_the_reference(
    seed: int, shape: tuple[int, int, int], kind: str, physics: Physics, apart: bool, name: str
) -> None:
    physics = told_apart(physics, *shape[1:]) if apart else physics
    t, w, _ = draw(seed, shape, kind)
    with form(name), torch.no_grad():
        firing = layer(physics, w, Exact())(t)
    expected = truth(physics, t, w)
    torch.testing.assert_close(firing.membrane, expected, rtol=1e-9, atol=1e-9)
    inside = expected.abs() < 1.5
    time = (
        reference.firing_time(physics, expected.numpy())
        if physics.discharge
        else 1.0 - expected.numpy() + physics.spike_delay + np.array(physics.spike_lag or (0.0,))
    )
    np.testing.assert_allclose(firing.unclipped[inside].numpy(), time[inside.numpy()], rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("name", ["native", "plain"])
def test_leakage_is_the_references_but_for_its_decay(name: str) -> None:
    """Without a gradient of its own; what it adds is known to a few per cent of itself."""
    leaky = replace(
        PHYSICS,
        leak=4e-4,
        leak_positive=2.5e-4,
        leak_negative=-2e-4,
        leak_on_positive=-2e-4,
        leak_on_negative=1e-4,
    )
    t, w, grad = draw(3, (20, 5, 3))
    with form(name):
        with torch.no_grad():
            found = layer(leaky, w, Exact())(t)
            quiet = layer(PHYSICS, w, Exact())(t)
        added, wanted = found.membrane - quiet.membrane, truth(leaky, t, w) - truth(PHYSICS, t, w)
        assert float(wanted.abs().max()) > 5e-4
        assert float((added - wanted).abs().max()) < 6e-5
        inside = found.membrane.abs() < 1.5
        time = torch.from_numpy(reference.firing_time(leaky, found.membrane.numpy()))
        torch.testing.assert_close(found.unclipped[inside], time[inside], rtol=0.0, atol=1e-9)
        with_it, without = (
            evaluate(lambda t, w, one=one: layer_of(one, w, t), t, w, grad)[1:] for one in (leaky, PHYSICS)
        )
    for one, other in zip(with_it, without, strict=True):
        torch.testing.assert_close(one, other)


def layer_of(physics: Physics, weight: Tensor, t: Tensor) -> Tensor:
    """v(1) with a gradient in both."""
    return Exact().membrane(t, weight, Reversal.of(physics), wiring=Wiring.of(physics))


def test_paper_model(paper_model: PhysicalModel) -> None:
    for physics, (axons, neurons) in zip(
        network_physics(paper_model, (5, 7, 3)), ((5, 7), (7, 3)), strict=True
    ):
        t, w, _ = draw(1, (6, axons, neurons))
        v = layer(physics, w, Exact())(t).membrane.detach()
        torch.testing.assert_close(v, truth(physics, t, w), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("order", "at_least"), [(2, 1.8), (3, 2.6)])
def test_dstd_converges_with_its_order(order: int, at_least: float) -> None:
    t, w, _ = draw(2, (16, 200, 40))
    expected = truth(PHYSICS, t, w)
    errors = []
    for steps in (8, 16, 32):
        v = layer(PHYSICS, w, DSTD(steps, order=order))(t).membrane.detach()  # type: ignore[arg-type]
        errors.append((v - expected).square().mean().sqrt().item())
    assert math.log2(errors[0] / errors[2]) / 2 > at_least, errors


def test_a_charge_decays_as_v_does() -> None:
    # two axons: the first spike's charge alone, then a second one that only lets v decay
    physics = replace(PHYSICS, coupling=0.0, delay=0.0, charge_positive=-0.2, charge_negative=0.0)
    t = torch.tensor([[0.25]], dtype=torch.float64)
    w = torch.tensor([[0.5]], dtype=torch.float64)
    with_charge = layer(physics, w, Exact())(t).membrane.item()
    without = layer(replace(physics, charge_positive=0.0), w, Exact())(t).membrane.item()
    conductance = Reversal.of(physics).conductance(w).item()
    assert with_charge - without == pytest.approx(0.2 * math.exp(-0.75 * conductance), rel=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    shape=SHAPES,
    kind=st.sampled_from(KINDS),
    physics=st.sampled_from([PHYSICS, STRONG]),
    method=st.sampled_from(METHODS),
    constant=st.booleans(),
    apart=st.booleans(),
)
def test_native_is_plain(
    seed: int,
    shape: tuple[int, int, int],
    kind: str,
    physics: Physics,
    method: DSTD | Exact,
    constant: bool,
    apart: bool,
) -> None:
    physics = told_apart(physics, *shape[1:]) if apart else physics
    t, w, grad = draw(seed, shape, kind)
    reversal = Reversal.constant(2.8, -1.53) if constant else Reversal.of(physics)
    discharger, wiring = Discharger(physics.discharge), Wiring.of(physics)

    def run(t: Tensor, w: Tensor) -> Tensor:
        v, time = method.firing(t, w, reversal, discharger, wiring=wiring)
        return 0.3 * v + time

    with form("plain"):
        plain = evaluate(run, t, w, grad)
    native = evaluate(run, t, w, grad)
    if kind == "early" and isinstance(method, Exact):
        native[1] = plain[1]  # simultaneous spikes: their order, thus gradient, is free
    for a, b, what in zip(native, plain, ("value", "dt", "dw"), strict=True):
        assert (a - b).abs().max().item() <= 1e-11 * max(1.0, b.abs().max().item()), what
    single = evaluate(run, t.float(), w.float(), grad.float())
    assert all(bool(torch.isfinite(x).all()) for x in single)
    # float32 may move a spike across 1 - delay; large weights amplify its rounding
    if kind not in ("late", "large"):
        scale = max(1.0, plain[0].abs().max().item())
        assert (single[0].double() - plain[0]).abs().max().item() < 3e-6 * scale


@pytest.mark.parametrize("method", METHODS)
def test_single_precision_at_the_size_of_mnist(method: DSTD | Exact) -> None:
    t, w, grad = draw(3, (8, 784, 100))
    # none within float32 rounding of a grid point
    t[((t + PHYSICS.delay) * 20 % 1 - 0.5).abs() > 0.499] = 0.053
    reversal, wiring = Reversal.of(PHYSICS), Wiring.of(PHYSICS)

    def run(t: Tensor, w: Tensor) -> Tensor:
        return method.membrane(t, w, reversal, wiring=wiring)

    with form("plain"):
        double = evaluate(run, t, w, grad)
    for a, b in zip(evaluate(run, t.float(), w.float(), grad.float()), double, strict=True):
        assert (a.double() - b).norm() / b.norm() < 2e-6


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("physics", [PHYSICS, STRONG])
@pytest.mark.parametrize("name", ["native", "plain"])
@pytest.mark.parametrize("neurons", [1, 19])
def test_gradcheck(method: DSTD | Exact, physics: Physics, name: str, neurons: int) -> None:
    t, w, _ = draw(5, (2, 7, neurons))
    t = t.clamp(0.01, 1.2).requires_grad_()
    physics = told_apart(physics, 7, neurons)
    reversal, discharger, wiring = Reversal.of(physics), Discharger(physics.discharge), Wiring.of(physics)
    with form(name):
        assert torch.autograd.gradcheck(
            lambda t, w: method.firing(t, w, reversal, discharger, wiring=wiring), (t, w.requires_grad_())
        )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["native", "plain"])
def test_what_does_not_arrive_does_nothing(method: DSTD | Exact, name: str) -> None:
    _, w, _ = draw(6, (1, 3, 4))
    silent = torch.tensor([[1.0, math.inf, 1.0 - 0.5 * STRONG.delay]], dtype=torch.float64).requires_grad_()
    with form(name):
        firing = layer(STRONG, w, method)(silent)
        assert firing.membrane.abs().max().item() == 0.0
        (gradient,) = torch.autograd.grad(firing.membrane.sum(), silent)
    assert gradient.abs().max().item() == 0.0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["native", "plain"])
def test_a_weight_of_zero_has_no_charge(method: DSTD | Exact, name: str) -> None:
    t = torch.full((1, 3), 0.4, dtype=torch.float64)
    w = torch.zeros(20, 3, dtype=torch.float64)
    w[7, 1] = 1e-12
    w[8, 1] = -1e-12
    with form(name), torch.no_grad():
        v = layer(replace(STRONG, coupling=0.0), w, method)(t).membrane[0]
    assert v.nonzero().flatten().tolist() == [7, 8]
    assert v[7].item() == pytest.approx(-STRONG.charge_positive, rel=1e-9)
    assert v[8].item() == pytest.approx(STRONG.charge_negative, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["native", "plain"])
def test_charges_of_weights_of_zero_axons_and_neurons(method: DSTD | Exact, name: str) -> None:
    t = torch.tensor([[0.4, 0.4, 1.0]], dtype=torch.float64)
    w = torch.zeros(20, 3, dtype=torch.float64)
    w[7, 1] = 1e-12
    own = replace(
        STRONG,
        coupling=0.0,
        charge_zero=0.01,
        axon_charge=(0.001, 0.002, 0.1),
        neuron_charge=(0.03,) + (0.0,) * 19,
    )
    with form(name), torch.no_grad():
        v = layer(own, w, method)(t).membrane[0]
    # Two spikes of three arrive, on axons with charges of their own.
    assert v[3].item() == pytest.approx(-2 * 0.01 - 0.003, rel=1e-9)
    assert v[0].item() == pytest.approx(-2 * 0.01 - 0.003 - 2 * 0.03, rel=1e-9)
    assert v[7].item() == pytest.approx(-0.01 - STRONG.charge_positive - 0.003, rel=1e-9)


@pytest.mark.parametrize("name", ["native", "plain"])
def test_spikes_leave_late_by_their_neuron(name: str) -> None:
    t, w, _ = draw(12, (4, 6, 19))
    lags = tuple(0.001 * k for k in range(19))
    with form(name), torch.no_grad():
        late = (
            layer(replace(PHYSICS, spike_lag=lags), w, Exact())(t).unclipped
            - layer(PHYSICS, w, Exact())(t).unclipped
        )
    np.testing.assert_allclose(late.numpy(), np.broadcast_to(lags, (4, 19)), atol=1e-12)


@pytest.mark.parametrize("field", ["axon_charge", "neuron_charge", "spike_lag"])
def test_what_is_told_of_other_layers_is_refused(field: str) -> None:
    with pytest.raises(BadParameter, match=f"{field} holds 4 values: a layer of 5 axons and 3 neurons"):
        layer(replace(PHYSICS, **{field: (0.0,) * 4}), torch.zeros(3, 5), Exact())  # type: ignore[arg-type]


@pytest.mark.parametrize("neurons", [1, 2, 33])
def test_coupling_is_solved_for(neurons: int) -> None:
    v = torch.randn(3, neurons, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for coupling in (1.7e-3, -0.01, 0.2):
        expected = v.numpy() @ reference.coupling_matrix(neurons, coupling).T
        np.testing.assert_allclose(
            Wiring(coupling=coupling).coupled(v).numpy(), expected, rtol=0.0, atol=1e-13
        )


def test_a_delay_below_zero_holds_early_spikes_at_zero() -> None:
    wiring, w = Wiring(delay=-0.1), torch.tensor([[0.5]], dtype=torch.float64)
    reversal = Reversal.of(PHYSICS)
    for method in METHODS:
        values = []
        for name in ("native", "plain"):
            t = torch.tensor([[0.05], [0.3]], dtype=torch.float64, requires_grad=True)
            with form(name):
                v = method.membrane(t, w, reversal, wiring=wiring)
            (gradient,) = torch.autograd.grad(v.sum(), t)
            assert gradient[0].item() == 0.0
            assert gradient[1].item() < -0.3
            values.append((v, gradient))
        torch.testing.assert_close(values[0], values[1], rtol=1e-11, atol=1e-12)


def test_compiled_layer_is_the_eager_one() -> None:
    _, w, _ = draw(8, (1, 12, 30))
    made = layer(PHYSICS, w.float(), DSTD(4))
    t = torch.rand(4, 12, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        torch.compile(made, backend="aot_eager", fullgraph=True)(t).unclipped, made(t).unclipped
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.3, -0.3])
def test_values_that_are_no_corrections_are_refused(value: float) -> None:
    with pytest.raises(BadParameter, match="small correction"):
        Wiring(delay=value)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["native", "plain"])
@pytest.mark.parametrize("physics", [PHYSICS, STRONG])
def test_a_skew_is_a_charge_that_goes_with_the_weight(
    physics: Physics, method: DSTD | Exact, name: str
) -> None:
    t, w, _ = draw(11, (5, 30, 20), "zeros")
    skewed = replace(physics, skew=0.03, lag=0.02)
    with form(name), torch.no_grad():
        v = layer(skewed, w, method)(t).membrane
        plain = layer(physics, w, method)(t).membrane
    # Charges enter linearly: what the skew adds is the same for every method.
    with torch.no_grad():
        expected = (layer(skewed, w, Exact())(t).membrane - layer(physics, w, Exact())(t).membrane).numpy()
    tolerance = 1e-10 if isinstance(method, Exact) else 0.05 * np.abs(expected).max()
    np.testing.assert_allclose((v - plain).numpy(), expected, atol=tolerance)
    np.testing.assert_allclose(truth(skewed, t, w) - truth(physics, t, w), expected, atol=1e-9)
    assert np.abs(expected).max() > 0.05


def test_a_skew_is_the_difference_of_two_delays() -> None:
    """Positive weights that begin later and negative ones that begin earlier, by a delay that is small."""
    late = 1e-3
    bare = replace(
        PHYSICS,
        beta_positive=(0.0,),
        beta_negative=(0.0,),
        charge_positive=0.0,
        charge_negative=0.0,
        coupling=0.0,
        delay=0.01,
    )
    t = torch.tensor([[0.3, 0.5]], dtype=torch.float64)
    w = torch.tensor([[0.8, -0.6]], dtype=torch.float64)
    with torch.no_grad():
        v = layer(replace(bare, skew=late, lag=2 * late), w, Exact())(t).membrane.item()
    assert v == pytest.approx(0.8 * (0.69 - 3 * late) - 0.6 * (0.49 - late), abs=1e-12)
