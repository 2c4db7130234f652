"""The columns that are characterised: how many axons, on which netlist, drawn and extracted as the network is."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from sklearn.datasets import load_iris

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.physics import MOST_AXONS, columns_of
from nonideal.circuits.layout.errors import DrcFailed, ExtractionFailed
from nonideal.cli.exit_code import ExitCode, exit_code_of
from nonideal.cli.main import main
from nonideal.cli.session import Session, session
from nonideal.experiment.errors import BadOption
from nonideal.experiment.experiment import Experiment, load_experiment, parse_experiment
from nonideal.files.record import Document
from nonideal.runs.context import Context
from nonideal.runs.errors import NoCircuit, StageInputAltered, StageInputMissing, StageInputStale
from nonideal.runs.manifest import load_manifest
from nonideal.runs.rundir import RunDir
from nonideal.runs.stage import Done, Stage, run_stage
from nonideal.spice import Cache
from nonideal.stages.measured_on import MeasuredOn, column_netlists, measured_on
from nonideal.stages.table import LOOP, STAGES


def on(experiment: Experiment, netlist: str) -> Experiment:
    return experiment.changed({"characterize": {"on": netlist}})


def with_layers(experiment: Experiment, *layers: int) -> Experiment:
    return experiment.changed({"training": {"layers": layers}})


@pytest.fixture
def context() -> Context:
    return Context(jobs=2, console=Console(file=io.StringIO(), width=1000))


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path / "runs" / "tiny")


@pytest.fixture
def extracted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """An extractor that only notes the ports it is given."""
    calls: list[tuple[str, ...]] = []

    def fake(
        database: Path, ports: tuple[str, ...], devices: int, *, folder: Path, options: Any, **_: Any
    ) -> Any:
        calls.append(tuple(ports))
        assert database.is_file()
        (folder.parent / "network.pex.spice").write_text(
            f".subckt network {' '.join(ports)}\nR1 v0 vss {devices}\n.ends network\n"
        )
        (folder.parent / "pex.json").write_text("{}")
        return SimpleNamespace(
            net_capacitance_F={"dendrite_1_0": 1e-15, "neuron_1_0_membrane": 2e-15},
            options=options, mode="RC", raw_resistors=9, raw_capacitors=8,
            netlist=SimpleNamespace(resistors=[1], capacitors=[1, 2]), cached=False, seconds_cpu=1.0,
            write=lambda folder: None,
        )  # fmt: skip

    monkeypatch.setattr("nonideal.circuits.extraction.extract", fake)
    return calls


def columns_stage() -> Stage:
    return replace(STAGES["columns"], tools=dict)


@pytest.mark.parametrize(
    ("layers", "columns"),
    [((5, 5, 5), (5,)), ((14, 6, 3), (6, 14)), ((784, 400, 400, 10), (16,)), ((3, 64, 2), (3, 16))],
)
def test_columns_are_those_of_the_layers(layers: tuple[int, ...], columns: tuple[int, ...]) -> None:
    assert columns_of(layers) == columns
    assert max(columns) <= MOST_AXONS
    assert with_layers(Experiment(name="x"), *layers).columns == columns


def test_columns_that_are_drawn_are_as_long_as_their_layers() -> None:
    """They are simulated neuron by neuron; a column carried on from 16 axons told the spikes of 65-32-10 to 20 and 40 ns."""
    digits = with_layers(Experiment(name="x"), 65, 32, 10)
    drawn = digits.changed({"characterize": {"on": "pex-rc"}})
    assert (digits.columns, drawn.columns) == ((16,), (32, 65))


def test_what_has_no_circuit_has_the_column_of_its_bench() -> None:
    cnn = load_experiment("mnist_cnn")
    assert cnn.columns == (cnn.characterize.axons,)
    assert cnn.section("columns") == [5]


def test_the_schematic_needs_no_drawing(tiny: Experiment, run: RunDir) -> None:
    assert not STAGES["columns"].wanted(tiny)
    assert STAGES["characterization"].needs_for(tiny, run, {}) == {}
    netlists = column_netlists(tiny, run)
    assert [(n.axons, n.kind) for n in netlists] == [(3, "schematic"), (5, "schematic")]
    assert ".subckt network" in netlists[0].text.lower()


def test_columns_are_drawn_checked_and_extracted_once(
    tiny: Experiment, run: RunDir, context: Context, extracted: list[tuple[str, ...]]
) -> None:
    tiny = on(tiny, "pex-rc")
    assert STAGES["columns"].wanted(tiny)
    outcome = run_stage(columns_stage(), tiny, run, context)
    assert outcome.passed
    assert [c.layers for c in outcome.summary.columns] == [(3, 3), (5, 3)]
    assert all(c.drc_violations == 0 and c.lvs_matched for c in outcome.summary.columns)
    assert [c.layers[:2] for c in outcome.summary.fan_outs] == [(1, 3)]
    assert len(extracted) == 3
    manifest = load_manifest(run.path / "columns")
    assert manifest is not None
    assert {"3/network.gds", "3/drc.json", "5/network.pex.spice", "5/pex.json"} <= manifest.outputs.keys()
    assert manifest.command.endswith("--characterize-on pex-rc")
    assert [(n.kind, n.text.split()[0]) for n in column_netlists(tiny, run)] == [("pex-rc", ".subckt")] * 2

    # Other weights, other seeds, another loss: the same columns.
    other = tiny.changed({"training": {"seeds": (9,), "epochs": 7}})
    assert run_stage(columns_stage(), other, run, context).skipped
    # Another output layer is no dendrite of another length, but axons of one.
    assert not run_stage(columns_stage(), with_layers(other, 5, 3, 4), run, context).skipped
    assert not run_stage(columns_stage(), with_layers(other, 5, 4, 3), run, context).skipped


def test_a_column_that_breaks_rules_blocks(
    tiny: Experiment,
    run: RunDir,
    context: Context,
    extracted: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import nonideal.circuits.layout.network as drawing

    real = drawing.network

    def spoiled(layers: tuple[int, ...], design: Any, **given: Any) -> Any:
        block = real(layers, design, **given)
        block.rect("met5", 500.0, 500.0, 500.5, 500.5)
        return block

    monkeypatch.setattr(drawing, "network", spoiled)
    with pytest.raises(DrcFailed, match="m5"):
        run_stage(columns_stage(), on(tiny, "pex-c"), run, context)
    assert json.loads((run.column(3) / "drc.json").read_text())["violations"] > 0
    assert not extracted
    forced = run_stage(columns_stage(), on(tiny, "pex-c"), run, context, {"override": True})
    assert not forced.passed


def by_kpex(experiment: Experiment) -> Experiment:
    extraction = experiment.extraction.model_copy(update={"extractor": "kpex"})
    return experiment.model_copy(update={"extraction": extraction})


def test_what_a_large_layout_costs_kpex_is_said_before_it_starts(
    tiny: Experiment,
    run: RunDir,
    context: Context,
    extracted: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nonideal.stages.layout.LARGE_FOR_KPEX", 120)
    outcome = run_stage(columns_stage(), by_kpex(on(tiny, "pex-c")), run, context)
    few, many = outcome.summary.columns
    assert few.devices <= 120 < many.devices
    assert isinstance(context.console.file, io.StringIO)
    said = context.console.file.getvalue()
    assert f"  {many.devices} devices: kpex will take some" in said
    assert f"  {few.devices} devices:" not in said


def test_a_failed_extraction_ends_the_others_and_is_exit_4(
    tiny: Experiment, run: RunDir, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = []

    def fake(database: Path, ports: Any, devices: int, *, stop: Any, **_: Any) -> Any:
        if database.parent.name == "3":
            raise ExtractionFailed("kpex ended with code 1")
        ended.append(stop.wait(30))
        raise ExtractionFailed("ended on request")

    monkeypatch.setattr("nonideal.circuits.extraction.extract", fake)
    with pytest.raises(ExtractionFailed, match="code 1") as caught:
        run_stage(columns_stage(), on(tiny, "pex-c"), run, context)
    assert exit_code_of(caught.value) == ExitCode.tool_failed
    assert ended in ([], [True], [True, True])


def test_characterisation_needs_the_columns_of_its_own_circuit(
    tiny: Experiment, run: RunDir, context: Context, extracted: list[tuple[str, ...]]
) -> None:
    stage = replace(
        STAGES["characterization"], summary=Document, run=lambda work: Done((), Document()), tools=dict
    )
    wanted = on(tiny, "pex-rc")
    told = r"columns/3/network\.pex\.spice.*`nonideal characterize --experiment tiny --run-dir .* --characterize-on pex-rc`"
    with pytest.raises(StageInputMissing, match=told):
        run_stage(stage, wanted, run, context)
    run_stage(columns_stage(), on(tiny, "pex-c"), run, context)
    with pytest.raises(StageInputStale, match=r"characterize\.on"):
        run_stage(stage, wanted, run, context)
    run_stage(columns_stage(), wanted, run, context)
    run_stage(stage, wanted, run, context)
    assert run_stage(stage, wanted.changed({"training": {"epochs": 8}}), run, context).skipped
    (run.column(3) / "network.pex.spice").write_text("another")
    with pytest.raises(StageInputAltered, match=told):
        run_stage(stage, wanted, run, context)
    assert not run_stage(columns_stage(), wanted, run, context).skipped


def test_what_columns_are_measured_on(tiny: Experiment, run: RunDir, context: Context) -> None:
    asked = MeasuredOn("pex-c", "--characterize-on")
    assert measured_on(tiny, run, asked) == asked
    assert measured_on(on(tiny, "pex-c"), run, None).netlist == "pex-c"
    stage = replace(
        STAGES["characterization"],
        summary=Document,
        run=lambda work: Done((), Document()),
        tools=dict,
        needs_for=lambda *_: {},
    )
    run_stage(stage, on(tiny, "pex-rc"), run, context)
    found = measured_on(tiny, run, None)
    assert found.netlist == "pex-rc"
    assert "before" in found.why
    assert measured_on(tiny, run, asked) == asked


@pytest.fixture
def place(tmp_path: Path, write_toml: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of an experiment, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return str(write_toml("tiny", 'name = "tiny"\n[training]\nlayers = [5, 3, 3]\n[characterize]\non = "pex-c"\n'))  # fmt: skip


def kind_of(opened: Session) -> str:
    return opened.at(opened.corners[0])[0].characterize.on


def test_the_command_line_overrides_and_reproduce_takes_its_netlist(place: str) -> None:
    with session(place) as opened:
        assert kind_of(opened) == "pex-c"
    with session(place, like="schematic") as opened:
        assert kind_of(opened) == "schematic"
    with session(place, like="schematic", characterize_on="pex-rc") as opened:
        assert kind_of(opened) == "pex-rc"


def test_stages_run_in_order_and_it_is_told_on_what(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, dict[str, Any]]] = []

    def fake(stage: Stage, experiment: Experiment, rundir: RunDir, context: Any, options: Any) -> None:
        ran.append((stage.name, options))

    monkeypatch.setattr("nonideal.cli.session.run_stage", fake)
    said: list[str] = []
    with session(place) as opened:
        monkeypatch.setattr(opened.context.console, "print", said.append)
        opened.characterize(override=True)
        opened.run(("layout",))
    assert ran[:2] == [("columns", {"override": True}), ("characterization", {"override": True})]
    assert said == ["columns are measured on pex-c (as experiment tiny says)"]
    ran.clear()
    with session(place, characterize_on="schematic") as opened:
        opened.characterize()
        with pytest.raises(BadOption, match="nothing is extracted"):
            opened.characterize("magic")
    assert [name for name, _ in ran] == ["characterization"]
    assert LOOP.index("columns") < LOOP.index("characterization")


def test_only_dense_networks_have_columns_to_draw(run: RunDir, context: Context) -> None:
    other = parse_experiment(
        {"name": "x", "characterize": {"on": "pex-rc"}, "training": {"network": {"layers": [3]}}}, "x.toml"
    )
    with pytest.raises(NoCircuit, match="columns"):
        run_stage(columns_stage(), other, run, context)


@pytest.mark.slow
@pytest.mark.spice
@pytest.mark.timeout(600)
def test_characterize_measures_the_columns_of_the_experiment(
    place: str,
    make_workbench: Any,
    coarse: CharacterizeOptions,
    known: Cache,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On real ngspice and sky130, from the schematic; swept coarsely."""
    make_workbench()
    # Two features and the constant one are three axons, as of the column that tests/characterize measures: the simulations are one.
    petals = load_iris(as_frame=True).frame.iloc[:, 2:].rename(columns={"target": "kind"})
    petals.to_csv("petals.csv", index=False)
    own = '[data]\nfile = "petals.csv"\ntest_samples = 60\n'
    steps = f"bias_step_V = {coarse.bias_step_V}\nmembrane_step_V = {coarse.membrane_step_V}\n"
    Path(place).write_text(f'name = "tiny"\n[training]\nlayers = [3, 3, 3]\n{own}[characterize]\n{steps}')
    Path("runs/tiny").mkdir(parents=True)
    Path("runs/tiny/cache").symlink_to(known.folder)
    with pytest.raises(SystemExit) as caught:
        main(["characterize", "-e", place, "--jobs", "2"])
    assert caught.value.code == 0
    told = capsys.readouterr()
    assert "columns are measured on schematic" in told.err
    assert "Columns as measured" in told.out
    (column,) = PhysicalModel.load(RunDir(Path("runs/tiny")).model).columns
    assert (column.axons, column.netlist) == (3, "schematic")
    assert 0 < column.check_rms_s < 1e-9
    assert not Path("runs/tiny/columns").exists()
