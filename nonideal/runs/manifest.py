"""What a stage was made from: hashes of inputs and code, settings, seeds, versions, seconds.

Written last, so that its presence says "complete".
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from nonideal.files import read_json, sha256_of, sha256_of_value, write_text

NAME = "manifest.json"
FORMAT = 1


class Inputs(BaseModel):
    """What a stage's result depends on. Two runs with equal inputs have equal results."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: dict[str, Any]
    seeds: dict[str, Any]
    files: dict[str, str]
    tools: dict[str, str]
    code: str

    @property
    def key(self) -> str:
        """One hash over all of it."""
        return sha256_of_value(self.model_dump(mode="json"))

    def differs_in(self, other: Inputs) -> list[str]:
        """Names of what is not the same, for the sentence that says why a stage runs again."""
        names = []
        for part in ("settings", "seeds", "files", "tools"):
            mine, theirs = getattr(self, part), getattr(other, part)
            names += [
                f"{part}: {key}" for key in sorted({*mine, *theirs}) if mine.get(key) != theirs.get(key)
            ]
        return names + ["code"] * (self.code != other.code)


class Manifest(BaseModel):
    """``manifest.json`` of a stage folder.

    ``command`` makes the results again, ``shared`` is what every command on the run directory has on its line, ``asked`` what was asked
    beside the experiment's file (``CommandLine.asked``; empty: an older version did not tell).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    stage: str
    inputs: Inputs
    outputs: dict[str, str]
    versions: dict[str, str]
    summary: dict[str, Any]
    passed: bool
    started: str
    seconds: float
    command: str = ""
    shared: str = ""
    asked: dict[str, Any] = {}
    checksum: str = ""

    def save(self, folder: Path) -> None:
        """Write it with its checksum, whole or not at all."""
        sealed = self.model_copy(update={"checksum": self.digest()})
        write_text(folder / NAME, sealed.model_dump_json(indent=1) + "\n")

    def digest(self) -> str:
        """One hash over all but the checksum."""
        untold = set() if self.asked else {"asked"}
        return sha256_of_value(self.model_dump(mode="json", exclude={"checksum"} | untold))


def load_manifest(folder: Path) -> Manifest | None:
    """The manifest of a finished stage, or None where there is none that this version can read, or its checksum tells of damage."""
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        found = Manifest.model_validate(read_json(path))
    except (ValueError, RecursionError):
        return None
    return found if found.checksum in ("", found.digest()) else None


def stale(folder: Path, inputs: Inputs) -> str | None:
    """Why the stage in ``folder`` has to run for ``inputs``; None when its results stand."""
    manifest = load_manifest(folder)
    if manifest is None:
        return "first run" if not (folder / NAME).exists() else f"{folder / NAME} cannot be read"
    if manifest.inputs.key != inputs.key:
        return "changed: " + ", ".join(manifest.inputs.differs_in(inputs)[:6])
    for name, sha256 in manifest.outputs.items():
        path = folder / name
        if not path.is_file():
            return f"{path} is gone"
        if sha256_of(path) != sha256:
            return f"{path} was altered"
    return None


def up_to_date(folder: Path, inputs: Inputs) -> bool:
    """Do the results in ``folder`` stand for ``inputs``: same inputs, all outputs there and unaltered?"""
    return stale(folder, inputs) is None


def disowned_by(path: Path) -> Path | None:
    """The manifest of the stage folder that a file lies in, where that records another file in its place; else None.

    A file that no manifest of ours names is its owner's.
    """
    place = path.resolve()
    for folder in list(place.parents)[:3]:
        made = load_manifest(folder)
        recorded = None if made is None else made.outputs.get(place.relative_to(folder).as_posix())
        if recorded is not None:
            return None if recorded == sha256_of(place) else folder / NAME
    return None


def hash_files(paths: dict[str, Path]) -> dict[str, str]:
    """SHA-256 of each file under its name."""
    return {name: sha256_of(path) for name, path in paths.items()}


def now() -> str:
    """The time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
