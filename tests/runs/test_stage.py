from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from nonideal.circuits.design import Design, Fet, SynapseSizes
from nonideal.experiment.experiment import Experiment
from nonideal.files import sha256_of
from nonideal.files.record import Document, Record
from nonideal.runs.context import Context
from nonideal.runs.errors import StageInputAltered, StageInputMissing, StageInputStale
from nonideal.runs.manifest import Inputs, Manifest, load_manifest, stale, up_to_date
from nonideal.runs.rundir import RunDir
from nonideal.runs.stage import Done, Need, Stage, Work, outdated, run_stage
from nonideal.stages.table import STAGES


class Calls(Record):
    """What is told of a stage that counts."""

    calls: int


class Counter:
    """A stage's function that counts its calls and fails on demand."""

    def __init__(self) -> None:
        self.calls = 0
        self.fail = False
        self.seen: list[set[str]] = []

    def __call__(self, work: Work) -> Done:
        self.calls += 1
        self.seen.append({p.name for p in work.folder.iterdir()})
        (work.folder / "partial").write_text("kept")
        if self.fail:
            raise RuntimeError("cut off")
        (work.folder / "result.txt").write_text(f"{work.experiment.seed} {dict(work.options)}")
        return Done((work.folder / "result.txt",), Calls(calls=self.calls))


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def stage(counter: Counter, tmp_path: Path) -> Stage:
    (tmp_path / "input.txt").write_text("a")
    return Stage(
        name="counting",
        doing="counting",
        sections=("data", "simulator.reltol"),
        run=counter,
        summary=Calls,
        needs=lambda experiment, rundir: {"input": Need(tmp_path / "input.txt", "input")},
        tools=lambda: {"tool": "1"},
        seeds=lambda experiment: {"seed": experiment.seed},
    )


@pytest.fixture
def context() -> Context:
    return Context(jobs=1, console=Console(file=io.StringIO(), width=200))


def output(context: Context) -> str:
    file = context.console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_runs_once_then_stands(
    stage: Stage, counter: Counter, tiny: Experiment, tmp_path: Path, context: Context
) -> None:
    run = RunDir(tmp_path / "run")
    first = run_stage(stage, tiny, run, context)
    second = run_stage(stage, tiny, run, context)
    assert (first.skipped, second.skipped, counter.calls) == (False, True, 1)
    assert second.summary == first.summary == Calls(calls=1)
    manifest = load_manifest(run.path / "counting")
    assert manifest is not None
    assert manifest.inputs.settings["simulator.reltol"] == tiny.simulator.reltol
    assert manifest.inputs.files.keys() == {"input"}
    assert manifest.versions["tool"] == "1"
    assert manifest.versions["python"].startswith("3.")
    assert not (run.path / "counting" / "started.json").exists()


def changed_experiment(experiment: Experiment) -> Experiment:
    return experiment.model_copy(update={"data": experiment.data.model_copy(update={"split_seed": 7})})


@pytest.mark.parametrize(
    "what", ["settings", "seed", "input", "tool", "option", "altered", "gone", "forced", "manifest"]
)
def test_runs_again_when_something_changed(
    *, what: str, stage: Stage, counter: Counter, tiny: Experiment, tmp_path: Path, context: Context
) -> None:
    run = RunDir(tmp_path / "run")
    run_stage(stage, tiny, run, context)
    options: dict[str, Any] = {}
    told = what
    result = run.path / "counting" / "result.txt"
    if what == "settings":
        tiny, told = changed_experiment(tiny), "settings: data"
    elif what == "seed":
        tiny, told = tiny.model_copy(update={"seed": 9}), "seeds: seed"
    elif what == "input":
        (tmp_path / "input.txt").write_text("b")
        told = "files: input"
    elif what == "tool":
        stage, told = replace(stage, tools=lambda: {"tool": "2"}), "tools: tool"
    elif what == "option":
        options, told = {"clip": True}, "settings: --clip"
    elif what == "altered":
        result.write_text("something else")
    elif what == "gone":
        result.unlink()
    elif what == "forced":
        context = replace(context, force=True)
    else:
        (run.path / "counting" / "manifest.json").write_text("{")
        told = "cannot be read"
    run_stage(stage, tiny, run, context, options)
    assert counter.calls == 2
    assert told in output(context)


