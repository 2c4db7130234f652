"""A network trained in Python, its model and its data, validated by one command; the simulations themselves are replaced."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from nonideal.characterize.circuit import circuit_facts, design_of
from nonideal.characterize.model import PhysicalModel
from nonideal.circuits.design import Design
from nonideal.cli.main import main
from nonideal.cli.own_network import mapping_of
from nonideal.cli.session import Session
from nonideal.pnn import (
    Dataset,
    Reversal,
    TrainingOptions,
    load_dataset,
    load_table,
    preset,
    train,
    variant_options,
)
from nonideal.pnn.data import Encoding
from nonideal.pnn.network import NetworkOptions
from nonideal.pnn.presets import preset_path
from nonideal.postlayout.stage import Validation
from nonideal.postlayout.summary import ValidationSummary
from nonideal.report import write_report

NAMES = ["a", "b"]
QUICK = TrainingOptions(seed=3, epochs=2, tensorboard=False)


def samples(rows: int = 60) -> pd.DataFrame:
    """Three classes of two features, the first rows of iris' petals."""
    x, y = load_iris(return_X_y=True)
    chosen = np.arange(150) % 50 < rows // 3
    return pd.DataFrame(x[chosen][:, 2:], columns=NAMES).assign(kind=[f"k{k}" for k in y[chosen]])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with flowers.csv and weights that were trained on it, and on a model of another corner's circuit."""
    monkeypatch.chdir(tmp_path)
    samples().to_csv("flowers.csv", index=False)
    made("flower.safetensors", load_table("flowers.csv", test_samples=12), model_sha256="preset sky130_tt")
    return tmp_path


