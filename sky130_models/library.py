"""A section of a sky130 device library, parsed as far as it is asked for."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from nonideal.files import read_bytes
from nonideal.sky130_models.errors import PdkError
from nonideal.sky130_models.reduction import Lookup, evaluate, scope
from nonideal.sky130_models.statement import statements

_BLOCK = re.compile(r"^[ \t]*\.(subckt|ends)\b[ \t]*(\S*)", re.IGNORECASE | re.MULTILINE)
_ASSIGNMENT = re.compile(r"([A-Za-z_][\w.]*)\s*=(?!=)")
_BRACED = re.compile(r"\{[^{}]*\}|'[^']*'|\([^()]*\)")


@dataclass(frozen=True, slots=True)
class Card:
    """A `.model` card: its name, its type (`nmos`, `pmos`, `c`) and its parameters as expressions."""

    name: str
    kind: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Subcircuit:
    """A `.subckt`: ports, parameters with their defaults as expressions, element lines and model cards."""

    name: str
    ports: tuple[str, ...]
    parameters: Mapping[str, str]
    elements: tuple[str, ...]
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Section:
    """One section of a library: global parameters, options and the texts of its subcircuits."""

    library: Path
    name: str
    files: tuple[Path, ...]
    parameters: Mapping[str, str]
    options: tuple[str, ...]
    texts: Mapping[str, str]
    _subcircuits: dict[str, Subcircuit] = field(default_factory=dict, repr=False, compare=False)

    def subcircuit(self, name: str) -> Subcircuit:
        """The subcircuit of that name; raises PdkError if the section has none."""
        key = name.lower()
        if key not in self._subcircuits:
            if key not in self.texts:
                raise PdkError(f"{self.library}, section {self.name}: no subcircuit {name}")
            self._subcircuits[key] = parse_subcircuit(self.texts[key])
        return self._subcircuits[key]

    @cached_property
    def lookup(self) -> Lookup:
        """What a global parameter stands for (reduced; random parts kept), None if there is none."""
        return scope(self.parameters, {}, lambda _: None)

    def value(self, name: str) -> float:
        """The number of a global parameter; raises PdkError if it is missing or random in this section."""
        if name.lower() not in self.parameters:
            raise PdkError(f"{self.library}, section {self.name}: no parameter {name}")
        return evaluate(name.lower(), self.lookup)


def read_section(library: Path, name: str) -> Section:
    """Read section `name` of the library file `library`, with all that it includes.

    The parse is kept for as long as the files keep their size and time of change.
    Raises PdkError if the section or a file it includes does not exist.
    """
    return _read_section(library, name.lower(), tuple(_stamp(path) for path in section_files(library, name)))


def section_files(library: Path, name: str) -> tuple[Path, ...]:
    """The library file and every file that section `name` includes, in order; raises PdkError."""
    text = _text(library, _stamp(library))
    return (library, *_included(_INCLUDE.findall(_section_text(library, text, name)), library))


def assignments(text: str) -> dict[str, str]:
    """The `name = value` pairs of a statement's tail, names in lower case, values as they stand."""
    masked = text
    while (blanked := _BRACED.sub(lambda match: " " * len(match[0]), masked)) != masked:
        masked = blanked
    found = list(_ASSIGNMENT.finditer(masked))
    ends = [*(match.start() for match in found), len(text)][1:]
    return {
        match[1].lower(): text[match.end() : end].strip() for match, end in zip(found, ends, strict=False)
    }


