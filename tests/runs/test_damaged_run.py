"""A run directory whose files were damaged, one after the other and in every way: told by name, or made again; never used, never a defect."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from nonideal.cli.exit_code import ExitCode, exit_code_of
from nonideal.cli.own_files import write_given
from nonideal.experiment.errors import BadOption
from nonideal.experiment.experiment import Experiment
from nonideal.pnn.presets import preset
from nonideal.report import ResultAltered, ResultUnreadable, write_report
from nonideal.runs.context import Context
from nonideal.runs.manifest import disowned_by
from nonideal.runs.results import load_results
from nonideal.runs.rundir import RunDir
from nonideal.runs.stage import Done, Work, run_stage
from nonideal.runs.summaries.characterization import characterization_summary
from nonideal.stages.table import STAGES

ORDER = ("characterization", "training", "netlist")
FREE = ("checkpoint.safetensors",)
"""What no stage reads once its own has ended."""


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def emptied(content: bytes) -> bytes:
    return b""


def flipped(content: bytes) -> bytes:
    place = len(content) // 3
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def garbage(content: bytes) -> bytes:
    return bytes((37 * k + 11) % 256 for k in range(300))


def other_shape(content: bytes) -> bytes:
    return b'{"variants": [1, {"a": null}], "mappings": 3}'


DAMAGES = (truncated, emptied, flipped, garbage, other_shape)


class RunsAgain(Exception):
    """A stage was about to make its results anew."""


def stage(name: str, run: Callable[[Work], Done] | None = None) -> object:
    found = replace(STAGES[name], tools=dict)
    return found if run is None else replace(found, run=run)


def characterised(work: Work) -> Done:
    model = preset("sky130_tt")
    model.save(work.rundir.model)
    return Done((work.rundir.model,), characterization_summary(model))


@pytest.fixture(scope="module")
def context() -> Context:
    return Context(jobs=1, console=Console(file=io.StringIO(), width=200))


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return Experiment.model_validate(
        {
            "name": "tiny",
            "training": {"layers": [5, 3], "variants": ["pnn"], "seeds": [1], "epochs": 2, "log_every_epochs": 1, "tensorboard": False},
            "netlist": {"clip": True},
            "validation": {"samples": 5, "mappings": ["pnn"]},
        }
    )  # fmt: skip


STAND_IN = {"characterization": characterised}


@pytest.fixture(scope="module")
def whole(experiment: Experiment, context: Context, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run: a real training and netlist, on a model that was not measured here."""
    rundir = RunDir(tmp_path_factory.mktemp("whole") / "tiny")
    for name in ORDER:
        run_stage(stage(name, STAND_IN.get(name)), experiment, rundir, context)  # type: ignore[arg-type]
    return rundir.path


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> RunDir:
    shutil.copytree(whole, tmp_path / "tiny")
    return RunDir(tmp_path / "tiny")


def damages(run: RunDir) -> Iterator[tuple[Path, str]]:
    """Every file in every state; it is whole again afterwards."""
    for file in sorted(path for name in ORDER for path in (run.path / name).rglob("*") if path.is_file()):
        content = file.read_bytes()
        for damage in DAMAGES:
            file.write_bytes(damage(content))
            yield file, damage.__name__
        file.unlink()
        yield file, "gone"
        file.write_bytes(content)


def would_run(name: str, experiment: Experiment, run: RunDir, context: Context) -> str:
    """What a stage does now: ``stands``, ``runs``, or the message of its refusal."""

    def runs(work: Work) -> Done:
        raise RunsAgain

    own = stage(name)
    place = run.path / name
    kept = place.with_name(f"{name}.kept")
    shutil.copytree(place, kept)
    # The code of a stage is that of its own function: looked at without running it.
    object.__setattr__(own, "run", _named(runs, STAGES[name].run if name not in STAND_IN else STAND_IN[name]))
    try:
        return "stands" if run_stage(own, experiment, run, context).skipped else "runs"  # type: ignore[arg-type]
    except RunsAgain:
        return "runs"
    except Exception as error:
        assert exit_code_of(error) == ExitCode.bad_input, repr(error)  # noqa: PT017 - or nothing is refused
        return str(error)
    finally:
        shutil.rmtree(place, ignore_errors=True)
        kept.rename(place)


