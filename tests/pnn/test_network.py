"""Layers and networks."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from nonideal.pnn import (
    DSTD,
    BadParameter,
    Discharger,
    Exact,
    NetworkOptions,
    RCSpikeLinear,
    RCSpikeNetwork,
    Reversal,
)
from nonideal.pnn.noise import spike_time_noise

PAPER = Reversal.constant(2.80, -1.53)


def network(**changes: object) -> RCSpikeNetwork:
    settings = {"layer_sizes": (5, 6, 4), "reversal": PAPER, "discharger": Discharger(0.155), "classes": 3}
    built = NetworkOptions(**(settings | changes)).build()
    built.reset_parameters(torch.Generator().manual_seed(0))
    return built


def spikes(batch: int = 20) -> torch.Tensor:
    return torch.rand(batch, 5, generator=torch.Generator().manual_seed(1))


def test_exact_and_dstd_share_their_parameters() -> None:
    exact, grid = network(method=Exact()), network(method=DSTD(40))
    grid.load_state_dict(exact.state_dict())
    assert list(grid.state_dict()) == ["layers.0.weight", "layers.1.weight"]
    a, b = exact(spikes())[-1].membrane, grid(spikes())[-1].membrane
    assert 0.0 < (a - b).abs().max() < 1e-3


def test_layers_pass_clipped_spikes_and_keep_unclipped_times() -> None:
    firings = network()(spikes())
    assert [f.membrane.shape[1] for f in firings] == [6, 4]
    assert firings[0].unclipped.max() > 1.0
    assert firings[0].spike_time.max() == 1.0
    layer = network().linear_layers[1]
    torch.testing.assert_close(layer(firings[0].spike_time).membrane, firings[1].membrane)


def test_without_generator_nothing_is_random() -> None:
    noisy = network(method=DSTD(3, random_offset=True), sigma_spike=0.05)
    assert torch.equal(noisy(spikes())[-1].unclipped, noisy(spikes())[-1].unclipped)
    first, again, other = (noisy(spikes(), torch.Generator().manual_seed(s))[-1].unclipped for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_noise_has_its_sigma() -> None:
    t = torch.full((400, 500), 0.5)
    noise = spike_time_noise(t, 0.01, torch.Generator().manual_seed(0)) - t
    assert noise.std().item() == pytest.approx(0.01, rel=0.02)
    assert abs(noise.mean().item()) < 1e-4
    with pytest.raises(BadParameter, match="sigma"):
        spike_time_noise(t, -0.1, None)


def test_decision_is_the_first_used_output() -> None:
    times = torch.tensor([[0.5, 0.2, 0.9, 0.1], [1.0, 1.0, 1.0, 0.0], [0.3, 0.3, 0.4, 0.0]])
    assert network().decide(times).tolist() == [1, -1, 0]


def test_predicted_times_are_double_and_exact() -> None:
    net = network(method=DSTD(2), sigma_spike=0.1)
    times = net.predict_times(spikes())
    assert [t.dtype for t in times] == [torch.float64, torch.float64]
    exact = network(method=Exact()).double()(spikes().double())
    torch.testing.assert_close(times[-1], exact[-1].spike_time)
    assert torch.equal(network(method=Exact()).predict(spikes()), net.decide(times[-1]))


def test_membrane_range_covers_the_end_values() -> None:
    net = network()
    for (low, high), firing in zip(net.membrane_range(spikes()), net(spikes()), strict=True):
        assert low <= min(0.0, firing.membrane.min().item() + 1e-6)
        assert high >= firing.membrane.max().item() - 1e-6


def test_initialisation_is_that_of_a_linear_layer() -> None:
    weight = RCSpikeLinear(100, 400, PAPER).weight.detach()
    assert weight.abs().max() <= 0.1
    assert weight.std().item() == pytest.approx(0.1 / 3**0.5, rel=0.03)


def test_bad_sizes_are_refused() -> None:
    with pytest.raises(BadParameter, match="classes"):
        RCSpikeNetwork((5, 2), PAPER, classes=3)
    with pytest.raises(BadParameter, match="at least"):
        RCSpikeLinear(0, 3, PAPER)
    with pytest.raises(ValidationError, match="at least 1"):
        NetworkOptions(layer_sizes=(5, 0), reversal=PAPER)
    with pytest.raises(ValidationError, match="layersizes"):
        NetworkOptions(layersizes=(5, 5), reversal=PAPER)


def test_options_survive_json() -> None:
    options = NetworkOptions(
        layer_sizes=(5, 5), reversal=PAPER, method=DSTD(4, True), discharger=Discharger(0.1), classes=2
    )
    assert NetworkOptions.model_validate_json(options.model_dump_json()) == options
    assert NetworkOptions(layer_sizes=(5, 5), reversal=PAPER).method == Exact()
