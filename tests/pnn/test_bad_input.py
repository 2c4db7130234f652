"""What is wrong where a layer is built or called by hand: refused by name, with the way out."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import nonideal
from nonideal.files import UnreadableFile
from nonideal.pnn import (
    DSTD,
    BadParameter,
    CheckpointError,
    DataError,
    Discharger,
    EarliestSpikePool2d,
    LossWeights,
    RCSpikeConv2d,
    RCSpikeLinear,
    RCSpikeNetwork,
    Reversal,
    TTFSLinear,
    accuracy,
    chip_accuracy,
    decide,
    firing_promotion,
    first_to_fire,
    load_network,
    membrane_exact,
    preset,
    training_loss,
)

PAPER = Reversal.constant(2.80, -1.53)
X, Y = torch.linspace(0.0, 1.0, 50).view(10, 5), torch.arange(10) % 3
WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "reversal of a name": (lambda: RCSpikeLinear(5, 3, "sky130_tt"), "reversal is 'sky130_tt': give a"),  # type: ignore[arg-type]
    "reversal of a model": (lambda: RCSpikeLinear(5, 3, preset()), r"reversal is .*: give a .*Reversal"),  # type: ignore[arg-type]
    "reversal of a convolution": (lambda: RCSpikeConv2d(1, 3, 3, None), "reversal is None"),  # type: ignore[arg-type]
    "reversal of a network": (lambda: RCSpikeNetwork((5, 3), None), "reversal is None"),  # type: ignore[arg-type]
    "reversal of TTFS": (lambda: TTFSLinear(5, 3, 2.8), "reversal is 2.8"),  # type: ignore[arg-type]
    "discharger": (lambda: RCSpikeLinear(5, 3, PAPER, 0.155), r"discharger is 0.155: give a .*Discharger"),  # type: ignore[arg-type]
    "method": (
        lambda: RCSpikeLinear(5, 3, PAPER, method="exact"),
        r"method is 'exact': give a pnn.Exact\(\)",
    ),  # type: ignore[arg-type]
    "method of a convolution": (lambda: RCSpikeConv2d(1, 3, 3, PAPER, method=4), r"method is 4: give"),  # type: ignore[arg-type]
    "method of TTFS": (lambda: TTFSLinear(5, 3, PAPER, DSTD), r"method is <class .*DSTD'>: give"),  # type: ignore[arg-type]
    "model": (
        lambda: RCSpikeLinear.from_model(5, 3, "sky130_tt"),
        r"model is 'sky130_tt': give a .*PhysicalModel",
    ),  # type: ignore[arg-type]
    "model of a ramp": (lambda: Discharger.from_model(0.1), "model is 0.1"),  # type: ignore[arg-type]
    "model by current": (lambda: Reversal.current_dependent(None), "model is None"),  # type: ignore[arg-type]
    "reversal potentials": (lambda: Reversal.constant("a", -1.0), r"need E_rev\+ > 0 > E_rev-, got 'a'"),  # type: ignore[arg-type]
    "no number": (lambda: Reversal.constant(math.nan, -1.0), r"need E_rev\+ > 0"),
    "steps": (lambda: DSTD(2.5), "DSTD steps = 2.5: give a whole number"),  # type: ignore[arg-type]
    "horizon": (lambda: TTFSLinear(5, 3, PAPER, horizon=math.nan), "horizon = nan: give a finite number"),
    "sigma": (
        lambda: RCSpikeNetwork((5, 3), PAPER, sigma_spike=3.0),
        r"sigma_spike = 3.0: must lie in \[0, 1\]",
    ),
    "classes": (lambda: RCSpikeNetwork((5, 3), PAPER, classes="a"), "classes = 'a': give a whole number"),  # type: ignore[arg-type]
    "generator": (
        lambda: RCSpikeLinear(5, 3, PAPER, method=DSTD(4, random_offset=True))(X, 7),
        "generator is 7: give a",
    ),
    "complex times": (lambda: RCSpikeLinear(5, 3, PAPER)(X + 1j), "give a dense tensor of real numbers"),
    "sparse times": (
        lambda: RCSpikeLinear(5, 3, PAPER)(X.to_sparse()),
        "give a dense tensor of real numbers",
    ),
    "an image of lists": (lambda: EarliestSpikePool2d(2)([1.0]), r"spike_time is \[1.0\]: give a tensor"),  # type: ignore[call-overload]
    "lists for tensors": (lambda: membrane_exact([[1.0]], [[1.0]], [[1.0]]), r"need spike_time \[B, N_in\]"),  # type: ignore[arg-type]
    "softness": (lambda: first_to_fire(X[:, :3], Y, 0.0), "tau_soft = 0.0: give a time above 0"),
    "spikes for times": (
        lambda: first_to_fire(RCSpikeLinear(5, 3, PAPER)(X), Y, 0.07),  # type: ignore[arg-type]
        "output_time is Firing.*unclipped times",
    ),
    "one firing for all": (
        lambda: training_loss(RCSpikeLinear(5, 3, PAPER)(X), Y, [], LossWeights(), 3),  # type: ignore[arg-type]
        "firings is .*: give a list of what every layer gave",
    ),
    "promotion of phases": (
        lambda: firing_promotion([RCSpikeLinear(5, 3, PAPER)(X)]),  # type: ignore[list-item]
        "give the FirstSpike of every TTFS layer",
    ),
    "promotion of nothing": (lambda: firing_promotion([]), "give the FirstSpike"),
    "accuracy of a layer": (
        lambda: accuracy(RCSpikeLinear(5, 3, PAPER), X, Y),
        "network is .*SpikingNetwork",
    ),  # type: ignore[arg-type]
    "decision of spikes": (
        lambda: decide(RCSpikeLinear(5, 3, PAPER)(X)),
        "of a layer's spikes their spike_time",
    ),  # type: ignore[arg-type]
    "decision among more": (
        lambda: decide(X, 9),
        "classes = 9: give a whole number, at least 1 and at most 5",
    ),
    "chips without a spread": (
        lambda: chip_accuracy(RCSpikeNetwork((5, 3), PAPER), X, Y, None, chips=3, seed=1),  # type: ignore[arg-type]
        "variation is None",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_it_is_refused_by_name(case: str) -> None:
    call, told = WRONG[case]
    with pytest.raises(BadParameter, match=told):
        call()


def test_membranes_are_drawn_of_times_only() -> None:
    layer = RCSpikeLinear(5, 3, PAPER)
    with pytest.raises(DataError, match=r"spike_time has shape \[10, 3\]: give \[samples, 5\]"):
        layer.trajectory(X[:, :3])
    holes = X.clone()
    holes[4, 2] = math.nan
    with pytest.raises(DataError, match="row 4, column 2 is nan"):
        layer.trajectory(holes)
    assert layer.trajectory(layer(X)[0].new_zeros(2, 5)).v.shape == (2, 12, 3)


def test_files_of_another_kind_say_where_to_go(tmp_path: Path) -> None:
    newer = tmp_path / "model.json"
    newer.write_text(preset().model_dump_json().replace('"format":2', '"format":9'))
    with pytest.raises(
        UnreadableFile, match=r"no PhysicalModel that this version reads \(format: .*make it again"
    ):
        nonideal.PhysicalModel.load(newer)
    weights = tmp_path / "weights.pt"
    torch.save(RCSpikeNetwork((5, 3), PAPER).state_dict(), weights)
    with pytest.raises(CheckpointError, match=r"give the weights\.safetensors that a training wrote"):
        load_network(weights)
