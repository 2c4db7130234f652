"""NIR: networks to graphs and back bit for bit, other tools' graphs as a start, and refusals of what is neither."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from nonideal.characterize.model import PhysicalModel
from nonideal.pnn import (
    DSTD,
    BadParameter,
    CheckpointError,
    Convolution,
    Discharger,
    Exact,
    NetworkOptions,
    Pool,
    RCSpikeNetwork,
    RCSpikeNeuron,
    Reversal,
    SpikingNetwork,
    StackOptions,
    TrainingOptions,
    TTFSNeuron,
    load_dataset,
    load_nir,
    round_weights,
    save_nir,
    start_from_nir,
    to_nir,
    train,
    variant_options,
)

nir = pytest.importorskip("nir", reason="the extra nir is not installed")
PAPER = Reversal.constant(2.80, -1.53)
CURVED = Reversal((0.36, 0.01), (-0.68, 0.05), (0.0, 3.0), (0.0, 3.0))


def stack(neuron: Any, reversal: Reversal = PAPER) -> StackOptions:
    return StackOptions(
        input_shape=(1, 8, 8),
        layers=(Convolution(conv=3), Pool(), Convolution(conv=2, kernel=2, padding=0), 6, 4),
        neuron=neuron,
        reversal=reversal,
        sigma_spike=0.01,
        classes=3,
    )


def networks(model: PhysicalModel) -> dict[str, SpikingNetwork]:
    torch.manual_seed(5)
    coded = RCSpikeNetwork((5, 5, 3), PAPER, Discharger(0.15))
    round_weights(coded.spiking_layers, bits=4)
    return {
        "dense": RCSpikeNetwork((5, 4, 3), CURVED, Discharger(0.15), DSTD(4, order=3), 0.01, classes=2),
        "measured": variant_options("bottom_up", model, (5, 5)).build(),
        "double": RCSpikeNetwork((5, 4, 3), PAPER).double(),
        "codes": coded,
        "images": stack(RCSpikeNeuron(discharger=Discharger(0.15)), CURVED).build(),
        "first spikes": stack(TTFSNeuron()).build(),
    }


@pytest.mark.parametrize("name", ["dense", "measured", "double", "codes", "images", "first spikes"])
def test_there_and_back_is_bit_for_bit(name: str, paper_model: PhysicalModel, tmp_path: Path) -> None:
    network = networks(paper_model)[name]
    path = tmp_path / "network.nir"
    save_nir(path, network)
    found = load_nir(str(path))
    assert type(found) is type(network)
    assert (found.classes, found.sigma_spike) == (network.classes, network.sigma_spike)
    state = network.state_dict()
    assert found.state_dict().keys() == state.keys()
    for key, value in found.state_dict().items():
        assert value.dtype == state[key].dtype
        assert torch.equal(value, state[key]), key
    axons = state["layers.0.weight"].shape[1] if "layers.2.weight" not in state else 64
    t = torch.rand(7, axons)
    for one, other in zip(found.predict_times(t), network.predict_times(t), strict=True):
        assert torch.equal(one, other)
    again = tmp_path / "again.nir"
    save_nir(again, found)
    assert dict(nir.read(again).metadata) == dict(nir.read(path).metadata)


def test_the_graph_says_what_it_is(paper_model: PhysicalModel) -> None:
    graph = to_nir(networks(paper_model)["images"])
    kinds = [type(node).__name__ for node in graph.nodes.values()]
    assert kinds == [
        *("Input", "Conv2d", "CubaLIF", "SumPool2d", "Conv2d", "CubaLIF"),
        *("Flatten", "Linear", "CubaLIF", "Linear", "CubaLIF", "Output"),
    ]
    assert "ideal part alone" in graph.metadata["ideal"]


def simulated(graph: Any, spike_time: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """First output spikes of a dense graph, step by step as the equations of its nodes stand in NIR: a spike is 1 during one step."""
    dt = 1.0 / steps
    layers = [
        (graph.nodes[name].weight.astype(np.float64), graph.nodes[after])
        for (name, after) in graph.edges
        if type(graph.nodes[name]).__name__ == "Linear"
    ]
    scale = dt / graph.metadata["step"]  # of R: pulses are as long as this simulation's steps
    state = [(np.zeros(len(w)), np.zeros(len(w)), np.full(len(w), np.inf)) for w, _ in layers]
    for step in range(4 * steps):
        arriving = (np.abs(spike_time - step * dt) < 0.5 * dt).astype(np.float64)
        for (weight, node), (current, v, first) in zip(layers, state, strict=True):
            current[:] += dt * (node.w_in * (weight @ arriving) - current) / node.tau_syn
            v[:] += dt * ((node.v_leak - v) + node.r / scale * current) / node.tau_mem
            fires = (v > node.v_threshold) & np.isinf(first)
            first[fires] = step * dt
            arriving = fires.astype(np.float64)
    return state[-1][2]


def test_the_nodes_are_the_ideal_network(paper_model: PhysicalModel) -> None:
    """Evaluated by NIR's own equations, with steps of 1 / 2000 T_circ, first spikes are those of ideal TTFS neurons."""
    torch.manual_seed(1)
    ideal = Reversal.ideal(1e9)
    options = StackOptions(
        input_shape=(6,),
        layers=(5, 3),
        neuron=TTFSNeuron(horizon=3.0, spread=0.2),
        reversal=ideal,
        method=Exact(),
    )
    network = options.build().double()
    t = torch.rand(1, 6, dtype=torch.float64)
    expected = network.predict_times(t)[-1][0].numpy()
    assert int((expected < 3.0).sum()) >= 2
    found = simulated(to_nir(network), t[0].numpy(), steps=2000)
    fires = expected < 3.0
    np.testing.assert_allclose(found[fires], expected[fires], atol=2.5e-3)


