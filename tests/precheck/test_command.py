"""`nonideal precheck`: what it prints and writes, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nonideal.cli.main import main
from nonideal.precheck import PrecheckSummary
from tests.precheck.tiles import NAME, draft


@pytest.fixture(autouse=True)
def _no_yosys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nonideal.precheck.stub.find_spec", lambda name: None)


def run(*arguments: object) -> int:
    """The exit code of the command."""
    with pytest.raises(SystemExit) as caught:
        main(["precheck", *map(str, arguments)])
    return int(caught.value.code or 0)


def test_a_valid_tile_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gds = draft().write(tmp_path).gds
    assert run(gds, "--current", "1.5") == 0
    told = capsys.readouterr().out
    assert f"Precheck of {NAME}" in told
    assert "no rule is broken" in told
    saved = PrecheckSummary.load(tmp_path / "precheck.json")
    assert saved.passed
    assert saved.rule("supply current").state == "pass"


def test_a_broken_one_says_where_and_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tile = draft()
    tile.rect("met5", 80, 100, 82, 104)
    gds = tile.write(tmp_path).gds
    assert run(gds) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "What to do, and where" in told
    assert "1 rules are broken" in told
    assert run(gds, "--json", "--out", tmp_path / "other.json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((tmp_path / "other.json").read_text()) | {
        "report": str(tmp_path / "other.json")
    }
    (broken,) = [one for one in told["rules"] if one["state"] == "fail"]
    assert broken["rule"] == "metal 5"
    assert broken["places"] == [{"x_um": 81.0, "y_um": 102.0, "what": "met5.drawing"}]
    assert "metal 4 and below" in broken["advice"]


def test_companions_are_named(tmp_path: Path) -> None:
    files = draft().write(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    moved = {path: path.rename(other / path.name) for path in (files.lef, files.verilog, files.info)}
    assert run(files.gds) == 1
    assert (
        run(
            files.gds,
            "--lef",
            moved[files.lef],
            "--verilog",
            moved[files.verilog],
            "--info",
            moved[files.info],
        )
        == 0
    )


def test_what_is_no_layout_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "none.gds") == 2
    assert "no such file" in capsys.readouterr().err
