"""`nonideal conditions`: options checked at the door, refused conditions shown, files and report; no simulator."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nonideal.characterize.column import Column
from nonideal.characterize.condition import Condition
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.fixed_bias import FiringCurve, SynapseCurves
from nonideal.characterize.model import PhysicalModel
from nonideal.cli.main import main
from nonideal.conditions.bench import Drift
from nonideal.conditions.chips import DrawnChips
from nonideal.conditions.network import Assessment, Task, assess, table
from nonideal.conditions.plot import save_heat_maps
from nonideal.conditions.spot_summary import ChipThere, SpotCheckThere
from nonideal.conditions.survey import Characterised, ConditionResult, Reference, Survey
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import parse_experiment
from nonideal.report import write_report
from nonideal.runs.commands import CommandLine
from nonideal.runs.rundir import RunDir
from nonideal.sky130_models import Corner
from nonideal.stages.conditions import mapping_of, section_from_options
from nonideal.stages.table import STAGES

EXPERIMENT = """
name = "tiny"
[training]
layers = [2, 2, 2]
variants = ["pnn", "bottom_up"]
seeds = [1]
[validation]
mappings = ["pnn"]
[conditions]
corners = ["tt", "ss"]
temperatures_C = [27.0, 125.0]
temperature_offsets_C = []
vdd_offsets_V = [-0.09]
v0_offsets_V = []
vsense_offsets_V = []
"""
TASK = Task(
    (np.array([[0.6, -0.3], [0.2, 0.9]]), np.array([[0.8, -0.2], [0.3, 0.5]])),
    np.array([[0.1, 0.4], [0.7, 0.2], [0.3, 0.9]]),
    np.array([0, 1, 0]),
    classes=2,
)


NO_SUPPLIES = {"vdd": None, "v0": None, "vsense": None}


def test_options_become_the_section_and_come_back_as_options() -> None:
    supplies = {"vdd": "-0.18,0.09", "v0": "none", "vsense": None}
    found = section_from_options("tt,ss,tt", "-40,27.5", supplies, 2, False)
    assert found == {
        "corners": (Corner.tt, Corner.ss),
        "temperatures_C": (-40.0, 27.5),
        "vdd_offsets_V": (-0.18, 0.09),
        "v0_offsets_V": (),
        "vsense_offsets_V": None,
        "spice_samples": 2,
        "track_sense": False,
    }
    experiment, rundir = parse_experiment(tomllib.loads(EXPERIMENT), "tiny.toml"), RunDir(Path("there"))
    told = CommandLine(changes={"conditions": found}).command("conditions", experiment, rundir, {})
    assert told.endswith(
        " --corner tt,ss --temperature -40,27.5 --vdd -0.18,0.09 --v0 none --spice 2 --keep-sense"
    )
    nothing = section_from_options(None, None, NO_SUPPLIES, None, None)
    assert set(nothing.values()) == {None}
    plain = CommandLine(changes={"conditions": nothing}).command("conditions", experiment, rundir, {})
    assert "--corner" not in plain
    assert "--spice" not in plain


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--corner", "tt,xx"], "--corner tt,xx"),
        (["--temperature", "27,hot"], "from -40 to 125"),
        (["--temperature", "150"], "from -40 to 125"),
        (["--spice", "-1"], "0 for none"),
        (["--vdd", "-0.18,low"], "from -0.5 to 0.5"),
        (["--v0", "0"], "and not 0"),
        (["--vsense", "0.02,0.02"], "each once"),
        (["--vdd", "0.3"], "circuit.supplies.vdd_V would be 2.1 V"),
        (["--characterize-on", "pex"], "on the schematic only"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(EXPERIMENT)
    with pytest.raises(SystemExit) as caught:
        main(["conditions", "-e", "tiny.toml", *options])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs/tiny/conditions").exists()


def test_weights_are_those_of_bottom_up_where_there_are_any() -> None:
    both = parse_experiment({"name": "e"}, "e.toml")
    assert mapping_of(both) == "bottom_up"
    alone = {"name": "e", "training": {"variants": ["pnn"]}, "validation": {"mappings": ["pnn"]}}
    assert mapping_of(parse_experiment(alone, "e.toml")) == "pnn"
    assert mapping_of(parse_experiment({"name": "e", "conditions": {"mapping": "pnn"}}, "e.toml")) == "pnn"
    with pytest.raises(ExperimentError, match=r"conditions\.mapping"):
        parse_experiment(alone | {"conditions": {"mapping": "bottom_up"}}, "e.toml")


@pytest.fixture
def columned(paper_model: PhysicalModel, column: Column) -> PhysicalModel:
    own = column.model_copy(update={"axons": 2})
    return paper_model.model_copy(update={"columns": (own,)})


def characterised(condition: Condition, model: PhysicalModel) -> Characterised:
    n, p = np.linspace(0.0, 0.95, 77), np.linspace(0.85, 1.8, 77)
    curves = SynapseCurves((n, -27 + n / 0.04), (p, -27 + (1.8 - p) / 0.04))
    firing = FiringCurve(np.linspace(0.0, 0.8, 9), np.linspace(1.0, 0.1, 9))
    return Characterised(condition, model, curves, (1e-12, 2e-12), {2: firing})


def spot_check(where: Condition, **values: Any) -> SpotCheckThere:
    """Three samples and 20 spikes, all of them compared."""
    plain = {"samples": 3, "failed": 0, "pairs": 20, "missed": 0, "extra": 0, "problem": ""}
    there = {"corner": where.corner.value, "temperature_C": where.temperature_C}
    return SpotCheckThere.model_validate(plain | there | values)


@pytest.fixture
def faked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columned: PhysicalModel) -> None:
    """A trained experiment, no simulations: ss at 125 °C cannot be characterised, everything else is home; two checks."""

    def at_home(self: Survey, condition: Condition) -> tuple[ConditionResult, Reference]:
        found = ConditionResult(condition, characterised(condition, columned), Drift(0.0, 0.0), 1.0)
        return found, Reference(condition, 0.95, 0.552, 1e-7)

    def at(self: Survey, condition: Condition, home: Reference) -> ConditionResult:
        if (condition.corner, condition.temperature_C) == (Corner.ss, 125.0):
            return ConditionResult(condition, None, None, 0.01, str(FitRefused("the <ramp> is [flat]")))
        if condition.supplies.vdd_V:
            slow = FiringCurve(np.linspace(0.0, 0.8, 9), np.linspace(1.09, 0.19, 9))
            moved = replace(characterised(condition, columned), firing={2: slow})
            return ConditionResult(condition, moved, Drift(0.0, 0.0), 0.8)
        return ConditionResult(condition, characterised(condition, columned), Drift(0.0, 1e-3), 2.0)

    def check(
        bench: object, design: object, task: Task, assessed: Assessment, *rest: Any
    ) -> list[SpotCheckThere]:
        here = assessed.met.condition
        return [
            spot_check(here, biases="kept", rmse_s=2.5e-9, right_spice=1, right_model=1),
            spot_check(here, biases="anew", rmse_s=1.5e-9, missed=1, right_spice=3, right_model=2),
        ]

    monkeypatch.setattr(Survey, "at_home", at_home)
    monkeypatch.setattr(Survey, "at", at)
    monkeypatch.setattr("nonideal.conditions.spot.check_in_spice", check)
    monkeypatch.setattr("nonideal.pnn.checkpoint.load_dense", lambda path: None)
    monkeypatch.setattr(Task, "of", lambda *_, **__: TASK)
    monkeypatch.setattr("nonideal.stages.checks.check_data", lambda *_, **__: None)  # TASK has no data set
    monkeypatch.setattr("nonideal.sky130_models.find_pdk", lambda: None)
    monkeypatch.setitem(STAGES, "conditions", replace(STAGES["conditions"], tools=dict))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(EXPERIMENT)
    weights = tmp_path / "runs/tiny/training/bottom_up/weights.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"as given")


@pytest.mark.usefixtures("faked")
def test_the_stage_writes_everything_and_shows_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["conditions", "-e", "tiny.toml", "--corner", "ss", "--spice", "3", "--json"])
    assert caught.value.code == 0
    out, err = capsys.readouterr()
    (stage,) = json.loads(out)["stages"]
    keys = ("corner", "temperature_C", "vdd_offset_V")
    found = {tuple(row[key] for key in keys): row for row in stage["summary"]["conditions"]}
    assert list(found) == [("tt", 27.0, 0.0), ("ss", 27.0, 0.0), ("ss", 125.0, 0.0), ("tt", 27.0, -0.09)]
    refused = found["ss", 125.0, 0.0]
    assert refused["problem"] == "the <ramp> is [flat]"
    assert refused["v_th_V"] is None
    assert refused["anew_accuracy"] is None
    assert found["ss", 27.0, 0.0]["anew_rms_change_s"] == 0.0
    assert found["tt", 27.0, -0.09]["kept_hidden_change_s"] > 0.0
    assert found["tt", 27.0, -0.09]["anew_hidden_change_s"] == 0.0
    assert "3 of 4: ss 125 °C" in err
    assert "4 of 4: tt 27 °C, V_dd -90 mV" in err
    folder = tmp_path / "runs/tiny/conditions"
    names = {path.name for path in folder.iterdir()}
    assert {
        "table.csv",
        "summary.json",
        "conditions.png",
        "conditions.svg",
        "supplies.png",
        "models",
        "manifest.json",
    } <= names
    assert sorted(path.name for path in (folder / "models").iterdir()) == [
        "ss_27.json",
        "tt_27.json",
        "tt_27_vdd-90mV.json",
    ]
    assert PhysicalModel.load(folder / "models/ss_27.json").columns
    assert len(pd.read_csv(folder / "table.csv")) == 4
    command = json.loads((folder / "manifest.json").read_text())["command"]
    assert command == "nonideal conditions --experiment tiny.toml --corner ss --spice 3"

    page = write_report(tmp_path / "runs/tiny")[0].read_text()
    assert "Corners, temperatures and supplies" in page
    assert "Supplies that are off" in page
    assert '<figure class="panel" id="supply-maps">' in page
    assert "the &lt;ramp&gt; is [flat]" in page
    assert '<figure class="panel" id="condition-maps">' in page

    with pytest.raises(SystemExit):
        main(["conditions", "-e", "tiny.toml", "--corner", "ss", "--spice", "3"])
    shown, told_again = capsys.readouterr()
    assert "up to date" in told_again
    assert "the <ramp> is [flat]" in " ".join(shown.split())


@pytest.mark.usefixtures("faked")
def test_a_simulation_without_a_result_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tables are written and say so; the stage is not done."""

    def check(
        bench: object, design: object, task: Task, assessed: Assessment, *rest: Any
    ) -> list[SpotCheckThere]:
        here = assessed.met.condition
        return [SpotCheckThere.without_result(here, "kept", 3, 3, "kept_0000: timeout")]

    monkeypatch.setattr("nonideal.conditions.spot.check_in_spice", check)
    for _ in range(2):
        with pytest.raises(SystemExit) as caught:
            main(["conditions", "-e", "tiny.toml", "--corner", "ss", "--vdd", "none", "--spice", "3"])
        assert caught.value.code == 4
        err = " ".join(capsys.readouterr().err.split())
        assert "3 simulations gave no result, first kept_0000: timeout" in err
        assert "up to date" not in err
    page = write_report(tmp_path / "runs/tiny")[0].read_text()
    assert "kept_0000: timeout" in page


