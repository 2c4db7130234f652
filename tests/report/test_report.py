"""The report shows what the files hold: all of it, nothing else, escaped."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from nonideal.cli.exit_code import ExitCode, exit_code_of
from nonideal.files import sha256_of
from nonideal.report import NothingToReport, ResultUnreadable, write_report
from nonideal.report.units import quantity
from tests.report.reader import figures, opened, panels, read

EVIL = "<script>alert('x')</script> & | `b`"


def test_numbers_are_those_of_the_files(written: Path) -> None:
    reader, markdown = opened(written)
    for shown in (
        "3.142 ns",
        "31.4 ns",
        "9.99 ×",
        "0.0625 ns",
        "1.38 s",
        "94.12 %",
        "7.77 pJ",
        "0.4137 ± 0.0023 /V",
        "121.700 ± 0.050 fF",
        "551 mV",
        "8.12 ns",
        "27 / 41",
        "1.0312 / 0.9876",
    ):
        assert shown in reader.text, shown
        assert shown in markdown or shown == "9.99 ×", shown


def test_other_files_other_numbers(builder: Any, row: Any, model: Any) -> None:
    """Nothing on the page stands there by itself: change the files and every number follows."""
    rows = {"ann": row(17.31e-9), "pnn": row(2.468e-9, energy_per_inference_J=5.55e-12)}
    reader, _ = read(builder.characterization(model(0.3991)).training(0.864).validation(rows))
    for value, unit in ((17.31e-9, "s"), (2.468e-9, "s"), (5.55e-12, "J"), (0.864, "%")):
        assert quantity(value, unit, 3) in reader.text
    assert "0.3991 ± 0.0023 /V" in reader.text
    for gone in ("3.142 ns", "31.4 ns", "94.12 %", "0.4137"):
        assert gone not in reader.text


def test_the_headline_is_of_bottom_up_where_it_was_validated(builder: Any, row: Any) -> None:
    rows = {"ann": row(30e-9), "pnn": row(3e-9), "bottom_up": row(1e-9)}
    text = read(builder.characterization().validation(rows))[0].text
    assert "The circuit fires within 1 ns (rms) of what its model promised" in text
    assert "30 × ≥ 8" in text.partition("closer than ann")[2][:20]
    assert "those of bottom_up" in re.sub(" +", " ", text)


def test_figures_of_a_whole_run(written: Path) -> None:
    assert figures(written) == [
        "Every spike, model against SPICE",
        "Decisions in SPICE",
        "Waveforms of the worst sample",
        "The current scale",
        "Energy",
        "From process to proof",
        "A synapse and a neuron",
        "Synaptic current against membrane potential",
        "The slope λ against the current",
        "The discharger&#39;s current",
        "From membrane potential to spike time",
        "Loss and accuracy by epoch",
        "The drawn network",
    ]


def test_ids_are_unique_and_references_resolve(written: Path) -> None:
    reader, _ = opened(written)
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {a["href"] for _, a in reader.tags if a.get("href", "").startswith("#")}
    page = (written / "report.html").read_text(encoding="utf-8")
    wanted |= {f"#{name}" for name in re.findall(r"url\(#([^)]+)\)", page)}
    assert wanted <= {f"#{name}" for name in ids}


def test_nothing_is_fetched(written: Path) -> None:
    reader, _ = opened(written)
    scripts = [attributes for tag, attributes in reader.tags if tag == "script"]
    assert [one for one in scripts if "type" not in one] == [{}]  # the page's own program
    assert {one["type"] for one in scripts if "type" in one} == {"text/plain", "application/json"}  # data
    for tag, attributes in reader.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base"), tag
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster"):
            if name in attributes:
                assert attributes[name].startswith(("#", "data:image/")), (tag, attributes[name])
    page = (written / "report.html").read_text(encoding="utf-8")
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_the_policy_lets_two_scripts_run(written: Path) -> None:
    """The page's own program, and plotly.js, which is packed inside: no text of a file can become a program."""
    page = (written / "report.html").read_text(encoding="utf-8")
    reader = opened(written)[0]
    (policy,) = [a["content"] for t, a in reader.tags if a.get("http-equiv") == "Content-Security-Policy"]
    program = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    packed = re.search(r'id="plotly-packed">(.*?)</script>', page)
    assert program is not None
    assert packed is not None
    library = gzip.decompress(base64.b64decode(packed[1]))
    assert library.startswith(b"/**\n* plotly.js")
    allowed = [
        base64.b64encode(hashlib.sha256(text).digest()).decode() for text in (program[1].encode(), library)
    ]
    assert policy == (
        "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{allowed[0]}' 'sha256-{allowed[1]}'"
    )


