"""Measured noise of convolutions: every output pixel's neurons jitter as a column with its axons does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nonideal.characterize.jitter import layer_noise
from nonideal.characterize.model import PhysicalModel
from nonideal.pnn import (
    DSTD,
    CheckpointError,
    Convolution,
    Exact,
    Pool,
    RCSpikeLinear,
    StackOptions,
    TTFSNeuron,
)
from nonideal.pnn.conv import RCSpikeConv2d, unfold_spikes
from nonideal.pnn.jitter import layer_sigma
from nonideal.pnn.spikes import Firing
from nonideal.pnn.stack import RCSpikeNeuron
from nonideal.pnn.variation import ChipDraw
from tests.pnn.drawn_chips import PAPER, normals, short, variation

IMAGE = StackOptions(
    input_shape=(1, 5, 1),
    layers=(Convolution(conv=4), 6, 5),
    reversal=PAPER.reversal,
    neuron=RCSpikeNeuron(discharger=PAPER.discharger),
    method=DSTD(4, order=3),
)


def noisy(options: StackOptions, model: PhysicalModel) -> StackOptions:
    noises = tuple(layer_noise(model, one.axons) for one in options.columns)
    return StackOptions.model_validate(options.model_dump() | {"noise": noises})


def test_one_pixel_jitters_as_the_dense_layer(noisy_model: PhysicalModel) -> None:
    noise = layer_noise(noisy_model, 7)
    conv = RCSpikeConv2d(7, 5, 1, PAPER.reversal, PAPER.discharger, Exact())
    dense = RCSpikeLinear(7, 5, PAPER.reversal, PAPER.discharger)
    dense.load_state_dict({"weight": conv.weight[:, :, 0, 0]})
    t = torch.rand(6, 7, generator=torch.Generator().manual_seed(0))
    fired = dense(t)
    found = conv.sigma(t[..., None, None], Firing(*(part[..., None, None] for part in fired)), noise)
    assert torch.equal(found[..., 0, 0], dense.sigma(t, fired, noise))
    assert not found.requires_grad


def test_every_pixel_jitters_by_what_its_kernel_hears(noisy_model: PhysicalModel) -> None:
    noise = layer_noise(noisy_model, 18)
    conv = RCSpikeConv2d(2, 3, 3, PAPER.reversal, PAPER.discharger, Exact(), padding=1).double()
    t = torch.rand(4, 2, 5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    fired = conv(t)
    found = conv.sigma(t, fired, noise)
    windows = unfold_spikes(t, 3, 1, silent=2.0).view(4, 5, 4, 18)
    for y, x in ((0, 0), (2, 1), (4, 3)):
        here = Firing(fired.membrane[:, :, y, x], fired.unclipped[:, :, y, x])
        wanted = layer_sigma(windows[:, y, x], conv.flat().t(), conv.reversal, here, noise)
        torch.testing.assert_close(found[:, :, y, x], wanted, rtol=1e-12, atol=0.0)
    chips = torch.stack((t, t.flip(0)), 1)  # on drawn chips alike
    both = Firing(*(torch.stack((part, part.flip(0)), 1) for part in fired))
    torch.testing.assert_close(conv.sigma(chips, both, noise)[:, 1], found.flip(0), rtol=1e-12, atol=0.0)


def test_a_network_jitters_as_its_layers_were_measured(noisy_model: PhysicalModel) -> None:
    options = noisy(IMAGE, noisy_model)
    quiet, network = IMAGE.build(), options.build()
    network.load_state_dict(quiet.state_dict())
    t = torch.rand(1, 5, generator=torch.Generator().manual_seed(1)).expand(4000, -1)
    assert torch.equal(network(t)[0].unclipped, quiet(t)[0].unclipped)  # no generator, no noise
    first = network(t, torch.Generator().manual_seed(0))[0].unclipped
    layer = quiet.layers[0]
    assert isinstance(layer, RCSpikeConv2d)
    image = t[:1].unflatten(1, (1, 5, 1))
    sigma = layer.sigma(image, layer(image), options.noise[0])
    torch.testing.assert_close(first.detach().std(0), sigma[0], rtol=0.08, atol=0.0)
    chips = ChipDraw(variation(3), network.columns).draw(2, normals(0, torch.float32))
    on_chips = network(t[:8].unsqueeze(1).expand(-1, 2, -1), torch.Generator().manual_seed(0), chips)
    on_chips[-1].unclipped.mean().backward()
    assert all(w.grad is not None and bool(torch.isfinite(w.grad).all()) for w in network.weights)


def test_training_is_seeded_and_resumes_bit_by_bit(tmp_path: Path, noisy_model: PhysicalModel) -> None:
    network = noisy(IMAGE, noisy_model)

    def train(folder: str, epochs: int, network: StackOptions = network) -> list[torch.Tensor]:
        result = short(tmp_path / folder, epochs, network=network, variation=None)
        return [w.detach() for w in result.network.weights]

    whole, _ = train("whole", 3), train("parts", 1)
    with pytest.raises(CheckpointError, match="other options"):
        train("parts", 3, IMAGE)
    assert all(torch.equal(a, b) for a, b in zip(whole, train("parts", 3), strict=True))


def test_what_does_not_fit_is_refused(noisy_model: PhysicalModel) -> None:
    one = layer_noise(noisy_model, 9)
    told = IMAGE.model_dump()
    with pytest.raises(ValueError, match="noise describes 1 layers, the network has 3 of neurons"):
        StackOptions.model_validate(told | {"noise": (one,)})
    pooled = told | {"input_shape": (1, 4, 4), "layers": (Convolution(conv=2), Pool(), 3)}
    assert StackOptions.model_validate(pooled | {"noise": (one, one)}).noise == (one, one)
    with pytest.raises(ValueError, match="no measured noise of time-to-first-spike neurons"):
        StackOptions.model_validate(
            told | {"noise": (one, one, one), "neuron": TTFSNeuron(), "method": DSTD(10)}
        )