def parse_subcircuit(text: str) -> Subcircuit:
    """Parse one subcircuit from its `.subckt` line to the line before `.ends`; raises PdkError."""
    lines = (statement.text for statement in statements(text))
    head = next(lines)
    words = re.split(r"\s+", re.sub(r"\bparams\s*:", " ", head, flags=re.IGNORECASE).split("=", 1)[0].strip())
    if "=" in head:
        words.pop()  # the name of the first parameter
    parameters = assignments(head)
    elements: list[str] = []
    cards: list[Card] = []
    for line in lines:
        word, _, rest = line.partition(" ")
        match word.lower():
            case ".param" | ".parameter":
                parameters |= assignments(rest)
            case ".model":
                name, kind, *tail = rest.split(None, 2)
                cards.append(
                    Card(name.lower(), kind.lower().rstrip("("), assignments(tail[0] if tail else ""))
                )
            case _ if word.startswith("."):
                raise PdkError(f"subcircuit {words[1]}: {word} inside a subcircuit is not understood")
            case _:
                elements.append(line)
    return Subcircuit(words[1], tuple(words[2:]), parameters, tuple(elements), tuple(cards))


def _stamp(path: Path) -> tuple[Path, int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise PdkError(f"{path}: {error.strerror}") from error
    return path, status.st_mtime_ns, status.st_size


@lru_cache(maxsize=256)
def _text(path: Path, stamp: tuple[Path, int, int]) -> str:
    return read_bytes(path).decode("utf-8", errors="replace").replace("\r\n", "\n")


def _section_text(library: Path, text: str, name: str) -> str:
    pattern = rf"^[ \t]*\.lib[ \t]+{re.escape(name)}[ \t]*$(.*?)^[ \t]*\.endl\b"
    match = re.search(pattern, text, re.IGNORECASE | re.MULTILINE | re.DOTALL)
    if match is None:
        known = re.findall(r"^[ \t]*\.lib[ \t]+(\S+)[ \t]*$", text, re.IGNORECASE | re.MULTILINE)
        raise PdkError(f"{library} has no section {name}; it has {', '.join(known) or 'none'}")
    return match[1]


_INCLUDE = re.compile(r"^[ \t]*\.inc(?:lude)?[ \t]+[\"']?([^\"'\s]+)", re.IGNORECASE | re.MULTILINE)


def _included(mentioned: Iterable[str], base: Path, chain: tuple[Path, ...] = ()) -> Iterator[Path]:
    for mention in mentioned:
        path = base.parent / mention
        if path.resolve() in chain:
            raise PdkError(f"{base} includes {path}, which includes it")
        yield path
        yield from _included(_mentioned(path, _stamp(path)), path, (*chain, path.resolve()))


@lru_cache(maxsize=1024)
def _mentioned(path: Path, stamp: tuple[Path, int, int]) -> tuple[str, ...]:
    """The files that a file includes, as it names them."""
    return tuple(_INCLUDE.findall(_text(path, stamp)))


@lru_cache(maxsize=32)
def _read_section(library: Path, name: str, stamps: tuple[tuple[Path, int, int], ...]) -> Section:
    pieces = [_section_text(library, _text(*_keyed(stamps[0])), name)]
    pieces += [_text(*_keyed(stamp)) for stamp in stamps[1:]]
    parameters: dict[str, str] = {}
    options: list[str] = []
    texts: dict[str, str] = {}
    for piece in pieces:
        for statement in statements(_outside(piece, texts)):
            word, _, rest = statement.text.partition(" ")
            if word.lower() in {".param", ".parameter"}:
                parameters |= assignments(rest)
            elif word.lower() in {".option", ".options"}:
                options.append(rest.strip())
    return Section(library, name, tuple(stamp[0] for stamp in stamps), parameters, tuple(options), texts)


def _keyed(stamp: tuple[Path, int, int]) -> tuple[Path, tuple[Path, int, int]]:
    return stamp[0], stamp


def _outside(text: str, texts: dict[str, str]) -> str:
    """The text outside its subcircuits, which are put into `texts` by lower-case name."""
    outside: list[str] = []
    start, depth, name = 0, 0, ""
    for match in _BLOCK.finditer(text):
        if match[1].lower() == "subckt":
            if depth == 0:
                outside.append(text[start : match.start()])
                start, name = match.start(), match[2].lower()
            depth += 1
        elif depth > 0:
            depth -= 1
            if depth == 0:
                texts[name] = text[start : match.start()]
                start = match.end()
    outside.append(text[start:])
    return "".join(outside)
