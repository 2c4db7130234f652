from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from nonideal.cli import doctor
from nonideal.cli.doctor import Finding, _pdk, examine, find_magic, landlock, table
from nonideal.cli.main import main
from nonideal.runs.terminal import console_for
from nonideal.sky130_models import Corner
from nonideal.sky130_models.pdk import library_sha256


@pytest.fixture(autouse=True, scope="module")
def _asked_once() -> Iterator[None]:
    """A program is asked once what it is: kpex takes seconds to say it."""
    asking = doctor._ask
    with pytest.MonkeyPatch.context() as patch:
        asked = cache(lambda command: asking(list(command)))
        patch.setattr(doctor, "_ask", lambda command: asked(tuple(command)))
        yield


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {f.name: f for f in findings}


def script(folder: Path, name: str, says: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


def test_what_is_missing_says_what_to_do(tmp_path: Path) -> None:
    found = by_name(examine({"PATH": str(tmp_path), "PDK_ROOT": str(tmp_path)}))
    assert not found["ngspice"].fine
    assert "make setup" in found["ngspice"].advice
    assert not found["sky130 models"].fine
    assert str(tmp_path) in found["sky130 models"].found
    assert found["magic"].state == found["Chromium"].state == "optional"
    assert found["magic"].fine
    assert found["Icarus Verilog"].state == "optional"
    assert "apt-get install iverilog" in found["Icarus Verilog"].advice


def test_what_our_own_extractor_needs_is_needed_and_kpex_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = by_name(examine())
    assert found["C++ compiler"].needed
    assert "sky130A_tech.pb.json" in found["sky130 parasitics"].found
    none = by_name(examine({"PATH": str(tmp_path)}))["C++ compiler"]
    assert not none.fine
    assert "apt-get install g++" in none.advice
    script(tmp_path, "own++", "own++ 1.2")
    own = by_name(examine({"PATH": str(tmp_path), "CXX": str(tmp_path / "own++")}))["C++ compiler"]
    assert (own.ok, own.found) == (True, "own++ 1.2")
    technology = "nonideal.circuits.extraction.parasitics.technology"
    monkeypatch.setattr(f"{technology}.find_spec", lambda name: None)
    lacking = by_name(examine())["sky130 parasitics"]
    assert not lacking.fine
    assert "make setup" in lacking.advice
    (tmp_path / "sky130A_tech.pb.json").write_text("{}")
    monkeypatch.setattr(f"{technology}.technology_file", lambda: tmp_path / "sky130A_tech.pb.json")
    monkeypatch.setattr("nonideal.cli.doctor._ask", lambda command: (1, "broken"))
    found = by_name(examine())
    assert "no technology of klayout-pex" in found["sky130 parasitics"].found
    assert found["klayout-pex"].state == "optional"
    assert "only for --extractor kpex" in found["klayout-pex"].advice
    assert found["C++ compiler"].state == "missing"


def test_a_pdk_whose_metadata_names_no_commit_is_used(tmp_path: Path) -> None:
    library = tmp_path / "sky130A/libs.tech/ngspice/sky130.lib.spice"
    library.parent.mkdir(parents=True)
    library.write_text("".join(f".lib {c}\n.param a=1\n.endl {c}\n" for c in Corner))
    info = tmp_path / "sky130A/.config/nodeinfo.json"
    info.parent.mkdir()
    for text in (
        '{"node": "sky130A"}',
        '{"build": {"open_pdks": "1.0.291"}\n "commit": {"open_pdks": "6e9a"}}',
    ):
        info.write_text(text)
        found = _pdk({"PDK_ROOT": str(tmp_path)})
        assert found.ok
        assert found.found == f"PDK_ROOT, version unknown, sha256 {library_sha256(library)[:12]} ({library})"


@pytest.mark.parametrize(
    ("version", "ok"), [("8.3.676", False), ("8.3.677", True), ("8.3.1000", True), ("8.4.1", True)]
)
def test_magic_must_be_new_enough(tmp_path: Path, version: str, ok: bool) -> None:
    script(tmp_path, "magic", version)
    environ = {"PATH": f"{tmp_path}{os.pathsep}/bin", "PDK_ROOT": "/somewhere"}
    assert find_magic(environ).ok is ok


@pytest.mark.parametrize(
    ("version", "state", "told"), [(0, "optional", "not in this kernel"), (4, "OK", "version 4")]
)
def test_the_kernels_wall(monkeypatch: pytest.MonkeyPatch, version: int, state: str, told: str) -> None:
    monkeypatch.setattr("nonideal.spice.confine.known", lambda: version)
    found = landlock()
    assert (found.state, told in found.found) == (state, True)
    assert "5.13" in found.advice or found.ok


def test_table_survives_brackets() -> None:
    file = io.StringIO()
    found = Finding("dask[distributed]", False, "[none]", "pip install 'nonideal[cluster]'")
    console_for(stderr=False, file=file, width=120).print(table([found]))
    text = file.getvalue()
    assert "[none]" in text
    assert "dask[distributed]" in text
    assert "nonideal[cluster]" in text


def test_the_table_follows_the_width_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = "/home/someone/" + "a_long_folder/" * 12 + "sky130.lib.spice"
    found = [
        Finding("dask[distributed]", True, path),
        Finding("magic", False, "not on PATH", "x " * 60, needed=False),
    ]
    monkeypatch.setattr("nonideal.cli.doctor.examine", lambda: found)
    for columns in (60, 80, 132):
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit):
            main(["doctor"])
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= columns
        assert any("dask[distributed]" in line and "OK" in line for line in lines)
        cells = [line.split("│")[3].strip() for line in lines if line.count("│") == 5]
        assert path in "".join(cells)


def test_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(SystemExit) as caught:
        main(["doctor", "--json"])
    assert caught.value.code == 3
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert {f["name"] for f in answer["findings"] if not f["ok"] and f["needed"]} == {
        "ngspice",
        "C++ compiler",
    }
