"""A deck: everything one run of the simulator reads."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from files import write_if_changed

from .analysis import Analysis, join_card, parse_analyses
from .errors import BadDeck
from .names import check_name

SPICEINIT: Final = "set ngbehavior=hsa\nset ng_nomodcheck\nset num_threads=1\nset filetype=binary\n"
"""Read by ngspice from the folder it runs in. More than one OpenMP thread makes small decks far slower."""
_KEY_VERSION: Final = "1"
_OWN_SUFFIXES: Final = (".cir", ".log", ".raw")
_COMMAND: Final = re.compile(r"^[ \t]*(?:\*#|\.control\b|\.endc\b)", re.IGNORECASE | re.MULTILINE)
_RELATIVE_INCLUDE: Final = re.compile(
    r"^[ \t]*\.(?:include|inc|lib)[ \t]+[\"']?([^\"'\s]+)[\"']?", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Deck:
    """A complete, self-contained deck.

    `text` is the whole netlist with its analyses (`.tran .dc .ac .op`), `.options` and `.save` cards; its
    first line is the title. It `.include`s the files in `includes` (file name -> content) by their bare
    names; an absolute path (a PDK's library) is allowed and counts as part of the machine.
    `vectors` are the names the results must hold (`v(out)`, `i(vdd)`, `@m1[gm]`; case does not matter), at
    least one. `t_stop_s` is where the `.tran` must end, in s; required if there is one.

    Raises `UnsafeName` for a bad name and `BadDeck` for a deck that runs commands, or could not be run or
    judged.
    """

    name: str
    text: str
    includes: Mapping[str, str] = field(default_factory=dict, hash=False)
    vectors: tuple[str, ...] = ()
    t_stop_s: float | None = None

    def __post_init__(self) -> None:
        check_name(self.name, "deck")
        object.__setattr__(self, "includes", dict(self.includes))
        object.__setattr__(self, "vectors", tuple(self.vectors))
        if not self.vectors:
            raise BadDeck(f"deck {self.name}: no vectors; name at least one, results are judged by them")
        if self.text.lstrip(" \t").startswith("."):
            raise BadDeck(
                f"deck {self.name}: the first line is the title and is not read; put a `* comment` there"
            )
        for file in self.includes:
            check_name(file, "include file")
            if Path(file).suffix.lower() in _OWN_SUFFIXES:
                raise BadDeck(
                    f"deck {self.name}: an include may not be called {file!r}; runs write such files"
                )
        for file, content in {"text": self.text, **self.includes}.items():
            command = _COMMAND.search(content)
            if command:
                raise BadDeck(
                    f"deck {self.name}, {file}: `{command[0].strip()}` runs simulator commands; remove it"
                )
            for target in _RELATIVE_INCLUDE.findall(content):
                if "/" not in target and "." in target and target not in self.includes:
                    raise BadDeck(
                        f"deck {self.name}, {file}: includes {target!r}, which is not among `includes`"
                    )
        stops = [analysis.t_stop_s() for analysis in self.analyses() if analysis.kind == "tran"]
        if bool(stops) != (self.t_stop_s is not None):
            raise BadDeck(f"deck {self.name}: give t_stop_s (s) if and only if there is a .tran")
        if self.t_stop_s is not None and abs(stops[0] - self.t_stop_s) > 1e-6 * self.t_stop_s:
            raise BadDeck(
                f"deck {self.name}: t_stop_s is {self.t_stop_s:g} s but the .tran ends at {stops[0]:g} s"
            )

    def cards(self) -> list[str]:
        """The cards of `text` with continuation lines joined; without title, comments and `.end`."""
        joined: list[str] = []
        for line in self.text.splitlines()[1:]:
            stripped = line.strip()
            if stripped.startswith("+") and joined:
                joined[-1] += "\n" + stripped
            elif stripped and not stripped.startswith("*") and stripped.lower() != ".end":
                joined.append(stripped)
        return [join_card(card) for card in joined]

    def analyses(self) -> tuple[Analysis, ...]:
        """The analyses that `text` asks for."""
        return parse_analyses(self.name, self.cards())

    def key(self, simulator_version: str) -> str:
        """SHA-256 over what decides the result: text, includes, vectors, t_stop, simulator; not the name."""
        content = json.dumps(
            [
                _KEY_VERSION,
                simulator_version,
                SPICEINIT,
                self.text,
                sorted(self.includes.items()),
                list(self.vectors),
                self.t_stop_s,
            ]
        )
        return hashlib.sha256(content.encode()).hexdigest()

    def write(self, folder: Path, stem: str | None = None) -> Path:
        """Write `<stem>.cir` (default: the name), the includes and `.spiceinit` into `folder`.

        Each file is written whole or not at all. Returns the deck's path. To run it by hand:
        `cd folder && ngspice -b -r out.raw <stem>.cir`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        write_if_changed(folder / ".spiceinit", SPICEINIT.encode())
        for file, content in self.includes.items():
            write_if_changed(folder / file, content.encode())
        path = folder / f"{stem or self.name}.cir"
        write_if_changed(path, self.text.encode())
        return path
