"""What the extraction needs besides Python: its native sweep, compiled once, and the technology's constants."""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nonideal.circuits.extraction.kpex import ExtractorMissing
from nonideal.circuits.extraction.parasitics.technology import find_technology
from nonideal.files import read_bytes
from nonideal.files.compiled import compiled, why_not

SOURCES = (
    "parasitics.cpp",
    "couplings.h",
    "edges.h",
    "grid.h",
    "layout.h",
    "nodes.h",
    "overlap.h",
    "shapes.h",
    "technology.h",
)


@dataclass(frozen=True, slots=True)
class Native:
    """The compiled sweep and the constants; hashes of what results depend on."""

    library: Path
    technology: Path
    sources_sha256: str
    technology_sha256: str


def find_native() -> Native:
    """Compile the sweep unless it is kept, and find the constants; raises ExtractorMissing without a compiler or klayout-pex's technology."""
    here = Path(__file__).parent
    technology, technology_sha256 = find_technology()
    try:
        path = compiled(here / "native", SOURCES, "extraction's sweep")
    except (OSError, subprocess.SubprocessError) as error:
        raise ExtractorMissing(
            f"our own extractor (nonideal) cannot be compiled: {why_not(error)}; run `make setup` or install g++, "
            "or extract with kpex, in minutes (--extractor kpex)"
        ) from error
    code = hashlib.sha256()
    for name in sorted((*here.glob("*.py"), *(here / "native").iterdir())):
        code.update(name.name.encode() + b"\0" + read_bytes(name) + b"\0")
    return Native(path, technology, code.hexdigest(), technology_sha256)


@cache
def loaded(library: Path) -> ctypes.CDLL:
    """The library, loaded once."""
    return ctypes.CDLL(str(library))
