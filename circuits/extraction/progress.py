"""How far a run of kpex is, as `launch.py` keeps it in a file beside the log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nonideal.files import UnreadableFile, read_text

FILE = "progress"
SHARES = {
    "CC": {"capacitances": 0.97, "resistances": 0.0, "netlist": 0.03},
    "RC": {"capacitances": 0.55, "resistances": 0.02, "netlist": 0.43},
}
"""Of kpex's time, by what is extracted: measured on 5-5 and 5-5-5. Netlist: with the spreading of capacitances over the resistors' nodes."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The stage that kpex is in, and the part of all its work that is done, 0 to 1, by the usual share of the stages."""

    stage: str
    part: float


def read_progress(folder: Path, mode: str) -> Progress | None:
    """How far the run in ``folder`` is; None before it tells, and where it does not."""
    try:
        stage, percent = read_text(folder / FILE, most_bytes=1000).split()
        shares = SHARES[mode]
        before = list(shares).index(stage)
        part = sum(list(shares.values())[:before]) + shares[stage] * int(percent) / 100
        return Progress(stage, min(max(part, 0.0), 1.0))
    except (UnreadableFile, ValueError):
        return None
