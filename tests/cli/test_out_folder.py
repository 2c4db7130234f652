"""--out writes where it was asked to, and over nothing that anybody needs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nonideal.cli.out_folder import check_out, check_out_folder
from nonideal.experiment.errors import BadOption

HOLDER = """
import sys, time
from pathlib import Path
from nonideal.runs.rundir import RunDir
with RunDir(Path(sys.argv[1])).lock():
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"trained for a week")
    return path


def itself(weights: Path) -> Path:
    return weights


def spelt_otherwise(weights: Path) -> Path:
    (weights.parent / "sub").mkdir()
    return weights.parent / "sub" / ".." / weights.name


def linked(weights: Path) -> Path:
    link = weights.parent / "network.spice"
    link.symlink_to(weights)
    return link


def linked_hard(weights: Path) -> Path:
    link = weights.parent / "network.spice"
    os.link(weights, link)
    return link


@pytest.mark.parametrize("name", [itself, spelt_otherwise, linked, linked_hard])
@pytest.mark.parametrize("force", [False, True])
def test_an_input_is_never_written_over(weights: Path, name: Callable[[Path], Path], force: bool) -> None:
    with pytest.raises(BadOption, match="is the file that --weights reads"):
        check_out(name(weights), {"--weights": weights}, force=force)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", [".", "..", "/", "folder"])
def test_a_folder_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, force: bool) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadOption, match=r"is a folder; name the file to write, as .*network\.spice"):
        check_out(Path(name), {}, force=force)


@pytest.mark.parametrize("force", [False, True])
def test_a_device_or_a_pipe_is_no_file(tmp_path: Path, force: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    for path in (Path("/dev/null"), tmp_path / "pipe", tmp_path / "ring"):
        with pytest.raises(BadOption, match="is no regular file"):
            check_out(path, {}, force=force)


def test_a_file_is_replaced_only_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "network.spice"
    check_out(path, {})
    path.write_text("mine")
    with pytest.raises(BadOption, match="--force to replace it"):
        check_out(path, {})
    check_out(path, {}, force=True)
    assert path.read_text() == "mine"


def test_a_place_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadOption, match="is no folder"):
        check_out(tmp_path / "file" / "network.spice", {})
    check_out(tmp_path / "new" / "newer" / "network.spice", {})
    assert not (tmp_path / "new").exists()


def test_a_run_directory_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "netlist").mkdir()
    child = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "locked\n"
        for check in (
            lambda: check_out(tmp_path / "netlist" / "network.spice", {}, force=True),
            lambda: check_out_folder(tmp_path / "layout", ["network.gds"], force=True),
        ):
            with pytest.raises(BadOption, match="where another process works"):
                check()
    finally:
        child.kill()
        child.wait()
    check_out(tmp_path / "netlist" / "network.spice", {})


def test_a_folder_keeps_what_it_holds(tmp_path: Path) -> None:
    check_out_folder(tmp_path / "new", ["network.gds"])
    (tmp_path / "network.gds").write_text("")
    with pytest.raises(BadOption, match=r"holds network\.gds already"):
        check_out_folder(tmp_path, ["network.gds", "drc.json"])
    check_out_folder(tmp_path, ["network.gds", "drc.json"], force=True)
    (tmp_path / "drc.json").mkdir()
    with pytest.raises(BadOption, match=r"drc\.json there is no regular file"):
        check_out_folder(tmp_path, ["drc.json"], force=True)
    with pytest.raises(BadOption, match="is no folder"):
        check_out_folder(tmp_path / "network.gds", [], force=True)