def chain(*nodes: Any) -> Any:
    return nir.NIRGraph.from_list(*nodes)


def neurons(kind: str, size: int, threshold: float = 1.0) -> Any:
    one = np.ones(size, np.float32)
    common: dict[str, Any] = {"v_leak": 0 * one, "v_threshold": threshold * one}
    if kind == "IF":
        return nir.IF(r=one, v_threshold=threshold * one)
    if kind == "LIF":
        return nir.LIF(tau=0.02 * one, r=one, **common)
    return nir.CubaLIF(tau_syn=0.005 * one, tau_mem=0.02 * one, r=one, **common)


def written(path: Path, graph: Any) -> Path:
    nir.write(path, graph)
    return path


W1 = np.linspace(-1.0, 1.0, 12, dtype=np.float32).reshape(3, 4)
W2 = np.linspace(0.5, -0.5, 6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize("kind", ["IF", "LIF", "CubaLIF"])
def test_another_tools_graph_is_a_start(kind: str, tmp_path: Path) -> None:
    bias = np.array([0.5, 0.0, -0.5], np.float32)
    graph = chain(nir.Affine(W1, bias), neurons(kind, 3, 2.0), nir.Linear(W2), neurons(kind, 2, 0.5))
    path = written(tmp_path / "other.nir", graph)
    network = start_from_nir(path, PAPER, discharger=Discharger(0.15), sigma_spike=0.01)
    assert network.layer_sizes == (5, 3, 2)
    assert (network.linear_layers[0].reversal, network.sigma_spike) == (PAPER, 0.01)
    np.testing.assert_array_equal(
        network.weights[0].detach().numpy(), np.concatenate((W1, bias[:, None]), 1) / 2.0
    )
    np.testing.assert_array_equal(network.weights[1].detach().numpy(), W2 / 0.5)
    with pytest.raises(CheckpointError, match=r"another tool's; start_from_nir takes its weights"):
        load_nir(path)


def test_a_training_begins_with_it(tmp_path: Path) -> None:
    """The same start gives the same end; a start is part of what a checkpoint belongs to; another network's is refused."""
    data = load_dataset("iris")
    options = NetworkOptions(layer_sizes=(5, 3, 3), reversal=PAPER)
    w1, w2 = (
        0.3 * np.random.default_rng(k).standard_normal((3, n)).astype(np.float32) for k, n in ((1, 5), (2, 3))
    )
    graph = chain(nir.Linear(w1), neurons("LIF", 3), nir.Linear(w2), neurons("LIF", 3))
    start = start_from_nir(written(tmp_path / "other.nir", graph), PAPER)
    slow = TrainingOptions(epochs=1, learning_rate=1e-9, tensorboard=False)
    first = train(data, options, slow, tmp_path / "a", initial=start, show_progress=False)
    for found, given in zip(first.network.weights, (w1, w2), strict=True):
        np.testing.assert_allclose(found.detach().numpy(), given, atol=1e-7)
    with pytest.raises(CheckpointError, match="other options or data"):
        train(data, options, slow, tmp_path / "a", show_progress=False)
    with pytest.raises(
        BadParameter, match=r"initial has weights \[\[5, 5\], \[3, 5\]\], network_options describes"
    ):
        train(
            data, options, slow, tmp_path / "b", initial=RCSpikeNetwork((5, 5, 3), PAPER), show_progress=False
        )


def test_what_is_no_start_is_refused_with_its_node(tmp_path: Path) -> None:
    one, bias = neurons("IF", 3), np.ones(2, np.float32)
    recurrent = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([4])}),
            "w": nir.Linear(W1),
            "n": one,
            "back": nir.Linear(np.eye(3)),
            "output": nir.Output({"output": np.array([3])}),
        },
        [("input", "w"), ("w", "n"), ("n", "back"), ("back", "n"), ("n", "output")],
    )
    conv = nir.Conv2d((4, 4), np.ones((2, 1, 3, 3), np.float32), 1, 0, 1, 1, np.zeros(2, np.float32))
    plane = np.ones((2, 2, 2), np.float32)
    cases = [
        (recurrent, r"node n has 2 edges in and 2 out: branches and recurrent"),
        (
            chain(nir.Linear(W1), nir.Linear(W2), neurons("IF", 2)),
            "node linear_1 follows linear without neurons",
        ),
        (
            chain(nir.Linear(W1), one, nir.Affine(W2, bias), neurons("IF", 2)),
            "node affine has a bias, and only the first",
        ),
        (chain(nir.Linear(W1), one, nir.Linear(W2)), "node linear_1 has no neurons after it"),
        (
            chain(nir.Linear(W1), neurons("IF", 3, 0.0)),
            "neurons after linear have 3 thresholds, the least 0.0",
        ),
        (
            chain(nir.Linear(W1), nir.Threshold(np.ones(3))),
            "node threshold is a Threshold: a chain of Affine",
        ),
        (chain(conv, nir.IF(plane, plane)), "node conv2d is a convolution"),
        (chain(one), "node if has neurons without an Affine"),
    ]
    for number, (graph, told) in enumerate(cases):
        with pytest.raises(CheckpointError, match=told):
            start_from_nir(written(tmp_path / f"{number}.nir", graph), PAPER)
    with pytest.raises(BadParameter, match="sigma"):
        start_from_nir(written(tmp_path / "good.nir", chain(nir.Linear(W1), one)), PAPER, sigma=1)


