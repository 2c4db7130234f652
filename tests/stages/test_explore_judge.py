"""What noise and mismatch do in a choice, on the model that ships: jitter of check patterns, a network trained for two epochs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nonideal.characterize.column_check import Check
from nonideal.characterize.explore import Judged
from nonideal.characterize.model import PhysicalModel
from nonideal.circuits.design import Design
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Circuit
from nonideal.experiment.experiment import parse_experiment
from nonideal.stages.explore_judge import judge_of, mean_and_half

TINY = {
    "name": "tiny",
    "training": {
        "variants": ["bottom_up"],
        "seeds": [1, 2],
        "epochs": 2,
        "tensorboard": False,
        "spike_noise": "measured",
    },
    "validation": {"mappings": ["bottom_up"]},
    "characterize": {"noise": True},
    "chips": {"chips": 10, "noise_draws": 2},
    "noise": {"draws": 10},
}


@pytest.fixture(scope="module")
def check() -> Check:
    """Of one pattern, whose first neuron fires and whose last is silent."""
    topology, design = Topology((5, 3)), Design()
    circuit = Circuit(topology, design, schematic(topology, design), "* models\n", 0.55)
    weights = np.array([[[0.5, 0.4, 0.3, -0.2, 0.1], [0.1, 0.2, 0.1, 0.3, 0.0], [-0.2, -0.3, 0.1, 0.0, 0.0]]])
    arrivals, told = np.array([[0.1, 0.2, 0.3, 0.6, 0.0]]), np.array([[0.4, 0.8, 1.1]])
    return Check(circuit, weights, arrivals, told, told, ())


def test_jitter_is_known_where_noise_is(check: Check, noisy_model: PhysicalModel, tmp_path: Path) -> None:
    judge = judge_of(parse_experiment({"name": "plain"}, "plain.toml"), 1)
    found = judge(Design(), noisy_model, check, tmp_path)
    assert found.jitter_s is not None
    assert 2e-9 < found.jitter_s < 5e-9
    assert found == Judged(found.jitter_s)
    deaf = noisy_model.model_copy(update={"noise": None})
    assert judge(Design(), deaf, check, tmp_path) == Judged()


def test_a_network_is_trained_and_tried_where_accuracy_is_asked_for(
    check: Check, noisy_model: PhysicalModel, chip_model: PhysicalModel, tmp_path: Path
) -> None:
    asked = parse_experiment(TINY | {"explore": {"accuracy": True}}, "tiny.toml")
    model = chip_model.model_copy(update={"noise": noisy_model.noise})
    found = judge_of(asked, 1)(Design(), model, check, tmp_path / "choice")
    for mean, half in (
        (found.noisy_accuracy, found.noisy_accuracy_half),
        (found.chip_accuracy, found.chip_accuracy_half),
    ):
        assert mean is not None
        assert half is not None
        assert 0.0 <= mean <= 1.0
    assert (tmp_path / "choice" / "model.json").is_file()


def test_one_seed_has_no_interval() -> None:
    assert mean_and_half([]) == (None, None)
    assert mean_and_half([0.9]) == (0.9, None)
    mean, half = mean_and_half([0.9, 0.94, 0.92])
    assert mean == pytest.approx(0.92)
    assert half == pytest.approx(4.302653 * 0.02 / np.sqrt(3))
