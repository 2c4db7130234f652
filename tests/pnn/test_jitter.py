"""Jitter of a layer's spikes: the closed form against integrals and against drawn noise, the short form against the closed one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nonideal.characterize.flicker import window_s2
from nonideal.characterize.jitter import LayerNoise, Window, layer_noise, network_noise
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import layer_physics
from nonideal.pnn import Convolution, StackNetwork, StackOptions, TTFSNeuron
from nonideal.pnn.exact import membrane_exact
from nonideal.pnn.jitter import (
    PARTS,
    intensities,
    layer_sigma,
    membrane_variance,
    short_sigma,
    spike_variance,
    total,
    window,
)
from nonideal.pnn.native import available
from nonideal.pnn.reversal import Reversal
from nonideal.pnn.robustness import noisy_accuracy
from nonideal.pnn.variants import variant_options


@pytest.fixture
def noise(noisy_model: PhysicalModel) -> LayerNoise:
    return layer_noise(noisy_model, 5)


def layer(seed: int = 0, samples: int = 12) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Spike times, weights and conductances such as a trained layer of 5 x 3 has."""
    generator = torch.Generator().manual_seed(seed)
    t = torch.rand(samples, 5, generator=generator, dtype=torch.float64)
    w = torch.rand(3, 5, generator=generator, dtype=torch.float64) * 1.5 - 0.6
    return t, w, torch.where(w < 0, -0.6, 0.36) * w


def fired(t: torch.Tensor, w: torch.Tensor, c: torch.Tensor, b: float) -> tuple[torch.Tensor, torch.Tensor]:
    v = membrane_exact(t, w, c)
    return v, 1 - torch.log1p(-b * v) / np.log1p(-b)


def test_the_window_is_that_of_the_bridge() -> None:
    x = np.array([0.0, 0.02, 0.3, 1.0])
    for exponent in (0.84, 1.0):
        one = Window.of(exponent, 1e-6, 1.0)
        found = window(one, torch.tensor(x)).numpy()
        assert found == pytest.approx(window_s2(exponent, x * 1e-6, 1.0) * 1e12, rel=1e-6)


def test_the_closed_form_is_the_integral(noise: LayerNoise) -> None:
    """By a sum over a fine grid of the phase, of a membrane that is stepped through it."""
    t, w, c = layer(1, 3)
    found = membrane_variance(t, w, c, noise)
    steps = 20_000
    at = (np.arange(steps) + 0.5) / steps
    white, flicker = (x.numpy() for x in intensities(w, noise))
    for sample in range(len(t)):
        on = at[:, None] > t[sample].numpy()
        for k in range(len(w)):
            f, g = on @ c[k].numpy(), on @ w[k].numpy()
            v, trace = 0.0, np.zeros(steps)
            for i in range(steps):
                trace[i] = v + (g[i] - f[i] * v) / (2 * steps)
                v = v + (g[i] - f[i] * trace[i]) / steps
            h = np.exp(-(np.cumsum(f[::-1])[::-1] - f / 2) / steps)
            for name, side, mine in (
                ("n", noise.positive, w[k].numpy() >= 0),
                ("p", noise.negative, w[k].numpy() < 0),
            ):
                density = on[:, mine] @ white[k, mine] * (1 - side.white_slope * trace)
                assert float(found[f"synapses_white_{name}"][sample, k]) == pytest.approx(
                    np.sum(density * h**2) / steps, rel=1e-3
                )
                wanted = 0.0
                for j in np.flatnonzero(mine):
                    left = 1 - float(t[sample, j])
                    height = np.sum(on[:, j] * (1 - side.flicker_slope * trace) * h) / steps / left
                    wanted += flicker[k, j] * float(window(side.window, torch.tensor(left))) * height**2
                assert float(found[f"synapses_flicker_{name}"][sample, k]) == pytest.approx(wanted, rel=2e-3)