def test_text_from_files_is_escaped(builder: Any, row: Any) -> None:
    builder.characterization().training().validation(
        {"ann": row(3e-8), EVIL: row(3e-9)}, experiment=EVIL, failed=((EVIL, 2),), complete=False
    )
    reader, markdown = read(builder)
    page = (builder.path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert {a.get("type") for tag, a in reader.tags if tag == "script"} <= {
        None,
        "text/plain",
        "application/json",
    }
    assert page.count("<script>") == 1
    spikes = panels(builder.path)["spikes"]
    assert EVIL in spikes["rows"]["mapping"]
    named = {trace["name"] for chart in spikes["charts"] for trace in chart["traces"] if "name" in trace}
    assert named == {
        "ann",
        "&lt;script&gt;alert('x')&lt;/script&gt; &amp; | `b`",
    }  # plotly.js shows these as text
    assert "<script" not in markdown
    assert "&lt;script&gt;" in markdown
    assert r"\| `b`" in markdown


def test_failed_samples_are_named_with_their_logs(builder: Any) -> None:
    builder.characterization().validation(failed=(("pnn", 3), ("pnn", 7)), complete=False)
    decks = builder.folder("validation/decks")
    (decks / "pnn_0003.log").write_text("first\n", encoding="utf-8")
    (decks / "pnn_0003+gear.cir").write_text("* deck\n", encoding="utf-8")
    log = decks / "pnn_0003+gear.log"
    log.write_text("loading\ntimestep too small\n\n", encoding="utf-8")
    reader, markdown = read(builder)
    for text in (reader.text, markdown):
        assert "2 samples gave no result" in text
        assert "validation/decks/pnn_0003+gear.log" in text
        assert "timestep too small" in text
        assert "pnn_0007.cir (it left no log)" in text
    assert "samples without a result, all mappings" in reader.text
    assert "not complete" in reader.text
    assert "without a result" in reader.text.split("Simulations tried again")[-1]


def test_retries_are_shown_in_their_order(builder: Any) -> None:
    builder.characterization()
    import os

    decks = builder.folder("characterization/decks")
    for age, rung in ((20, "again"), (10, "robust")):
        path = decks / f"firing+{rung}.cir"
        path.write_text("* deck\n", encoding="utf-8")
        os.utime(path, (1e9 - age, 1e9 - age))
    assert "again → robust" in read(builder)[0].text


def test_characterisation_only(builder: Any) -> None:
    reader, markdown = read(builder.characterization(curves=True))
    assert len(figures(builder.path)) == 2 + 4
    for text in (reader.text, markdown):
        assert "nonideal train --experiment tiny" in text
        assert "nonideal validate-post-layout --experiment tiny" in text
        assert "not run" in text
    assert "RMSE of output spikes" not in reader.text


def test_training_only(builder: Any) -> None:
    reader, _ = read(builder.training())
    assert figures(builder.path)[2:] == ["Loss and accuracy by epoch"]
    assert "Networks trained; no network simulated yet" in reader.text
    assert "nonideal characterize --experiment tiny" in reader.text


def test_validation_without_its_neighbours(builder: Any) -> None:
    """Waveforms need the model's levels; without it the rest is still shown."""
    assert "3.142 ns" in read(builder.validation())[0].text


def test_a_mapping_in_which_every_sample_failed(builder: Any, row: Any) -> None:
    empty = row(
        None,
        spike_time_max_error_s={"hidden": None, "output": None},
        accuracy_spice=None,
        energy_per_inference_J=None,
        scale_search=[],
        failed_samples=10,
    )
    failed = tuple(("pnn", sample) for sample in range(10))
    builder.characterization().validation({"ann": row(3e-8), "pnn": empty}, failed=failed)
    reader, _ = read(builder)
    assert "10 samples gave no result" in reader.text
    assert "none" in reader.text
    assert re.search(r"\d+ of \d+ limits met; not met: pnn", reader.text)


def test_corners(builder: Any, model: Any) -> None:
    builder.characterization()
    builder.characterization(model(0.4455, "ff"), "corners/ff/characterization")
    reader, _ = read(builder)
    assert "0.4455 ± 0.0023" in reader.text
    assert "Corners" in reader.text


def test_layout_is_absent_until_there_is_one(builder: Any) -> None:
    builder.characterization()
    assert "Layout" not in read(builder)[0].text.replace("Layout of", "")
    builder.write_json(
        "layout/lvs.json", {"matched": False, "nets": 347, "differences": 1, "messages": [EVIL]}
    )
    (builder.path / "layout" / "layout.png").write_bytes(b"picture")
    reader, markdown = read(builder)
    assert "Layout against schematic" in reader.text
    assert "347" in reader.text
    assert "347" in markdown
    assert [a["src"] for t, a in reader.tags if t == "img"] == ["data:image/png;base64,cGljdHVyZQ=="]


def test_provenance_names_files_seeds_versions_and_commands(written: Path) -> None:
    reader, _ = opened(written)
    for shown in (
        "validation/summary.json: mappings.pnn.spike_time_rmse_s.output",
        "characterization/model.json",
        "split 3",
        "2026-01-02 03:04",
        "12.3 s",
        sha256_of(written / "validation" / "summary.json")[:12],
        "nonideal train --experiment tiny",
        "ngspice",
    ):
        assert shown in reader.text, shown


def test_commands_are_those_that_were_recorded(builder: Any) -> None:
    """What made the results, and for a stage that is not there the same experiment and run directory."""
    from nonideal.runs.manifest import load_manifest

    builder.characterization().training().validation()
    shared = " --experiment my/tiny.toml --run-dir runs/tiny-5"
    command = f"nonideal validate-post-layout{shared} --netlist pex-c --samples 5"
    for stage, told in (("training", f"nonideal train{shared}"), ("validation", command)):
        manifest = load_manifest(builder.path / stage)
        assert manifest is not None
        manifest.model_copy(
            update={"command": told, "shared": shared, "started": "2026-01-02T03:04:06+00:00"}
        ).save(builder.path / stage)
    for text in (read(builder)[0].text, read(builder)[1]):
        assert command in text
        assert f"nonideal netlist{shared}" in text
        assert f"nonideal report{shared}" in text


def test_report_is_repeatable(builder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nonideal.report.contents.now", lambda: "now")
    builder.characterization(curves=True)
    first = write_report(builder.path)[0].read_bytes()
    assert write_report(builder.path)[0].read_bytes() == first


@pytest.mark.parametrize("exists", [True, False])
def test_nothing_at_all(tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "empty"
    if exists:
        folder.mkdir()
    with pytest.raises(NothingToReport, match="nonideal reproduce --experiment") as caught:
        write_report(folder)
    assert str(folder) in str(caught.value)
    assert exit_code_of(caught.value) is ExitCode.bad_input
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize(
    "name", ["characterization/model.json", "validation/summary.json", "validation/spikes.parquet"]
)
def test_a_torn_file_is_named(builder: Any, name: str) -> None:
    builder.characterization().validation()
    (builder.path / name).write_text("{", encoding="utf-8")
    with pytest.raises(ResultUnreadable, match=re.escape(Path(name).name)):
        write_report(builder.path)


def test_markdown_tables_are_whole(written: Path) -> None:
    lines = opened(written)[1].splitlines()
    for above, line in pairwise(lines):
        if line.startswith("|") and above.startswith("|"):
            bars = [len(re.findall(r"(?<!\\)\|", text)) for text in (above, line)]
            assert bars[0] == bars[1], line


def test_settings_are_folded_away_as_json(written: Path) -> None:
    reader, _ = opened(written)
    assert sum(tag == "pre" for tag, _ in reader.tags) == 3
    assert json.dumps("split_seed") in reader.text


def test_capacitances_are_shown_by_kind_of_net(builder: Any) -> None:
    builder.characterization()
    nets = {
        "dendrite_1_0": 5.9e-15,
        "dendrite_1_1": 6.1e-15,
        "neuron_1_0_membrane": 5.7e-15,
        "nothing": 9e-12,
    }
    builder.write_json("layout/pex.json", {"mode": "RC", "resistors": 7, "net_capacitance_F": nets})
    text = read(builder)[1]
    (row,) = [line for line in text.splitlines() if line.startswith("| dendrites")]
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "dendrites", "2", "5.9 fF", "6 fF", "6.1 fF", "`dendrite_1_1`",
    ]  # fmt: skip


def test_no_heading_stands_twice(written: Path) -> None:
    """A section's title is not repeated by what stands in it."""
    page = (written / "report.html").read_text(encoding="utf-8")
    headings = re.findall(r"<h[123]>(.*?)</h[123]>", page)
    assert len(headings) == len(set(headings)) > 15


def test_the_data_flow_shows_what_is_not_in_this_run(written: Path, builder: Any) -> None:
    def flow(folder: Path) -> str:
        return (
            (folder / "report.html")
            .read_text(encoding="utf-8")
            .partition("diagram flow")[2]
            .partition("</svg>")[0]
        )

    assert "DRC, LVS, extract" in flow(written)
    assert flow(written).count("not in this run") == 1  # the netlist
    read(builder.training())
    assert flow(builder.path).count("not in this run") == 5


def test_few_samples_come_with_a_caution(builder: Any) -> None:
    builder.characterization().validation()
    for text in (read(builder)[0].text, read(builder)[1]):
        assert "rest on 10 samples" in text
    builder.validation(samples=50)
    assert "Caution" not in read(builder)[0].text


def test_unpaired_spikes_of_the_output_layer_stand_apart(builder: Any) -> None:
    import pandas as pd

    builder.characterization().validation()
    path = builder.path / "validation" / "spikes.parquet"
    spikes = pd.read_parquet(path)
    chosen = (spikes["mapping"] == "pnn") & (spikes["layer"] == 2) & (spikes["neuron"] == 0)
    spikes.loc[chosen & (spikes["sample"] < 2), "kind"] = "missed"
    spikes.loc[(spikes["mapping"] == "pnn") & (spikes["layer"] == 1) & (spikes["sample"] == 3), "kind"] = (
        "extra"
    )
    spikes.to_parquet(path)
    builder.manifest("validation")
    lines = read(builder)[1].splitlines()
    assert "| missed spikes (model only), all layers | 2 | 2 |" in lines
    assert "| of these in the output layer, missed | 0 | 2 |" in lines
    assert "| of these in the output layer, extra | 0 | 0 |" in lines
