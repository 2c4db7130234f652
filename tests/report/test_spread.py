"""Mismatch in the report and in the stage's summary."""

from __future__ import annotations

from typing import Any

from nonideal.characterize.estimate import Estimate
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.spread import Spread
from nonideal.report import write_report
from nonideal.report.spread import library_table, spread_table, spread_tables
from nonideal.runs.summaries.characterization import MismatchSummary, characterization_summary


def test_spreads_stand_by_weight_and_sign_with_their_errors(spread: Spread, model: Any) -> None:
    drawn: PhysicalModel = model().model_copy(update={"spread": spread})
    table = spread_table(spread, drawn)
    cells = {row[0]: row[2:] for row in table.rows}
    assert cells["σ(ln I), weight 1"] == ("26.9 ± 1.3 %", "19.52 ± 0.98 %")
    assert "σ(ln I), weight 0.05" in cells
    assert cells["σ(ln r)"] == ("15.00 ± 0.75 %", "")
    assert cells["σ(θ)"][0] == "2.00 ± 0.10 %"
    assert cells["σ(θ)"][1].endswith(" mV")
    assert cells["ρ(ln r, θ)"] == ("0.00", "")
    assert cells["neurons"] == ("200", "1")
    assert "seed 20260" in table.note


def test_the_library_stands_beside_ours(spread: Spread) -> None:
    table = library_table(spread.library)
    assert [(row[0], row[1], row[-1]) for row in table.rows] == [
        ("nfet_01v8 1 x 0.25", "12.4 mV", "yes"),
        ("cap_mim_m3_2 7 x 7", "0.066 %", "NO"),
    ]
    assert "99.9 % confidence" in table.note


def test_the_report_has_them_where_they_were_measured(builder: Any, spread: Spread, model: Any) -> None:
    assert spread_tables(model()) == ()
    builder.characterization(model().model_copy(update={"spread": spread}))
    page = write_report(builder.path)[1].read_text()
    assert "Mismatch: standard deviations over drawn devices" in page
    assert "own draws" in page


def test_the_summary_tells_the_spread_at_weight_1(spread: Spread, model: Any) -> None:
    told = characterization_summary(model().model_copy(update={"spread": spread}))
    assert told.parameters["sigma_ln_ramp"] == Estimate(value=0.15, stderr=0.0075, unit="1")
    assert 0.25 < told.parameters["sigma_ln_current_N"].value < 0.3
    assert told.mismatch == MismatchSummary(
        draws=200,
        neurons_left_out=1,
        residual_s=1.7e-10,
        library_disagrees=("sky130_fd_pr__cap_mim_m3_2 7 x 7",),
    )
    assert characterization_summary(model()).mismatch is None
