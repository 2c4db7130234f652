"""What the trainer makes of drawn chips and conditions: seeds, resumption, checkpoints, yield."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

import nonideal.pnn.loop
import nonideal.pnn.rc_spike
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.shift import LayerShift
from nonideal.characterize.variation import CurrentSpread
from nonideal.pnn import (
    DSTD,
    BadParameter,
    CheckpointError,
    Exact,
    TrainingResult,
    Variation,
    chip_accuracy,
    load_small,
    variant_options,
)
from nonideal.pnn.loss_weights import LossWeights
from nonideal.pnn.network import SpikingNetwork
from tests.pnn.drawn_chips import COLD, HOT, PAPER, SPREAD, short, variation


def weights(result: TrainingResult) -> list[Tensor]:
    return [w.detach() for w in result.network.weights]


def same(a: TrainingResult, b: TrainingResult) -> bool:
    return all(torch.equal(x, y) for x, y in zip(weights(a), weights(b), strict=True))


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


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="3 layers, the network has 2"):
        short(tmp_path, variation=variation(3))
    with pytest.raises(ValidationError, match="layer 1: standard deviations"):
        Variation(layers=(replace(SPREAD, ln_ramp=-0.1),))
    with pytest.raises(ValidationError, match="layer 1: standard deviations"):
        Variation(layers=(replace(SPREAD, positive=CurrentSpread(0.3, 0.0)),))
    with pytest.raises(ValidationError, match="layer 1: a correlation lies between"):
        Variation(layers=(replace(SPREAD, correlation=1.1),))
