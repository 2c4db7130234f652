"""What a deck may consist of: a whitelist of cards and characters, the last wall before the simulator.

A deck is code. ngspice runs commands from comment lines (`*#`, also after blanks, and `;#` `!#` `[#` and a dozen others), from
`.control` and anything that begins so, from what follows `.end`, and from a whole file whose title is `*ng_script`; it breaks lines
at a carriage return; code models (`A`, `N`, `U` devices and their `.model` types) read files and load libraries; many `.options` set
variables of its front end. So nothing is searched for here: a line that is not of a known form is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from nonideal.spice.errors import BadDeck

DEVICES: Final = "RCLKVIEFGHBXMDQJ"
"""First letters of device lines. Left out: code models (A), compiled models (N), digital devices (U), lines and switches."""
MODEL_TYPES: Final = frozenset({"nmos", "pmos", "npn", "pnp", "njf", "pjf", "d", "r", "c", "l"})
OPTIONS: Final = frozenset(
    {"method", "maxord", "reltol", "abstol", "vntol", "chgtol", "gmin", "bypass", "itl1", "itl2", "itl4"}
    | {"scale", "seed", "temp", "tnom"}
)
ANALYSES: Final = ("tran", "dc", "ac", "op", "noise")
SHOWN: Final = 80
_NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
# What device lines, parameters and their expressions are written with; without # ` \ " @ ~ and control characters.
_FLAGS: Final = re.MULTILINE | re.IGNORECASE | re.ASCII
_TEXT: Final = r"[A-Za-z0-9_ \t.+\-*/^%(){}\[\]='<>?:!&|,;$]"
_VECTOR: Final = (
    r"(?:[vViI]\([A-Za-z0-9_.\[\]@,-]+\)|@[A-Za-z0-9_.-]+\[[A-Za-z0-9_]+\]|[A-Za-z0-9_.]+(?:\#branch)?)"
)
_OPTION: Final = rf"(?:{'|'.join(sorted(OPTIONS))})"
_COMMENT: Final = r"\*(?:[ \t*=-][ -~\t]*+|[A-Za-z0-9][ -~\t]*+)?"
_REMARK: Final = r"(?:[ \t]+[$;](?:[ \t][ -~\t]*+)?)?"
_SHARED: Final = (
    r"",
    _COMMENT,
    rf"[{DEVICES}{DEVICES.lower()}][A-Za-z0-9_]{_TEXT}*+",
    rf"\+{_TEXT}*+",
    rf"(?i:\.subckt[ \t]+{_NAME}(?:[ \t]{_TEXT}*+)?)",
    rf"(?i:\.ends(?:[ \t]+{_NAME})?{_REMARK})",
    rf"(?i:\.param[ \t]{_TEXT}*+)",
    rf"(?i:\.model[ \t]+{_NAME}[ \t]+(?:{'|'.join(sorted(MODEL_TYPES))})(?:[ \t(]{_TEXT}*+)?)",
    rf"(?i:\.options?(?:[ \t]+{_OPTION}(?:[ \t]*=[ \t]*[A-Za-z0-9_.+-]+)?)+{_REMARK})",
    rf"(?i:\.include[ \t]+{_NAME}{_REMARK})",
    # Where a node begins that no supply defines, as a control voltage on a capacitor, or a latch, which comes with weights; and which of
    # two states an operating point is.
    rf"(?i:\.(?:ic|nodeset)(?:[ \t]+v\([A-Za-z0-9_.]+\)[ \t]*=[ \t]*[-+0-9.eE]+)+{_REMARK})",
)
_OWN: Final = (
    rf"(?i:\.temp[ \t]+[-+0-9.eE]+{_REMARK})",
    rf"(?i:\.save(?:[ \t]+{_VECTOR})+{_REMARK})",
    rf"(?i:\.(?:{'|'.join(ANALYSES)})(?:[ \t]{_TEXT}*+)?)",
    r"(?i:\.end)",
)


def _known_lines(forms: Iterable[str]) -> re.Pattern[str]:
    """Matches from a text's begin up to its first line that is of none of these forms."""
    # Letters of device lines are both cases in their classes: to fold every character of a network takes three times as long.
    return re.compile(rf"(?:[ \t]*+(?:{'|'.join(forms)})[ \t]*+\n)*+", re.MULTILINE | re.ASCII)


