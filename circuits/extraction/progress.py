"""How far a run of kpex or of our own extractor is, as their `launch.py` keeps it in a file beside the log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nonideal.files import UnreadableFile, read_text

FILE = "progress"
SHARES = {
    ("kpex", "CC"): {"capacitances": 0.97, "resistances": 0.0, "netlist": 0.03},
    ("kpex", "RC"): {"capacitances": 0.55, "resistances": 0.02, "netlist": 0.43},
    ("nonideal", "CC"): {"reading": 0.5, "capacitances": 0.4, "netlist": 0.1},
    ("nonideal", "RC"): {"reading": 0.3, "resistances": 0.3, "capacitances": 0.3, "netlist": 0.1},
}
"""Of an extractor's time, by what is extracted: kpex's on 5-5 and 5-5-5, ours on 65-32-10. Kpex's netlist: with the spreading of capacitances over
the resistors' nodes."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The stage that an extractor is in, and the part of all its work that is done, 0 to 1, by the usual share of the stages."""

    stage: str
    part: float


def tell(stage: str, percent: int = 0) -> None:
    """Say how far this process is, in its working folder."""
    Path(FILE).write_text(f"{stage} {percent}\n", encoding="utf-8")


def read_progress(folder: Path, extractor: str, mode: str) -> Progress | None:
    """How far the run in ``folder`` is; None before it tells, and where it does not."""
    try:
        stage, percent = read_text(folder / FILE, most_bytes=1000).split()
        shares = SHARES[extractor, mode]
        before = list(shares).index(stage)
        part = sum(list(shares.values())[:before]) + shares[stage] * int(percent) / 100
        return Progress(stage, min(max(part, 0.0), 1.0))
    except (UnreadableFile, ValueError, KeyError):
        return None
