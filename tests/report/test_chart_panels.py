"""Charts of yields, designs and conditions, as data."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from nonideal.report.condition_panel import condition_panel, supply_panel
from nonideal.report.explore_panel import explore_panel
from nonideal.report.yield_panel import yield_panel

CURVES = pd.DataFrame(
    {
        "name": ["as written", "as written", "<b>", "<b>"],
        "loss": [0.0, 0.1, 0.0, 0.1],
        "yield": [0.2, 0.4, 0.9, 1.0],
        "low": [0.1, 0.3, 0.8, 0.95],
        "high": [0.3, 0.5, 0.96, 1.0],
    }
)
BITS = pd.DataFrame({"bits": [4, 6], "yield": [0.5, 0.9], "low": [0.4, 0.85], "high": [0.65, 0.92]})
MAPS = pd.DataFrame(
    {
        "corner": ["tt", "ss", "tt"],
        "temperature_C": [27.0, 125.0, -40.0],
        "kept_accuracy": [0.96, math.nan, 0.5],
        "anew_accuracy": [0.96, 0.95, 0.94],
        "kept_rms_change_s": [0.0, math.nan, 2e-7],
        "anew_rms_change_s": [0.0, 1e-9, 2e-9],
    }
)

CHOICES = pd.DataFrame(
    {
        "name": ["present", "mim_9", "mim_5", "small", "undrawn"],
        "factor": ["present", "<b>C_m", "<b>C_m", "combination", "<b>C_m"],
        "choice": ["present", "9 x 9 um", "5 x 5 um", "selector 0.42", "3 x 3 um"],
        "check_rms_s": [1e-10, 2e-10, math.nan, 3e-10, 4e-10],
        "check_rms_stderr_s": [1e-11, 2e-11, math.nan, 3e-11, 4e-11],
        "area_per_neuron_um2": [500.0, 400.0, math.nan, 300.0, math.nan],
        "energy_per_neuron_J": [1e-12, 2e-12, math.nan, 3e-12, 4e-12],
        "pareto": [True, False, False, True, False],
        "dominated_by": [math.nan, "present", math.nan, math.nan, ""],
        "problem": ["", "", "too small", "", "not drawable"],
    }
)


def test_yields_stand_in_their_intervals() -> None:
    losses, bits = yield_panel("yield", "Yield", CURVES, BITS, 0.05, "told").charts
    band, line = losses.traces[:2]
    assert (line["name"], line["x"], line["y"]) == ("as written", [0.0, 10.0], [20.0, 40.0])
    assert (band["x"], band["y"]) == ([0.0, 10.0, 10.0, 0.0], [30.0, 50.0, 30.0, 10.0])
    assert losses.traces[3]["name"] == "&lt;b&gt;"
    assert losses.layout["shapes"][0]["x0"] == 5.0
    (trimmed,) = bits.traces
    assert (trimmed["x"], trimmed["y"]) == ([4.0, 6.0], [50.0, 90.0])
    assert trimmed["error_y"]["array"] == pytest.approx([15.0, 2.0])
    assert trimmed["error_y"]["arrayminus"] == pytest.approx([10.0, 5.0])


def test_a_condition_without_a_number_says_so_and_one_that_was_not_asked_for_is_empty() -> None:
    kept, _, moved, _ = condition_panel(MAPS, "Conditions", "told").charts
    (heat,) = kept.traces
    assert (heat["x"], heat["y"]) == (["-40 °C", "27 °C", "125 °C"], ["tt", "ss"])
    assert heat["text"] == [["50 %", "96 %", ""], ["", "", "none"]]
    assert heat["z"] == [[0.5, 0.96, None], [None, None, None]]
    (none,) = kept.layout["annotations"]
    assert (none["x"], none["y"], none["text"]) == ("125 °C", "ss", "none")
    (home,) = kept.layout["shapes"]
    assert (round(home["x0"] + 0.48), round(home["y0"] + 0.48)) == (1, 0)
    (heat,) = moved.traces
    assert heat["text"][0] == ["200 ns", "0 ns", ""]
    assert heat["z"][0][:2] == pytest.approx([math.log10(2e-7 / 1e-10) / 4, 0.0], abs=1e-3)


OFF = pd.DataFrame(
    {
        "corner": ["tt", "tt", "tt", "tt"],
        "temperature_C": [27.0] * 4,
        "vdd_offset_V": [0.0, -0.18, 0.18, 0.0],
        "v0_offset_V": [0.0] * 4,
        "vsense_offset_V": [0.0, 0.0, 0.0, 0.02],
        "kept_accuracy": [0.96, 0.0, math.nan, 0.95],
        "anew_accuracy": [0.96, 0.94, 0.94, 0.96],
        "kept_rms_change_s": [0.0, math.nan, math.nan, 3e-8],
        "anew_rms_change_s": [0.0, 2e-9, 3e-9, 1e-9],
    }
)


def test_supplies_stand_in_maps_of_their_own() -> None:
    panel = supply_panel(OFF, "Supplies", "told")
    assert panel is not None
    kept, *_ = panel.charts
    (heat,) = kept.traces
    assert (heat["x"], heat["y"]) == (["-180 mV", "+20 mV", "+180 mV"], ["V_dd", "V_sense"])
    assert heat["text"] == [["0 %", "", "none"], ["", "95 %", ""]]
    assert kept.layout["shapes"] == []
    assert supply_panel(MAPS, "Supplies", "told") is None
    (corners,) = condition_panel(OFF, "Conditions", "told").charts[0].traces
    assert corners["text"] == [["96 %"]]


def test_choices_of_a_factor_are_joined_through_the_present_design_and_the_optimal_ones_are_filled() -> None:
    panel = explore_panel(CHOICES, "told")
    assert panel is not None
    area, energy = panel.charts
    front, present, combined, joined, factor = area.traces
    assert (front["mode"], front["showlegend"]) == ("lines", False)
    assert (present["x"], present["y"], present["marker"]["symbol"]) == ([500.0], [0.1], ["star"])
    assert (joined["x"], joined["y"]) == ([400.0, 500.0], [0.2, 0.1]), "what has no area stands in no area"
    assert factor["error_y"]["array"] == [0.02]
    assert (factor["name"], factor["marker"]["symbol"]) == ("&lt;b&gt;C_m", ["circle-open"])
    assert factor["text"] == ["&lt;b&gt;C_m: 9 x 9 um<br>dominated by present"]
    assert (combined["text"], combined["marker"]["symbol"]) == (
        ["selector 0.42<br>Pareto-optimal"],
        ["square"],
    )
    assert energy.traces[4]["x"] == [2.0, 4.0]
    assert energy.traces[4]["text"][1].endswith("<br>not drawable")
    assert explore_panel(CHOICES[CHOICES["name"] == "mim_5"], "told") is None
