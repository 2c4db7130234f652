"""Text of users and files is printed as it stands: square brackets are no markup, colons no emoji, wherever it comes out."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from nonideal.cli.doctor import Finding
from nonideal.cli.doctor import table as doctor_table
from nonideal.cli.main import main
from nonideal.cli.tables import on_terminal, show
from nonideal.experiment.experiment import Experiment
from nonideal.files.record import Document
from nonideal.pnn.trainer import _progress
from nonideal.postlayout.summary import JudgedLimit
from nonideal.report.stage_tables import limits_table
from nonideal.report.table import Table as ReportTable
from nonideal.report.table import words
from nonideal.runs.context import Context
from nonideal.runs.rundir import RunDir
from nonideal.runs.sources import BASE, package_files
from nonideal.runs.stage import Done, Outcome, Stage, Work, run_stage
from nonideal.runs.summaries.training import SeedSummary, TrainingSummary, VariantSummary
from nonideal.runs.terminal import console_for
from nonideal.spice.progress import shown

HOSTILE = (
    "lr[high]",
    "sweep[/b]",
    "[link=x]y[/link]",
    "[bold red]",
    "a:fire:b",
    r"back\[slash]",
    "[@click=f]",
)
PLAIN = {"markup": False, "emoji": False, "highlight": False}


def calls() -> Iterator[tuple[str, str, dict[str, object], ast.Call]]:
    """Every call in the packages: where, of what, and its arguments by name (None where they are no literals)."""
    for file in (file for file in package_files() if file.suffix == ".py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func).rpartition(".")[2]
                given = {
                    k.arg or "**": k.value.value if isinstance(k.value, ast.Constant) else None
                    for k in node.keywords
                }
                yield f"{file.relative_to(BASE)}:{node.lineno}", name, given, node


def test_no_console_column_or_bar_reads_markup() -> None:
    wrong, consoles = [], 0
    for where, name, given, node in calls():
        if name == "Console":
            consoles += 1
            wrong += [where] if {key: given.get(key) for key in PLAIN} != PLAIN else []
        if name == "TextColumn" and given.get("markup") is not False:
            wrong.append(where)
        if name == "Progress" and any(ast.unparse(one).startswith("TextColumn") for one in node.args):
            # A bar without a console of ours would be on rich's own, which reads markup, and on stdout.
            wrong += [] if "console" in given else [where]
        if name in ("from_markup", "render_str") or given.get("markup") is True:
            wrong.append(where)
    assert wrong == []
    assert consoles >= 3


def test_nothing_imports_what_markup_needs() -> None:
    for file in (file for file in package_files() if file.suffix == ".py"):
        text = file.read_text(encoding="utf-8")
        assert "rich.markup" not in text, file
        assert "from rich import print" not in text, file


@pytest.mark.parametrize("name", HOSTILE)
def test_lines_and_tables(name: str) -> None:
    file = io.StringIO()
    console = console_for(stderr=False, file=file)
    found = Table(title=f"title {name}", caption=f"caption {name}")
    found.add_column(f"heading {name}")
    found.add_row(f"cell {name}")
    console.print(f"line {name}", style="bold")
    console.print(found)
    of_report = ReportTable(
        f"its title {name}", words(f"its heading {name}"), ((f"its cell {name}",),), note=f"its note {name}"
    )
    console.print(on_terminal(of_report))
    console.print(doctor_table([Finding(f"tool {name}", False, f"found {name}", f"advice {name}")]))
    ours = ("line", "title", "caption", "heading", "cell")
    for what in (*ours, "its title", "its heading", "its cell", "its note", "tool", "found", "advice"):
        assert f"{what} {name}" in file.getvalue(), what


@pytest.mark.parametrize("name", HOSTILE)
def test_results_of_stages(name: str) -> None:
    file = io.StringIO()
    limit = JudgedLimit(parameter=f"limit {name}", unit="s", maximum=1.0, measured=2.0, passed=False)
    seeds = (SeedSummary(seed=1, test_accuracy=0.9),)
    variant = VariantSummary(test_accuracy_median=0.9, test_accuracy_first_seed=0.9, seeds=seeds)
    summary = TrainingSummary(data_set=name, test_samples=5, variants={f"variant {name}": variant})
    outcome = Outcome("training", Path(f"runs/{name}/training"), False, 1.0, False, summary)
    show(console_for(stderr=False, file=file), outcome)
    console_for(stderr=False, file=file).print(on_terminal(limits_table([limit])))
    told = file.getvalue()
    for expected in (f"samples of {name}", f"variant {name}", f"limit {name}", "fail", f"training: runs/{name}/training (1.0 s)"):  # fmt: skip
        assert expected in told


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_stage_tells(name: str, tiny: Experiment, tmp_path: Path) -> None:
    file = io.StringIO()
    context = Context(jobs=1, console=console_for(stderr=True, file=file))

    def run(work: Work) -> Done:
        (work.folder / name.replace("/", "")).write_text("made")
        work.context.console.print(f"  at work on {name}")
        return Done((work.folder / name.replace("/", ""),), Document())

    stage = Stage(name="counting", doing=f"counts {name}", sections=(), run=run)
    rundir = RunDir(tmp_path / name)
    own = rundir.stage("counting")
    (own / "mine").write_text("of the user's own")
    run_stage(stage, tiny, rundir, context)
    run_stage(stage, tiny, rundir, context)
    run_stage(stage, tiny, rundir, replace(context, force=True))
    (own / name.replace("/", "")).unlink()
    run_stage(stage, tiny, rundir, context)
    lines = file.getvalue().splitlines()
    for line in (
        f"counting: counts {name} (first run)",
        f"  what lay in {own} was made by no stage; it is in {rundir.path / 'replaced' / 'counting'} now",
        f"  at work on {name}",
        f"counting: up to date ({own})",
        f"counting: counts {name} (forced)",
        f"counting: counts {name} ({own / name.replace('/', '')} is gone)",
    ):
        assert line in lines
    assert sum(f"replaces the results in {own} of" in line for line in lines) == 2


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "command",
    [
        ("report", "--experiment", "{}.toml"),
        ("report", "--experiment", "{}"),
        ("report", "--experiment", "iris", "--run-dir", "{}"),
        ("train", "--experiment", "iris", "--corner", "{}"),
        ("layout", "--layers", "{}", "--out", "drawn"),
        ("netlist", "--weights", "{}", "--model", "sky130_tt", "--out", "n.spice"),
        ("conditions", "--temperature", "{}"),
        ("explore", "--vary", "{}=1"),
        ("train", "--accelerator", "{}"),
        ("{}",),
    ],
)
def test_errors(
    command: tuple[str, ...],
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main([word.format(name) for word in command])
    assert caught.value.code == 2
    told = capsys.readouterr().err
    assert name in told or repr(name) in told, "as it stands, or quoted"


def test_experiments_and_their_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a file holds comes back in the message: keys, values, names of files."""
    monkeypatch.chdir(tmp_path)
    Path("x.toml").write_text('name = "x"\n"[/b]" = 1\n[data]\nfile = "lr[high].csv"\nlabel = "sweep[/b]"\n')
    with pytest.raises(SystemExit):
        main(["train", "x.toml"])
    assert "[/b]" in capsys.readouterr().err
    Path("x.toml").write_text('name = "x"\n[data]\nfile = "lr[high].csv"\nlabel = "sweep[/b]"\n')
    with pytest.raises(SystemExit):
        main(["train", "x.toml"])
    assert "lr[high].csv" in capsys.readouterr().err
    Path("lr[high].csv").write_text("a,[link=x]y[/link]\n" + "1,2\n" * 9)
    with pytest.raises(SystemExit):
        main(["train", "x.toml"])
    told = capsys.readouterr().err
    assert "sweep[/b]" in told
    assert "[link=x]y[/link]" in told


@pytest.mark.parametrize("name", HOSTILE)
def test_bars(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, so that stdout can be JSON."""
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    with _progress(console, show=True) as bar:
        bar.add_task(name, total=2, completed=1, state=f"loss {name}")
        bar.console.print(f"kernel: {name}")
    out, err = capsys.readouterr()
    assert out == ""
    assert f"kernel: {name}" in err
    assert f"loss {name}" in err.replace("\n", "")
    with shown(True, 3) as advance:
        advance(1, 3)
    assert capsys.readouterr().out == ""