def test_what_a_stage_does_not_depend_on_does_not_matter(
    stage: Stage, counter: Counter, tiny: Experiment, tmp_path: Path, context: Context
) -> None:
    run = RunDir(tmp_path / "run")
    run_stage(stage, tiny, run, context)
    other = tiny.model_copy(update={"training": tiny.training.model_copy(update={"epochs": 99})})
    assert run_stage(stage, other, run, context).skipped


def test_what_is_replaced_is_told_before_it_goes(
    stage: Stage, tiny: Experiment, tmp_path: Path, context: Context
) -> None:
    run = RunDir(tmp_path / "run")
    stage = replace(stage, kept="its simulations")
    run_stage(stage, tiny, run, context, {"netlist": "pex-rc"})
    assert "replaces" not in output(context)

    def killed(work: Work) -> Done:
        assert "replaces" in output(context)
        raise RuntimeError("cut off")

    with pytest.raises(RuntimeError):
        run_stage(replace(stage, run=killed), tiny, run, context, {"netlist": "schematic"})
    text = output(context).replace("\n", "")
    assert f"made by `nonideal counting --experiment tiny --run-dir {run.path} --netlist pex-rc`" in text
    assert f"its simulations stay in {run.cache}" in text


def test_a_report_is_outdated_by_newer_results(tmp_path: Path) -> None:
    def touch(name: str, at: float) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (at, at))

    touch("training/manifest.json", 100)
    assert not outdated(tmp_path), "no report, nothing to be out of date"
    touch("report.html", 200)
    assert not outdated(tmp_path)
    for name in ("validation/started.json", "netlist/manifest.json", "corners/ff/validation/manifest.json"):
        touch(name, 300)
        assert outdated(tmp_path), name
        touch(name, 100)


def test_a_cut_off_stage_is_unfinished_and_continued(
    stage: Stage, counter: Counter, tiny: Experiment, tmp_path: Path, context: Context
) -> None:
    run = RunDir(tmp_path / "run")
    counter.fail = True
    with pytest.raises(RuntimeError):
        run_stage(stage, tiny, run, context)
    assert load_manifest(run.path / "counting") is None
    counter.fail = False
    run_stage(stage, tiny, run, context)
    assert "partial" in counter.seen[1]


def test_what_other_inputs_left_is_removed(
    stage: Stage, counter: Counter, tiny: Experiment, tmp_path: Path, context: Context
) -> None:
    run = RunDir(tmp_path / "run")
    counter.fail = True
    with pytest.raises(RuntimeError):
        run_stage(stage, tiny, run, context)
    counter.fail = False
    run_stage(stage, changed_experiment(tiny), run, context)
    assert "partial" not in counter.seen[1]


