"""Weights, model and circuit that do not belong together are refused with both sides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nonideal.characterize.circuit import circuit_differences, circuit_facts
from nonideal.characterize.model import PhysicalModel
from nonideal.circuits.design import Design
from nonideal.cli.main import main
from nonideal.experiment.belonging import check_model
from nonideal.experiment.errors import Mismatched
from nonideal.experiment.experiment import Experiment, load_experiment
from nonideal.pnn import TrainingOptions, variant_options
from nonideal.pnn.checkpoint import Provenance, WeightsHeader, save_network
from nonideal.pnn.data import Encoding
from nonideal.pnn.presets import preset, preset_path
from nonideal.sky130_models.corner import Corner

WIDE = {"synapse": {"memory_n": {"w_um": 2.0, "l_um": 0.25}}}


def test_a_model_knows_every_number_of_its_circuit() -> None:
    design = Design.model_validate({"cells": {"synapse": "text"}})
    facts = circuit_facts(design)
    assert facts["circuit.synapse.memory_n.w_um"] == 1.0
    assert facts["circuit.timing.t_circ_s"] == 1e-6
    assert str(facts["circuit.cells.synapse"]).startswith("sha256 ")
    model = preset().model_copy(update={"circuit": facts})
    assert circuit_differences(PhysicalModel.model_validate_json(model.model_dump_json()), design) == []
    assert circuit_differences(model, Design.model_validate(WIDE | {"cells": {"synapse": "text"}})) == [
        "circuit.synapse.memory_n.w_um = 1 in the model, 2 here"
    ]
    assert "circuit.cells.synapse = sha256" in circuit_differences(model, Design())[0]


def test_the_preset_is_of_iris() -> None:
    assert check_model(preset(), Path("sky130_tt"), load_experiment("iris")) is None


def test_a_model_that_names_no_circuit_is_compared_by_what_it_records(tiny: Experiment) -> None:
    old = preset().model_copy(update={"circuit": None})
    told = check_model(old, Path("old.json"), tiny)
    assert told is not None
    assert "does not say which circuit" in told
    with pytest.raises(Mismatched, match=r"vsense_V = 0\.95 in the model, 0\.7 here"):
        check_model(old, Path("old.json"), load_experiment("iris_robust"))


def test_corners_are_named(tiny: Experiment) -> None:
    with pytest.raises(Mismatched, match=r"at corner tt, .* asks for corner ss"):
        check_model(preset(), Path("m.json"), tiny.at(Corner.ss))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    options = variant_options("pnn", preset(), (5, 3))
    provenance = Provenance(
        variant="pnn",
        seed=0,
        dataset="iris",
        encoding=Encoding(),
        model_sha256="",
        epochs=TrainingOptions().epochs,
    )
    path = tmp_path / "weights.safetensors"
    save_network(path, options.build(), WeightsHeader(network=options, provenance=provenance))
    return path


def test_netlist_takes_what_belongs_together_and_refuses_the_rest(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Case wrong_circuit: the same weights and model, on the right circuit, on another, and at another corner."""
    monkeypatch.chdir(tmp_path)
    old = preset().model_copy(update={"circuit": None})
    old.save(tmp_path / "model.json")

    def netlist(*arguments: str) -> tuple[int, str, str]:
        try:
            main(["netlist", "--weights", str(weights), "--clip", *arguments])
        except SystemExit as ended:
            out, err = capsys.readouterr()
            return int(ended.code or 0), out, err
        raise AssertionError("main exits")

    code, out, _ = netlist("-e", "iris", "--model", "model.json", "--out", "right.spice")
    assert code == 0
    assert " off; mapping in right.csv" in out
    assert "does not say which circuit" in out
    for name, arguments, told in (
        ("robust", ["-e", "iris_robust", "--model", "model.json"], "vsense_V = 0.95 in the model, 0.7 here"),
        (
            "corner",
            ["-e", "iris", "--corner", "ss", "--model", "model.json"],
            "corner tt, experiment iris asks for corner ss",
        ),
        (
            "sizes",
            ["-e", "iris_low_energy", "--model", "sky130_tt"],
            "circuit.driver.nand_n.w_um = 1 in the model, 0.5 here",
        ),
    ):
        code, _, err = netlist(*arguments, "--out", f"{name}.spice")
        assert code == 2
        assert told in err
        assert not (tmp_path / f"{name}.spice").exists()

    assert netlist("--model", "sky130_tt", "--out", "right.spice")[0] == 2  # it is there
    code, out, _ = netlist("--model", "sky130_tt", "--out", "right.spice", "--force", "--json")
    assert code == 0
    assert json.loads(out)["circuit_unknown"] is None
    assert netlist("--model", str(preset_path("sky130_tt")), "--out", "other.spice")[0] == 0
