"""What the simulator says beside its results, judged: nothing, something to show, or that it took the deck for another.

ngspice goes on after much that changes a circuit: it keeps the first of two subcircuits of one name, leaves out parameters that it
does not know, and sets initial values on nodes that there are. Such a run has results, of another circuit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MOST_SHOWN: Final = 20
"""Different messages that are kept of one run."""
_SAYS: Final = re.compile(
    r"warn|error|fatal|fail|singular|issue|ignored|unrecogni[sz]ed|unknown|redefin|not found|can.t|cannot|no such|doesn.t exist",
    re.IGNORECASE,
)
_HARMLESS: Final = re.compile(
    r"^note: (?!.*(?:ignored|unknown))|has no (?:dc )?value, (?:dc 0 assumed|transient time 0 value used)|no dc value, transient time 0"
    # Of .noise a deck saves densities alone, so that no integral is asked for; densities that are lacking are seen in the results.
    r"|(?:gmin|source) stepping|^circuit: |^binary raw file|no data saved for noise analysis",
    re.IGNORECASE,
)
_MISREAD: Final = re.compile(
    r"redefinition of|model issue|unrecogni[sz]ed parameter|unknown (?:parameter|option|subckt|device)|can.t find model|ignored"
    r"|non-increasing pwl|non-?existent node|unusual leading characters|unimplemented|no such (?:vector|node|parameter)|not found"
    r"|duplicate|multiply defined|too (?:few|many) (?:parameters|nodes)|undefined parameter",
    re.IGNORECASE,
)
_OF_VOLTAGES: Final = re.compile(r"^\S+ +-?[\d.]+(?:e[-+]?\d+)?$")
_NUMBER: Final = re.compile(r"(?<![A-Za-z_])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Messages:
    """`misread` is the first message that says the circuit is not the deck's (None: there is none); `others` are to be shown."""

    misread: str | None
    others: tuple[str, ...]


def read_messages(log: Path) -> Messages:
    """The messages in a simulator's log, numbers in those to be shown replaced by N so that they can be counted."""
    misread, others = None, dict[str, None]()
    for line in _told(log):
        if _MISREAD.search(line):
            misread = misread or line
        elif len(others) < MOST_SHOWN:
            others[_NUMBER.sub("N", line)] = None
    return Messages(misread, tuple(others))


def _told(log: Path) -> Iterator[str]:
    with log.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            told = line.strip()[:300]
            if told and _SAYS.search(told) and not _HARMLESS.search(told) and not _OF_VOLTAGES.match(told):
                yield told
