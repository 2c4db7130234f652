"""Where a command may write what ``--out`` names.

Call it before any work, for every file that will be written, with every file that the command reads::

    check_out(out, {"--weights": weights, "--model": model_path}, force=force)
    table = out.with_suffix(".csv")
    check_out(table, {"--weights": weights, "--model": model_path}, force=force)

and ``check_out_folder`` where ``--out`` names a folder, with the names of the files that go there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from nonideal.experiment.errors import BadOption
from nonideal.runs.rundir import LOCK


def check_out(out: Path, inputs: Mapping[str, Path], *, force: bool = False) -> None:
    """Raise ``BadOption`` unless a file may be written at ``out``.

    ``inputs``: what the command reads, by the option that names it (``--weights``). Never: a folder, a device or pipe, one of the inputs,
    however it is spelt or linked, a place in a run directory that another process works in, below something that is no folder. A file that
    is there already only with ``force``.
    """
    if not out.name or out.name == ".." or out.is_dir():
        raise BadOption(f"--out {out}: is a folder; name the file to write, as {out / 'network.spice'}")
    for option, path in inputs.items():
        if _same(out, path):
            raise BadOption(f"--out {out}: is the file that {option} reads; give another name")
    if _there(out) and not out.is_file():
        raise BadOption(f"--out {out}: is no regular file, and is not replaced; give another name")
    _check_place(out.parent, out)
    if out.exists() and not force:
        raise BadOption(f"--out {out}: is there already; give another name, or --force to replace it")


def check_out_folder(out: Path, names: Iterable[str], *, force: bool = False) -> None:
    """The same for a folder that gets files called ``names``: those that are there already are replaced with ``force`` only."""
    if _there(out) and not out.is_dir():
        raise BadOption(f"--out {out}: is no folder; give the name of a folder")
    _check_place(out, out)
    present = [name for name in names if _there(out / name)]
    for name in present:
        if not (out / name).is_file():
            raise BadOption(f"--out {out}: {name} there is no regular file, and is not replaced")
    if present and not force:
        raise BadOption(
            f"--out {out}: holds {', '.join(present)} already; give another folder, or --force to replace them"
        )


def _there(path: Path) -> bool:
    """Is there anything, if only a link that leads nowhere?"""
    return os.path.lexists(path)


def _same(out: Path, path: Path) -> bool:
    try:
        return out.resolve() == path.resolve() or (out.exists() and path.exists() and out.samefile(path))
    except (OSError, RuntimeError):  # a ring of links
        return False


def _check_place(folder: Path, out: Path) -> None:
    """The folder can hold files, and no other process works in a run directory around it."""
    try:
        place = folder.resolve()
    except (OSError, RuntimeError) as error:
        raise BadOption(f"--out {out}: {error}; give another name") from error
    around = [place, *place.parents]
    nearest = next(one for one in around if one.exists())
    if not nearest.is_dir():
        raise BadOption(f"--out {out}: {nearest} is no folder; give another name")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise BadOption(f"--out {out}: {nearest} cannot be written to; give another name")
    for one in around:
        if (one / LOCK).is_file() and _held(one / LOCK):
            raise BadOption(
                f"--out {out}: lies in {one}, where another process works; wait for it, or give another name"
            )


def _held(lock: Path) -> bool:
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False  # somebody else's file of that name, which nobody can lock