def test_drawn_white_noise_has_that_variance(noise: LayerNoise) -> None:
    """Membranes stepped under drawn noise of one lone synapse: no formula on the other side."""
    w, beta, start = 1.0, 0.36, 0.2
    quiet = replace(noise, switched=0.0)
    t, weight = torch.tensor([[start]], dtype=torch.float64), torch.tensor([[w]], dtype=torch.float64)
    wanted = float(membrane_variance(t, weight, beta * weight, quiet)["synapses_white_n"])
    intensity = float(intensities(weight, noise)[0])
    generator, steps, runs = np.random.default_rng(7), 400, 20_000
    v, h = np.zeros(runs), (1 - start) / steps
    for _ in range(steps):
        kick = np.sqrt(np.maximum(intensity * (1 - noise.positive.white_slope * v) * h, 0.0))
        v = v + w * (1 - beta * v) * h + kick * generator.standard_normal(runs)
    assert np.var(v) == pytest.approx(wanted, rel=4 * np.sqrt(2 / runs))


def test_parts_sum_to_the_total_and_none_is_missing(noise: LayerNoise) -> None:
    t, w, c = layer()
    parts = spike_variance(t, w, c, fired(t, w, c, noise.discharge), noise)
    assert tuple(parts) == PARTS
    assert torch.allclose(total(parts), sum(parts.values()))  # type: ignore[arg-type]
    assert all(bool((one >= 0).all()) for one in parts.values())


def test_the_short_form_is_the_closed_one_to_a_few_per_cent(noise: LayerNoise) -> None:
    """Weights are wider than trained ones, where it is within 2 %."""
    t, w, c = layer(3, 200)
    both = fired(t, w, c, noise.discharge)
    ratio = short_sigma(t, w, c, both, noise) / total(spike_variance(t, w, c, both, noise)).sqrt()
    usable = (both[1] > 0.1) & (both[1] < 1)
    assert float((ratio[usable] - 1).abs().mean()) < 0.05
    assert float((ratio[usable] - 1).abs().max()) < 0.2


def test_a_silent_layer_jitters_by_ramp_and_sensing_alone(noise: LayerNoise) -> None:
    t, w, c = torch.ones(1, 5, dtype=torch.float64), *layer()[1:]
    found = membrane_variance(t, w, c, noise)
    assert all(
        float(found[f"synapses_{kind}"].max()) == 0.0
        for kind in ("white_n", "white_p", "flicker_n", "flicker_p")
    )
    assert float(found["switches"][0, 0]) == pytest.approx(noise.switched)


