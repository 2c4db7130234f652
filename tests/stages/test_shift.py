"""Training for other conditions: asked for in the file, measured before the training, told with it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nonideal.characterize.column import Column
from nonideal.characterize.fixed_bias import FiringCurve, FixedBiases, SynapseCurves
from nonideal.characterize.model import PhysicalModel
from nonideal.circuits.design import Design
from nonideal.cli.main import main
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import Experiment, parse_experiment
from nonideal.runs.rundir import RunDir
from nonideal.stages.fan_in import axons_of, input_shape
from nonideal.stages.table import STAGES

TOML = """
name = "tiny"
[training]
layers = [5, 3, 3]
variants = ["pnn"]
seeds = [1, 2]
epochs = 3
tensorboard = false
[training.variation]
chips = 4
scale = 0
temperatures_C = [17, 27, 42]
[conditions]
mapping = "pnn"
[validation]
mappings = ["pnn"]
"""


def parsed(**variation: object) -> Experiment:
    return parse_experiment({"name": "e", "training": {"variation": variation}}, "e.toml")


def test_who_sees_other_conditions() -> None:
    assert not parse_experiment({"name": "e"}, "e.toml").sees_conditions
    assert not parsed(chips=3).sees_conditions
    assert parsed(temperatures_C=[40]).sees_conditions
    assert parsed(corners=["ss"], scale=0).sees_conditions


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"variation": {"scale": 0}}, "nothing varies"),
        ({"variation": {"temperatures_C": [150]}}, r"temperatures_C\[0\] = 150"),
        ({"variation": {"temperatures_C": [40, 40]}}, "stands there twice"),
        ({"variation": {"corners": ["tx"]}}, r"corners\[0\] = 'tx'"),
        ({"variation": {"temperatures_C": [40]}, "preset": "sky130_tt"}, "leave training.preset out"),
    ],
)
def test_what_cannot_be_is_refused(training: dict[str, object], message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        parse_experiment({"name": "e", "training": training}, "e.toml")


def kept(bench: object, design: Design, *rest: object) -> FixedBiases:
    """Gates that see 2 mV/K; a ramp that doubles in 70 K, and none at all below 0 °C."""
    more = (design.supplies.temperature_C - 27.0) * 0.05
    up, down = np.linspace(0.0, 0.95, 77), np.linspace(0.85, 1.8, 77)
    drop = np.linspace(0.0, 0.8, 9)
    time = (1.0 - drop / 0.87) * 2.0 ** (-(design.supplies.temperature_C - 27.0) / 70.0)
    fires = np.where(design.supplies.temperature_C > 0.0, time, np.inf)
    curves = SynapseCurves((up, up / 0.04 - 30.0 + more), (down, (1.8 - down) / 0.04 - 30.0 + more))
    return FixedBiases(curves, {5: FiringCurve(drop, fires)})


@pytest.fixture
def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paper_model: PhysicalModel, column: Column
) -> Path:
    """A folder with a characterised experiment; benches give round numbers."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TOML)
    model = paper_model.model_copy(update={"columns": (column.model_copy(update={"axons": 5}),)})
    model.save(RunDir(tmp_path / "runs/tiny").stage("characterization") / "model.json")
    monkeypatch.setattr("nonideal.characterize.fixed_bias.measure_fixed_biases", kept)
    monkeypatch.setattr("nonideal.sky130_models.find_pdk", lambda: None)
    monkeypatch.setitem(STAGES, "shift", replace(STAGES["shift"], tools=dict))
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


def test_conditions_are_measured_then_trained_for_then_told(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "train", "-e", "tiny.toml", "--jobs", "1", "--json")
    assert code == 0, err
    shift, training = json.loads(out)["stages"]
    assert [shift["stage"], training["stage"]] == ["shift", "training"]
    assert [one["temperature_C"] for one in shift["summary"]["conditions"]] == [17.0, 42.0]
    hot = shift["summary"]["conditions"][1]["layers"]["5"]
    assert hot["gain"] == pytest.approx(2.0 ** (-15 / 70))
    assert hot["positive"]["level"] + hot["positive"]["slope"] == pytest.approx(0.75, abs=1e-3)
    seen = training["summary"]["variants"]["pnn"]["conditions"]
    assert list(seen) == ["tt 27 °C", "tt 17 °C", "tt 42 °C"]
    each = [one["conditions"] for one in training["summary"]["variants"]["pnn"]["seeds"]]
    assert all(seen[label] == pytest.approx(np.median([one[label] for one in each])) for label in seen)

    code, out, _ = run(capsys, "train", "-e", "tiny.toml", "--json")
    assert [stage["skipped"] for stage in json.loads(out)["stages"]] == [True, True]
    assert run(capsys, "train", "-e", "tiny.toml", "--force", "-j", "1")[1].count("tt 42 °C") >= 2
    assert run(capsys, "report", "-e", "tiny.toml")[0] == 0
    page = (place / "runs/tiny/report.html").read_text()
    assert "Conditions that training sees" in page
    assert "Accuracy by condition" in page


def test_a_network_of_other_layers_is_trained_for_conditions_too(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its columns have 5 and 3 axons: four features and the bias axon, then the hidden neurons."""
    other = TOML.replace("layers = [5, 3, 3]\n", "") + "[training.network]\nlayers = [3, 3]\n"
    (place / "tiny.toml").write_text(other)
    code, out, err = run(capsys, "train", "-e", "tiny.toml", "--jobs", "1", "--json")
    assert code == 0, err
    shift, training = json.loads(out)["stages"]
    assert list(shift["summary"]["conditions"][0]["layers"]) == ["3", "5"]
    assert list(training["summary"]["variants"]["pnn"]["conditions"]) == [
        "tt 27 °C",
        "tt 17 °C",
        "tt 42 °C",
    ]


def test_a_convolution_s_columns_have_the_axons_of_its_kernel() -> None:
    told = {"layers": [{"conv": 16}, {"pool": 2}, {"conv": 32}, {"pool": 2}, 128, 10]}
    data = {"set": "mnist", "bias_axon": False}
    experiment = parse_experiment({"name": "e", "data": data, "training": {"network": told}}, "e.toml")
    assert input_shape(experiment) == (1, 28, 28)
    assert axons_of(experiment) == (9, 144, 1568, 128)
    assert axons_of(parse_experiment({"name": "e"}, "e.toml")) == (5, 5)


def test_other_conditions_are_another_training(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "train", "-e", "tiny.toml", "-j", "1")[0] == 0
    (place / "tiny.toml").write_text(TOML.replace("17, 27, 42", "37"))
    _, out, _ = run(capsys, "train", "-e", "tiny.toml", "-j", "1", "--json")
    assert [stage["skipped"] for stage in json.loads(out)["stages"]] == [False, False]


def test_home_alone_is_no_other_condition(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "tiny.toml").write_text(TOML.replace("17, 27, 42", "27"))
    code, _, err = run(capsys, "train", "-e", "tiny.toml", "-j", "1")
    assert code == 2
    assert "no other condition than tt 27 °C" in err


def test_a_condition_that_no_law_holds_for_is_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "tiny.toml").write_text(TOML.replace("17, 27, 42", "-20"))
    code, _, err = run(capsys, "train", "-e", "tiny.toml", "-j", "1")
    assert code != 0
    assert "tt -20 °C" in err
    assert "train for conditions nearer home" in err
    assert not (place / "runs/tiny/training/summary.json").exists()
