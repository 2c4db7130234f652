"""Drawn chips of convolutions and pools: each output pixel has columns of its own, drawn apart."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from nonideal.characterize.shift import LayerShift
from nonideal.pnn import (
    DSTD,
    BadParameter,
    Convolution,
    Exact,
    Pool,
    RCSpikeLinear,
    StackOptions,
    TTFSNeuron,
    chip_accuracy,
    load_small,
)
from nonideal.pnn.accuracies import exact_accuracy
from nonideal.pnn.conv import EarliestSpikePool2d, RCSpikeConv2d
from nonideal.pnn.layers import Columns, columns
from nonideal.pnn.rails import image_times, output_times
from nonideal.pnn.stack import RCSpikeNeuron
from nonideal.pnn.variation import MOST_SYNAPSES, ChipDraw, LayerChips, perturbed
from tests.pnn.drawn_chips import COLD, HOT, METHODS, PAPER, normals, short, variation

CONDITIONS = ((HOT,), (LayerShift(),), (COLD,))
IMAGE = StackOptions(
    input_shape=(1, 6, 6),
    layers=(Convolution(conv=3), Pool(), Convolution(conv=2, kernel=2, padding=0), 3),
    reversal=PAPER.reversal,
    neuron=RCSpikeNeuron(discharger=PAPER.discharger),
    method=DSTD(4, order=3, random_offset=True),
    sigma_spike=0.01,
)
IRIS = IMAGE.model_copy(update={"input_shape": (1, 5, 1), "layers": (Convolution(conv=4), 6, 5)})


def convolution(method: DSTD | Exact, *sizes: int, padding: int = 0, seed: int = 1) -> RCSpikeConv2d:
    layer = RCSpikeConv2d(*sizes, PAPER.reversal, PAPER.discharger, method, padding=padding).double()
    layer.reset_parameters(torch.Generator().manual_seed(seed))
    with torch.no_grad():
        layer.weight.mul_(2.0)
    return layer


def drawn(size: Columns, chips: int, conditions: tuple[tuple[LayerShift, ...], ...] = ()) -> LayerChips:
    source = ChipDraw(variation(1, conditions=conditions), [size], torch.empty(0, dtype=torch.float64))
    return source.draw(chips, normals(4), source.meet(chips, torch.Generator().manual_seed(0)))[0]


def images(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * 1.1 + 0.01


def test_columns_of_every_layer() -> None:
    assert IMAGE.columns == (Columns(9, 3, 36), Columns(12, 2, 4), Columns(8, 3))
    assert IMAGE.build().columns == IMAGE.columns
    assert columns((64,), (16, 10)) == ((64, 16, 1), (16, 10, 1))
    assert IMAGE.columns[0].synapses == 9 * 3 * 36


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("conditions", [(), CONDITIONS])
def test_one_pixel_is_the_dense_layer_bit_by_bit(
    method: DSTD | Exact, conditions: tuple[tuple[LayerShift, ...], ...]
) -> None:
    conv = convolution(method, 7, 5, 1)
    dense = RCSpikeLinear(7, 5, PAPER.reversal, PAPER.discharger, method).double()
    dense.load_state_dict({"weight": conv.weight[:, :, 0, 0]})
    chips, alike = drawn(Columns(7, 5, 1), 40, conditions), drawn(Columns(7, 5), 40, conditions)
    t = images(6, 40, 7)
    one, other = conv.on_chips(t[..., None, None], chips), dense.on_chips(t, alike)
    assert torch.equal(one.membrane[..., 0, 0], other.membrane)
    assert torch.equal(one.unclipped[..., 0, 0], other.unclipped)
    one.unclipped.square().sum().backward()
    other.unclipped.square().sum().backward()
    assert conv.weight.grad is not None
    assert dense.weight.grad is not None
    torch.testing.assert_close(conv.weight.grad[:, :, 0, 0], dense.weight.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("conditions", [(), CONDITIONS])
def test_a_convolution_is_the_dense_layer_of_its_unrolled_matrix(
    method: DSTD | Exact, conditions: tuple[tuple[LayerShift, ...], ...]
) -> None:
    """Every output pixel's synapses stand where they look, each with its own shift; the rest of the matrix is empty."""
    kernel, padding, channels, outputs, height, width, count = 3, 1, 2, 3, 4, 3, 5
    rows = height * width
    conv = convolution(method, channels, outputs, kernel, padding=padding)
    chips = drawn(Columns(kernel**2 * channels, outputs, rows), count, conditions)
    dense = RCSpikeLinear(channels * rows, outputs * rows, PAPER.reversal, PAPER.discharger, method).double()
    z = chips.normal.view(count, rows, kernel, kernel, channels, outputs)
    normal = z.new_zeros(count, channels * rows, outputs * rows)
    matrix = z.new_zeros(outputs * rows, channels * rows)
    for y in range(height):
        for x in range(width):
            for dy in range(kernel):
                for dx in range(kernel):
                    i, j = y + dy - padding, x + dx - padding
                    if not (0 <= i < height and 0 <= j < width):
                        continue
                    for c in range(channels):
                        axon, neuron = (
                            (c * height + i) * width + j,
                            torch.arange(outputs) * rows + y * width + x,
                        )
                        matrix[neuron, axon] = conv.weight.detach()[:, c, dy, dx]
                        normal[:, axon, neuron] = z[:, y * width + x, dy, dx, c]
    dense.load_state_dict({"weight": matrix})

    def by_channel(values: Tensor) -> Tensor:  # [chips * rows, outputs] -> [chips, outputs * rows]
        return values.view(count, rows, outputs).movedim(2, 1).flatten(1)

    met = None if chips.met is None else chips.met.view(count, rows)[:, 0]
    alike = chips._replace(
        normal=normal, gain=by_channel(chips.gain), offset=by_channel(chips.offset), met=met
    )
    t = images(2, count, channels, height, width)
    one, other = conv.on_chips(t, chips), dense.on_chips(t.flatten(2), alike)
    torch.testing.assert_close(one.unclipped.flatten(2), other.unclipped, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        chips.at_home(one.unclipped).flatten(2), alike.at_home(other.unclipped), rtol=1e-12, atol=1e-12
    )