@pytest.mark.usefixtures("faked")
def test_drawn_chips_stand_at_home_and_where_the_network_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.toml").write_text(EXPERIMENT.replace("[conditions]", "[conditions]\nspice_chips = 2"))

    def at(self: DrawnChips, condition: Condition, seeds: range, samples: int) -> list[ChipThere]:
        where = {"corner": condition.corner.value, "temperature_C": condition.temperature_C}
        return [
            ChipThere(**where, chip=seed, samples=samples, failed=0, right=samples - seed, silent=0)
            for seed in seeds
        ]

    monkeypatch.setattr(DrawnChips, "at", at)
    with pytest.raises(SystemExit) as caught:
        main(["conditions", "-e", "tiny.toml", "--corner", "ss", "--vdd", "none", "--spice", "3", "--json"])
    out, err = capsys.readouterr()
    assert caught.value.code == 0, err
    found = json.loads(out)["stages"][0]["summary"]["chips"]
    assert [(one["corner"], one["chip"], one["right"]) for one in found] == [
        ("tt", 0, 3), ("tt", 1, 2), ("ss", 0, 3), ("ss", 1, 2),
    ]  # fmt: skip
    page = write_report(tmp_path / "runs/tiny")[0].read_text()
    assert "Drawn chips in SPICE, biases kept" in page
    assert "5 of 6" in page


def test_the_map_is_written_in_both_formats(columned: PhysicalModel, tmp_path: Path) -> None:
    home, hot = Condition(Corner.tt, 27.0), Condition(Corner.ff, 125.0)
    met = [
        ConditionResult(home, characterised(home, columned), Drift(0.0, 0.0), 1.0),
        ConditionResult(hot, None, None, None, "refused"),
    ]
    paths = save_heat_maps(table(assess(TASK, met)), tmp_path)
    assert [path.name for path in paths] == ["conditions.png", "conditions.svg"]
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert "<svg" in paths[1].read_text()
