"""The page's answer, its picture, its charts and its colours, as data."""

from __future__ import annotations

import json
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nonideal import report
from nonideal.report import answer, spike_panel
from nonideal.report.blocks import Panel, Report, Section, Text
from nonideal.report.colours import PALETTE
from nonideal.report.contents import build
from nonideal.report.decision_panel import PALEST
from nonideal.report.page import html_page
from nonideal.report.panels import spike_panels, waveform_panels
from nonideal.report.strips import strips_of
from nonideal.report.table import Table, states, words
from nonideal.report.table import numbers as quantities
from nonideal.report.template import FOLDER
from nonideal.report.traces import label, numbers
from nonideal.runs.results import Results, load_results
from nonideal.runs.spec import judge


def whole(builder: Any) -> Results:
    return load_results(builder.characterization(curves=True).training().validation().path)


def luminance(colour: str) -> float:
    """Of sRGB, as the Web Content Accessibility Guidelines define it."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(above: str, below: str, share: float) -> str:
    parts = ((int(above[k : k + 2], 16), int(below[k : k + 2], 16)) for k in (1, 3, 5))
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in parts)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_counts_can_be_read_on_their_cells(theme: int) -> None:
    for name in ("ann", "pnn", "bottom-up", "other", "discharger"):
        cell = mixed(PALETTE[name][theme], PALETTE["paper"][theme], 1 / PALEST)
        assert contrast(PALETTE["ink"][theme], cell) >= 4.5, name


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read(theme: int) -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    for text in ("ink", "muted", "link", "fail"):
        for ground in ("paper", "card"):
            assert contrast(PALETTE[text][theme], PALETTE[ground][theme]) >= 4.5, (text, ground)
    for state in ("pass", "fail", "idle"):
        assert contrast(PALETTE[state][theme], PALETTE[f"{state}-bg"][theme]) >= 4.5, state


def test_the_answer_says_how_well_and_against_what(builder: Any) -> None:
    results = whole(builder)
    found = judge(results)
    told, on = answer.headline(results, found)
    assert told == "The circuit fires within 3.14 ns (rms) of what its model promised"
    assert "10 test samples on the schematic netlist" in on
    assert "`ann`, trained on ideal arithmetic, is 31.4 ns off" in on
    tiles = list(answer.tiles(results, found))
    assert [(tile.value, tile.state) for tile in tiles] == [
        ("3.14 ns", "pass"),
        ("9.99 ×", "pass"),
        ("90 %", ""),
        ("2 / 1", ""),
    ]
    assert tiles[0].against == "≤ 4 ns · paper 1.97 ns"


def test_an_answer_out_of_spec_does_not_say_within(builder: Any, row: Any) -> None:
    builder.characterization().validation({"ann": row(30e-9), "pnn": row(12e-9)})
    results = load_results(builder.path)
    assert (
        answer.headline(results, judge(results))[0]
        == "The circuit fires 12 ns (rms) off what its model promised"
    )
    assert answer.verdict(results, judge(results))[1] == "fail"


def test_samples_without_a_result_are_among_the_numbers(builder: Any, row: Any) -> None:
    builder.characterization().validation(failed=(("pnn", 3),), complete=False)
    results = load_results(builder.path)
    assert list(answer.tiles(results, judge(results)))[-1].value == "1"


def test_an_incomplete_validation_is_no_pass(builder: Any) -> None:
    results = load_results(builder.characterization().training(0.97).validation(complete=False).path)
    text, state = answer.verdict(results, judge(results))
    assert "not complete" in text
    assert state != "pass"


def test_the_picture_has_every_error_in_its_place(builder: Any) -> None:
    results = whole(builder)
    picture = strips_of(results, judge(results), "pnn")
    assert picture is not None
    assert [strip.name for strip in picture.strips] == ["pnn", "ann"]  # the closest above
    low, high = 0.01, 100.0
    ticks = {text.removesuffix(" ns"): place for place, text in picture.ticks}
    assert ticks == pytest.approx({"0.01": 0, "0.1": 0.25, "1": 0.5, "10": 0.75, "100": 1})
    place = np.log10(3.1416 / low) / np.log10(high / low)
    assert picture.strips[0].rms == pytest.approx(place)
    assert picture.marks[0] == (pytest.approx(np.log10(4 / low) / 4), "limit 4 ns rms")
    # Output neurons of sample k are k ns late: three neurons, ten samples; 0 ns stands at the edge.
    at = sorted(x for x, _ in picture.strips[0].dots)
    assert at[:3] == [0.0, 0.0, 0.0]
    assert at[3:6] == pytest.approx([0.5] * 3)
    assert at[-1] == pytest.approx(np.log10(9 / low) / 4)
    assert picture.strips[0].aside == "2 missed, 1 extra"


def test_a_circuit_without_any_error_has_a_picture(builder: Any, row: Any) -> None:
    builder.characterization().validation(
        {"ann": row(0.0), "pnn": row(0.0)}, spec={"output_rmse_max_s": None}, numerical_floor_s=0.0
    )
    file = builder.path / "validation" / "spikes.parquet"
    spikes = pd.read_parquet(file)
    spikes.assign(t_spice_s=spikes["t_model_s"]).to_parquet(file)
    results = load_results(builder.path)
    picture = strips_of(results, judge(results), "pnn")
    assert picture is not None
    assert {x for strip in picture.strips for x, _ in strip.dots} == {0.0}
    assert html_page(build(results)).count('class="strip"') == 2


def test_no_picture_where_nothing_can_be_compared(builder: Any, row: Any) -> None:
    failed = tuple((name, sample) for name in ("ann", "pnn") for sample in range(10))
    builder.characterization().validation({"ann": row(None), "pnn": row(None)}, failed=failed)
    results = load_results(builder.path)
    assert strips_of(results, judge(results), "pnn") is None
    assert answer.headline(results, judge(results))[0] == "No output spike could be compared with SPICE"


def test_the_spikes_of_the_charts_are_those_of_the_file(builder: Any) -> None:
    panel = spike_panels(whole(builder))[0]
    rows = pd.DataFrame(panel.rows)
    assert len(rows) == 2 * 10 * 5
    late = rows[(rows["mapping"] == "pnn") & (rows["sample"] == 7)]
    assert late["error_ns"].tolist() == [7.0] * 5
    assert (late["spice_ns"] - late["model_ns"]).tolist() == pytest.approx([7.0] * 5)
    mapping, layer, neuron, sample = panel.choices
    assert [value for value, _ in mapping.values] == ["ann", "pnn"]
    assert (layer.values, layer.start) == (((2, "2, output"), (1, "1, hidden")), 2)
    assert [value for value, _ in neuron.values] == [0, 1, 2]
    assert sample.values[4] == (4, "4, versicolor")


def test_unpaired_spikes_stand_at_the_edges(builder: Any) -> None:
    builder.characterization().validation()
    spikes = pd.read_parquet(builder.path / "validation" / "spikes.parquet")
    spikes.loc[0, ["kind", "t_spice_s"]] = ["missed", np.inf]
    spikes.loc[1, ["kind", "t_model_s"]] = ["extra", np.inf]
    rows = pd.DataFrame(spike_panel.spike_panel(spikes, ["ann", "pnn"], 1e-6, None, "").rows)
    assert (rows.loc[0, "kind"], rows.loc[0, "spice_ns"]) == ("missed", 1060.0)
    assert (rows.loc[1, "kind"], rows.loc[1, "model_ns"]) == ("extra", 1060.0)
    assert rows.loc[:1, "error_ns"].isna().all()


def test_a_page_holds_so_many_spikes_and_says_so(builder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spike_panel, "MOST", 45)
    builder.characterization().validation()
    spikes = pd.read_parquet(builder.path / "validation" / "spikes.parquet")
    panel = spike_panel.spike_panel(spikes, ["ann", "pnn"], 1e-6, None, "Spikes.")
    assert sorted(set(panel.rows["sample"])) == [0, 1, 2, 3]
    assert panel.caption == "Spikes. Shown are the first 4 samples."


def test_waveforms_are_chosen_by_mapping_and_neuron(builder: Any) -> None:
    (panel,) = waveform_panels(whole(builder))
    mapping, neuron = panel.choices
    assert mapping.values == (("pnn", "pnn, sample 9"),)
    assert [value for value, _ in neuron.values] == [0, 1, 2]
    (chart,) = panel.charts
    third = [trace for trace in chart.traces if trace["of"] == {"mapping": "pnn", "neuron": 2}]
    assert [trace["yaxis"] for trace in third] == [
        "y2",
        "y2",
        "y3",
    ]  # SPICE, model, spike; the hidden layer has two neurons
    assert "layer 2, neuron 2" in third[0]["hovertemplate"]


def test_numbers_are_json_and_names_are_text() -> None:
    assert numbers([1 / 3, np.nan, np.inf, 1e-9]) == [0.333333, None, None, 1e-9]
    assert label("<b>a</b> & b") == "&lt;b&gt;a&lt;/b&gt; &amp; b"


def test_data_cannot_end_its_element() -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    panel = Panel("a", evil, evil, (), rows={"mapping": [evil]})
    page = html_page(
        Report("t", evil, evil, evil, evil, "pass", (), sections=(Section("s", evil, (Text(evil), panel)),))
    )
    assert "<img" not in page
    assert page.count("</script>") == 3
    data = page.partition('<script type="application/json">')[2].partition("</script>")[0]
    assert json.loads(data)["rows"] == {"mapping": [evil]}


def test_a_page_without_charts_carries_no_library() -> None:
    page = html_page(Report("t", "e", "h", "l", "v", "idle", ()))
    assert "plotly" not in page.partition("</style>")[2].partition("<script>")[0]
    assert len(page) < 40_000


def test_states_of_a_table_stand_first() -> None:
    columns = (*words("Parameter"), *quantities("Max", unit="s"), *states("Pass"))
    table = Table("", columns, (("error", 4e-9, "pass"), ("<b>", "", "")))
    page = html_page(Report("t", "e", "h", "l", "v", "idle", (), sections=(Section("s", "S", (table,)),)))
    text = page.partition("<thead>")[2].partition("</table>")[0]
    assert re.findall(r"<th[^>]*>([^<]*)</th>", text) == ["Pass", "Parameter", "Max"]
    assert re.findall(r"<td[^>]*>(.*?)</td>", text) == [
        '<span class="badge pass">pass</span>', "error", "4 ns", "", "&lt;b&gt;", "",
    ]  # fmt: skip


def test_templates_are_in_the_wheel() -> None:
    root = Path(report.__file__).resolve().parents[2]
    patterns = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    files = sorted(path.name for path in FOLDER.iterdir())
    assert len(files) >= 7
    assert [name for name in files if not any(fnmatch(name, pattern) for pattern in patterns)] == []
