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
    """Read `info.yaml`. Raises ``PrecheckError`` that names the key, ``UnreadableFile`` for the file."""
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise PrecheckError(
            f"{path}: PyYAML reads it and is missing: pip install 'nonideal[tapeout]'"
        ) from error
    try:
        told = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise PrecheckError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    project = _mapping(told, "project", path)
    pinout = _mapping(told, "pinout", path)
    pins = project.get("analog_pins", 0)
    current = project.get(CURRENT)
    if not isinstance(pins, int) or isinstance(pins, bool) or pins < 0:
        raise PrecheckError(f"{path}: project.analog_pins = {pins!r}: give how many of ua[0] .. are used")
    if current is not None and (not isinstance(current, int | float) or current <= 0):
        raise PrecheckError(f"{path}: project.{CURRENT} = {current!r}: give mA")
    return Info(
        path=path,
        top_module=str(project.get("top_module") or ""),
        tiles=str(project.get("tiles") or ""),
        analog_pins=pins,
        uses_3v3=bool(project.get("uses_3v3", False)),
        pinout={str(pin): str(said or "").strip() for pin, said in pinout.items()},
        supply_current_mA=None if current is None else float(current),
    )


def _mapping(told: Any, key: str, path: Path) -> dict[str, Any]:
    found = told.get(key) if isinstance(told, dict) else None
    if not isinstance(found, dict):
        raise PrecheckError(f"{path} has no mapping {key!r}: see the shuttle's template of info.yaml")
    return found