def made(
    name: str, data: Dataset, variant: Any = "pnn", model: PhysicalModel | None = None, **known: Any
) -> None:
    options = variant_options(variant, model or preset(), (data.features, 4, data.classes))
    result = train(data, options, QUICK, Path(name).stem, resume=False, show_progress=False, **known)
    result.weights_path.rename(name)


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The plans that validation was asked for, without simulator and PDK."""
    found: list[Any] = []

    def fake(plan: Any, bench: object, folder: Path, say: Any) -> Validation:
        found.append(plan)
        row = {"spike_time_rmse_s": {"hidden": 1e-9, "output": 2e-9}, "current_scale": None}
        rest = {
            "accuracy_model": 1.0,
            "accuracy_spice": 1.0,
            "missed_spikes": 0,
            "extra_spikes": 0,
            "failed_samples": 0,
        }
        more = {
            "spike_time_rmse_used_outputs_s": 1e-9,
            "spike_time_max_error_s": {"output": 1e-9},
            "energy_per_inference_J": 1e-12,
        }
        summary = {
            "mappings": dict.fromkeys(plan.networks, row | rest | more),
            "numerical_floor_s": 1e-10,
            "failed_samples": 0,
            "samples": plan.samples,
            "netlist": plan.netlist,
            "corner": "tt",
            "seconds_per_sample": 1.0,
        }
        told = ValidationSummary.model_validate(summary)
        return Validation(pd.DataFrame({"kind": ["pair"]}), told, (), ())

    pdk = SimpleNamespace(source="a", version="b", sha256="c")
    monkeypatch.setattr("nonideal.sky130_models.find_pdk", lambda: pdk)
    monkeypatch.setattr("nonideal.spice.find_ngspice", lambda: SimpleNamespace(version="d"))
    monkeypatch.setattr("nonideal.sky130_models.lean_library", lambda *given: "")
    monkeypatch.setattr("nonideal.stages.validation.workbench", lambda *given: SimpleNamespace(pdk=pdk))
    monkeypatch.setattr(
        "nonideal.stages.validation.write_budget", lambda plan, found, folder: ((), found.summary)
    )
    monkeypatch.setattr("nonideal.postlayout.stage.validate", fake)
    return found


def validate(capsys: pytest.CaptureFixture[str], *options: str, **named: str) -> tuple[int, str]:
    """Exit code and stderr of the command; ``named``: other files than flower.safetensors, sky130_tt and flowers.csv."""
    files = {"weights": "flower.safetensors", "model": "sky130_tt", "data": "flowers.csv"} | named
    given = [word for name, value in files.items() for word in (f"--{name}", value)]
    with pytest.raises(SystemExit) as caught:
        main(["validate-post-layout", *given, "--clip", *options])
    return int(caught.value.code or 0), capsys.readouterr().err


def test_a_network_trained_in_python_is_validated_without_an_experiment(
    place: Path, plans: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = validate(capsys, "--samples", "4")
    assert code == 0, told
    (plan,) = plans
    expected = load_table("flowers.csv", test_samples=12)
    assert (plan.samples, plan.calibration_samples, plan.netlist) == (4, 3, "schematic")
    assert plan.circuit.topology.layers == (3, 4, 3)
    assert plan.dataset.test_x.equal(expected.test_x)
    assert plan.class_names == ["k0", "k1", "k2"]
    run = place / "runs/flower-4"
    assert (run / "training/pnn/weights.safetensors").read_bytes() == (
        place / "flower.safetensors"
    ).read_bytes()
    assert (run / "characterization/model.json").read_bytes() == preset_path("sky130_tt").read_bytes()
    assert (run / "netlist/pnn/network.spice").is_file()

    assert validate(capsys, "--samples", "4")[0] == 0
    assert len(plans) == 1, "its results stand"
    assert (
        validate(capsys, "--samples", "4", "--force")[1].count(
            "made by `nonideal validate-post-layout --weights flower.safetensors --model sky130_tt --data flowers.csv --netlist schematic --clip "
            "--samples 4 --run-dir runs/flower-4`"
        )
        == 2
    )
    for line in (run / "validation", run / "netlist"):
        assert '"shared": " --run-dir runs/flower-4"' in (line / "manifest.json").read_text()


def test_its_report_names_what_was_handed_in(
    place: Path, plans: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert validate(capsys)[0] == 0
    run = place / "runs/flower"
    for file in (run / "validation").iterdir():
        file.unlink()
    (run / "validation").rmdir()
    write_report(run)
    text = (run / "report.md").read_text()
    assert "Trained elsewhere and handed in: `training/pnn/weights.safetensors`." in text
    assert "handed in" in text
    assert "nonideal train" not in text
    assert "nonideal characterize" not in text


def test_all_held_out_samples_or_fifty_without_a_number(
    place: Path, plans: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert validate(capsys)[0] == 0
    samples(150).to_csv("more.csv", index=False)
    assert validate(capsys, data="more.csv")[0] == 0
    assert [(plan.samples, len(plan.dataset.test_y), plan.calibration_samples) for plan in plans] == [
        (12, 12, 10),
        (50, 75, 10),
    ]
    assert validate(capsys, "--samples", "13") == (
        2,
        "error: --samples 13: flowers.csv holds out 12; give 1 to 12\n",
    )


def test_other_weights_under_the_same_name_move_the_first_aside(
    place: Path, plans: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert validate(capsys)[0] == 0
    first = (place / "flower.safetensors").read_bytes()
    made(
        "flower.safetensors",
        load_table("flowers.csv", test_samples=12, seed=1),
        "ann",
        model_sha256="preset sky130_tt",
    )
    code, told = validate(capsys)
    assert code == 0
    assert "what lay in runs/flower/training is in runs/flower/replaced/training now" in told
    assert (place / "runs/flower/replaced/training/pnn/weights.safetensors").read_bytes() == first
    assert [list(plan.networks) for plan in plans] == [["pnn"], ["ann"]]


def test_the_run_directory_of_an_experiment_is_left_alone(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = place / "runs/flower/characterization"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    code, told = validate(capsys)
    assert code == 2
    assert (
        "is the run directory of an experiment (characterization/ was made by its stage): give another (--run-dir)"
        in told
    )
    assert not (folder / "model.json").exists()


def test_sets_of_scikit_learn_are_known_by_name(
    place: Path, plans: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    made("lilies.safetensors", load_dataset("iris", seed=2, test_samples=20), model_sha256="preset sky130_tt")
    assert validate(capsys, weights="lilies.safetensors", data="iris")[0] == 0
    assert plans[0].dataset.test_x.equal(load_dataset("iris", seed=2, test_samples=20).test_x)
    code, told = validate(capsys, weights="lilies.safetensors", data="wine")
    assert code == 2
    assert "wine gives 14 axons with the bias axon, lilies.safetensors takes 5" in told


def test_a_data_set_built_in_python_has_its_features_in_a_file(
    place: Path, plans: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    encoding = Encoding(time="inverted", bias=False)
    x, y = load_iris(return_X_y=True)
    x = (x - x.min(axis=0)) / np.ptp(x, axis=0)
    mine = Dataset(encoding.encode(x[::2]), y[::2], encoding.encode(x[1::2]), y[1::2], 4, 3, "mine", encoding)
    made("mine.safetensors", mine)
    np.savez("mine.npz", x_train=x[::2], y_train=y[::2], x_test=x[1::2], y_test=y[1::2])
    code, told = validate(capsys, weights="mine.safetensors", data="mine.npz")
    assert code == 0, told
    assert "mine.safetensors does not say which physical model it was trained on" in told
    assert plans[0].dataset.test_x.double().equal(mine.test_x.double())


@pytest.mark.parametrize(
    ("options", "named", "told"),
    [
        ((), {"model": "other.json"}, "was trained on the preset sky130_tt, other.json is another (SHA-256"),
        ((), {"data": "flowers.txt"}, "--data flowers.txt: a data file ends in .csv"),
        ((), {"data": "none.csv"}, "none.csv: no such file"),
        ((), {"data": "nan.csv"}, "nan.csv: row 2, column 'a'"),
        ((), {"data": "columns.csv"}, "'b'"),
        ((), {"data": "iris"}, "iris gives 5 axons with the bias axon, flower.safetensors takes 3"),
        ((), {"weights": "flowers.csv"}, "not a readable safetensors file"),
        ((), {"weights": "none.safetensors"}, "none.safetensors: no such file"),
        (("--corner", "ss"), {}, "at corner tt, experiment flower asks for corner ss"),
        (("-e", "iris_robust"), {}, "is the model of another circuit than experiment iris_robust's"),
        (("--characterize-on", "pex"), {}, "--model says what its columns were measured on"),
        (("--netlist", "pex-rc"), {"weights": "columns.safetensors"}, "--netlist is pex-rc: give --netlist schematic, or train"),
        ((), {"weights": "a b.safetensors"}, "the run is called so: rename the file"),
    ],
)  # fmt: skip
def test_what_does_not_belong_together_is_refused_before_anything_is_written(
    place: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    named: dict[str, str],
    told: str,
) -> None:
    preset().model_copy(update={"vdis_V": 0.5}).save(place / "other.json")
    table = samples()
    table.assign(a=[np.nan, *table["a"][1:]]).to_csv("nan.csv", index=False, na_rep="nan")
    table.drop(columns="b").to_csv("columns.csv", index=False)
    (place / "a b.safetensors").write_bytes((place / "flower.safetensors").read_bytes())
    if named.get("weights") == "columns.safetensors":
        wide = load_dataset("iris", test_samples=20)
        options_of = variant_options("bottom_up", preset(), (5, 5, 3))
        train(
            wide, options_of, QUICK, "c", model_sha256="preset sky130_tt", show_progress=False
        ).weights_path.rename("columns.safetensors")
        named = named | {"data": "iris"}
    code, err = validate(capsys, *options, **named)
    assert code == 2
    assert told in err
    assert not (place / "runs").exists()


def test_weights_model_and_data_belong_together(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["validate-post-layout", "--weights", "flower.safetensors"])
    assert caught.value.code == 2
    assert "--weights, --model and --data belong together" in capsys.readouterr().err


def test_an_extracted_netlist_is_drawn_first(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        "nonideal.cli.own_network.layout_options", lambda netlist: {"netlist": netlist, "override": False}
    )
    monkeypatch.setattr(Session, "run", lambda self, stages, options: asked.append((stages, options)) or [])
    assert validate(capsys, "--netlist", "pex-c")[0] == 0
    ((stages, options),) = asked
    assert stages == ("netlist", "layout", "validation")
    assert (options["layout"]["netlist"], options["validation"]["netlist"]) == ("pex-c", "pex-c")


def test_netlist_refuses_weights_of_another_model(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    preset().model_copy(update={"vdis_V": 0.5}).save(place / "other.json")
    with pytest.raises(SystemExit) as caught:
        main(["netlist", "--weights", "flower.safetensors", "--model", "other.json", "--out", "n.spice"])
    assert caught.value.code == 2
    assert "give --model sky130_tt, or train on other.json" in capsys.readouterr().err
    assert not (place / "n.spice").exists()


def test_a_model_gives_its_circuit_back() -> None:
    wide = Design.model_validate({"synapse": {"memory_n": {"w_um": 2.0, "l_um": 0.25}}})
    model = preset().model_copy(update={"circuit": circuit_facts(wide)})
    assert design_of(PhysicalModel.model_validate_json(model.model_dump_json())) == wide
    own = circuit_facts(Design.model_validate({"cells": {"synapse": "text"}}))
    assert design_of(model.model_copy(update={"circuit": own})) is None
    assert design_of(model.model_copy(update={"circuit": None})) is None


def test_the_mapping_is_told_by_the_synapses() -> None:
    for variant in ("ann", "pnn", "bottom_up"):
        assert mapping_of(variant_options(variant, preset(), (5, 3)).build()) == variant
    assert mapping_of(NetworkOptions(layer_sizes=(5, 3), reversal=Reversal.ideal(1000.0)).build()) == "ann"
