"""Chips in the report and on the terminal: every number from the files, failures told, words escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nonideal.chips.spot_summary import FailedSimulation, SpotSummary
from nonideal.cli.tables import show
from nonideal.files.record import Document
from nonideal.report import ResultUnreadable, write_report
from nonideal.report.chip_tables import (
    calibration_table,
    designs_table,
    spot_table,
    under_noise_table,
    yield_table,
    yield_tables,
)
from nonideal.report.chips import chip_blocks
from nonideal.runs.results import load_results
from nonideal.runs.stage import Outcome
from nonideal.runs.summaries.chips import CalibrationSummary, YieldSummary
from nonideal.runs.terminal import console_for


def good(passed: int, low: float, high: float, accuracy: tuple[float, float, float]) -> dict[str, Any]:
    row = {
        "yield": passed / 200,
        "passed": passed,
        "chips": 200,
        "low": low,
        "high": high,
        "confidence": 0.95,
    }
    return row | dict(zip(("accuracy_min", "accuracy_typ", "accuracy_max"), accuracy, strict=True))


def design(name: str, area: float, yields: tuple[float, float], **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": name, "overrides": "", "hidden": 5, "synapse_area_um2": area, "area_ratio": area / 1000.0, "sigma_ln_current_n": 0.263,
        "sigma_ln_current_p": 0.18, "sigma_ln_ramp": 0.154, "sigma_threshold": 0.0186, "clipped": 0, "nominal_accuracy": 0.94, "problem": "",
    }  # fmt: skip
    for side, value in zip(("as_written", "trimmed"), yields, strict=True):
        row |= {f"yield_{side}": value, f"low_{side}": 0.9 * value, f"high_{side}": min(1.0, 1.1 * value)}
    return row | more


SPICE = {
    "chips": 20, "samples": 10, "rmse_s": 4e-10, "missed": 1, "extra": 0, "failed_chips": 1, "decisions_differ": 2,
    "layers": {
        "1": {"rmse_s": 3.7e-10, "median_error_s": 1.7e-10, "pairs": 690, "missed": 1, "extra": 0, "spread_spice_s": 4e-8, "spread_model_s": 4.02e-8},
        "2": {"rmse_s": 3.1e-10, "median_error_s": 3e-10, "pairs": 600, "missed": 0, "extra": 0, "spread_spice_s": None, "spread_model_s": None},
    },
}  # fmt: skip
SUMMARY: dict[str, Any] = {
    "corner": "tt", "mapping": "bottom_up", "chips": 200, "first_chip": 100, "samples": 50, "nominal_accuracy": 0.94, "accuracy_loss_max": 0.02,
    "as_written": good(9, 0.0238, 0.0833, (0.31, 0.62, 0.96)),
    "trimmed": {"bits": 8} | good(200, 0.9812, 1.0, (0.92, 0.94, 0.96)),
    "by_bits": [{"bits": 4} | good(190, 0.9104, 0.9726, (0.88, 0.94, 0.96))],
    "spice": SPICE,
    "designs": [
        design("present-5", 1000.0, (0.046, 1.0)),
        design("choice_1-5", 4000.0, (0.4, 0.985), overrides="synapse.memory_n.l_um=0.5", clipped=2),
        {"name": "choice_2-5", "overrides": "<b>", "hidden": 5, "problem": "not [drawable] <i>"},
    ],
}  # fmt: skip
YIELD = YieldSummary.model_validate(SUMMARY)
SPOT = SpotSummary.model_validate(SPICE)
DAC = {"low_V": 0.25, "high_V": 0.76, "bits": 8}


def calibration(chip: int, **more: Any) -> dict[str, Any]:
    check = {"right": 9, "failed": 0, "off_nominal_rms_s": 41e-9, "fast_model_rmse_s": 3e-10}
    return {
        "chip": chip, "samples": 10, "converters": {"bias_n": DAC, "bias_p": DAC, "trim": DAC}, "open": 3, "current_error_rms": 0.0042,
        "silent_norm": [[1.0005, 0.9991], [1.002]], "current_measurements": 350, "time_measurements": 16, "writes": 70, "seconds": 0.00358,
        "bits": 480, "checks": {"as_written": check, "trimmed": check | {"right": 10, "off_nominal_rms_s": 1.2e-9}},
    } | more  # fmt: skip


@pytest.fixture
def chips(builder: Any) -> Any:
    """A run directory with a yield and two calibrations."""
    builder.characterization()
    builder.write_json("yield/summary.json", SUMMARY)
    rows = [
        {"name": name, "loss": loss, "yield": 0.1 * k, "low": 0.05 * k, "high": 0.2 * k}
        for k, name in ((1, "as written"), (5, "trimmed, 8 bits"))
        for loss in (0.0, 0.02)
    ]
    pd.DataFrame(rows).to_csv(builder.path / "yield/yield.csv", index=False)
    pd.DataFrame(SUMMARY["by_bits"]).to_csv(builder.path / "yield/bits.csv", index=False)
    for chip in (10, 7):
        builder.write_json(f"calibration/chip_{chip}/summary.json", calibration(chip))
    return builder


def test_the_same_chips_stand_without_and_under_noise() -> None:
    def population(mean: float, **more: Any) -> dict[str, Any]:
        told = {"yield": 0.5, "passed": 100, "chips": 200, "low": 0.43, "high": 0.57, "confidence": 0.95}
        return told | {"accuracy_mean": mean, "accuracy_mean_half": 0.01} | more

    noisy = {"noise_draws": 10, "noisy_as_written": population(0.6), "noisy_trimmed": population(0.9, bits=8)}
    found = under_noise_table(YieldSummary.model_validate(SUMMARY | noisy))
    assert [row[0] for row in found.shown] == ["as written", "trimmed, 8 bits"]
    assert found.shown[0][2] == "60 % (59 % .. 61 %)"
    assert found.shown[1][4] == "50 % (43 .. 57 %)"
    assert under_noise_table(YIELD).rows == ()


def test_yields_stand_with_their_intervals() -> None:
    table = yield_table(YIELD)
    assert table.shown == (
        ("as written", "31 %", "62 %", "96 %", "9 of 200", "4.5 %", "2.38 .. 8.33 %"),
        ("trimmed, 4 bits", "88 %", "94 %", "96 %", "190 of 200", "95 %", "91 .. 97.3 %"),
        ("trimmed, 8 bits", "92 %", "94 %", "96 %", "200 of 200", "100 %", "98.1 .. 100 %"),
    )
    assert table.headings[-1] == "95 % interval"
    assert "chips 100 .. 299" in table.note
    assert "from 92 % on" in table.note


def test_spot_checks_stand_by_layer_with_the_spread_of_both_sides() -> None:
    table = spot_table(SPOT)
    assert table.shown[0] == ("1", "0.37 ns", "0.17 ns", "40 ns", "40.2 ns", "1.005", "690", "1 / 0")
    assert table.shown[1][3:6] == ("none", "none", "none")
    assert "decide differently on 2 samples" in table.note
    assert "1 chip gave no result on some sample" in table.note
    assert "No simulation failed" in spot_table(SPOT.model_copy(update={"failed_chips": 0})).note
    failed = FailedSimulation(name="sample_0003", message="too long", folder="decks/chip_3")
    told = spot_table(SPOT.model_copy(update={"failures": (failed,)})).note
    assert "First: sample_0003: too long (log in decks/chip_3)" in told
    assert "nothing is classified" in spot_table(SPOT.model_copy(update={"decisions_differ": None})).note


def test_designs_stand_with_what_they_cost_or_why_they_could_not_be() -> None:
    present, wide, refused = designs_table(YIELD.designs or ()).shown
    assert present[:6] == ("present-5", "as it is", "1000", "1.00", "26.3 %, 18 %", "15.4 %")
    assert wide[7:] == ("40 % (36 .. 44 %)", "98.5 % (88.6 .. 100 %)", "2 weights clipped")
    assert refused == ("choice_2-5", "<b>", *["none"] * 7, "not [drawable] <i>")


def test_a_calibration_says_what_it_took_and_gave() -> None:
    unseen = calibration(9, silent_norm=[[1.0, None], [None]], seconds=75.0, current_error_rms=None)
    unseen["checks"] = {
        side: {"right": 8, "failed": 1, "off_nominal_rms_s": None, "fast_model_rmse_s": None}
        for side in ("as_written", "trimmed")
    }
    table = calibration_table([CalibrationSummary.model_validate(one) for one in (calibration(7), unseen)])
    assert table.headings == ("", "Chip 7", "Chip 9")
    cells = {row[0]: row[1:] for row in table.shown}
    assert cells["measurements: currents of synapses"] == ("350", "350")
    assert cells["time on the bench"] == ("3.58 ms", "75.0 s")
    assert cells["converter of N biases"][0] == "0.250 .. 0.760 V, 8 bits of 2 mV"
    assert cells["error of the currents, rms"] == ("0.42 %", "none")
    assert cells["neurons without input fire at"] == (
        "0.9991 .. 1.0020 T_circ",
        "1.0000 .. 1.0000 T_circ, 2 not seen",
    )
    assert cells["output spikes off the nominal chip's, as written"] == ("41 ns", "none")
    assert cells["output spikes off the nominal chip's, trimmed"][0] == "1.2 ns"
    assert cells["right in SPICE, trimmed"] == ("10 of 10", "8 of 10, 1 failed")


def test_a_chip_of_codes_says_how_it_was_measured_and_trimmed() -> None:
    trim = {
        "inferences": 16, "spikes": 150, "residual_s": 4e-10, "changed": 31, "common_ratio": 1.02,
        "lines": [{"n": 1.0, "p": 0.95}, {"n": 1.05, "p": 1.0}],
    }  # fmt: skip
    one = CalibrationSummary.model_validate(calibration(3, converters=None, codes=trim, silent_norm=[]))
    cells = {row[0]: row[1] for row in calibration_table([one]).shown}
    assert cells["codes that are others"] == "31"
    assert cells["gate lines, N / P by layer"] == "x 1.000 / 0.950, x 1.050 / 1.000"
    assert cells["what the measured chip leaves of them, rms"] == "0.4 ns"
    assert not any("converter" in name or "currents" in name for name in cells)


@pytest.mark.filterwarnings("error")
def test_the_report_has_yield_designs_and_every_chip(chips: Any) -> None:
    page, text = (path.read_text(encoding="utf-8") for path in write_report(chips.path))
    titles = (
        "Yield of bottom_up: 200 chips",
        "The fast model against SPICE",
        "Designs: area against yield",
        "Calibration",
    )
    assert sorted(map(text.index, titles)) == [text.index(title) for title in titles]
    assert "| Chip 7 | Chip 10 |" in text
    assert (
        text.index("## What was measured")
        < text.index("## Yield and calibration")
        < text.index("## Training")
    )
    for name in ("yield", "designs"):
        assert f'<figure class="panel" id="{name}">' in page
    assert "<b>" not in page.partition("Designs: area against yield")[2].partition("</table>")[0]
    assert "not [drawable] &lt;i&gt;" in page
    # They stand among the stages, as not complete: there is no manifest; with the command that completes them.
    assert "| calibration/chip_7 | not complete | `nonideal calibrate --experiment tiny" in text
    assert "--chip 7` |" in text
    assert "| yield | not complete |" in text


def test_what_was_not_run_leaves_nothing(chips: Any, builder: Any) -> None:
    (builder.path / "yield/summary.json").unlink()
    (only,) = chip_blocks(load_results(builder.path))
    assert only.title == "Calibration"  # type: ignore[union-attr]
    for chip in (7, 10):
        (builder.path / f"calibration/chip_{chip}/summary.json").unlink()
    assert chip_blocks(load_results(builder.path)) == ()
    assert len(yield_tables(YIELD.model_copy(update={"spice": None, "designs": None}))) == 1
    assert len(yield_tables(YIELD)) == 3


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("yield/summary.json", "run `nonideal yield .*` again"),
        ("calibration/chip_7/summary.json", r"run `nonideal calibrate .* --chip 7` again"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(file: str, told: str, chips: Any) -> None:
    (chips.path / file).write_text('{"chips": 3}')
    with pytest.raises(ResultUnreadable, match=rf"{Path(file).parent} cannot be read.*{told}"):
        write_report(chips.path)


@pytest.mark.parametrize(
    ("stage", "summary", "told"),
    [
        ("yield", YIELD, ["9 of 200", "2.38 .. 8.33 %", "1.005", "not [drawable] <i>"]),
        (
            "calibration/chip_7",
            CalibrationSummary.model_validate(calibration(7)),
            ["Chip 7", "0.9991 .. 1.0020 T_circ", "calibration/chip_7: "],
        ),
    ],
)
def test_the_terminal_shows_the_same(
    stage: str, summary: Document, told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    show(console_for(stderr=False), Outcome(stage, Path("runs/tiny") / stage, False, 2.0, True, summary))
    out = capsys.readouterr().out
    assert [word for word in told if word not in out] == []