def test_gradients(noise: LayerNoise) -> None:
    t, w, _ = layer(5, 2)
    b = noise.discharge

    def sigma(t: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        c = torch.where(w < 0, -0.6, 0.36) * w
        return 1e3 * short_sigma(t, w, c, fired(t, w, c, b), noise)

    def variance(t: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        c = torch.where(w < 0, -0.6, 0.36) * w
        return 1e6 * total(spike_variance(t, w, c, fired(t, w, c, b), noise))

    t, w = t.requires_grad_(), w.requires_grad_()
    assert torch.autograd.gradcheck(sigma, (t, w), atol=1e-5)
    assert torch.autograd.gradcheck(variance, (t, w), atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_kernel_is_the_short_form(
    noise: LayerNoise, noisy_model: PhysicalModel, dtype: torch.dtype
) -> None:
    """Odd sizes, silent inputs, weights of both signs and beyond those that were measured."""
    if not available(torch.zeros(1, dtype=dtype)):
        pytest.skip("no native kernel on this machine")
    reversal = Reversal.of(layer_physics(noisy_model, 5))
    generator = torch.Generator().manual_seed(2)
    t = 1.3 * torch.rand(11, 7, generator=generator, dtype=dtype) - 0.1
    weight = 0.5 * torch.randn(19, 7, generator=generator, dtype=dtype)
    weight[0, 0] = 2.5
    c = reversal.conductance(weight)
    v = membrane_exact(t, weight, c)
    both = (v, 1 - torch.log1p(-noise.discharge * v) / np.log1p(-noise.discharge))
    wanted = short_sigma(t, weight, c, both, noise)
    found = layer_sigma(t, weight, reversal, both, noise)
    assert found.dtype == dtype
    assert torch.allclose(found, wanted, rtol=2e-3, atol=0.0)


def test_a_network_jitters_as_its_layers_were_measured(noisy_model: PhysicalModel) -> None:
    noises = network_noise(noisy_model, (5, 5, 5))
    quiet = variant_options("bottom_up", noisy_model, (5, 5, 5)).build()
    noisy = variant_options("bottom_up", noisy_model, (5, 5, 5), noise=noises).build()
    noisy.load_state_dict(quiet.state_dict())
    t = torch.rand(1, 5, generator=torch.Generator().manual_seed(1)).expand(4000, -1)
    assert torch.equal(noisy(t)[0].unclipped, quiet(t)[0].unclipped)  # no generator, no noise
    first = noisy(t, torch.Generator().manual_seed(0))[0]
    layer = quiet.linear_layers[0]
    sigma = layer_sigma(t[:1], layer.weight, layer.reversal, layer(t[:1]), noises[0])
    assert first.unclipped.detach().std(0).numpy() == pytest.approx(sigma[0].numpy(), rel=0.06)
    loss = noisy(t, torch.Generator().manual_seed(0))[-1].unclipped.mean()
    loss.backward()
    assert all(bool(torch.isfinite(w.grad).all()) for w in noisy.weights)  # type: ignore[arg-type]


def test_noise_of_every_layer_is_asked_for(noisy_model: PhysicalModel) -> None:
    one = network_noise(noisy_model, (5, 5))
    with pytest.raises(ValueError, match="noise describes 1 layers"):
        variant_options("bottom_up", noisy_model, (5, 5, 5), noise=one)


def test_accuracy_under_noise_falls_where_outputs_are_close(noisy_model: PhysicalModel) -> None:
    """Two outputs with the same weights decide by noise alone: half of the time, and sigma of the share is that of coins."""
    noises = network_noise(noisy_model, (3, 2))
    network = variant_options("bottom_up", noisy_model, (3, 2)).build()
    with torch.no_grad():
        network.linear_layers[0].weight.fill_(0.4)
    t = torch.full((100, 3), 0.3)
    right = noisy_accuracy(network, t, torch.zeros(100, dtype=torch.long), noises, draws=50, seed=3)
    assert float(right.mean()) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(5000))
    with torch.no_grad():
        network.linear_layers[0].weight[1] = 0.1
    right = noisy_accuracy(network, t, torch.zeros(100, dtype=torch.long), noises, draws=5, seed=3)
    assert right.tolist() == [1.0] * 5


def test_accuracy_under_noise_of_convolutions(noisy_model: PhysicalModel) -> None:
    """As of full connections: outputs with the same weights decide by noise alone, hidden spikes hand theirs on; TTFS is refused."""
    reversal = Reversal.of(layer_physics(noisy_model, 4))
    options = StackOptions(input_shape=(1, 3, 3), layers=(Convolution(conv=2), 2), reversal=reversal)
    noises = tuple(layer_noise(noisy_model, size.axons) for size in options.columns)
    network = options.build()
    assert isinstance(network, StackNetwork)
    with torch.no_grad():
        for weight in network.weights:
            weight.fill_(0.07)
    t, label = torch.full((100, 9), 0.3), torch.zeros(100, dtype=torch.long)
    right = noisy_accuracy(network, t, label, noises, draws=40, seed=3)
    assert right.shape == (40,)
    assert float(right.mean()) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(4000))
    assert torch.equal(right, noisy_accuracy(network, t, label, noises, draws=40, seed=3))
    with torch.no_grad():
        network.weights[1][1] = 0.03
    assert noisy_accuracy(network, t, label, noises, draws=2, seed=3).tolist() == [1.0] * 2
    assert network.noise == ()
    with pytest.raises(ValueError, match="describes 1 layers"):
        noisy_accuracy(network, t, label, noises[:1], draws=2, seed=3)
    with pytest.raises(ValueError, match="99 labels for 100 samples"):
        noisy_accuracy(network, t, label[:99], noises, draws=2, seed=3)
    ttfs = StackOptions(input_shape=(1, 3, 3), layers=(2,), neuron=TTFSNeuron(), reversal=reversal).build()
    with pytest.raises(ValueError, match="time-to-first-spike"):
        noisy_accuracy(ttfs, t, label, noises[:1], draws=2, seed=3)