def test_a_folder_on_another_disk_is_emptied_and_stays_a_link(
    stage: Stage, counter: Counter, tiny: Experiment, tmp_path: Path, context: Context
) -> None:
    run, elsewhere = RunDir(tmp_path / "run"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    run.path.mkdir()
    (run.path / "counting").symlink_to(elsewhere)
    run_stage(stage, tiny, run, context)
    (elsewhere / "inside").mkdir()
    (elsewhere / "inside" / "link").symlink_to(tmp_path / "input.txt")
    run_stage(stage, changed_experiment(tiny), run, context)
    assert counter.seen == [{"started.json"}] * 2
    assert (run.path / "counting").is_symlink()
    assert {path.name for path in elsewhere.iterdir()} == {"manifest.json", "partial", "result.txt"}
    assert (tmp_path / "input.txt").read_text() == "a"


def test_a_missing_input_names_the_command(
    stage: Stage, tiny: Experiment, tmp_path: Path, context: Context
) -> None:
    (tmp_path / "input.txt").unlink()
    with pytest.raises(
        StageInputMissing, match=r"counting needs .*input\.txt.*`nonideal input --experiment tiny --run-dir "
    ):
        run_stage(stage, tiny, RunDir(tmp_path / "run"), context)


def finished(folder: Path, experiment: Experiment, stage: str, files: dict[str, str], **options: Any) -> None:
    """A stage folder as a run with this experiment leaves it."""
    settings = {name: experiment.section(name) for name in STAGES[stage].sections}
    settings |= {f"--{name}": value for name, value in options.items()}
    inputs = Inputs(settings=settings, seeds={}, files=files, tools={"pdk_sha256": "that PDK"}, code="")
    outputs = {str(p.relative_to(folder)): sha256_of(p) for p in folder.rglob("*") if p.is_file()}
    Manifest(
        stage=stage, inputs=inputs, outputs=outputs, versions={}, summary={"calls": 1}, passed=True, started="", seconds=0.0
    ).save(folder)  # fmt: skip


@pytest.fixture
def validation() -> Stage:
    """The real stage's needs, without its tools."""
    return replace(STAGES["validation"], summary=Document, run=lambda work: Done((), Document()), tools=dict)


@pytest.fixture
def run(tiny: Experiment, tmp_path: Path) -> RunDir:
    """A run directory whose network was laid out and extracted with capacitance only."""
    run = RunDir(tmp_path / "run")
    for path in (
        run.model,
        run.weights("ann"),
        run.weights("pnn"),
        run.path / "layout" / "network.pex.spice",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name)
    finished(run.path / "characterization", tiny, "characterization", {})
    finished(run.path / "training", tiny, "training", {"model": sha256_of(run.model)})
    finished(run.path / "layout", tiny, "layout", {}, netlist="pex-c", override=False)
    return run


def test_capacitance_alone_does_not_pass_for_an_rc_netlist(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context
) -> None:
    assert not run_stage(validation, tiny, run, context, {"netlist": "pex-c"}).skipped
    with pytest.raises(
        StageInputStale, match=r"network\.pex\.spice.*--netlist.*layout --experiment tiny .*--netlist pex-rc`"
    ):
        run_stage(validation, tiny, run, context, {"netlist": "pex-rc"})


def test_an_extraction_that_was_cut_off_is_not_used(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context
) -> None:
    (run.path / "layout" / "manifest.json").unlink()
    with pytest.raises(StageInputStale, match="did not end well"):
        run_stage(validation, tiny, run, context, {"netlist": "pex-c"})


def test_results_of_another_circuit_are_not_used(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context
) -> None:
    small = SynapseSizes(select_n=Fet(w_um=0.42, l_um=0.15))
    other = tiny.model_copy(update={"circuit": Design(synapse=small)})
    told = r"model\.json.*circuit.*`nonideal characterize --experiment tiny --run-dir .* --characterize-on schematic`"
    with pytest.raises(StageInputStale, match=told):
        run_stage(validation, other, run, context, {"netlist": "schematic"})


def test_weights_of_another_model_are_not_used(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context
) -> None:
    run.model.write_text("characterised again")
    (run.path / "characterization" / "manifest.json").unlink()
    finished(run.path / "characterization", tiny, "characterization", {})
    with pytest.raises(
        StageInputStale, match=r"weights\.safetensors.*made otherwise \(model\).*nonideal train"
    ):
        run_stage(validation, tiny, run, context, {"netlist": "schematic"})


@pytest.mark.parametrize("name", ["characterization/model.json", "training/pnn/weights.safetensors"])
def test_an_altered_input_is_refused_by_name(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context, name: str
) -> None:
    path, stage = run.path / name, name.partition("/")[0]
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
    command = "characterize" if stage == "characterization" else "train"
    told = rf"{name}, which was altered or damaged.*{stage}/manifest\.json\): run `nonideal {command} "
    with pytest.raises(StageInputAltered, match=told):
        run_stage(validation, tiny, run, context, {"netlist": "schematic"})


def test_a_file_that_the_manifest_does_not_know_is_not_its_stages(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context
) -> None:
    (run.path / "characterization" / "manifest.json").unlink()
    content = run.model.read_text()
    run.model.unlink()
    finished(run.path / "characterization", tiny, "characterization", {})
    run.model.write_text(content)
    with pytest.raises(StageInputAltered, match=r"model\.json"):
        run_stage(validation, tiny, run, context, {"netlist": "schematic"})


@pytest.mark.parametrize("what", ["garbage", "cut off"])
def test_what_no_readable_manifest_vouches_for_is_refused(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context, what: str
) -> None:
    made = run.path / "characterization" / "manifest.json"
    if what == "garbage":
        made.write_bytes(b"\xff{")
        told = "manifest.json beside it cannot be read"
    else:
        made.rename(made.with_name("started.json"))
        told = "its stage did not end well"
    with pytest.raises(StageInputStale, match=told):
        run_stage(validation, tiny, run, context, {"netlist": "schematic"})


def test_a_model_of_the_users_own_is_taken_as_it_is(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context
) -> None:
    (run.path / "characterization" / "manifest.json").unlink()
    assert not run_stage(validation, tiny, run, context, {"netlist": "schematic"}).skipped


def test_another_pdk_is_not_mixed_in(
    validation: Stage, tiny: Experiment, run: RunDir, context: Context
) -> None:
    same, other = (replace(validation, tools=lambda name=name: {"pdk_sha256": name}) for name in ("that PDK", "V_th + 50 mV"))  # fmt: skip
    run_stage(same, tiny, run, context, {"netlist": "schematic"})
    with pytest.raises(StageInputStale, match=r"model\.json, which was made otherwise \(the PDK\)"):
        run_stage(other, tiny, run, context, {"netlist": "schematic"})


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("options", ["same", "other"])
@pytest.mark.parametrize("marker", ["same", "other", "garbage", "absent"])
@pytest.mark.parametrize("made", ["readable", "garbage", "absent"])
def test_every_folder_has_a_way_on(
    stage: Stage, tiny: Experiment, tmp_path: Path, context: Context, made: str, marker: str, options: str, force: bool
) -> None:  # fmt: skip
    """Whatever a folder was left as, the next run ends, and continues only what its own inputs began."""

    def run(work: Work) -> Done:
        """As a training: a checkpoint of other options is refused."""
        checkpoint = work.folder / "checkpoint"
        mine = str(work.experiment.data.split_seed)
        if checkpoint.exists() and checkpoint.read_text() != mine:
            raise RuntimeError("the checkpoint is another run's")
        checkpoint.write_text(mine)
        return Done((checkpoint,), Document())

    stage, rundir = replace(stage, run=run), RunDir(tmp_path / "run")
    folder = rundir.path / "counting"
    run_stage(stage, tiny, rundir, context)
    manifest = folder / "manifest.json"
    key = Manifest.model_validate_json(manifest.read_text()).inputs.key
    if made == "garbage":
        manifest.write_text("{")
    elif made == "absent":
        manifest.unlink()
    if marker != "absent":
        text = {"same": json.dumps({"key": key}), "other": '{"key": "x"}', "garbage": "[1"}[marker]
        (folder / "started.json").write_text(text)
    experiment = tiny if options == "same" else changed_experiment(tiny)
    run_stage(stage, experiment, rundir, replace(context, force=force))
    assert load_manifest(folder) is not None
    assert not (folder / "started.json").exists() or made == "readable"
    assert (folder / "checkpoint").read_text() == str(experiment.data.split_seed)
    moved = rundir.path / "replaced" / "counting" / "checkpoint"
    assert moved.exists() == (made == marker == "absent")


def test_an_empty_folder_is_not_up_to_date(tmp_path: Path) -> None:
    inputs = Inputs(settings={}, seeds={}, files={}, tools={}, code="")
    assert not up_to_date(tmp_path, inputs)
    assert stale(tmp_path, inputs) == "first run"
