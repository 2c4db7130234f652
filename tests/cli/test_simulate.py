"""`nonideal simulate`: one sample, its waveforms, and its spikes against the model's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nonideal.characterize.column import Column
from nonideal.cli.main import main
from nonideal.cli.sample_tables import sample_table
from nonideal.experiment.errors import BadOption
from nonideal.experiment.experiment import load_experiment
from nonideal.pnn import TrainingOptions, load_dataset, preset, train, variant_options
from nonideal.postlayout.summary import CurrentScale
from nonideal.runs.rundir import RunDir
from nonideal.runs.summaries.sample import SampleSummary, SpikeRow
from nonideal.spice.raw import read_raw
from nonideal.stages.simulate import mapping_to_simulate

TOML = """
name = "small"
[training]
layers = [5, 3]
variants = ["ann", "bottom_up"]
seeds = [1]
[netlist]
clip = true
[validation]
samples = 4
mappings = ["bottom_up"]
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an experiment, a model and trained weights."""
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(TOML)
    rundir = RunDir(Path("runs/small"))
    rundir.model.parent.mkdir(parents=True)
    preset().save(rundir.model)
    data, options = load_dataset("iris"), variant_options("bottom_up", preset(), (5, 3))
    quick = TrainingOptions(seed=1, epochs=20, tensorboard=False)
    made = train(
        data,
        options,
        quick,
        Path("trained"),
        resume=False,
        show_progress=False,
        model_sha256="preset sky130_tt",
    )
    rundir.weights("bottom_up").parent.mkdir(parents=True)
    made.weights_path.rename(rundir.weights("bottom_up"))
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["simulate", "small.toml", *arguments])
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


@pytest.mark.spice
def test_a_sample_on_real_spice(
    place: Path, capsys: pytest.CaptureFixture[str], make_workbench: Callable[..., object]
) -> None:
    code, out, err = run(capsys, "--sample", "2", "-j", "1", "--out", "two", "--json")
    assert code == 0, err
    (stage,) = json.loads(out)["stages"]
    found = SampleSummary.model_validate(stage["summary"])
    assert (found.mapping, found.netlist, found.sample) == ("bottom_up", "schematic", 2)
    assert found.current_scale == CurrentScale(positive=1.0, negative=1.0)
    assert found.rmse_s is not None
    assert found.rmse_s < 5e-9, "the model knows its columns"
    folder = Path("runs/small/simulate/bottom_up_schematic_2")
    for name in (
        "sample_2.cir",
        "sample_2.raw",
        "sample_2.parquet",
        "spikes.csv",
        "models.spice",
        "network.spice",
    ):
        assert (Path("two") / name).read_bytes() == (folder / name).read_bytes()
    assert Path("two/waveforms.png").read_bytes().startswith(b"\x89PNG")
    (plot,) = read_raw(folder / "sample_2.raw")
    assert all(
        vector in plot
        for vector in re.findall(r"\.save (.*)", (folder / "sample_2.cir").read_text())[0].split()
    )
    table = pd.read_csv(folder / "spikes.csv")
    seen = [row.t_spice_s for row in found.spikes if row.t_spice_s is not None]
    assert list(table.loc[np.isfinite(table["t_spice_s"]), "t_spice_s"]) == seen
    code, out, _ = run(capsys, "--sample", "2", "--no-plot")
    assert code == 0
    assert "up to date" in out
    assert "sample 2 of small, bottom_up on schematic" in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--sample", "4"], "--sample 4: small validates 4 samples, give 0 to 3"),
        (["--mapping", "pnn"], "--mapping pnn: small trains ann, bottom_up"),
        (["--no-plot", "--open"], "--open opens the picture"),
        (["--corner", "tt,ff", "--out", "x"], "one corner for one folder"),
        (["--out", "small.toml"], "is no folder"),
        (["--mapping", "ann"], "nonideal train --experiment small.toml"),
    ],
)
def test_refusals(place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert told in " ".join(err.split())


def test_the_mapping_that_says_something_of_the_netlist(place: Path, column: Column) -> None:
    experiment, rundir = load_experiment("small.toml"), RunDir(Path("runs/small"))
    assert mapping_to_simulate(experiment, rundir, "schematic", None) == "bottom_up"
    preset().model_copy(update={"columns": (column,)}).save(rundir.model)
    assert mapping_to_simulate(experiment, rundir, "pex-rc", None) == "bottom_up"
    assert mapping_to_simulate(experiment, rundir, "schematic", None) == "ann"
    with pytest.raises(BadOption, match="measured on pex-rc, which says nothing of the schematic"):
        mapping_to_simulate(experiment, rundir, "schematic", "bottom_up")


def test_the_table_tells_times_in_engineering_units() -> None:
    from nonideal.runs.terminal import console_for

    spikes = (
        SpikeRow(layer=1, neuron=0, t_model_s=8.72e-7, t_spice_s=8.7231e-7, kind="pair"),
        SpikeRow(layer=2, neuron=0, t_model_s=9e-7, t_spice_s=None, kind="missed"),
    )
    found = SampleSummary(
        experiment="small", mapping="pnn", netlist="schematic", corner="tt", sample=2, test_index=7, label="virginica", model_says="virginica",
        spice_says=None, current_scale=CurrentScale(positive=1.0, negative=1.1), vdis_V=0.55, clipped_weights=0, energy_J=5e-12, spikes=spikes,
        deck="a.cir", raw="a.raw", waveforms="a.parquet", table="spikes.csv",
    )  # fmt: skip
    console = console_for(stderr=False)
    with console.capture() as captured:
        console.print(sample_table(found), width=120)
    told = " ".join(captured.get().split())
    for text in (
        "872 ns",
        "872.3 ns",
        "0.31 ns",
        "none",
        "missed",
        "model says virginica, SPICE nothing",
        "energy 5 pJ",
    ):
        assert text in told
    assert found.rmse_s == pytest.approx(3.1e-10)
