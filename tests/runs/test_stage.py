"""A stage runs once, again when something changed, and has a way on from whatever its folder was left as."""

from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nonideal.experiment.experiment import Experiment
from nonideal.files.record import Document, Record
from nonideal.runs.context import Context
from nonideal.runs.errors import StageInputMissing
from nonideal.runs.manifest import Inputs, Manifest, load_manifest, stale, up_to_date
from nonideal.runs.rundir import RunDir
from nonideal.runs.stage import Done, Need, Stage, Work, outdated, run_stage


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
