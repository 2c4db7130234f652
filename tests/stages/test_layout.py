"""The stage ``layout`` and its command: any sizes, checks that block, an override that is told."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

import nonideal.circuits.layout.network as drawing
from nonideal.circuits.cells.codes import coded_weights
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError, MappingError
from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.errors import DrcFailed, LayoutError, LvsFailed
from nonideal.circuits.layout.network import MAX_DRAWN, check_sizes
from nonideal.circuits.network.netlist import MAX_NEURONS, Topology, schematic
from nonideal.cli.exit_code import ExitCode, exit_code_of
from nonideal.cli.main import main
from nonideal.cli.own_files import draw_given
from nonideal.experiment.errors import BadOption, ExperimentError
from nonideal.experiment.experiment import load_experiment
from nonideal.experiment.training import Training
from nonideal.files import UnreadableFile
from nonideal.runs.pulse import Pulse
from nonideal.runs.rundir import RunDir
from nonideal.stages.layout import draw_and_check, drawn_topology, extractor_of, layout_options, progress_of


def test_any_sizes_are_drawn_and_checked(tmp_path: Path) -> None:
    summary = draw_given("iris", layers="2,3,1", out=tmp_path, options=layout_options("schematic"))
    # 4 FETs a synapse pair, 6 a driver; a neuron: 11 FETs, its capacitor and a driver.
    assert summary.devices == 4 * (2 * 3 + 3 * 1) + 6 * 2 + 18 * (3 + 1)
    assert (summary.drc_violations, summary.lvs_matched) == (0, True)
    assert json.loads((tmp_path / "lvs.json").read_text())["devices"] == summary.devices
    for name in ("network.gds", "network.lyp", "layout.png", "drc.json", "network.lvsdb.gz"):
        assert (tmp_path / name).stat().st_size > 0
    pins = pd.read_csv(tmp_path / "pins.csv")
    assert tuple(pins["pin"]) == Topology((2, 3, 1)).ports
    assert pins.set_index("pin").loc["vdd", "volts_V"] == 1.8


@pytest.mark.parametrize("layers", ["5", "5,x", "0,3", "5,1000"])
def test_sizes_that_make_no_network(layers: str, tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="--layers"):
        draw_given("iris", layers=layers, out=tmp_path / "out", options=layout_options("schematic"))
    assert not (tmp_path / "out").exists()


def test_layers_are_extracted_too(tmp_path: Path) -> None:
    """An array of any size needs no data set that fits it."""
    out = tmp_path / "out"
    summary = draw_given("iris", layers="1,1", out=out, options=layout_options("pex-c"), jobs=1)
    assert summary.extraction.capacitors > 10
    assert (out / "network.pex.spice").is_file()
    with pytest.raises(BadOption, match="--force"):
        draw_given("iris", layers="1,1", out=out, options=layout_options("pex-c"))
    assert draw_given("iris", layers="1,1", out=out, options=layout_options("schematic"), force=True)


def test_the_experiment_or_the_option_says_what_extracts(tmp_path: Path) -> None:
    """The option goes before the experiment; pex.json says who it was."""
    toml = tmp_path / "mine.toml"
    toml.write_text(
        (Path("experiments") / "iris.toml").read_text(encoding="utf-8").replace('"iris"', '"mine"', 1)
        + '\n[extraction]\nextractor = "kpex"\nsidewall = "halved"\n',
        encoding="utf-8",
    )
    assert extractor_of({}, load_experiment(str(toml))) == "kpex"
    for name, extractor in (("iris", None), (str(toml), "nonideal")):
        out = tmp_path / Path(name).stem
        draw_given(name, layers="1,1", out=out, options=layout_options("pex-rc", extractor), jobs=1)
        told = json.loads((out / "pex.json").read_text())
        assert told["extractor"] == "nonideal"
        assert told["sidewall"] == ("full" if name == "iris" else "halved")
        assert told["resistors_extracted"] > 100


def test_one_rule_for_sizes_with_its_reason() -> None:
    """Training and netlist take the same sizes; a layout those that have been drawn and checked."""
    assert Training(layers=(MAX_NEURONS, 1)).layers == Topology((MAX_NEURONS, 1)).layers
    with pytest.raises(ValidationError):
        Training(layers=(MAX_NEURONS + 1, 1))
    with pytest.raises(CircuitError, match="17 million synapses"):
        Topology((MAX_NEURONS + 1, 1))
    check_sizes((MAX_DRAWN, MAX_DRAWN))
    with pytest.raises(LayoutError, match="197-64-10 was drawn, passed DRC and LVS"):
        check_sizes((MAX_DRAWN + 1, 2))


def test_layout_options() -> None:
    assert layout_options("pex-rc") == {"netlist": "pex-rc", "override": False}
    with pytest.raises(BadOption, match="nothing is extracted"):
        layout_options("schematic", "magic")


def _spoiled(monkeypatch: pytest.MonkeyPatch, layer: str, box: tuple[float, float, float, float]) -> None:
    real = drawing.network

    def spoiled(layers: tuple[int, ...], design: Design, **given: Any) -> Block:
        block = real(layers, design, **given)
        block.rect(layer, *box)
        return block

    monkeypatch.setattr(drawing, "network", spoiled)


def test_a_violation_blocks_unless_overridden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _spoiled(monkeypatch, "met5", (500.0, 500.0, 500.5, 500.5))  # far too narrow
    with pytest.raises(DrcFailed, match="m5") as caught:
        draw_and_check(Topology((1, 1)), Design(), tmp_path, override=False)
    assert exit_code_of(caught.value) == ExitCode.out_of_spec
    assert json.loads((tmp_path / "drc.json").read_text())["violations"] > 0
    checked = draw_and_check(Topology((1, 1)), Design(), tmp_path, override=True)
    assert not checked.passed
    assert checked.summary.override is True
    assert checked.summary.drc_violations > 0


def test_a_short_is_no_match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _spoiled(monkeypatch, "met1", (-30.0, -60.0, 30.0, 5.0))
    with pytest.raises((LvsFailed, DrcFailed)):
        draw_and_check(Topology((1, 1)), Design(), tmp_path, override=False)
    assert json.loads((tmp_path / "lvs.json").read_text())["matched"] is False


def test_own_cells_are_not_drawn(tmp_path: Path) -> None:
    own = Design(cells={"driver": ".subckt driver trigger phase out out_b vdd vss\n.ends\n"})
    with pytest.raises(CircuitError, match="driver"):
        draw_and_check(Topology((1, 1)), own, tmp_path, override=False)


@pytest.mark.parametrize(
    "command",
    [
        ["layout", "--netlist", "pex-c"],
        ["reproduce", "--netlist", "pex-c", "--samples", "1"],
        ["characterize", "--characterize-on", "pex-c"],
        ["explore", "--characterize-on", "pex-c"],
    ],
)
@pytest.mark.parametrize(
    ("extractor", "lacks", "told"),
    [
        ([], "CXX", r"CXX = \S+ is not a program.*make setup.*--extractor kpex"),
        (["--extractor", "kpex"], "NONIDEAL_KPEX", "pip install"),
    ],
)
def test_without_the_extractor_nothing_runs(
    command: list[str],
    extractor: list[str],
    lacks: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(lacks, str(tmp_path / "nothing"))
    with pytest.raises(SystemExit) as caught:
        main([*command, *extractor, "--run-dir", str(tmp_path / "runs")])
    assert caught.value.code == ExitCode.missing
    assert re.search(told, capsys.readouterr().err.replace("\n", " "))
    made = {path.name for path in (tmp_path / "runs").rglob("*")}
    assert made <= {".lock"}


def test_progress_of_extractions(tmp_path: Path) -> None:
    """A line of stage, percentage and time left for each that tells; nothing of one that does not, or tells nonsense."""
    folders = [tmp_path / "columns" / name / "kpex" for name in ("3", "5", "7", "9")]
    for folder, text in zip(folders, ("capacitances 50\n", "netlist 0\n", "nonsense\n", None), strict=True):
        folder.mkdir(parents=True)
        if text is not None:
            (folder / "progress").write_text(text)
    began = time.monotonic() - 60
    told = progress_of(dict.fromkeys(folders, began), "RC")
    assert told == (
        "columns/3: capacitances, 28 %, about 2 min 38 s left, columns/5: netlist, 57 %, about 45 s left"
    )
    assert progress_of({folders[2]: began}, "CC") == ""
    ours = tmp_path / "layout" / "nonideal"
    ours.mkdir(parents=True)
    (ours / "progress").write_text("resistances 0\n")
    assert progress_of({ours: began}, "RC").endswith("layout: resistances, 30 %, about 2 min 20 s left")
    assert progress_of({ours: began}, "CC") == ""


def test_the_pulse_tells_what_a_run_tells(tmp_path: Path) -> None:
    pulse = Pulse(clock=lambda: 0.0)
    with pulse.waiting("kpex", 1800.0, lambda: "layout: capacitances, 40 %"):
        assert pulse.line("layout").endswith(
            "kpex has run 0 s of at most 30 min 0 s; layout: capacitances, 40 %"
        )


def test_the_mask_that_is_drawn_is_that_of_the_written_netlist(tmp_path: Path) -> None:
    experiment = load_experiment("iris_mask")
    design, layers = experiment.circuit, experiment.training.layers
    storage = coded_weights(design.contracts.synapse.storage)
    blank = Topology.of(layers, design)
    mask = tuple(
        tuple(tuple(storage.on((3 * j - 4 * k) % 31 - 15) for j in range(a)) for k in range(b))
        for a, b in pairwise(layers)
    )
    run = RunDir(tmp_path)
    with pytest.raises(UnreadableFile, match=r"network\.spice"):
        drawn_topology(experiment, run)
    folder = run.mapping_folder("bottom_up")
    folder.mkdir(parents=True)
    (folder / "network.spice").write_text(schematic(replace(blank, mask=mask), design))
    assert drawn_topology(experiment, run).mask == mask
    (folder / "network.spice").write_text(schematic(Topology.of((2, 1), design), design))
    with pytest.raises(MappingError, match="write it anew"):
        drawn_topology(experiment, run)


def test_a_layout_has_one_mask() -> None:
    experiment = load_experiment("iris_mask")
    both = experiment.validation.model_copy(update={"mappings": ("ann", "bottom_up")})
    with pytest.raises(ExperimentError, match="name one mapping"):
        _ = experiment.model_copy(update={"validation": both}).drawn_mapping
    assert load_experiment("iris").drawn_mapping is None
