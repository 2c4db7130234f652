"""Drawn chips: the perturbation in closed form, its gradients, rails, and the conditions that it is met in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import Physics
from nonideal.characterize.shift import CurrentShift, LayerShift
from nonideal.pnn import (
    DSTD,
    BadParameter,
    Discharger,
    Exact,
    RCSpikeLinear,
    Reversal,
    Variation,
    load_small,
)
from nonideal.pnn.rails import output_times
from nonideal.pnn.robustness import supply_rails
from nonideal.pnn.variation import ChipDraw, LayerChips, perturbed
from nonideal.pnn.wiring import Wiring
from tests.pnn.drawn_chips import (
    COLD,
    HOT,
    METHODS,
    PAPER,
    PHYSICS,
    SPREAD,
    STRONG,
    drawn,
    normals,
    variation,
)

NUMBERS = (0.4, 1.0, 0.22, 2.0)


def with_normals(normal: Tensor) -> LayerChips:
    """Synapses that are shifted so."""
    return LayerChips(normal, NUMBERS, normal.new_ones(1, 1), normal.new_zeros(1, 1))


@contextmanager
def form(name: str) -> Iterator[None]:
    """``plain``: PyTorch; ``chip by chip``: not in one call; ``native``: the kernel where there is one."""
    with pytest.MonkeyPatch.context() as patch:
        if name == "plain":
            for module in ("exact", "variation"):
                patch.setattr(f"nonideal.pnn.{module}.available", lambda tensor: False)
        elif name == "chip by chip":
            patch.setattr("nonideal.pnn.exact.MOST_AXONS_A_CALL", 0)
        yield


@pytest.mark.parametrize("name", ["native", "plain"])
@pytest.mark.parametrize("weight", [0.3, -0.7, 0.0])
def test_one_synapse_in_closed_form(name: str, weight: float) -> None:
    z, (weak, bend) = 1.3, (0.4, 1.0) if weight >= 0 else (0.22, 2.0)
    w = torch.tensor([[weight]], dtype=torch.float64, requires_grad=True)
    with form(name):
        out = perturbed(w, with_normals(torch.full((1, 1, 1), z, dtype=torch.float64)))
        (slope,) = torch.autograd.grad(out.sum(), w)
    size = abs(weight) / bend
    x = weak / math.sqrt(1.0 + size) * z
    assert out.item() == pytest.approx(weight * math.exp(x), abs=1e-15)
    assert slope.item() == pytest.approx(math.exp(x) * (1.0 - x * size / (1.0 + size) / 2.0), rel=1e-12)


@pytest.mark.parametrize("name", ["native", "plain"])
@pytest.mark.parametrize("weight", [0.3, -0.7, 0.0])
def test_one_synapse_in_another_condition_in_closed_form(name: str, weight: float) -> None:
    z, (weak, bend) = 1.3, (0.4, 1.0) if weight >= 0 else (0.22, 2.0)
    w = torch.tensor([[weight]], dtype=torch.float64, requires_grad=True)
    options = variation(1, conditions=((HOT,), (COLD,)))
    source = ChipDraw(options, [(1, 1)], torch.empty(0, dtype=torch.float64))
    numbers = torch.tensor([z, z, 0.0, 0.0, 0.0, 0.0], dtype=torch.float64)
    (chips,) = source.draw(2, lambda count: numbers[:count], torch.tensor([1, 0]))
    with form(name):
        out = perturbed(w, chips)
        slopes = [torch.autograd.grad(one, w, retain_graph=True)[0].item() for one in out.flatten()]
    for value, slope, condition in zip(out.flatten().tolist(), slopes, (COLD, HOT), strict=True):
        shift = condition.positive if weight >= 0 else condition.negative
        size, far = abs(weight) / bend, abs(weight) / shift.bend
        x, near = weak / math.sqrt(1.0 + size) * z, shift.slope / math.sqrt(1.0 + far)
        factor = math.exp(x + shift.level + near)
        assert value == pytest.approx(weight * factor, abs=1e-15)
        fall = x * size / (1.0 + size) / 2.0 + near * far / (1.0 + far) / 2.0
        assert slope == pytest.approx(factor * (1.0 - fall), rel=1e-12)
    assert chips.gain[:, 0].tolist() == pytest.approx([COLD.gain, HOT.gain])
    assert chips.offset[:, 0].tolist() == pytest.approx([COLD.offset, HOT.offset])


@pytest.mark.parametrize("correlation", [0.0, 0.24, -1.0])
@pytest.mark.parametrize("b", [0.0, 0.155])
def test_one_neuron_in_closed_form(b: float, correlation: float) -> None:
    options = Variation(layers=(replace(SPREAD, discharge=b, correlation=correlation),))
    numbers = torch.tensor([0.5, -1.2, 2.0], dtype=torch.float64)  # synapse, ramp, threshold
    (chip,) = ChipDraw(options, [(1, 1)], numbers).draw(1, lambda count: numbers[:count])
    layer = PAPER.model_copy(update={"layer_sizes": (1, 1), "discharger": Discharger(b)}).build().double()
    t = torch.tensor([[[0.2]]], dtype=torch.float64)
    firing = layer.linear_layers[0].on_chips(t, chip)
    w = perturbed(layer.weights[0], chip)[0]
    undisturbed = layer.linear_layers[0].evaluate(t[0], w, Exact()).unclipped.item()
    shared, own = correlation * -1.2, math.sqrt(1.0 - correlation**2) * 2.0
    r, theta = math.exp(0.18 * -1.2), 1.0 + 0.012 * (shared + own)
    threshold = math.log(1.0 - b * theta) / math.log(1.0 - b) if b else theta
    assert firing.unclipped.item() == pytest.approx(
        (undisturbed - 1.0 + threshold) / r, abs=1e-7 if not b else 1e-12
    )


def test_factors_have_the_spread_of_their_weight() -> None:
    count = 200_000
    for weight, one in ((0.05, SPREAD.positive), (1.0, SPREAD.positive), (-2.0, SPREAD.negative)):
        w = torch.full((1, 1), weight, dtype=torch.float64)
        z = normals(1)(count).view(count, 1, 1)
        ln = torch.log(perturbed(w, with_normals(z)) / w)
        assert ln.std().item() == pytest.approx(one.sigma(weight), rel=0.01)
        assert abs(ln.mean().item()) < 4 * one.sigma(weight) / math.sqrt(count)
    (chip,) = drawn([(1, 1)], count)
    ln_r = -torch.log(chip.gain)
    assert ln_r.std().item() == pytest.approx(SPREAD.ln_ramp, rel=0.01)
    late = (chip.offset / chip.gain).std().item()  # to first order b / (1 - b) / -ln(1 - b) times theta's
    assert late == pytest.approx(SPREAD.threshold * 0.155 / 0.845 / -math.log(0.845), rel=0.01)


def on(layer: RCSpikeLinear, chips: LayerChips) -> Callable[[Tensor, Tensor], Tensor]:
    """Spike times as a function of input times and weights."""

    def fired(t: Tensor, w: Tensor) -> Tensor:
        layer._parameters["weight"] = w  # type: ignore[assignment]
        return layer.on_chips(t, chips).unclipped

    return fired


def build(physics: Physics | None, sizes: tuple[int, int], method: DSTD | Exact) -> RCSpikeLinear:
    if physics is None:
        return RCSpikeLinear(*sizes, PAPER.reversal, PAPER.discharger, method)
    wiring, discharger = Wiring.of(physics), Discharger(physics.discharge)
    return RCSpikeLinear(*sizes, Reversal.of(physics), discharger, method, wiring)


def data(batch: int, chips: int, sizes: tuple[int, int]) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    t = torch.rand(batch, chips, sizes[0], generator=generator, dtype=torch.float64) * 1.1 + 0.01
    return t, torch.randn(sizes[1], sizes[0], generator=generator, dtype=torch.float64) / 2.0


@pytest.mark.parametrize("physics", [None, STRONG])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["native", "plain", "chip by chip"])
@pytest.mark.parametrize("conditions", [(), ((HOT,), (COLD,))])
def test_gradcheck(
    method: DSTD | Exact, physics: Physics | None, name: str, conditions: tuple[tuple[LayerShift, ...], ...]
) -> None:
    t, w = data(2, 3, (6, 17))
    fired = on(build(physics, (6, 17), method), drawn([(6, 17)], 3, conditions=conditions)[0])
    with form(name):
        assert torch.autograd.gradcheck(fired, (t.requires_grad_(), w.requires_grad_()))


@pytest.mark.parametrize("physics", [None, PHYSICS, STRONG])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_chips_side_by_side_are_chips_one_by_one(
    method: DSTD | Exact, physics: Physics | None, dtype: torch.dtype
) -> None:
    sizes = (13, 70)
    t, w = (x.to(dtype) for x in data(4, 5, sizes))
    (chips,) = drawn([sizes], 5, conditions=((HOT,), (LayerShift(),), (COLD,)))
    layer = build(physics, sizes, method)
    fired = on(
        layer, chips._replace(**{k: getattr(chips, k).to(dtype) for k in ("normal", "gain", "offset")})
    )
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    results = []
    for name in ("native", "plain", "chip by chip"):
        one, other = t.clone().requires_grad_(), w.clone().requires_grad_()
        with form(name):
            out = fired(one, other)
            out.square().sum().backward()
        results.append((out.detach(), one.grad, other.grad))
    for index, chip in enumerate(chips.apart()):  # and by hand
        own = perturbed(w, chip)[0].t()
        by_hand = layer.evaluate(t[:, index], own, method).unclipped * chips.gain[index] + chips.offset[index]
        torch.testing.assert_close(
            results[0][0][:, index], by_hand.to(dtype).detach(), rtol=tolerance, atol=tolerance
        )
    for result in results[1:]:
        for a, b in zip(result, results[0], strict=True):
            torch.testing.assert_close(a, b, rtol=10 * tolerance, atol=10 * tolerance)


def test_without_spread_a_chip_is_the_network() -> None:
    network = PAPER.build().double()
    t = torch.rand(7, 5, dtype=torch.float64)
    for firing, chip in zip(
        network(t),
        network(t.unsqueeze(1).expand(-1, 4, -1), None, drawn([(5, 5), (5, 5)], 4, scale=0.0)),
        strict=True,
    ):
        assert torch.equal(chip.unclipped, firing.unclipped.unsqueeze(1).expand(-1, 4, -1))


@pytest.mark.parametrize("physics", [None, STRONG])
def test_membranes_end_at_the_rails(physics: Physics | None) -> None:
    options = PAPER if physics is None else PAPER.model_copy(update={"physics": (physics, physics)})
    network, data = options.build().double(), load_small("iris")
    network.reset_parameters(torch.Generator().manual_seed(2))
    with torch.no_grad():
        for weight in network.weights:
            weight.mul_(4.0)
    seen = variation(conditions=((HOT, HOT),))
    source = ChipDraw(seen, [(5, 5), (5, 5)], torch.empty(0, dtype=torch.float64))
    chips = source.draw(3, normals(0), torch.zeros(3, dtype=torch.int64))
    t, layers = data.test_x.double(), network.linear_layers
    for layer in layers:
        layer.method = Exact()
    free = network(t.unsqueeze(1).expand(-1, 3, -1), None, chips)[-1].spike_time
    far = output_times(layers, t, chips, (-math.inf, math.inf))
    torch.testing.assert_close(far, free, rtol=0.0, atol=1e-9)
    held = output_times(layers, t, chips, (-0.2, 1.1))
    assert (held - free).abs().max() > 0.05


def test_supplies_are_rails(paper_model: PhysicalModel) -> None:
    low, high = supply_rails(paper_model)
    v_0, v_th = paper_model.v_0_V.value, paper_model.v_th_V
    assert v_0 - low * v_th == pytest.approx(paper_model.vdd_V)
    assert v_0 - high * v_th == pytest.approx(0.0)


def test_home_is_a_condition_like_no_condition() -> None:
    home = drawn([(5, 5), (5, 5)], 4, conditions=((LayerShift(),) * 2,))
    network, t = PAPER.build().double(), torch.rand(7, 4, 5, dtype=torch.float64)
    for a, b in zip(network(t, None, home), network(t, None, drawn([(5, 5), (5, 5)], 4)), strict=True):
        assert torch.equal(a.unclipped, b.unclipped)


def test_all_conditions_are_met_equally_often() -> None:
    source = ChipDraw(variation(1, conditions=((HOT,), (COLD,), (LayerShift(),))), [(2, 2)])
    generator = torch.Generator().manual_seed(1)
    met = [source.meet(6, generator) for _ in range(20)]
    assert all(m is not None and m.bincount().tolist() == [2, 2, 2] for m in met)
    one = torch.cat([m for m in (source.meet(1, generator) for _ in range(600)) if m is not None])
    assert one.bincount().tolist() == pytest.approx([200, 200, 200], abs=60)
    assert ChipDraw(variation(1), [(2, 2)]).meet(6, generator) is None


@pytest.mark.parametrize(
    ("conditions", "met"),
    [((), [0, 0]), (((HOT,), (COLD,)), [0, 2]), (((HOT,), (COLD,)), [0, -1]), (((HOT,), (COLD,)), [0])],
)
def test_conditions_that_there_are_not_are_refused(
    conditions: tuple[tuple[LayerShift, ...], ...], met: list[int]
) -> None:
    source = ChipDraw(variation(1, conditions=conditions), [(2, 2)])
    with pytest.raises(BadParameter, match="give each one index below"):
        source.draw(2, normals(0), torch.tensor(met))


def test_a_chip_is_brought_home() -> None:
    (chips,) = drawn([(3, 4)], 4, conditions=((HOT,), (COLD,)))
    (alike,) = drawn([(3, 4)], 4)
    undisturbed = torch.rand(5, 4, 4, dtype=torch.float64)
    there = undisturbed * chips.gain + chips.offset
    torch.testing.assert_close(chips.at_home(there), undisturbed * alike.gain + alike.offset)
    assert torch.equal(alike.at_home(undisturbed), undisturbed)


def test_conditions_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadParameter, match="condition describes 1 layers, the network has 2"):
        variation(conditions=((HOT,),)).check_fits(2)
    for broken in (
        replace(HOT, gain=0.0),
        replace(HOT, offset=math.nan),
        replace(HOT, positive=CurrentShift(bend=0.0)),
    ):
        with pytest.raises(ValidationError, match="condition 1"):
            variation(conditions=((broken, HOT),))
