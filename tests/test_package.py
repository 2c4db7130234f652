"""What is installed: the wheel and the sdist hold the package and nothing else, and work where there is no checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = ("runs", "build", "dist", "site", "shared", "data")
"""At the top of a checkout, beside what is hidden: no part of it."""
BUILD = (
    "import sys; from setuptools import build_meta; getattr(build_meta, 'build_' + sys.argv[1])(sys.argv[2])"
)
QUICK = """
name = "quick"
[training]
layers = [5, 3, 3]
variants = ["pnn"]
seeds = [1]
epochs = 2
tensorboard = false
[validation]
mappings = ["pnn"]
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def built(kind: str, source: Path, out: Path) -> Path:
    out.mkdir(parents=True)
    command = [sys.executable, "-c", BUILD, kind, str(out)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False, env=alone())
    assert done.returncode == 0, done.stderr
    (made,) = out.iterdir()
    return made


def alone() -> dict[str, str]:
    """The environment without a way to this checkout."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """The sdist, the wheel from a copy of the checkout, and the wheel from the sdist."""
    place = tmp_path_factory.mktemp("package")
    anywhere = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info")
    shutil.copytree(
        ROOT,
        place / "copy",
        symlinks=True,
        ignore=lambda folder, names: (
            anywhere(folder, names) | (set(LEFT_OUT) if Path(folder) == ROOT else set())
        ),
    )
    sdist = built("sdist", place / "copy", place / "sdist")
    wheel = built("wheel", place / "copy", place / "wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(place / "unpacked", filter="data")
    (source,) = (place / "unpacked").iterdir()
    return sdist, wheel, built("wheel", source, place / "again")


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_holds_one_package(archives: tuple[Path, Path, Path]) -> None:
    found = contents(archives[1])
    assert {name.partition("/")[0] for name in found} == {"nonideal", "nonideal-0.1.0.dist-info"}
    assert found["nonideal-0.1.0.dist-info/top_level.txt"].split() == [b"nonideal"]
    for name in ("experiments/iris.toml", "pnn/presets/sky130_tt.json", "circuits/drc/checks.py", "py.typed"):
        assert f"nonideal/{name}" in found


def test_the_sdist_holds_real_files_and_makes_the_same_wheel(archives: tuple[Path, Path, Path]) -> None:
    sdist, wheel, again = archives
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    assert [one.name for one in members if not (one.isfile() or one.isdir())] == []
    modules = [one.name for one in members if one.name.endswith("circuits/drc/checks.py")]
    assert len(modules) == 1, modules
    first, second = contents(wheel), contents(again)
    assert set(first) == set(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_it_works_where_there_is_no_checkout(archives: tuple[Path, Path, Path], tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    python = tmp_path / "env/bin/python"
    (packages,) = (tmp_path / "env/lib").glob("python*/site-packages")
    # A line in a .pth file adds a folder, but not what the .pth files in it add: the checkout stays out of sight.
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    with zipfile.ZipFile(archives[1]) as archive:
        archive.extractall(packages)
    (tmp_path / "quick.toml").write_text(QUICK)

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [str(python), *arguments], cwd=tmp_path, capture_output=True, text=True, check=False, env=alone()
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    code = "import nonideal; print(nonideal.__file__, nonideal.__version__, nonideal.load_experiment('iris').training.layers)"
    told = run("-c", code)
    assert told.startswith(str(packages))
    assert told.split()[1:] == ["0.1.0", "(5,", "5,", "5)"]
    run("-m", "nonideal", "train", "quick.toml", "--preset", "sky130_tt", "-j", "1")
    assert (tmp_path / "runs/quick/training/pnn/weights.safetensors").is_file()
