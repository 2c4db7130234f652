"""What is written and said of a validation; the simulations themselves are replaced."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from nonideal.experiment.errors import BadOption
from nonideal.experiment.experiment import Experiment
from nonideal.postlayout.errors import SamplesFailed
from nonideal.postlayout.stage import Validation
from nonideal.postlayout.summary import ByLayer, CurrentScale, MappingSummary, ValidationSummary
from nonideal.runs.context import Context
from nonideal.runs.rundir import RunDir
from nonideal.runs.stage import Work
from nonideal.spice import Failure, FailureKind
from nonideal.stages import validation
from nonideal.stages.dependence import SECTIONS

ROW = MappingSummary(
    spike_time_rmse_s=ByLayer(hidden=1e-9, output=2e-9),
    accuracy_spice=1.0,
    missed_spikes=0,
    extra_spikes=0,
    current_scale=CurrentScale(positive=1.0, negative=1.0),
)


@pytest.fixture
def validated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Netlists that were validated, in order; on the schematic one simulation fails."""
    kinds: list[str] = []

    def fake(plan: str, bench: object, folder: Path, say: Any) -> Validation:
        kinds.append(plan)
        failure = Failure("pnn_0003", FailureKind.crashed, "ended by signal 11", (), folder, "")
        summary = ValidationSummary(
            samples=1, netlist=plan, mappings={"pnn": ROW}, numerical_floor_s=1e-10, failed_samples=0
        )
        return Validation(pd.DataFrame({"kind": ["pair"]}), summary, (failure,) * (plan == "schematic"), ())

    monkeypatch.setattr(validation, "workbench", lambda *given: None)
    monkeypatch.setattr(validation, "plan_of", lambda work, bench, kind: kind)
    monkeypatch.setattr(validation, "mappings_on", lambda work, kind: ("pnn",))
    monkeypatch.setattr(validation, "write_budget", lambda plan, found, folder: ((), found.summary))
    monkeypatch.setattr("nonideal.postlayout.stage.validate", fake)
    return kinds


def work(tiny: Experiment, tmp_path: Path, netlist: str) -> Work:
    return Work(tiny, RunDir(tmp_path), Context(jobs=1), tmp_path / "validation", {"netlist": netlist})


def as_the_paper(experiment: Experiment) -> Experiment:
    compared = experiment.validation.model_copy(update={"compare": "paper"})
    return experiment.model_copy(update={"validation": compared})


def test_the_schematic_is_simulated_beside_where_that_is_asked_for_alone(
    tiny: Experiment, tmp_path: Path, validated: list[str]
) -> None:
    validation.validate_networks(work(tiny, tmp_path, "pex-rc"))
    assert validated == ["pex-rc"]
    assert not (tmp_path / "validation/schematic").exists()


def test_a_failure_on_the_schematic_costs_nothing_of_the_extracted_netlist(
    tiny: Experiment, tmp_path: Path, validated: list[str]
) -> None:
    with pytest.raises(SamplesFailed, match="schematic: 1 simulations gave no result, first pnn_0003"):
        validation.validate_networks(work(as_the_paper(tiny), tmp_path, "pex-rc"))
    assert validated == ["schematic", "pex-rc"]
    main = json.loads((tmp_path / "validation/summary.json").read_text())
    beside = json.loads((tmp_path / "validation/schematic/summary.json").read_text())
    assert (main["passed"], beside["passed"]) == (True, False)
    assert main["beside_schematic"]["pnn"]["spike_time_rmse_s"]["output"] == 2e-9


def test_a_failed_simulation_never_passes(tiny: Experiment, tmp_path: Path, validated: list[str]) -> None:
    with pytest.raises(SamplesFailed):
        validation.validate_networks(work(tiny, tmp_path, "schematic"))
    assert json.loads((tmp_path / "validation/summary.json").read_text())["passed"] is False


def test_two_sidewall_conventions_are_not_mixed() -> None:
    """Columns extracted with the one promise nothing of a network extracted with the other; the schematic's have none."""
    schematic, older = (SimpleNamespace(axons=5, netlist=n, sidewall=None) for n in ("schematic", "pex-rc"))
    halved = SimpleNamespace(axons=5, netlist="pex-rc", sidewall="halved")
    model: Any = SimpleNamespace(columns=[schematic])
    validation._check_sidewalls(model, "full")
    model = SimpleNamespace(columns=[schematic, older, halved])
    validation._check_sidewalls(model, "halved")
    with pytest.raises(BadOption, match="halved"):  # all that older versions extracted
        validation._check_sidewalls(SimpleNamespace(columns=[older]), "full")  # type: ignore[arg-type]
    with pytest.raises(
        BadOption, match=r"column of 5 axons .* halved, the network with extraction.sidewall = \"full\""
    ):
        validation._check_sidewalls(model, "full")


def test_the_sidewall_convention_is_a_setting_of_all_that_depends_on_it() -> None:
    """So that a stage with another one is run again, and its results are refused by whoever reads them."""
    extracted = {
        "columns",
        "layout",
        "characterization",
        "explore",
        "mismatch",
        "shift",
        "validation",
        "yield",
        "calibration",
        "simulate",
        "noise",
        "tapeout",
    }
    assert {stage for stage, sections in SECTIONS.items() if "extraction" in sections} == extracted