def _named(function: Callable[[Work], Done], after: Callable[[Work], Done]) -> Callable[[Work], Done]:
    function.__module__, function.__qualname__ = after.__module__, after.__qualname__
    return function


def test_a_whole_run_stands(run: RunDir, experiment: Experiment, context: Context) -> None:
    assert [would_run(name, experiment, run, context) for name in ORDER] == ["stands"] * 3
    assert load_results(run.path).altered == ()


def test_its_own_stage_mends_it_and_no_other_uses_it(
    run: RunDir, experiment: Experiment, context: Context
) -> None:
    tried = 0
    for file, damage in damages(run):
        if file.name in FREE:
            continue
        tried += 1
        maker = file.relative_to(run.path).parts[0]
        assert would_run(maker, experiment, run, context) == "runs", (file, damage)
        for later in ORDER[ORDER.index(maker) + 1 :]:
            read = {
                "training": ("model.json", "manifest.json"),
                "netlist": ("model.json", "weights.safetensors", "manifest.json"),
            }
            if file.name not in read[later] or (file.name, damage) == ("manifest.json", "gone"):
                continue
            told = would_run(later, experiment, run, context)
            assert told != "stands", (file, damage, later)
            assert told == "runs" or str(file) in told or str(file.parent) in told, (file, damage, told)
            if file.name != "manifest.json":
                assert str(file) in told, (file, damage, told)
    assert tried > 40


def test_the_report_names_it(run: RunDir) -> None:
    for file, damage in damages(run):
        if file.name in FREE or (file.name, damage) == ("manifest.json", "gone"):
            continue
        name = str(file.relative_to(run.path))
        try:
            altered = [one.file for one in load_results(run.path).altered]
        except ResultUnreadable as error:
            assert str(file) in str(error), (file, damage)  # noqa: PT017 - or it can be read
        else:
            assert altered == [name], (file, damage)


@pytest.mark.parametrize("name", ["netlist/pnn/network.spice", "training/pnn/metrics.csv"])
def test_the_page_and_the_terminal_tell_of_it(run: RunDir, name: str) -> None:
    file = run.path / name
    file.write_bytes(flipped(file.read_bytes()))
    with pytest.raises(ResultAltered, match=rf"{name} was altered or damaged: run `nonideal ") as caught:
        write_report(run.path)
    assert exit_code_of(caught.value) == ExitCode.bad_input
    assert name in (run.path / "report.md").read_text()
    assert "1 file is not what its stage made" in (run.path / "report.html").read_text()


def test_results_of_another_shape_are_told_and_are_no_defect(run: RunDir) -> None:
    for text in (
        '{"variants": {"pnn": {}}}',
        '{"variants": 3}',
        "{}",
        "[]",
        "3",
        '{"variants": {"pnn": {"seeds": [{}]}}}',
    ):
        (run.path / "training" / "summary.json").write_text(text)
        with pytest.raises((ResultUnreadable, ResultAltered), match=r"training/summary\.json"):
            write_report(run.path)


def test_files_given_by_name_are_held_against_their_manifest(run: RunDir, tmp_path: Path) -> None:
    weights = run.weights("pnn")
    assert disowned_by(weights) is None
    assert disowned_by(run.model) is None
    weights.write_bytes(flipped(weights.read_bytes()))
    assert disowned_by(weights) == run.path / "training" / "manifest.json"
    with pytest.raises(BadOption, match=r"--weights .*weights\.safetensors: was altered or damaged"):
        write_given(
            "iris", weights=weights, out=tmp_path / "n.spice", model=run.model, run_dir=None, corner=None, clip=True
        )  # fmt: skip
    assert not (tmp_path / "n.spice").exists()


def test_a_file_that_no_manifest_of_ours_names_is_its_owners(run: RunDir, tmp_path: Path) -> None:
    """A copy elsewhere, one beside other programs' manifests, one put into a stage's folder."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "manifest.json").write_text('{"name": "somebody\'s page"}')
    for place in (tmp_path / "web" / "mine.safetensors", run.path / "training" / "mine.safetensors"):
        shutil.copy(run.weights("pnn"), place)
        assert disowned_by(place) is None