_IN_INCLUDE: Final = _known_lines(_SHARED)
_IN_TEXT: Final = _known_lines((*_SHARED, *_OWN))
_TITLE: Final = re.compile(r"\*(?:[ \t][ -~\t]*)?")
_LIBRARY: Final = re.compile(r"^\.lib[ \t]+(/[ -!#-_a-~]*)[ \t]+([A-Za-z0-9_]+)[ \t]*$", _FLAGS)
# Begins with the line feed before it, which is found ten times as fast as a line's begin.
_DOTTED: Final = re.compile(r"\n[ \t]*\.[^\n]*")
_INCLUDED: Final = re.compile(rf"^[ \t]*\.include[ \t]+({_NAME})", _FLAGS)
_OPENED: Final = re.compile(rf"^[ \t]*\.(?:(subckt)[ \t]+({_NAME})|ends|model[ \t]+({_NAME}))", _FLAGS)
_END: Final = re.compile(r"^[ \t]*\.end[ \t]*\n(?=[ \t\n]*\S)", _FLAGS)
_WAY_OUT: Final = (
    "a deck may hold comments (`* text`), device lines of "
    f"{' '.join(DEVICES)}, .subckt .ends .param .model .include .options .ic .nodeset and its analyses, in printable ASCII"
)


def check_text(deck: str, text: str) -> None:
    """Raise `BadDeck` unless the main text of a deck is of known lines, with nothing after its `.end`."""
    title, _, rest = text.partition("\n")
    if not _TITLE.fullmatch(title):
        raise BadDeck(
            f"deck {deck}: the first line is the title, and `{_shown(title)}` is none; put a `* comment` there"
        )
    # Libraries are checked against the deck's own list; here they only have to be of this form.
    unknown = _first_unknown(_IN_TEXT, _LIBRARY.sub("*", rest))
    if unknown is not None:
        raise BadDeck(_told(deck, "text", unknown))
    if _END.search(text):
        raise BadDeck(f"deck {deck}, text: lines after `.end` are a deck of their own; remove them")


def check_include(deck: str, file: str, content: str) -> None:
    """Raise `BadDeck` unless an included file is of known lines; analyses and what is saved belong to the main text."""
    unknown = _unknown(content)
    if unknown is not None:
        raise BadDeck(_told(deck, file, unknown))


def libraries(text: str) -> list[str]:
    """Paths of the library files that `.lib` lines name."""
    return [path for path, _ in _LIBRARY.findall(text)]


def included(text: str) -> list[str]:
    """Names of the files that a text includes."""
    return _INCLUDED.findall(_dotted(text))


@lru_cache(maxsize=32)
def _dotted(text: str) -> str:
    """The lines of a text that begin with a dot. Kept, as what is found in them: a network has hundreds of thousands of others."""
    return "".join(_DOTTED.findall(f"\n{text}"))


@lru_cache(maxsize=32)
def defined(text: str) -> tuple[str, ...]:
    """Subcircuits and models that a text defines for the whole deck, in lower case; a name twice stands there twice."""
    names, depth = [], 0
    for found in _OPENED.finditer(_dotted(text)):
        subcircuit, model = found[2], found[3]
        if depth == 0 and (subcircuit or model):
            names.append(f".subckt {subcircuit}".lower() if subcircuit else f".model {model}".lower())
        if not model:
            depth = depth + 1 if subcircuit else max(0, depth - 1)
    return tuple(names)


@lru_cache(maxsize=32)
def _unknown(content: str) -> str | None:
    """The first line of an include that is of no known form. Kept, for many decks include the same text."""
    return _first_unknown(_IN_INCLUDE, content)


def _first_unknown(known: re.Pattern[str], content: str) -> str | None:
    """The first line of a text that is not among the known ones, or None."""
    ended = f"{content}\n"
    found = known.match(ended)
    at = found.end() if found else 0
    return None if at == len(ended) else ended[at : ended.index("\n", at)]


def _told(deck: str, file: str, line: str) -> str:
    return f"deck {deck}, {file}: `{_shown(line)}` is no line of a deck here and might run simulator commands; {_WAY_OUT}"


def _shown(line: str) -> str:
    shown = line.strip(" ").encode("unicode_escape").decode("ascii")
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}..."
