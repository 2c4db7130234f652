"""`info.yaml`: what a tile's authors tell the shuttle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nonideal.files import read_text
from nonideal.precheck.errors import PrecheckError

CURRENT = "supply_current_mA"
"""A key of `project` that only we read: the supply current, for the widths of the stripes."""


@dataclass(frozen=True, slots=True)
class Info:
    """What stands in `info.yaml`, as far as rules ask; ``pinout`` is the description by pin (``ui[0]``, ``ua[3]``), "" for none."""

    path: Path
    top_module: str
    tiles: str
    analog_pins: int
    uses_3v3: bool
    pinout: Mapping[str, str]
    supply_current_mA: float | None = None


def read_info(path: Path) -> Info:
    """Read `info.yaml`. Raises ``PrecheckError`` that names the key, ``UnreadableFile`` for the file, ``ModuleNotFoundError`` without PyYAML."""
    text = read_text(path)
    try:
        import yaml
    except ModuleNotFoundError as error:
        # No fault of the tile: that would stand in its report.
        raise ModuleNotFoundError(
            f"PyYAML reads {path} and is not installed: pip install 'nonideal[tapeout]'", name="yaml"
        ) from error
    try:
        told = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PrecheckError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    except (ValueError, RecursionError) as error:  # a date, a number or a depth that no value can have
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise PrecheckError(f"{path} holds a value that cannot be read: {why}") from error
    project = _mapping(told, "project", path)
    pinout = _mapping(told, "pinout", path)
    pins = project.get("analog_pins", 0)
    current, uses_3v3 = project.get(CURRENT), project.get("uses_3v3", False)
    if not isinstance(pins, int) or isinstance(pins, bool) or pins < 0:
        raise PrecheckError(f"{path}: project.analog_pins = {pins!r}: give how many of ua[0] .. are used")
    if current is not None and not is_current(current):
        raise PrecheckError(f"{path}: project.{CURRENT} = {current!r}: give mA, a number above 0")
    if not isinstance(uses_3v3, bool):
        raise PrecheckError(f"{path}: project.uses_3v3 = {uses_3v3!r}: give true or false, without quotes")
    return Info(
        path=path,
        top_module=_text("project.top_module", project.get("top_module"), path),
        tiles=_text("project.tiles", project.get("tiles"), path),
        analog_pins=pins,
        uses_3v3=uses_3v3,
        pinout={str(pin): _text(f"pinout.{pin}", said, path) for pin, said in pinout.items()},
        supply_current_mA=None if current is None else float(current),
    )


def is_current(given: object) -> bool:
    """Whether it can be a supply current in mA: a number above 0, and no infinity."""
    return isinstance(given, int | float) and not isinstance(given, bool) and 0 < given < 1e9


def _text(key: str, said: object, path: Path) -> str:
    """A value in one line, "" for none. Raises ``PrecheckError`` for a list or a mapping."""
    if isinstance(said, list | dict | set | tuple):
        raise PrecheckError(f"{path}: {key} is a {type(said).__name__}: give text")
    return "" if said is None else str(said).strip()


def _mapping(told: Any, key: str, path: Path) -> dict[str, Any]:
    found = told.get(key) if isinstance(told, dict) else None
    if not isinstance(found, dict):
        raise PrecheckError(f"{path} has no mapping {key!r}: see the shuttle's template of info.yaml")
    return found