def test_positions_are_drawn_apart_and_chips_too() -> None:
    chips = drawn(Columns(9, 2, 16), 3)
    layer = convolution(Exact(), 1, 2, 3)
    w = perturbed(layer.flat().t(), chips).view(3, 16, 9, 2)
    factor = (w / layer.flat()).log()
    assert factor.flatten().unique().numel() == 3 * 16 * 18
    assert chips.gain.unique().numel() == 3 * 16 * 2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("conditions", [(), CONDITIONS])
def test_gradcheck(method: DSTD | Exact, conditions: tuple[tuple[LayerShift, ...], ...]) -> None:
    layer = convolution(method, 2, 3, 2, padding=1)
    chips = drawn(Columns(8, 3, 9), 2, conditions)
    t, w = images(2, 2, 2, 2, 2), layer.weight.detach().clone()

    def fired(t: Tensor, w: Tensor) -> Tensor:
        layer._parameters["weight"] = w  # type: ignore[assignment]
        return layer.on_chips(t, chips).unclipped

    assert torch.autograd.gradcheck(fired, (t.requires_grad_(), w.requires_grad_()))


def test_without_spread_chips_are_the_network() -> None:
    network = IMAGE.build().double()
    for layer in network.spiking_layers:
        layer.method = Exact()  # type: ignore[assignment]
    source = ChipDraw(variation(3, scale=0.0), network.columns, torch.empty(0, dtype=torch.float64))
    t = images(4, 36)
    on_chips = network(t.unsqueeze(1).expand(-1, 2, -1), None, source.draw(2, normals(0)))
    for chip, nominal in zip(on_chips, network(t), strict=True):
        wanted = nominal.unclipped.unsqueeze(1).expand_as(chip.unclipped)
        torch.testing.assert_close(chip.unclipped, wanted, rtol=0.0, atol=1e-12)


def test_a_network_of_convolutions_is_its_layers_one_after_the_other() -> None:
    network = IMAGE.build().double()
    source = ChipDraw(variation(3), network.columns, torch.empty(0, dtype=torch.float64))
    chips, t = source.draw(2, normals(0)), images(4, 2, 36)
    found = network(t, None, chips)
    first, pool, second, last = network.layers
    assert isinstance(first, RCSpikeConv2d)
    assert isinstance(second, RCSpikeConv2d)
    assert isinstance(pool, EarliestSpikePool2d)
    assert isinstance(last, RCSpikeLinear)
    fired = first.on_chips(t.unflatten(2, (1, 6, 6)), chips[0])
    assert torch.equal(found[0].unclipped, fired.unclipped)
    pooled = torch.stack([pool(one) for one in fired.spike_time.unbind(1)], 1)
    seen = second.on_chips(pooled, chips[1]).spike_time
    assert torch.equal(found[2].unclipped, last.on_chips(seen.flatten(2), chips[2]).unclipped)


