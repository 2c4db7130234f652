"""Names that may reach a deck.

A deck is code: a line break in a name starts a new card, `*#` and `.control` run commands, and ngspice has
`shell`. So a name is checked against what is allowed, not against what is known to be harmful.
"""

from __future__ import annotations

import re
from typing import Final

from nonideal.spice.errors import UnsafeName

MAX_LENGTH: Final = 64
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NET: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def check_name(name: str, what: str = "name") -> str:
    """Return `name` if it may name a cell, an experiment, a deck or a file; raise `UnsafeName` if not.

    Letters, digits and `_ . -`, starting with a letter or `_`, at most 64 characters, no `..`, no dot at the
    end. `what` says in the error what was being named.
    """
    return _check(name, what, _NAME, "must start with a letter or `_`")


def check_net(name: str) -> str:
    """Return `name` if it may name a net; raise `UnsafeName` if not.

    As `check_name`, but a number is a net as well (`0` is the reference node). `gnd` in any case is refused:
    ngspice makes it node 0, whatever the layout calls its ground net.
    """
    _check(name, "net", _NET, "must start with a letter, a digit or `_`")
    if name.lower() in {"gnd", "gnd!"}:
        raise UnsafeName(
            f"net {name!r}: ngspice makes it node 0 without a word; call the ground net `vss`, or write 0"
        )
    return name


def _check(name: str, what: str, pattern: re.Pattern[str], start: str) -> str:
    shown = repr(name if len(name) <= MAX_LENGTH else name[:MAX_LENGTH] + "...")
    if not name:
        raise UnsafeName(f"{what}: empty; give 1 to {MAX_LENGTH} characters")
    if len(name) > MAX_LENGTH:
        raise UnsafeName(f"{what} {shown}: {len(name)} characters; at most {MAX_LENGTH}")
    for character in name:
        if not (character.isascii() and (character.isalnum() or character in "_.-")):
            raise UnsafeName(
                f"{what} {shown}: {character!r} is not allowed (names reach a SPICE deck, which is code); "
                "use letters, digits and `_ . -`"
            )
    if not pattern.fullmatch(name):
        raise UnsafeName(f"{what} {shown}: {start}")
    if ".." in name or name.endswith("."):
        raise UnsafeName(f"{what} {shown}: `..` and a dot at the end are not allowed")
    return name
