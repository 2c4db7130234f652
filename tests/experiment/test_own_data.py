"""An experiment on a file of one's own: what it says of the file, and what a change of the file does."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console
from sklearn.datasets import load_iris

from nonideal.characterize.model import PhysicalModel
from nonideal.cli.session import session
from nonideal.experiment.data import Data
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import Experiment, load_experiment
from nonideal.files import UnreadableFile, sha256_of
from nonideal.pnn import DataError, load_header
from nonideal.runs.context import Context
from nonideal.runs.rundir import RunDir
from nonideal.runs.stage import run_stage
from nonideal.stages.checks import check_data
from nonideal.stages.table import STAGES

NAMES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
TOML = """
name = "flowers"
[data]
file = "flowers.csv"
test_samples = 30
[training]
layers = [5, 3, 3]
variants = ["pnn"]
seeds = [1]
epochs = 2
tensorboard = false
[validation]
samples = 3
mappings = ["pnn"]
"""


def iris() -> pd.DataFrame:
    x, y = load_iris(return_X_y=True)
    return (
        pd.DataFrame(x, columns=NAMES)
        .assign(species=["setosa", "versicolor", "virginica"][0])[NAMES]
        .assign(species=[("setosa", "versicolor", "virginica")[k] for k in y])
    )


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    """The experiment's file, beside its data."""
    iris().to_csv(tmp_path / "flowers.csv", index=False)
    path = tmp_path / "flowers.toml"
    path.write_text(TOML)
    return path


def trained(path: Path, model: PhysicalModel) -> tuple[Experiment, RunDir, Any]:
    experiment, rundir = load_experiment(str(path)), RunDir(path.parent / "run")
    if not rundir.model.is_file():
        model.save(rundir.model)
    context = Context(jobs=1, console=Console(file=io.StringIO()))
    return experiment, rundir, run_stage(STAGES["training"], experiment, rundir, context)


def test_training_records_columns_classes_scaling_and_the_hash(
    flowers: Path, paper_model: PhysicalModel
) -> None:
    _, rundir, _ = trained(flowers, paper_model)
    summary = json.loads((rundir.path / "training" / "summary.json").read_text())
    data, table = summary["data"], iris()
    assert summary["data_set"] == "flowers"
    assert data["files"] == {"flowers.csv": sha256_of(flowers.parent / "flowers.csv")}
    assert data["classes"] == ["setosa", "versicolor", "virginica"]
    assert data["scaling"]["columns"] == NAMES
    assert data["scaling"]["method"] == "minmax"
    for low, high, name in zip(data["scaling"]["low"], data["scaling"]["high"], NAMES, strict=True):
        assert table[name].min() <= low < high <= table[name].max()
    assert (sum(data["train_counts"]), data["test_counts"]) == (120, [10, 10, 10])
    assert "data" not in summary["variants"]["pnn"]["seeds"][0]
    origin = load_header(rundir.weights("pnn")).provenance.origin
    assert origin is not None
    assert origin.model_dump(mode="json") == data


def test_a_changed_file_is_trained_on_again_wherever_it_lies(
    flowers: Path, paper_model: PhysicalModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not trained(flowers, paper_model)[2].skipped
    assert trained(flowers, paper_model)[2].skipped
    monkeypatch.chdir(tmp_path)
    assert trained(Path("flowers.toml"), paper_model)[2].skipped, "the same file by another path"
    iris().replace({"species": {"setosa": "Setosa"}}).to_csv(tmp_path / "flowers.csv", index=False)
    assert not trained(flowers, paper_model)[2].skipped


def test_every_stage_that_reads_data_has_the_file_among_its_inputs(flowers: Path) -> None:
    """What loads the data set has the section, and with it the hash."""
    readers = {name for name, stage in STAGES.items() if "data" in stage.sections}
    beside = {
        "explore",
        "conditions",
        "noise",
        "yield",
        "calibration",
        "shift",
        "simulate",
        "tile-simulation",
    }
    assert readers == {"training", "validation", *beside}
    assert load_experiment(str(flowers)).data.hashes() == {"data": sha256_of(flowers.with_suffix(".csv"))}
    flowers.with_suffix(".csv").unlink()
    with pytest.raises(UnreadableFile, match=r"flowers\.csv: no such file"):
        load_experiment(str(flowers)).data.hashes()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('file = "flowers.csv"', 'file = "flowers.csv"\nset = "iris"', "exclude each other"),
        ('file = "flowers.csv"', 'label = "x"', "data.label is about a file of your own"),
        ('file = "flowers.csv"', 'file = "flowers.xlsx"', "a data file ends in .csv, .tsv, .parquet or .npz"),
        ("test_samples = 30", 'test_samples = 30\ntest_file = "t.csv"', "leave data.test_samples out"),
        ("test_samples = 30", 'scaling = "std"', "'std' is no scaling; choose 'minmax', 'none'"),
        ("test_samples = 30", "scaling = { petal_width = [3, 1] }", "the lower first"),
        ("test_samples = 30", "columns = []", "columns"),
        ("test_samples = 30", "decimal = ':'", "decimal"),
    ],
)
def test_what_is_wrong_in_the_section_is_told(flowers: Path, old: str, new: str, told: str) -> None:
    flowers.write_text(TOML.replace(old, new))
    with pytest.raises(ExperimentError) as caught:
        load_experiment(str(flowers))
    assert told in str(caught.value)


def test_keys_of_the_section_reach_the_file(flowers: Path) -> None:
    keys = (
        'label = 5\ncolumns = ["petal_length", 4]\nscaling = { petal_length = [0, 8], petal_width = [0, 4] }'
    )
    flowers.write_text(TOML.replace("test_samples = 30", keys).replace("[5, 3, 3]", "[3, 3, 3]"))
    experiment = load_experiment(str(flowers))
    check_data(experiment)
    origin = experiment.data.load().origin
    assert origin is not None
    assert (origin.scaling.columns, origin.scaling.high) == (("petal_length", "petal_width"), (8.0, 4.0))
    again = Data.model_validate(experiment.section("data"))
    assert again.model_dump() == experiment.data.model_dump()


def test_layers_and_samples_are_held_against_the_file(flowers: Path) -> None:
    flowers.write_text(TOML.replace("[5, 3, 3]", "[4, 3, 2]"))
    with pytest.raises(DataError, match=r"layers = \[5, 3, 3\]"):
        check_data(load_experiment(str(flowers)))
    iris()[::5].to_csv(flowers.parent / "test.csv", index=False)
    held_out = TOML.replace("test_samples = 30", 'test_file = "test.csv"')
    flowers.write_text(held_out.replace("samples = 3\n", "samples = 31\n"))
    with pytest.raises(ExperimentError, match=r"validation\.samples = 31: flowers holds out 30"):
        check_data(load_experiment(str(flowers)))


def test_a_short_run_knows_how_many_the_file_holds_out(
    flowers: Path, monkeypatch: pytest.MonkeyPatch, write_toml: Callable[[str, str], Path]
) -> None:
    iris()[::5].to_csv(flowers.parent / "test.csv", index=False)
    flowers.write_text(TOML.replace("test_samples = 30", 'test_file = "test.csv"'))
    monkeypatch.chdir(flowers.parent)
    with (
        pytest.raises(Exception, match="flowers holds out 30; give 1 to 30"),
        session("flowers.toml", samples=31),
    ):
        pass