def test_training_is_seeded_and_resumes_bit_by_bit(tmp_path: Path) -> None:
    """Convolutions on images of 5 x 1 pixels, two conditions, the worse half of the chips."""
    away = variation(3, conditions=((LayerShift(),) * 3, (HOT,) * 3), tail=0.5, chips=4)
    options = {"network": IRIS, "variation": away}

    def train(folder: str, epochs: int, **changes: object) -> list[Tensor]:
        result = short(tmp_path / folder, epochs, **(options | changes))  # type: ignore[arg-type]
        return [w.detach() for w in result.network.weights]

    def same(a: list[Tensor], b: list[Tensor]) -> bool:
        return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))

    whole = train("whole", 3)
    train("parts", 1)
    assert same(whole, train("parts", 3))
    assert (tmp_path / "whole/metrics.csv").read_bytes() == (tmp_path / "parts/metrics.csv").read_bytes()
    assert not same(whole, train("other", 3, seed=1))
    assert all(math.isfinite(float(w.sum())) for w in whole)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="2 layers, the network has 3"):
        short(tmp_path, network=IRIS, variation=variation(2))
    ttfs = IRIS.model_copy(update={"neuron": TTFSNeuron(), "method": DSTD(10)})
    with pytest.raises(BadParameter, match="no drawn chips of time-to-first-spike neurons"):
        short(tmp_path, network=ttfs, variation=variation(3))
    large = columns((3, 64, 64), (Convolution(conv=64), Convolution(conv=64), 10))
    with pytest.raises(
        BadParameter, match=f"4096 positions x 64 neurons x 576 axons; at most {MOST_SYNAPSES}"
    ):
        variation(3).check_size(large)
    with pytest.raises(BadParameter, match=r"2 chips of 4 x 4 output pixels are \[32, 9, 2\]"):
        convolution(Exact(), 1, 2, 3).on_chips(images(1, 2, 1, 6, 6), drawn(Columns(9, 2, 9), 2))


@pytest.mark.parametrize("conditions", [(), ((HOT,) * 3,)])
def test_membranes_end_at_the_rails(conditions: tuple[tuple[LayerShift, ...], ...]) -> None:
    network = IMAGE.model_copy(update={"method": Exact()}).build().double()
    network.reset_parameters(torch.Generator().manual_seed(2))
    with torch.no_grad():
        for weight in network.weights:
            weight.mul_(4.0)
    source = ChipDraw(
        variation(3, conditions=conditions), network.columns, torch.empty(0, dtype=torch.float64)
    )
    met = torch.zeros(2, dtype=torch.int64) if conditions else None
    chips, t = source.draw(2, normals(0), met), images(5, 36)
    free = network(t.unsqueeze(1).expand(-1, 2, -1), None, chips)[-1].spike_time
    far = image_times(network, t, chips, (-math.inf, math.inf))
    torch.testing.assert_close(far, free, rtol=0.0, atol=1e-9)
    assert (image_times(network, t, chips, (-0.05, 0.3)) - free).abs().max() > 0.01


def test_a_network_of_one_dense_layer_meets_the_same_rails() -> None:
    """Here by torch, there by the reference in numpy."""
    dense = PAPER.model_copy(update={"layer_sizes": (5, 3)}).build().double()
    stack = IMAGE.model_copy(update={"input_shape": (5,), "layers": (3,)}).build().double()
    with torch.no_grad():
        dense.weights[0].mul_(5.0)
    stack.load_state_dict(dense.state_dict())
    t, chips = images(20, 5), (drawn(Columns(5, 3), 4),)
    for rails in ((-0.2, 0.4), (-math.inf, math.inf)):
        wanted = output_times(dense.linear_layers, t, chips, rails)
        torch.testing.assert_close(image_times(stack, t, chips, rails), wanted, rtol=0.0, atol=1e-12)


def test_accuracy_on_chips_without_spread_is_that_of_the_network() -> None:
    data, network = load_small("iris"), IRIS.build()
    network.reset_parameters(torch.Generator().manual_seed(3))
    calm = variation(3, scale=0.0)
    found = chip_accuracy(network, data.test_x, data.test_y, calm, chips=2, seed=0)
    assert found.tolist() == pytest.approx([exact_accuracy(network, data.test_x, data.test_y)] * 2)
    far = chip_accuracy(network, data.test_x, data.test_y, calm, chips=1, seed=0, rails=(-1e9, 1e9))
    assert float(far) == pytest.approx(float(found[0]), abs=0.021)  # one sample: exact in place of the grid
    ttfs = IRIS.model_copy(update={"neuron": TTFSNeuron(), "method": DSTD(10)}).build()
    with pytest.raises(BadParameter, match="no drawn chips of time-to-first-spike neurons"):
        chip_accuracy(ttfs, data.test_x, data.test_y, calm, chips=2, seed=0)
