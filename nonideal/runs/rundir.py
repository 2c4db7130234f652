"""A run directory: one folder a stage, used by one process at a time."""

from __future__ import annotations

import json
import os
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from nonideal.files import remove_leftovers, write_json
from nonideal.runs.errors import RunDirBusy, RunDirError
from nonideal.runs.manifest import now
from nonideal.sky130_models.corner import Corner

LOCK = ".lock"
HOLDER = ".lock.json"
BASE = "runs"
CORNERS = "corners"
CALIBRATION = "calibration"
SCHEMATIC: Final = "schematic"
EXTRACTED = "network.pex.spice"
"""The extracted netlist in the folder of a layout."""
COMMANDS = {
    "columns": "characterize",
    "characterization": "characterize",
    "shift": "train",
    "training": "train",
    "netlist": "netlist",
    "layout": "layout",
    "validation": "validate-post-layout",
}
"""Stage of the loop -> the command that fills its folder."""
ASIDE = {
    "explore": "explore",
    "conditions": "conditions",
    "noise": "noise",
    "tapeout": "tapeout",
    "tile-simulation": "tapeout",
    "mismatch": "yield",
    "yield": "yield",
    CALIBRATION: "calibrate",
}
"""The same of the stages beside the loop; ``calibration`` has one in its own for every chip."""


def on_netlist(stage: str, netlist: str) -> str:
    """A stage's name, and folder, for chips on a netlist: ``yield``, ``yield_pex-rc``. What is drawn into two netlists is kept apart."""
    return stage if netlist == SCHEMATIC else f"{stage}_{netlist}"


def netlist_of_stage(name: str) -> str:
    """The netlist that ``on_netlist`` put into a stage's name."""
    return name.partition("/")[0].partition("_")[2] or SCHEMATIC


def stage_of(name: str) -> str:
    """The stage that a folder belongs to: ``calibration`` of ``calibration_pex-rc/chip_7``."""
    return name.partition("/")[0].partition("_")[0]


def command_of(stage: str) -> str:
    """The command that fills a stage's folder (``calibration/chip_7`` too)."""
    name = stage_of(stage)
    return (COMMANDS | ASIDE).get(name, name)


class RunDir:
    """``runs/<experiment>``, or a corner's part of it. The operating system frees the lock of a process that dies, however it dies."""

    def __init__(self, path: Path, corner: str = "") -> None:
        self._base, self._corner = path, corner
        self.path = path / CORNERS / corner if corner else path

    def __repr__(self) -> str:
        return f"RunDir({str(self.path)!r})"

    @classmethod
    def at(cls, path: Path) -> RunDir:
        """The run directory that a path of results belongs to: a corner's, where it is named and lies as one."""
        inner = path.parent.name == CORNERS and path.name in set(Corner)
        return cls(path.parent.parent, path.name) if inner else cls(path)

    def stage(self, name: str) -> Path:
        """The folder of a stage, created."""
        folder = self.path / name
        self._create(folder)
        return folder

    def corner(self, name: str) -> RunDir:
        """The run directory of another corner than the experiment's own: the same layout, one level down."""
        return RunDir(self._base, name)

    def options(self, experiment: str, given: str = "") -> str:
        """What a command needs on its line to work on this directory, for messages; ``given``: a path to the experiment."""
        elsewhere = self._base != default_run_dir(experiment)
        where = f" --run-dir {shlex.quote(str(self._base))}" if elsewhere else ""
        corner = f" --corner {self._corner}" if self._corner else ""
        return f" --experiment {shlex.quote(given or experiment)}{where}{corner}"

    @property
    def model(self) -> Path:
        """The physical model that characterisation writes."""
        return self.path / "characterization" / "model.json"

    @property
    def shift(self) -> Path:
        """What kept biases do in the conditions that training sees."""
        return self.path / "shift" / "shift.json"

    @property
    def cache(self) -> Path:
        """Simulations and extractions by content, shared by all stages and corners."""
        return self._base / "cache"

    def column(self, axons: int) -> Path:
        """The folder of the extracted column with that many axons."""
        return self.path / "columns" / str(axons)

    def fan_out(self, neurons: int, driven: int) -> Path:
        """The folder of the extracted axons from so many neurons to the neurons that they drive."""
        return self.path / "columns" / f"fan_out_{neurons}_{driven}"

    def weights(self, variant: str) -> Path:
        """The weights of a variant that go to silicon."""
        return self.path / "training" / variant / "weights.safetensors"

    def mapping_folder(self, mapping: str) -> Path:
        """Where a mapping's network.spice and mapping.csv lie."""
        return self.path / "netlist" / mapping

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the directory; raises ``RunDirBusy`` that says who has it."""
        self._create(self.path)
        lock = FileLock(self.path / LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise RunDirBusy(
                f"{self.path} is in use by {self._holder()}: wait for it, or give another --run-dir"
            ) from None
        except OSError as error:
            raise RunDirError(
                f"{self.path} cannot be locked ({error}): give a --run-dir you can write to"
            ) from error
        try:
            write_json(self.path / HOLDER, {"pid": os.getpid(), "host": socket.gethostname(), "since": now()})
            remove_leftovers(self.path)
            yield
        finally:
            (self.path / HOLDER).unlink(missing_ok=True)
            lock.release()

    def _holder(self) -> str:
        try:
            holder: dict[str, Any] = json.loads((self.path / HOLDER).read_text(encoding="utf-8"))
            return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process (it started this very moment)"

    @staticmethod
    def _create(folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunDirError(
                f"{folder} cannot be created ({error.strerror}): give another --run-dir"
            ) from error


def default_run_dir(experiment: str) -> Path:
    """Where an experiment's results go unless told otherwise: ``runs/<name>`` in the current folder."""
    return Path(BASE) / experiment
