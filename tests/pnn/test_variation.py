"""Training on drawn chips: the perturbation in closed form, its gradients and statistics, and what the trainer makes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

import nonideal.pnn.loop
import nonideal.pnn.rc_spike
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import Physics
from nonideal.characterize.shift import CurrentShift, LayerShift
from nonideal.characterize.variation import CurrentSpread, LayerVariation
from nonideal.pnn import (
    DSTD,
    BadParameter,
    CheckpointError,
    Discharger,
    Exact,
    Firing,
    NetworkOptions,
    RCSpikeLinear,
    Reversal,
    TrainingOptions,
    TrainingResult,
    Variation,
    chip_accuracy,
    load_small,
    train,
    variant_options,
)
from nonideal.pnn.loss import chip_loss, first_to_fire, training_loss
from nonideal.pnn.loss_weights import LossWeights
from nonideal.pnn.network import SpikingNetwork
from nonideal.pnn.rails import output_times
from nonideal.pnn.robustness import supply_rails
from nonideal.pnn.stack import StackOptions
from nonideal.pnn.variation import GROUP, SMALL, ChipDraw, Chips, LayerChips, Pool, perturbed
from nonideal.pnn.wiring import Wiring

SPREAD = LayerVariation(CurrentSpread(0.4, 1.0), CurrentSpread(0.22, 2.0), 0.18, 0.012, 0.155)
PAPER = NetworkOptions(
    layer_sizes=(5, 5, 5), reversal=Reversal.constant(2.80, -1.53), discharger=Discharger(0.155)
)
NOISY = PAPER.model_copy(update={"method": DSTD(4, random_offset=True), "sigma_spike": 0.01})
PHYSICS = Physics(
    beta_positive=(0.37, -0.017, 0.004),
    beta_negative=(-0.69, 0.1, -0.02),
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
    PHYSICS, delay=0.06, charge_positive=0.02, charge_negative=0.05, coupling=0.1, spike_delay=0.02
)
METHODS = [DSTD(5), DSTD(4, order=3), Exact()]
NUMBERS = (0.4, 1.0, 0.22, 2.0)
HOT = LayerShift(CurrentShift(0.12, 0.27, 0.13), CurrentShift(0.25, 0.24, 0.08), 0.83, -0.007)
COLD = LayerShift(CurrentShift(-0.13, -0.27, 0.13), CurrentShift(-0.28, -0.27, 0.06), 1.21, 0.012)


def variation(count: int = 2, /, **changes: object) -> Variation:
    return Variation.model_validate({"layers": (SPREAD,) * count} | changes)


def normals(seed: int, dtype: torch.dtype = torch.float64) -> Callable[[int], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return lambda count: torch.randn(count, generator=generator, dtype=dtype)


def drawn(sizes: list[tuple[int, int]], chips: int, seed: int = 0, **changes: object) -> Chips:
    options = variation(len(sizes), **changes)
    source = ChipDraw(options, sizes, torch.empty(0, dtype=torch.float64))
    return source.draw(chips, normals(seed), source.meet(chips, torch.Generator().manual_seed(seed)))


def with_normals(normal: Tensor) -> LayerChips:
    """Synapses that are shifted so."""
    return LayerChips(normal, NUMBERS, normal.new_ones(1, 1), normal.new_zeros(1, 1))


def short(
    folder: Path, epochs: int = 6, network: NetworkOptions | StackOptions = NOISY, **changes: object
) -> TrainingResult:
    options = TrainingOptions.model_validate(
        {"epochs": epochs, "log_every": 1, "tensorboard": False, "variation": variation()} | changes
    )
    return train(load_small("iris"), network, options, folder, show_progress=False)


def weights(result: TrainingResult) -> list[Tensor]:
    return [w.detach() for w in result.network.weights]


def same(a: TrainingResult, b: TrainingResult) -> bool:
    return all(torch.equal(x, y) for x, y in zip(weights(a), weights(b), strict=True))


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


def ramps_and_thresholds(chip: LayerChips, b: float = 0.155) -> Tensor:
    """ln r and theta of drawn neurons, [2, neurons]."""
    crossing = 1.0 + chip.offset / chip.gain
    theta = (1.0 - torch.exp(crossing * math.log(1.0 - b))) / b
    return torch.stack((-torch.log(chip.gain), theta)).flatten(1)


@pytest.mark.parametrize("correlation", [-0.5, 0.24])
def test_ramps_and_thresholds_are_correlated_as_measured_and_spread_as_without(correlation: float) -> None:
    count, layer = 200_000, replace(SPREAD, correlation=correlation)
    (chip,) = drawn([(1, 1)], count, layers=(layer,))
    found = ramps_and_thresholds(chip)
    assert torch.corrcoef(found)[0, 1].item() == pytest.approx(correlation, abs=4 / math.sqrt(count))
    assert found.std(1).tolist() == pytest.approx([SPREAD.ln_ramp, SPREAD.threshold], rel=0.01)
    (half,) = drawn([(1, 1)], count, layers=(layer,), scale=0.5)
    assert torch.corrcoef(ramps_and_thresholds(half))[0, 1].item() == pytest.approx(correlation, abs=0.01)


def test_every_layer_has_its_own_correlation() -> None:
    layers = (replace(SPREAD, correlation=0.5), SPREAD)
    chips = drawn([(1, 40), (40, 50)], 1000, layers=layers)
    found = [torch.corrcoef(ramps_and_thresholds(one))[0, 1].item() for one in chips]
    assert found == pytest.approx([0.5, 0.0], abs=0.025)


def test_uncorrelated_neurons_are_their_own_two_numbers() -> None:
    """A seed draws the chips that it drew before there was a correlation, to the bit."""
    numbers = normals(3)(1 + 2)
    (chip,) = ChipDraw(variation(1), [(1, 1)], numbers).draw(1, lambda count: numbers[:count])
    _, ramp, threshold = numbers.view(3, 1, 1)
    gain = torch.exp(ramp * -0.18)
    assert torch.equal(chip.gain, gain)
    late = torch.log1p(threshold * (-0.155 / (1.0 - 0.155) * 0.012)) * (1.0 / math.log1p(-0.155))
    assert torch.equal(chip.offset, late * gain)


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


def test_chips_share_the_samples() -> None:
    options = variation(chips=8)
    assert options.shares(50, 50).shape == (7, 8)
    assert set(options.shares(50, 50).flatten().tolist()) == set(range(50))
    assert options.shares(3, 50).shape == (1, 3)  # no chip without a sample
    assert options.shares(64, 50).flatten().tolist() == list(range(64))
    large = SMALL + 1
    assert options.chips_of(32, large) == 1
    assert options.chips_of(3 * GROUP, large) == 3
    assert options.chips_of(100 * GROUP, large) == 8


def test_tail_picks_the_worst_chips() -> None:
    loss = torch.tensor([0.1, 3.0, 0.5, 2.0, 0.2, 0.3, 0.4, 0.6])
    assert sorted(variation(tail=0.25).worst(loss).tolist()) == [1, 3]
    assert variation(tail=0.01).worst(loss).tolist() == [1]
    assert sorted(variation(tail=0.3).worst(loss).tolist()) == [1, 3, 7]
    assert len(variation(tail=1.0).worst(loss)) == 8
    generator = torch.Generator().manual_seed(0)
    time, label = torch.rand(6, 3, 4, generator=generator), torch.randint(0, 4, (6, 3), generator=generator)
    for chip, value in enumerate(chip_loss(time, label, LossWeights(tau_soft=0.07))):
        assert value.item() == pytest.approx(
            first_to_fire(time[:, chip], label[:, chip], 0.07).item(), rel=1e-6
        )


def test_loss_is_that_of_the_tail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def spy(firings: list[Firing], label: Tensor, *rest: object) -> Tensor:
        seen.append(label.shape[0])
        return training_loss(firings, label, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("nonideal.pnn.loop.training_loss", spy)
    short(tmp_path / "all", epochs=1)
    short(tmp_path / "tail", epochs=1, variation=variation(tail=0.25))
    assert seen == [56, 56, 14, 14]  # 100 samples in batches of 50; 8 chips see 7 each


def test_pool_is_standard_normal_and_read_by_the_generator() -> None:
    pool = Pool(7, 1000)
    assert abs(pool.numbers.mean().item()) < 0.003
    assert pool.numbers.std().item() == pytest.approx(1.0, abs=0.003)
    reads = [pool.normals(torch.Generator().manual_seed(s))(500) for s in (1, 1, 2)]
    assert torch.equal(reads[0], reads[1])
    assert not torch.equal(reads[0], reads[2])
    assert not torch.equal(pool.numbers, Pool(8, 1000).numbers)
    assert Pool(7, SMALL * 64).numbers.shape[0] == SMALL * 128


def test_same_seed_same_numbers_and_resume_is_bit_exact(tmp_path: Path) -> None:
    whole, again = short(tmp_path / "whole", epochs=9), short(tmp_path / "again", epochs=9)
    assert same(whole, again)
    short(tmp_path / "parts", epochs=4)
    assert same(whole, short(tmp_path / "parts", epochs=9))
    assert (tmp_path / "whole/metrics.csv").read_bytes() == (tmp_path / "parts/metrics.csv").read_bytes()
    assert not same(whole, short(tmp_path / "other", epochs=9, seed=1))
    assert not same(whole, short(tmp_path / "nominal", epochs=9, variation=None))


def test_training_for_conditions_is_resumed_bit_by_bit(tmp_path: Path) -> None:
    away = variation(conditions=((LayerShift(),) * 2, (HOT, HOT), (COLD, COLD)), tail=0.5)
    whole = short(tmp_path / "whole", epochs=7, variation=away)
    short(tmp_path / "parts", epochs=3, variation=away)
    assert same(whole, short(tmp_path / "parts", epochs=7, variation=away))
    assert not same(whole, short(tmp_path / "home", epochs=7))


@pytest.mark.slow
def test_training_for_conditions_pays_where_biases_are_kept(tmp_path: Path) -> None:
    conditions = ((LayerShift(),) * 2, (HOT, HOT), (COLD, COLD))
    calm, data = variation(scale=0.0, chips=6, conditions=conditions), load_small("iris")
    options = {
        "epochs": 600,
        "network": PAPER,
        "learning_rate": 3e-3,
        "loss": LossWeights(temporal_penalty=0.3, t_ref=0.6, weight_norm=5e-4, early_spike=0.05),
    }

    def worst(network: SpikingNetwork) -> float:
        each = (
            chip_accuracy(network, data.test_x, data.test_y, calm, chips=1, seed=0, condition=k, lead=0.0)
            for k in range(len(conditions))
        )
        return min(float(found) for found in each)

    at_home = short(tmp_path / "home", variation=None, **options)  # type: ignore[arg-type]
    everywhere = short(tmp_path / "everywhere", variation=calm, **options)  # type: ignore[arg-type]
    assert worst(everywhere.network) > 0.85
    assert worst(at_home.network) < worst(everywhere.network) - 0.2


def test_checkpoint_of_other_chips_is_refused(tmp_path: Path) -> None:
    short(tmp_path)
    together = (replace(SPREAD, correlation=0.2),) * 2
    for other in (
        None,
        variation(scale=0.5),
        variation(chips=4),
        variation(conditions=((HOT, HOT),)),
        variation(layers=together),
    ):
        with pytest.raises(CheckpointError, match="other options"):
            short(tmp_path, variation=other)


@pytest.mark.parametrize("method", [Exact(), DSTD(4, order=3)])
def test_no_spread_trains_as_nominal(tmp_path: Path, method: DSTD | Exact) -> None:
    network = PAPER.model_copy(update={"method": method})
    options = {"batch_size": 48, "network": network, "epochs": 1}  # 100 samples: 48, 48, 4
    nominal = short(tmp_path / "nominal", variation=None, **options)  # type: ignore[arg-type]
    chips = short(tmp_path / "chips", variation=variation(scale=0.0, chips=4), **options)  # type: ignore[arg-type]
    for a, b in zip(weights(nominal), weights(chips), strict=True):
        torch.testing.assert_close(a, b, rtol=0.0, atol=2e-6)


def test_nominal_training_is_untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("nominal training drew chips")

    monkeypatch.setattr(nonideal.pnn.loop.ChipDraw, "draw", refuse)
    monkeypatch.setattr(nonideal.pnn.rc_spike, "perturbed", refuse)
    monkeypatch.setattr(nonideal.pnn.loop, "Pool", refuse)
    short(tmp_path, variation=None)


def test_every_variant_trains_on_chips(tmp_path: Path, paper_model: PhysicalModel) -> None:
    for variant in ("ann", "pnn", "bottom_up"):
        result = short(tmp_path / variant, network=variant_options(variant, paper_model, (5, 5, 5)))
        assert result.weights_path.is_file()


def test_chips_of_a_large_network_one_by_one(tmp_path: Path) -> None:
    network = PAPER.model_copy(update={"layer_sizes": (5, 300, 500, 5)})
    result = short(tmp_path, epochs=1, network=network, variation=variation(3), batch_size=100)
    assert math.isfinite(result.train_accuracy)


def test_training_on_chips_raises_the_yield(tmp_path: Path) -> None:
    dataset = load_small("iris")
    share = {}
    for name, options in (("nominal", None), ("chips", variation())):
        result = short(
            tmp_path / name, epochs=300, learning_rate=5e-3, network=PAPER, variation=options, log_every=1000
        )
        accuracy = chip_accuracy(
            result.network, dataset.test_x, dataset.test_y, variation(scale=0.5), chips=300, seed=99
        )
        share[name] = (accuracy >= 0.9 - 1e-9).double().mean().item()
    assert share["chips"] > share["nominal"] + 0.1


def test_accuracy_on_chips_without_spread_is_that_of_the_network(tmp_path: Path) -> None:
    result, dataset = short(tmp_path, variation=None), load_small("iris")
    found = chip_accuracy(
        result.network, dataset.test_x, dataset.test_y, variation(scale=0.0), chips=3, seed=0
    )
    assert found.tolist() == pytest.approx([result.test_accuracy] * 3)


def test_outputs_that_spike_together_can_count_as_wrong() -> None:
    network = PAPER.model_copy(update={"classes": 2}).build()
    with torch.no_grad():
        for layer in network.linear_layers:
            layer.weight.fill_(0.15)  # all neurons do the same
    x, label = torch.full((4, 5), 0.1), torch.zeros(4, dtype=torch.int64)

    def accuracy(lead: float | None) -> float:
        nothing = variation(scale=0.0)
        return chip_accuracy(network, x, label, nothing, chips=1, seed=0, lead=lead).item()

    assert accuracy(None) == 1.0
    assert accuracy(0.0) == 0.0
    with torch.no_grad():
        network.linear_layers[1].weight[0] += 0.05
    assert accuracy(0.0) == 1.0
    assert accuracy(0.9) == 0.0


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="3 layers, the network has 2"):
        short(tmp_path, variation=variation(3))
    stack = StackOptions(input_shape=(5,), layers=(5,), reversal=PAPER.reversal)
    with pytest.raises(BadParameter, match="fully connected RC-Spike"):
        short(tmp_path, network=stack, variation=variation(1))
    with pytest.raises(ValidationError, match="layer 1: standard deviations"):
        Variation(layers=(replace(SPREAD, ln_ramp=-0.1),))
    with pytest.raises(ValidationError, match="layer 1: standard deviations"):
        Variation(layers=(replace(SPREAD, positive=CurrentSpread(0.3, 0.0)),))
    with pytest.raises(ValidationError, match="layer 1: a correlation lies between"):
        Variation(layers=(replace(SPREAD, correlation=1.1),))
