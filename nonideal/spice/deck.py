"""A deck: everything one run of the simulator reads."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nonideal.files import write_if_changed
from nonideal.spice import grammar
from nonideal.spice.analysis import Analysis, join_card, parse_analyses
from nonideal.spice.errors import BadDeck
from nonideal.spice.names import check_name

SPICEINIT: Final = "set ngbehavior=hsa\nset ng_nomodcheck\nset num_threads=1\nset filetype=binary\n"
"""Read by ngspice from the folder it runs in. More than one OpenMP thread makes small decks far slower."""
_KEY_VERSION: Final = "2"
_INCLUDE_SUFFIXES: Final = (".spice", ".lib", ".inc")
_KEY: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Deck:
    """A complete, self-contained deck.

    `text` is the whole netlist with its analyses (`.tran .dc .ac .op`), `.options` and `.save` cards; its
    first line is the title. It `.include`s the files in `includes` (file name -> content) by their bare
    names, and takes sections of the `libraries` (absolute path -> SHA-256 of all that the library reads): a
    PDK's own files, trusted as they are; `library_files` are all that a library takes in, wherever they lie.
    `vectors` are the names the results must hold (`v(out)`, `i(vdd)`, `@m1[gm]`; case does not matter), at
    least one. `t_stop_s` is where the `.tran` must end, in s; required if there is one.

    Raises `UnsafeName` for a bad name and `BadDeck` for a deck of other lines than `grammar` knows, or that
    could not be run or judged.
    """

    name: str
    text: str
    includes: Mapping[str, str] = field(default_factory=dict, hash=False)
    vectors: tuple[str, ...] = ()
    t_stop_s: float | None = None
    libraries: Mapping[str, str] = field(default_factory=dict, hash=False)
    library_files: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name, "deck")
        object.__setattr__(self, "includes", dict(self.includes))
        object.__setattr__(self, "vectors", tuple(self.vectors))
        if not self.vectors:
            raise BadDeck(f"deck {self.name}: no vectors; name at least one, results are judged by them")
        grammar.check_text(self.name, self.text)
        for file, content in self.includes.items():
            check_name(file, "include file")
            if Path(file).suffix not in _INCLUDE_SUFFIXES:
                raise BadDeck(
                    f"deck {self.name}: an include may not be called {file!r}; runs write and read files of other "
                    f"endings, let it end in {' '.join(_INCLUDE_SUFFIXES)}"
                )
            grammar.check_include(self.name, file, content)
        self._check_files()
        stops = [analysis.t_stop_s() for analysis in self.analyses() if analysis.kind == "tran"]
        if bool(stops) != (self.t_stop_s is not None):
            raise BadDeck(f"deck {self.name}: give t_stop_s (s) if and only if there is a .tran")
        if self.t_stop_s is not None and abs(stops[0] - self.t_stop_s) > 1e-6 * self.t_stop_s:
            raise BadDeck(
                f"deck {self.name}: t_stop_s is {self.t_stop_s:g} s but the .tran ends at {stops[0]:g} s"
            )

    def _check_files(self) -> None:
        """What is read is there or trusted, and no name is defined twice: the simulator would take one of them."""
        for file, content in {"text": self.text, **self.includes}.items():
            for target in grammar.included(content):
                if target not in self.includes:
                    raise BadDeck(
                        f"deck {self.name}, {file}: includes {target!r}, which is not among `includes`"
                    )
        for path in grammar.libraries(self.text):
            if path not in self.libraries:
                raise BadDeck(
                    f"deck {self.name}: takes a section of {path}, which is not among `libraries`; only a PDK's own is read"
                )
        for path, digest in self.libraries.items():
            if not _KEY.fullmatch(digest):
                raise BadDeck(f"deck {self.name}: library {path} needs the SHA-256 of its content")
        owners: dict[str, str] = {}
        for file, content in {"text": self.text, **self.includes}.items():
            for name in grammar.defined(content):
                if name in owners:
                    raise BadDeck(
                        f"deck {self.name}: `{name}` is defined twice, in {owners[name]} and in {file}; "
                        "the simulator would take one of them without a word: name them apart"
                    )
                owners[name] = file

    def roots(self) -> tuple[Path, ...]:
        """What a run may read of the libraries: the folder above each, for a library takes files from beside and above it, and `library_files`."""
        above = (Path(path).parents[min(1, len(Path(path).parents) - 1)] for path in self.libraries)
        return (*above, *self.library_files)

    def cards(self) -> list[str]:
        """The cards of `text` with continuation lines joined; without title, comments and `.end`."""
        return [join_card(card) for card in self._whole_cards()]

    def _whole_cards(self) -> list[str]:
        """Cards with their continuation lines, as they stand there."""
        joined: list[str] = []
        for line in self.text.splitlines()[1:]:
            stripped = line.strip()
            if stripped.startswith("+") and joined:
                joined[-1] += "\n" + stripped
            elif stripped and not stripped.startswith("*") and stripped.lower() != ".end":
                joined.append(stripped)
        return joined

    def analyses(self) -> tuple[Analysis, ...]:
        """The analyses that `text` asks for."""
        return parse_analyses(
            self.name, [join_card(card) for card in self._whole_cards() if card.startswith(".")]
        )

    def key(self, simulator_version: str) -> str:
        """SHA-256 over what decides the result: text, includes, libraries, vectors, t_stop, simulator; not the name."""
        content = json.dumps(
            [
                _KEY_VERSION,
                simulator_version,
                SPICEINIT,
                self.text,
                sorted(self.includes.items()),
                list(self.vectors),
                self.t_stop_s,
                sorted(self.libraries.items()),
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
