"""`nonideal explore`: choices checked at the door, drawn for real, refused with a reason, shown and reported."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nonideal.characterize import explore as ranking
from nonideal.characterize.candidates import PRESENT, Candidate, built_in, varied
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.explore import ColumnLayout, Judged, Measured, Point, ranked, table
from nonideal.characterize.explore_plot import save_pareto, views
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.cli.main import main
from nonideal.experiment.errors import BadOption, ExperimentError
from nonideal.experiment.experiment import parse_experiment
from nonideal.report import write_report
from nonideal.report.explore_panel import explore_panel
from nonideal.report.explore_table import explore_table
from nonideal.runs.summaries.explore import ChoiceSummary
from nonideal.runs.summaries.rows import known
from nonideal.stages.explore import choices, vary_from_options
from nonideal.stages.table import STAGES
from nonideal.stages.tools import layout_tools

MEASURED = Measured(
    check_rms_s=1.3e-10,
    check_rms_stderr_s=1e-11,
    check_spikes=50,
    unpaired_spikes=0,
    simple_rms_s=5e-9,
    lambda_N_per_V=0.4,
    lambda_P_per_V=0.75,
    membrane_F=117e-15,
    vdis_V=0.55,
    unit_current_A=1e-7,
    spike_load_s=7e-11,
    energy_per_neuron_J=2e-12,
    area_per_neuron_um2=600.0,
)


def test_values_on_the_command_line_become_those_of_the_section() -> None:
    found = vary_from_options(["timing.hold_s=2e-9,5e-9", "neuron.mim_w_um+neuron.mim_l_um=5"])
    assert found == {"timing.hold_s": (2e-9, 5e-9), "neuron.mim_w_um+neuron.mim_l_um": (5.0,)}
    for wrong in ("timing.hold_s", "timing.hold_s=", "timing.hold_s=fast"):
        with pytest.raises(BadOption, match="give a key"):
            vary_from_options([wrong])
    with pytest.raises(BadOption, match="there twice"):
        vary_from_options(["a=1", "a=2"])


def test_choices_are_the_experiments_own_or_the_built_in_ones() -> None:
    assert choices(parse_experiment({"name": "e"}, "e.toml")) == built_in(Design())
    own = parse_experiment({"name": "e", "explore": {"vary": {"timing.hold_s": [2e-9, 5e-9]}}}, "e.toml")
    assert [candidate.label for candidate in choices(own)] == ["present", "2e-09"]


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"vary": {"neuron.isolation_n.w": [1]}}, r"did you mean neuron\.isolation_n\.w_um"),
        ({"vary": {"neuron.isolation_n.w_um": [0.1]}}, r"0\.1 um is outside 0\.42"),
        ({"vary": {"timing.hold_s": [2e-9, 5e-9]}, "limit": 1}, "2 combinations of values, at most 1"),
        ({"vary": {"timing.hold_s": []}}, "at least 1"),
    ],
)
def test_a_section_that_cannot_be_is_refused_where_it_is_read(section: dict[str, Any], told: str) -> None:
    with pytest.raises(ExperimentError, match=told):
        parse_experiment({"name": "e", "explore": section}, "e.toml")


def test_a_choice_on_the_command_line_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text('name = "tiny"\n')
    with pytest.raises(SystemExit) as caught:
        main(["explore", "-e", "tiny.toml", "--vary", "timing.hold_s=5"])
    assert caught.value.code == 2
    assert "timing.hold_s = 5.0" in capsys.readouterr().err
    assert not (tmp_path / "runs/tiny/explore").exists()


def fake_measure(
    bench: object, design: Design, options: object, drawn: ColumnLayout, folder: Path, judge: object
) -> Measured:
    if design.neuron.mim_w_um == 5:
        raise FitRefused("the capacitor is too small")
    assert drawn.netlist.axons == 5
    area = None if drawn.area_um2 is None else drawn.area_um2 / 3
    return replace(MEASURED, area_per_neuron_um2=area, check_rms_s=1e-11 * design.neuron.mim_w_um)


def test_the_stage_draws_ranks_writes_and_says_how_to_do_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the simulations are left out. The layout of the widest selectors cannot be drawn: that choice has no area."""
    monkeypatch.setattr(ranking, "measure", fake_measure)
    monkeypatch.setattr("nonideal.sky130_models.find_pdk", lambda: None)
    monkeypatch.setitem(STAGES, "explore", replace(STAGES["explore"], tools=layout_tools))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text('name = "tiny"\n[training]\nlayers = [5, 3]\n')
    vary = ["--vary", "neuron.mim_w_um+neuron.mim_l_um=5,7,9", "--vary", "synapse.select_n.w_um=1,20"]
    with pytest.raises(SystemExit) as caught:
        main(["explore", "-e", "tiny.toml", "--json", *vary])
    assert caught.value.code == 0
    out, err = capsys.readouterr()
    (stage,) = json.loads(out)["stages"]
    found = {row["choice"]: row for row in stage["summary"]["choices"]}
    assert len(found) == 6
    assert found["present"]["pareto"]
    assert 600 < found["present"]["area_per_neuron_um2"] * 2 < 3000
    wide = found["neuron.mim_w_um+neuron.mim_l_um=9, synapse.select_n.w_um=20"]
    assert wide["area_per_neuron_um2"] is None
    assert wide["problem"].startswith("not drawable: ")
    small = found["neuron.mim_w_um+neuron.mim_l_um=5, synapse.select_n.w_um=1"]
    assert (small["check_rms_s"], small["problem"]) == (None, "the capacitor is too small")
    folder = tmp_path / "runs/tiny/explore"
    assert len(pd.read_csv(folder / "table.csv")) == 6
    assert (folder / "layouts/present/network.gds").is_file()
    assert "2 of 6: choice_0 neuron.mim_w_um=5 neuron.mim_l_um=5 synapse.select_n.w_um=1" in err
    command = json.loads((folder / "manifest.json").read_text())["command"]
    assert command == (
        "nonideal explore --experiment tiny.toml --characterize-on schematic "
        "--vary neuron.mim_w_um+neuron.mim_l_um=5,7,9 --vary synapse.select_n.w_um=1,20"
    )


