from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nonideal.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.M)

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make")


def make(
    *arguments: str, cwd: Path = ROOT, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=cwd, capture_output=True, text=True, check=False, env=env)


def test_help_lists_every_target_and_variable() -> None:
    done = make("help")
    assert done.returncode == 0
    listed = re.findall(r"^  ([a-z-]+) +\S", done.stdout, flags=re.M)
    assert listed == TARGETS
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, flags=re.M)
    assert phony is not None
    assert phony[1].split() == TARGETS
    for variable in ("EXPERIMENT=", "JOBS=", "CORNER=", "SCHEDULER=", "PYTHON="):
        assert variable in done.stdout
    assert make().stdout == done.stdout


def test_targets_call_commands_that_exist() -> None:
    called = set(re.findall(r"BIN\)/nonideal ([a-z-]+)", MAKEFILE))
    known = {(c.name or c.callback.__name__).replace("_", "-") for c in app.registered_commands if c.callback}
    assert called - known == set()


def test_variables_become_options() -> None:
    done = make("-n", "train", "EXPERIMENT=wine", "JOBS=3", "CORNER=tt,ff", "SCHEDULER=tcp://a:1")
    assert (
        "nonideal train --experiment 'wine' --jobs '3' --corner 'tt,ff' --scheduler 'tcp://a:1'"
        in done.stdout
    )
    assert "--jobs" not in make("-n", "train").stdout


def test_a_tile_is_made_from_nothing_by_one_command() -> None:
    asked = make("-n", "tapeout", "ARGS=--simulate 2").stdout
    stages = re.findall(r"nonideal (\S+) --experiment '(\w+)'(.*)$", asked, flags=re.M)
    assert [stage for stage, _, _ in stages] == ["characterize", "train", "netlist", "tapeout"]
    assert {name for _, name, _ in stages} == {"iris_tile"}
    assert ["--simulate" in rest for _, _, rest in stages] == [False, False, False, True]
    assert "--experiment 'wine_tile'" in make("-n", "tapeout", "EXPERIMENT=wine_tile").stdout


def fake_checkout(folder: Path, *tools: str) -> dict[str, str]:
    """A checkout with the set-up's files and a PATH that holds ``tools`` and a compiler (stand-ins) and little else."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "setup.sh", folder / "scripts")
    (folder / "flow").mkdir()
    (folder / "flow" / "__init__.py").write_text("")
    bin_ = folder / "bin"
    bin_.mkdir()
    for tool in ("bash", "cat", "cksum", "tr", "ls", "id", "dirname", "env", "sed", "grep"):
        found = shutil.which(tool)
        assert found is not None
        (bin_ / tool).symlink_to(found)
    for tool in ("g++", *tools):
        name, _, body = tool.partition("=")
        (bin_ / name).write_text(f"#!/bin/sh\n{body or 'exit 0'}\n")
        (bin_ / name).chmod(0o755)
    return {"PATH": str(bin_), "HOME": str(folder)}


def setup(folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    bash = shutil.which("bash")
    assert bash is not None
    command = [bash, "scripts/setup.sh"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=env)


def test_setup_without_python_says_so(tmp_path: Path) -> None:
    done = setup(tmp_path, fake_checkout(tmp_path, "ngspice"))
    assert done.returncode == 3
    assert "no Python 3.11, 3.12 or 3.13" in done.stderr


def test_setup_refuses_an_unfit_python(tmp_path: Path) -> None:
    env = fake_checkout(tmp_path, "ngspice", "python3.9=exit 1")
    done = setup(tmp_path, env | {"PYTHON": "python3.9"})
    assert done.returncode == 3
    assert "PYTHON=python3.9" in done.stderr


@pytest.mark.parametrize(
    ("tools", "told"),
    [
        ((), "no known package manager"),
        (("apt-get=exit 100",), "apt-get install -y ngspice"),
        (("dnf=exit 1",), "dnf install -y ngspice"),
        (("pacman=exit 1",), "pacman -S --noconfirm --needed ngspice"),
        (("brew=exit 1",), "brew install ngspice"),
        (("id=echo 1000", "apt-get"), "As root, type: apt-get update && apt-get install -y ngspice"),
        (("id=echo 1000", "dnf", "sudo=exit 1"), "sudo dnf install -y ngspice"),
    ],
)
def test_setup_without_ngspice_prints_the_command(tmp_path: Path, tools: tuple[str, ...], told: str) -> None:
    env = fake_checkout(tmp_path)
    for tool in ("g++", *tools):
        name, _, body = tool.partition("=")
        (tmp_path / "bin" / name).unlink(missing_ok=True)
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{body or 'exit 0'}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    done = setup(tmp_path, env)
    assert done.returncode == 3
    assert told in done.stderr


def test_apt_lists_are_fetched_once_when_empty(tmp_path: Path) -> None:
    log = tmp_path / "log"
    lists = tmp_path / "lists"
    apt = f'apt-get=echo "$@" >> {log}; case "$1" in update) : > {lists};; *) [ -e {lists} ];; esac'
    done = setup(tmp_path, fake_checkout(tmp_path, apt))
    assert log.read_text().splitlines() == ["install -y ngspice", "update", "install -y ngspice"]
    assert "no Python" in done.stderr  # ngspice is there: on to the next


@pytest.mark.parametrize(
    ("tools", "told"),
    [
        (("apt-get=exit 1",), "apt-get update && apt-get install -y g++"),
        (("dnf=exit 1",), "dnf install -y gcc-c++"),
        (("pacman=exit 1",), "pacman -S --noconfirm --needed gcc"),
        (("brew=exit 1",), "brew install gcc"),
        ((), "a C++ compiler is missing and no known package manager was found"),
    ],
)
def test_setup_without_a_compiler_prints_the_command(
    tmp_path: Path, tools: tuple[str, ...], told: str
) -> None:
    env = fake_checkout(tmp_path, "ngspice", *tools)
    (tmp_path / "bin/g++").unlink()
    done = setup(tmp_path, env)
    assert done.returncode == 3
    assert told in done.stderr


def test_setup_takes_the_compiler_that_is_named(tmp_path: Path) -> None:
    env = fake_checkout(tmp_path, "ngspice", "clang++")
    (tmp_path / "bin/g++").unlink()
    assert "no Python" in setup(tmp_path, env | {"CXX": "clang++"}).stderr
    done = setup(tmp_path, env | {"CXX": "nothing++"})
    assert done.returncode == 3
    assert "CXX=nothing++ is not a program" in done.stderr


def test_setup_costs_nothing_the_second_time(tmp_path: Path) -> None:
    env = fake_checkout(tmp_path, "ngspice")
    for tool in ("mv", "rm"):
        (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))
    (tmp_path / ".venv/bin").mkdir(parents=True)
    log = tmp_path / "log"
    (tmp_path / ".venv/bin/python").write_text(f'#!/bin/sh\necho "$@" >> {log}\n')
    (tmp_path / ".venv/bin/nonideal").write_text("#!/bin/sh\n")
    for file in (tmp_path / ".venv/bin").iterdir():
        file.chmod(0o755)
    first = setup(tmp_path, env)
    assert first.returncode == 0, first.stderr
    assert "-m pip install" in log.read_text()
    log.unlink()
    again = setup(tmp_path, env)
    assert (again.returncode, again.stderr, log.exists()) == (0, "", False)
    (tmp_path / "requirements.lock").write_text("other==1.0\n")
    assert setup(tmp_path, env).returncode == 0
    assert "-m pip install" in log.read_text()
