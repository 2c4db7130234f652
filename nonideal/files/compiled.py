"""Shared libraries and programs compiled from C++ sources, kept by content.

A library goes to ``$NONIDEAL_CACHE``, else ``$XDG_CACHE_HOME/nonideal``, else ``~/.cache/nonideal``; its
name holds a hash of the sources, the compiler and the processor, so that a change of any builds anew. It ends
with the hash of its content, which is compared before it is loaded: a damaged one would end the process by a
signal, and is built anew.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

FLAGS = ("-O3", "-std=c++17", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math")
PROGRAM_FLAGS = ("-O2", "-std=c++17")
COMPILERS = ("g++", "clang++", "c++")
NATIVE = ("-march=native", "-mcpu=native", "")
COMPILE_TIMEOUT_S = 300.0
_MARK = b"\nnonideal kernel sha256 "
_END_BYTES = len(_MARK) + 64

logger = logging.getLogger("nonideal.kernel")


def cache_folder() -> Path:
    """Where libraries are kept; raises ``OSError`` where there is no home folder."""
    own = os.environ.get("NONIDEAL_CACHE")
    if own:
        return Path(own)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nonideal"
    except RuntimeError as error:
        raise OSError(f"{error}: set HOME or NONIDEAL_CACHE") from error


def is_whole(path: Path) -> bool:
    """Whether a library is there as it was built: its end tells the hash of the rest."""
    try:
        content = path.read_bytes() if path.is_file() else b""
    except OSError:
        return False
    library, end = content[:-_END_BYTES], content[-_END_BYTES:]
    return end == _end(library)


def _end(library: bytes) -> bytes:
    """What is appended to a library; loaders do not read so far."""
    return _MARK + hashlib.sha256(library).hexdigest().encode()


def find_compiler(environ: Mapping[str, str] = os.environ) -> str:
    """The C++ compiler: ``CXX``, else the first that is on ``PATH``; raises ``FileNotFoundError`` where there is none."""
    named, path = environ.get("CXX"), environ.get("PATH")
    if named:
        if shutil.which(named, path=path) is None:
            raise FileNotFoundError(
                f"CXX = {named} is not a program (set CXX to a C++ compiler, or leave it out)"
            )
        return named
    found = next((c for c in COMPILERS if shutil.which(c, path=path)), None)
    if found is None:
        raise FileNotFoundError("no C++ compiler found (install g++, or set CXX)")
    return found


def compiled(folder: Path, sources: tuple[str, ...], what: str, *, program: bool = False) -> Path:
    """The library of the sources (C++ files and headers) in a folder, compiled unless it is kept; ``what`` it is, for messages.

    With ``program`` they are one, of any processor of the kind, and compiled in a second without a word.

    Raises ``OSError`` or ``subprocess.SubprocessError`` where there is no compiler or it fails; ``why_not`` tells it.
    """
    compiler = find_compiler()
    version = subprocess.run(
        [compiler, "--version"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    flags, natives = (PROGRAM_FLAGS, NATIVE[-1:]) if program else (FLAGS, NATIVE)
    digest = hashlib.sha256("\0".join((version, *flags, _processor())).encode())
    for name in sources:
        digest.update((folder / name).read_bytes())
    kind, ending = ("program", "") if program else ("kernel", ".so")
    target = cache_folder() / f"{kind}-{digest.hexdigest()[:16]}{ending}"
    if is_whole(target):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    told = f"the kept {what} is damaged, compiling it anew" if target.exists() else f"compiling the {what}"
    # A warning, for it is to be seen: what asked for it stands still meanwhile.
    logger.log(
        logging.INFO if program else logging.WARNING,
        "%s with %s, up to a minute, once",
        told,
        compiler,
    )
    error: subprocess.CalledProcessError | None = None
    for native in natives:
        with tempfile.TemporaryDirectory(dir=target.parent) as made:
            part = Path(made) / "kernel.so"
            command = [
                compiler,
                *flags,
                *([native] if native else []),
                "-o",
                str(part),
                *(str(folder / name) for name in sources if name.endswith(".cpp")),
            ]
            try:
                subprocess.run(command, capture_output=True, text=True, check=True, timeout=COMPILE_TIMEOUT_S)
            except subprocess.CalledProcessError as failed:
                error = failed
                continue
            library = part.read_bytes()
            # By a rename, never in place: another process may run the old one.
            part.write_bytes(library + _end(library))
            part.chmod(0o755)
            os.replace(part, target)
            return target
    assert error is not None
    raise error


def _processor() -> str:
    """What -march=native depends on: a home folder may be shared between machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    return platform.machine() + next(
        (line for line in lines if line.startswith(("flags", "Features"))), platform.processor()
    )


def why_not(error: Exception) -> str:
    """Why nothing was compiled, in a line."""
    if isinstance(error, subprocess.CalledProcessError):
        return f"{' '.join(map(str, error.cmd))}: {(error.stderr or '').strip()[-500:]}"
    return str(error)
