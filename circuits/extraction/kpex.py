"""The extractor klayout-pex (`kpex`), run as a process of its own on an LVS database."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from nonideal.circuits.extraction.progress import FILE
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.circuits.sidewall import DEFAULT, KPEX_FACTOR, Sidewall
from nonideal.files import write_json
from nonideal.spice.process import Stop, clean_environment, log_tail, supervise

Mode = Literal["CC", "RC"]
KpexReduction = Literal["none", "ticer"]
VARIABLE = "NONIDEAL_KPEX"
PACKAGE = "klayout-pex"
PINNED = "0.6.12"
INSTALL = f"pip install --no-deps --ignore-requires-python {PACKAGE}=={PINNED}, with protobuf, rich, rich-argparse, cairosvg, packaging"
TAIL_LINES = 20
NOT_STARTED = (126, 127)
"""A shell's exit codes for a program that is not there or is none."""


class ExtractorMissing(ExtractionFailed):
    """The extractor that was asked for is not installed, or lacks what it needs."""


@dataclass(frozen=True, slots=True)
class Kpex:
    """An installed klayout-pex."""

    path: Path
    version: str


@dataclass(frozen=True, slots=True)
class Run:
    """What a run left: the netlist, the log, and what it cost."""

    netlist: Path
    log: Path
    seconds_cpu: float
    seconds_wall: float


def find_kpex(environ: Mapping[str, str] | None = None) -> Kpex:
    """The kpex that NONIDEAL_KPEX names, else the one beside this Python, else that on PATH."""
    environ = os.environ if environ is None else environ
    named = environ.get(VARIABLE)
    places = [Path(named)] if named else [Path(sys.executable).parent / "kpex"]
    if not named:
        places += [Path(folder) / "kpex" for folder in environ.get("PATH", "").split(os.pathsep) if folder]
    for path in places:
        if path.is_file() and os.access(path, os.X_OK):
            return Kpex(path, _version())
    where = f"{VARIABLE} = {named} is not an executable" if named else "no kpex beside this Python or on PATH"
    raise ExtractorMissing(f"{where}; {INSTALL}")


def _version() -> str:
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return "unknown"


def run_kpex(
    kpex: Kpex,
    database: Path,
    folder: Path,
    *,
    mode: Mode,
    reduction: KpexReduction,
    timeout_s: float,
    sidewall: Sidewall = DEFAULT,
    halo_um: float | None = None,
    stop: Stop | None = None,
) -> Run:
    """Extract from an LVS database into a folder; raises ExtractionFailed with the log's last lines.

    `halo_um` is how far conductors see each other sideways (None: the technology's 8 um). For full sidewalls kpex must be the pinned
    version, in this Python; another one runs as it is, and is taken to halve them as that does.

    Capacitors are black boxes: their models hold their capacitance. No GDS is given, for with one kpex starts an LVS of its
    own, which needs a KLayout program.
    """
    folder.mkdir(parents=True, exist_ok=True)
    netlist, log = folder / "extracted.spice", folder / "kpex.log"
    netlist.unlink(missing_ok=True)
    command = [
        *_program(kpex, folder, sidewall), "extract", "--pdk", "sky130A", "--lvsdb", str(database.resolve()), "--2.5D", "--mode", mode,
        "--blackbox", "y", "--threads", "1", "--out-dir", str((folder / "kpex").resolve()), "-o", str(netlist.resolve()),
    ]  # fmt: skip
    if mode == "RC":
        command += ["--reduce", reduction]
    if halo_um is not None:
        command += ["--halo", f"{halo_um:g}"]
    environ = clean_environment(folder.resolve(), COLUMNS="200", PYTHONIOENCODING="utf-8")
    if is_pinned(kpex):
        # This package, for `launch.py`: it need not be installed where Python looks by itself. Another kpex has a Python of its own.
        environ["PYTHONPATH"] = str(Path(__file__).absolute().parents[3])
    ended = supervise(command, folder, log, timeout_s, environ=environ, stop=stop)
    if ended.timed_out:
        raise ExtractionFailed(with_tail(f"kpex was not done after {timeout_s:g} s", log), log)
    if ended.code in NOT_STARTED:
        raise ExtractorMissing(with_tail(f"kpex at {kpex.path} cannot be started; {INSTALL}", log), log)
    if ended.limit is not None:
        raise ExtractionFailed(with_tail(f"kpex: {ended.limit}", log), log)
    if ended.code != 0 or not netlist.is_file():
        what = f"ended with code {ended.code}" if ended.code else "wrote no netlist"
        raise ExtractionFailed(with_tail(f"kpex {what}", log), log)
    return Run(netlist, log, ended.seconds_cpu, ended.seconds_wall)


def _program(kpex: Kpex, folder: Path, sidewall: Sidewall) -> list[str]:
    if not is_pinned(kpex):
        if sidewall == "halved":
            return [str(kpex.path)]
        raise ExtractionFailed(
            f"full sidewalls are extracted with {PACKAGE} {PINNED} beside this Python, not with {kpex.path} ({kpex.version}): "
            f'leave {VARIABLE} out ({INSTALL}), or set [extraction] sidewall = "halved" if that is what it counts'
        )
    (folder / FILE).unlink(missing_ok=True)
    write_json(folder / "settings.json", {"sidewall_factor": KPEX_FACTOR[sidewall]})
    return [sys.executable, "-m", "nonideal.circuits.extraction.launch", "settings.json"]


def is_pinned(kpex: Kpex) -> bool:
    """Whether a kpex is the version whose engine `launch.py` knows, and of this Python."""
    return kpex.version == PINNED and kpex.path.parent == Path(sys.executable).parent


def with_tail(message: str, log: Path) -> str:
    """A message, and the last lines of a log."""
    return f"{message}; its log {log} ends with\n{log_tail(log, TAIL_LINES)}"
