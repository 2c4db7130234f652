"""The picture at the top: every part in its place, and what was not run by the command that runs it, never as zero."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nonideal.report import write_report
from nonideal.report.spike_error import parts_of, spike_errors
from nonideal.runs.results import Results, load_results
from nonideal.runs.summaries.chips import CalibrationSummary, ChipChecks, PopulationSummary, YieldSummary
from nonideal.runs.summaries.conditions import ConditionsSummary, ConditionSummary
from nonideal.runs.summaries.noise import LayerJitterSummary, NoiseSummary


@pytest.fixture
def validated(builder: Any) -> Results:
    return load_results(builder.characterization().training().validation().path)


def population(off_s: float | None) -> PopulationSummary:
    return PopulationSummary.model_construct(share=1.0, low=0.9, high=1.0, off_nominal_rms_s=off_s)


def yields(as_written: float | None, trimmed: float | None) -> dict[str, YieldSummary]:
    both = {"as_written": population(as_written), "trimmed": population(trimmed)}
    return {"yield": YieldSummary.model_construct(**both)}


def conditions(*rows: dict[str, Any]) -> ConditionsSummary:
    home = {"corner": "tt", "temperature_C": 27.0, "kept_output_change_s": 0.0}
    plain = dict.fromkeys(("vdd_offset_V", "v0_offset_V", "vsense_offset_V"), 0.0)
    met = [ConditionSummary.model_construct(**(plain | home | row)) for row in ({}, *rows)]
    return ConditionsSummary.model_construct(conditions=tuple(met))


def everything(results: Results) -> Results:
    jitter = LayerJitterSummary.model_construct(layer=2, rms_s=4.5e-9, parts_s={})
    return replace(
        results,
        noise=NoiseSummary.model_construct(layers=(jitter,)),
        yields=yields(9e-8, 2e-9),
        conditions=conditions(
            {"temperature_C": 37.0, "kept_output_change_s": 1.2e-7},
            {"temperature_C": 17.0, "kept_output_change_s": 1.1e-7},
            {"temperature_C": 85.0, "kept_output_change_s": 5e-7},
            {"corner": "ss", "temperature_C": 37.0, "kept_output_change_s": 6e-7},
            {"vdd_offset_V": -0.09, "kept_output_change_s": 8e-8},
            {"vdd_offset_V": 0.18, "kept_output_change_s": 4e-7},
            {"v0_offset_V": 0.09, "kept_output_change_s": 3e-7},
        ),
    )


def test_every_part_is_what_its_command_found(validated: Results) -> None:
    found = {one.name: one.value_s for one in spike_errors(everything(validated))}
    assert found == {
        "model error": pytest.approx(3.1416e-9),
        "noise (jitter)": 4.5e-9,
        "mismatch, as written": 9e-8,
        "mismatch, trimmed": 2e-9,
        "10 degrees, biases kept": 1.2e-7,
        "5 % of V_dd, biases kept": 8e-8,
    }
    picture = parts_of(everything(validated))
    assert picture is not None
    assert [one.told for one in picture.parts] == ["3.14 ns", "4.5 ns", "90 ns", "2 ns", "120 ns", "80 ns"]
    ticks = {text.removesuffix(" ns"): place for place, text in picture.ticks}
    assert ticks == pytest.approx({"0.1": 0.0, "1": 0.25, "10": 0.5, "100": 0.75, "1000": 1.0})
    assert picture.parts[3].place == pytest.approx(0.25 + 0.25 * 0.30103, abs=1e-5)


def test_what_was_not_run_is_no_zero_and_names_its_command(validated: Results) -> None:
    first, *others = spike_errors(validated)
    assert first.value_s is not None
    assert [one.value_s for one in others] == [None] * 5
    commands = ["noise", "yield", "yield", "conditions", "conditions"]
    for one, command in zip(others, commands, strict=True):
        assert one.why.startswith(f"not run: `nonideal {command} "), one
    picture = parts_of(validated)
    assert picture is not None
    assert [one.place is None for one in picture.parts] == [False, *[True] * 5]


def test_what_cannot_be_told_says_why(validated: Results) -> None:
    far = replace(validated, conditions=conditions({"vdd_offset_V": 0.09, "kept_output_change_s": None}))
    *_, degrees, vdd = spike_errors(far)
    assert degrees.why.startswith("not run: not among the conditions of `nonideal conditions ")
    assert vdd.why == "no output spike is left there"
    assert parts_of(replace(validated, validation=None)) is None


def test_chips_that_were_calibrated_stand_in_where_yields_do_not_say(validated: Results) -> None:
    check = {"right": 1, "failed": 0, "fast_model_rmse_s": None}
    checks = {
        "as_written": check | {"off_nominal_rms_s": 3e-8},
        "trimmed": check | {"off_nominal_rms_s": None},
    }
    one = CalibrationSummary.model_construct(checks=ChipChecks.model_validate(checks))
    told = replace(validated, yields=yields(None, None), calibrations={"calibration/chip_0": one})
    found = {part.name: part for part in spike_errors(told)}
    assert found["mismatch, as written"].value_s == pytest.approx(3e-8)
    assert found["mismatch, trimmed"].why.startswith("not run: ")


def test_the_page_begins_with_it(builder: Any) -> None:
    builder.characterization().training().validation()
    html, markdown = (path.read_text(encoding="utf-8") for path in write_report(builder.path))
    assert html.index('<figure class="parts"') < html.index('<figure class="strips"')
    assert html.count('<div class="part" style=') == 6
    assert html.count('<span class="why">not run: <code>nonideal ') == 5
    assert "| model error | 3.14 ns |" in markdown
    assert "| noise (jitter) | not run: `nonideal noise " in markdown
    assert "--own: var(--pnn)" in html