@pytest.fixture
def points() -> list[Point]:
    return ranked(
        [
            Point(PRESENT, MEASURED),
            Point(Candidate("mim_9", "C_m", "9 x 9 um"), replace(MEASURED, check_rms_s=2e-10, unpaired_spikes=1)),
            Point(Candidate("mim_5", "C_m", "5 x 5 um"), None, "the capacitor <is> too [small]"),
            Point(Candidate("isolation", "isolation switch", "0.42 um"), replace(MEASURED, area_per_neuron_um2=None), "not drawable: DRC"),
        ]
    )  # fmt: skip


def test_rows_say_what_is_known_and_why_the_rest_is_not(points: list[Point]) -> None:
    told = explore_table(ChoiceSummary.model_validate(row) for row in known(table(points)))
    shown = [dict(zip(told.headings, row, strict=True)) for row in told.shown]
    assert [row["Pareto"] for row in shown] == [
        "optimal", "dominated by present", "refused: the capacitor <is> too [small]", "not drawable: DRC",
    ]  # fmt: skip
    assert shown[1]["Error, rms"] == "0.200 ± 0.010 ns, 1 unpaired"
    assert shown[2]["C_m"] == "none"
    assert shown[3]["Choice"] == "isolation switch: 0.42 um"


def test_jitter_and_accuracy_are_drawn_where_they_are_known(points: list[Point], tmp_path: Path) -> None:
    judged = Judged(4e-9, 0.955, 0.01, 0.8, None)
    known_of = [
        replace(one, measured=one.measured and replace(one.measured, judged=judged)) for one in points
    ]
    assert [view.title for view in views(table(points))] == ["Error and area", "Error and energy"]
    found = table(known_of)
    assert [view.title for view in views(found)][2:] == ["Jitter and energy", "Accuracy and energy"]
    told = explore_table(ChoiceSummary.model_validate(row) for row in known(found))
    shown = dict(zip(told.headings, told.shown[0], strict=True))
    assert (shown["Accuracy under noise"], shown["under noise and mismatch"]) == ("95.5 ± 1.0 %", "80.0 %")
    assert save_pareto(found, tmp_path)[0].stat().st_size > 0
    panel = explore_panel(found, "")
    assert panel is not None
    assert panel.charts[3].title == "Accuracy and energy"


def test_a_front_holds_what_no_other_beats_in_both() -> None:
    accuracy = views(pd.DataFrame({"energy_per_neuron_J": [1.0], "chip_accuracy": [1.0]}))[0]
    rows = pd.DataFrame({"energy_per_neuron_J": [3.0, 1.0, 2.0, 2.0], "chip_accuracy": [0.9, 0.8, 0.7, 0.85]})
    assert list(accuracy.front(rows)["chip_accuracy"]) == [0.8, 0.85, 0.9]


def test_the_report_shows_table_and_plot(points: list[Point], tmp_path: Path) -> None:
    folder = tmp_path / "explore"
    folder.mkdir()
    table(points).to_csv(folder / "table.csv", index=False)
    page = write_report(tmp_path)[0].read_text()
    assert "Design choices" in page
    assert "the capacitor &lt;is&gt; too [small]" in page
    assert 'id="explore-choices"' in page


def test_the_plot_is_written_in_both_formats(points: list[Point], tmp_path: Path) -> None:
    paths = save_pareto(table(points), tmp_path)
    assert [path.name for path in paths] == ["pareto.png", "pareto.svg"]
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert "<svg" in paths[1].read_text()


@pytest.mark.filterwarnings("error")
def test_long_names_leave_room_for_the_plot(tmp_path: Path) -> None:
    vary = {
        "synapse.select_n.w_um+synapse.select_p.w_um": (0.42,),
        "timing.hold_s": tuple(1e-9 * t for t in range(2, 42)),
    }
    many = ranked([Point(candidate, MEASURED) for candidate in varied(vary, 64)])
    assert all(path.stat().st_size > 0 for path in save_pareto(table(many), tmp_path))


def test_choices_that_cannot_be_are_circuit_errors() -> None:
    design = parse_experiment({"name": "e"}, "e.toml").changed({"explore": {"vary": {"a.b": (1.0,)}}})
    with pytest.raises(CircuitError, match=r"a\.b: the circuit has no such size"):
        choices(design)
