"""What hostile inputs are run in: one process, a simulator that only takes notes, and a watch over every file that appears."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from nonideal.cli.main import main

MARK = "pwned"
"""Every hostile text tries to leave a file of this name."""
LONGEST_S = 300.0
"""Of any command line here, on a machine with other work that comes first."""
DECLARED = {0, 1, 2, 3, 4}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command line said."""

    code: int
    out: str
    err: str
    seconds: float


@dataclass(slots=True)
class Bench:
    """A folder to run command lines in; ``counts`` of exit codes by kind of input."""

    folder: Path
    decks: Path
    counts: dict[str, Counter[int]] = field(default_factory=dict)

    def run(self, *arguments: str, may_write: tuple[str, ...] = ("runs",)) -> Answer:
        """Run a command line and judge it: an exit code that is declared, no traceback, no hang, no file but in ``may_write``.

        ``.`` among those is the folder itself, where it was named as a run directory.
        """
        before = self._files()
        out, err, began = io.StringIO(), io.StringIO(), time.monotonic()
        code = 0
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(list(arguments))
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else (0 if ended.code is None else 1)
        answer = Answer(code, out.getvalue(), err.getvalue(), time.monotonic() - began)
        told = f"{arguments} -> {code}\n{answer.out[-2000:]}\n{answer.err[-4000:]}"
        assert code in DECLARED, told
        assert "Traceback" not in answer.err + answer.out, told
        assert "defect of nonideal" not in answer.err + answer.out, told
        assert answer.seconds < LONGEST_S, f"{answer.seconds:.1f} s: {told}"
        assert not list(self.folder.parent.rglob(MARK)), told
        new = {path for path in self._files() - before if not _may(path.parts[0], may_write)}
        assert not new, f"{sorted(map(str, new))} appeared: {told}"
        for deck in self.decks.glob("*"):
            text = deck.read_bytes()
            assert MARK.encode() not in text, f"{text!r} reached the simulator: {told}"
            deck.unlink()
        kind = os.environ.get("PYTEST_CURRENT_TEST", "").partition("::test_")[2].partition(" ")[0]
        self.counts.setdefault(kind, Counter())[int(code)] += 1
        return answer

    def _files(self) -> set[Path]:
        """All files around, by their path from the folder; the decks that were noted are looked at by themselves."""
        found = (path for path in self.folder.parent.rglob("*") if path.is_file())
        return {Path(os.path.relpath(path, self.folder)) for path in found if self.decks not in path.parents}


def _may(place: str, may_write: tuple[str, ...]) -> bool:
    return place in may_write or ("." in may_write and place != "..")


NOTES = """#!{python} -I
import pathlib, shutil, sys
if "--version" in sys.argv:
    print("ngspice-39 : Circuit level simulation program")
    sys.exit(0)
notes = pathlib.Path({decks!r})
for path in pathlib.Path.cwd().iterdir():
    if path.is_file() and path.suffix in (".cir", ".spice", ".lib", ".sp"):
        shutil.copyfile(path, notes / path.name)
print("this simulator only takes notes")
sys.exit(1)
"""


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One bench for all inputs; how each class of inputs ended is printed at the end."""
    torch.set_num_threads(1)
    top = tmp_path_factory.mktemp("fuzz")
    folder, decks = top / "work", top / "decks"
    folder.mkdir()
    decks.mkdir()
    simulator = top / "ngspice"
    simulator.write_text(NOTES.format(python=sys.executable, decks=str(decks)))
    simulator.chmod(simulator.stat().st_mode | stat.S_IXUSR)
    # What a command leaves in the folder of temporary files is a file outside of the run directory too.
    (top / "tmp").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NONIDEAL_NGSPICE", str(simulator))
        patch.setenv("TMPDIR", str(top / "tmp"))
        patch.setattr(tempfile, "tempdir", None)
        made = Bench(folder, decks)
        yield made
    for kind, codes in made.counts.items():
        told = ", ".join(f"exit {code}: {number}" for code, number in sorted(codes.items()))
        print(f"\nfuzz: {kind}: {codes.total()} command lines; {told}", end="", file=sys.__stdout__)
    print(
        f"\nfuzz: {sum(codes.total() for codes in made.counts.values())} command lines in all",
        file=sys.__stdout__,
    )
