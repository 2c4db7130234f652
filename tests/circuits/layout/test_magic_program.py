"""Magic as a program: found or missing, its script, its runs that fail or hang."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from nonideal.circuits.design import Design
from nonideal.circuits.extraction import (
    ExtractionOptions,
    ExtractorMissing,
    extract,
    find_magic,
)
from nonideal.circuits.extraction.kpex import Kpex
from nonideal.circuits.extraction.magic import script_text
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.circuits.layout.network import network
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.cli.exit_code import ExitCode, exit_code_of
from nonideal.cli.main import main
from tests.circuits.layout.fake_magic import PORTS, extracted, fake, in_magics_style


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("print('extraction failed: no cell'); sys.exit(1)", "ended with code 1(?s:.*)no cell"),
        ("import os; os.abort()", "ended with code 134"),
        ("pass", "wrote no netlist(?s:.*)fake magic speaking"),
    ],
)
def test_bad_runs(tmp_path: Path, drawn: tuple[Path, Path, int], body: str, message: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "extracted.spice").write_text(in_magics_style(drawn[1], "CC"))  # of an earlier run
    with pytest.raises(ExtractionFailed, match=message):
        extracted(tmp_path, drawn, "CC", "", body)
    assert not (tmp_path / "cache").exists()


def test_a_hanging_run_is_ended_with_its_children(tmp_path: Path, drawn: tuple[Path, Path, int]) -> None:
    body = "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\nout.with_name('pid').write_text(str(child.pid))\ntime.sleep(60)"
    with pytest.raises(ExtractionFailed, match="not done after 1 s"):
        extracted(
            tmp_path, drawn, "CC", "", body.replace("'sleep'", repr(shutil.which("sleep"))), timeout_s=1.0
        )
    stat_file = Path(f"/proc/{(tmp_path / 'run' / 'pid').read_text()}/stat")
    assert not stat_file.exists() or stat_file.read_text().split()[2] == "Z"


def test_script(tmp_path: Path) -> None:
    """What the script says, and that the line at its head runs it."""
    place = tmp_path / "a [folder] with $ and {"
    place.mkdir()
    magic = find_magic(fake(tmp_path))
    cc, rc = (script_text(magic, "network", place, mode) for mode in ("CC", "RC"))  # type: ignore[arg-type]
    for text in (cc, rc):
        assert "ext2spice lvs" not in text
        for line in ("ext2spice hierarchy off", "ext2spice subcircuit top on", "ext2spice cthresh 0"):
            assert f"\n{line}\n" in text
    assert "extresist threshold 0\nextresist minres 1\nextresist mindelay 0\nextract all" in rc
    assert "ext2spice extresist on" in rc
    assert "extresist" not in cc.replace("ext2spice extresist off", "")
    tclsh = shutil.which("tclsh")
    if tclsh is None:
        pytest.skip("no tclsh: the script's own flow is not tried")
    # magic's commands as no-ops that log themselves; the netlist is not written, so the script must end with 1
    stub = tmp_path / "stub.tcl"
    stub.write_text(
        "proc tech {args} {return sky130A}\nproc cellname {args} {return network}\n"
        "foreach name {crashbackups drc gds load select extract extresist ext2spice} {\n"
        '  proc $name {args} [format {puts "%s $args"} $name]\n}\n'
        "source [lindex $argv 0]\n"
    )
    (place / "magic.tcl").write_text(rc)
    done = subprocess.run([tclsh, stub, place / "magic.tcl"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "magic wrote no network.ext" in done.stderr
    assert "extresist \n" in done.stdout, "there is no network.res.ext: extresist runs"
    for name in ("network.ext", "network.res.ext", "extracted.spice"):
        (place / name).touch()
    assert (
        subprocess.run([tclsh, stub, place / "magic.tcl"], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"PDK_ROOT": ""}, "PDK_ROOT is not set"),
        ({"PDK_ROOT": "/nowhere"}, r"no /nowhere/sky130A/libs\.tech/magic/sky130A\.magicrc"),
        ({"PDK": "sky130B"}, r"sky130B\.magicrc"),
        ({"PATH": "/nowhere"}, "no magic on PATH"),
    ],
)
def test_missing(tmp_path: Path, change: dict[str, str], message: str) -> None:
    with pytest.raises(ExtractorMissing, match=message) as caught:
        find_magic(fake(tmp_path) | change)
    assert "8.3.677" in str(caught.value)
    assert exit_code_of(caught.value) == ExitCode.missing


@pytest.mark.parametrize(
    ("version", "message"),
    [("8.3.105", "8.3.105, too old"), ("8.3.676", "too old"), ("magic", "names no version")],
)
def test_too_old(tmp_path: Path, version: str, message: str) -> None:
    with pytest.raises(ExtractorMissing, match=message):
        find_magic(fake(tmp_path, version=version))


@pytest.mark.parametrize("version", ["8.3.677", "8.4.0", "9.0.1"])
def test_new_enough(tmp_path: Path, version: str) -> None:
    found = find_magic(fake(tmp_path, version=version))
    assert found.version == version
    assert found.rcfile.is_file()


def test_the_technology_is_part_of_what_an_extraction_depends_on(tmp_path: Path) -> None:
    before = find_magic(fake(tmp_path))
    before.rcfile.with_suffix(".tech").write_text("tech\n sky130A\nend\n")
    assert find_magic(fake(tmp_path)).technology_sha256 != before.technology_sha256


def test_options_of_one_extractor_only(tmp_path: Path, drawn: tuple[Path, Path, int]) -> None:
    with pytest.raises(ValueError, match="options of kpex"):
        ExtractionOptions(extractor="magic", halo_um=4.0)
    kpex = Kpex(tmp_path / "kpex", "fake")
    with pytest.raises(ValueError, match="give gds with it"):
        extract(drawn[1], PORTS, drawn[2], folder=tmp_path, gds=drawn[0], kpex=kpex)


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`nonideal layout --extractor magic`: without magic exit code 3 and nothing touched; with it, it is an input."""
    topology = Topology((5, 3))
    gds = write_gds(network((5, 3)), tmp_path / "network.gds")
    compare(gds, schematic(topology, Design()), database=tmp_path / "network.lvsdb.gz").require_match()
    experiment = tmp_path / "small.toml"
    small = 'name = "small"\n[training]\nlayers = [5, 3]\n'
    experiment.write_text(small)
    runs = tmp_path / "runs"
    command = ["layout", "-e", str(experiment), "--run-dir", str(runs), "--extractor", "magic"]

    def code(*more: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main([*command, *more])
        assert isinstance(ended.value.code, int)
        return ended.value.code

    environ = fake(tmp_path, in_magics_style(tmp_path / "network.lvsdb.gz", "CC", topology.ports))
    monkeypatch.setenv("PATH", environ["PATH"])
    monkeypatch.delenv("PDK_ROOT", raising=False)
    monkeypatch.delenv("PDK", raising=False)
    assert code("--netlist", "pex-c") == ExitCode.missing
    assert "PDK_ROOT is not set" in capsys.readouterr().err
    assert not runs.exists()
    monkeypatch.setenv("PDK_ROOT", environ["PDK_ROOT"])
    assert code() == ExitCode.bad_input
    assert code("--netlist", "pex-c") == ExitCode.bad_input, "this magic halves sidewalls"
    assert 'set it to "halved"' in capsys.readouterr().err
    experiment.write_text(small + '[extraction]\nsidewall = "halved"\n')
    assert code("--netlist", "pex-c") == ExitCode.passed
    settings = json.loads((runs / "layout" / "manifest.json").read_text())["inputs"]["settings"]
    assert (settings["--extractor"], settings["--magic"]) == ("magic", "8.3.701")
    assert settings["extraction"] == {"sidewall": "halved", "extractor": "nonideal"}
    assert json.loads((runs / "layout" / "pex.json").read_text())["extractor"] == "magic"
    assert (runs / "layout" / "magic" / "magic.tcl").is_file()