def test_damage_is_told(tmp_path: Path, paper_model: PhysicalModel) -> None:
    good = tmp_path / "good.nir"
    save_nir(good, networks(paper_model)["dense"])
    cut = tmp_path / "cut.nir"
    cut.write_bytes(good.read_bytes()[:1500])
    (tmp_path / "text.nir").write_text("hello")
    for path, told in (
        (cut, "not a readable NIR file"),
        (tmp_path / "text.nir", "not a readable NIR file"),
        (tmp_path / "none.nir", "no such file"),
    ):
        with pytest.raises(CheckpointError, match=told):
            load_nir(path)
    graph = nir.read(io.BytesIO(good.read_bytes()))
    name = next(name for name in graph.nodes if "linear" in name)
    for value, told in (
        (np.ones((4, 4), np.float32), "nodes of shapes"),
        (np.full((4, 5), np.nan, np.float32), "no finite"),
    ):
        graph.nodes[name].weight = value
        nir.write(tmp_path / "other.nir", graph)
        with pytest.raises(CheckpointError, match=told):
            load_nir(tmp_path / "other.nir")
    graph.metadata = {**graph.metadata, "nonideal": '{"format": 7}'}
    nir.write(tmp_path / "newer.nir", graph)
    with pytest.raises(CheckpointError, match="format 7, this version reads 1"):
        load_nir(tmp_path / "newer.nir")


def test_layers_of_several_kinds_are_refused() -> None:
    network = RCSpikeNetwork((5, 4, 3), PAPER)
    network.linear_layers[1].reversal = CURVED
    with pytest.raises(BadParameter, match="layer 2 has another reversal than its options say"):
        to_nir(network)
