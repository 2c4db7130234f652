"""Strategies: valid files, and what people and others do to them."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import strategies as st

COMMANDS = (
    "*#shell touch pwned",
    ";#shell touch pwned",
    "!#shell touch pwned",
    "[#echo x > pwned",
    "(#shell touch pwned",
    ",#shell touch pwned",
    "%#shell touch pwned",
    "* c\r*#shell touch pwned",
    "* c\x0b*#shell touch pwned",
    "* c\x0c*#shell touch pwned",
    "* c\u2028*#shell touch pwned",
    "* c\x85*#shell touch pwned",
    ".control\nshell touch pwned\n.endc",
    ".controlx\nshell touch pwned\n.endcx",
    ".exec touch pwned",
    ".include pwned",
    ".lib 'pwned' tt",
    ".option x='`touch pwned`'",
    ".param x='`touch pwned`'",
    ".csparam x=1 pwned",
    ".write pwned",
    "+ *#shell touch pwned",
    "Apwned 1 2 pwned",
    ".model pwned filesource (file=pwned)",
    "Bpwned 1 0 V=pwned(1)",
    "Vpwned 1 0 PWLFILE pwned",
    "XMpwned d g s b $(touch pwned)",
    "$ #shell touch pwned",
    "//#shell touch pwned",
    "\ufeff*#shell touch pwned",
    "\t*#shell touch pwned",
)
NAMES = st.sampled_from(
    [
        "a", "", " ", ".", "..", "../outside", "out/../../outside",
         "/dev/null", "/dev/full", "/dev/zero", "a/b", "x" * 300, "[red]x", "sweep[/b]", "lr[high]",
        "a\nb", "a;b", "$(touch pwned)", "`touch pwned`", "-h", "--force", "é", "\u202ea", "a\x00b", "NUL", "%s", "{x}", "a b", "'", '"', "\\",
    ]
)  # fmt: skip
NUMBERS = st.one_of(
    st.sampled_from(
        [
            0,
            -1,
            1,
            2,
            10**9,
            10**30,
            1e308,
            -1e308,
            1e-320,
            math.nan,
            math.inf,
            -math.inf,
            0.1,
            1.8,
            True,
            False,
        ]
    ),
    st.integers(-(10**6), 10**6),
    st.floats(),
)
LEAVES = st.one_of(NUMBERS, NAMES, st.none(), st.text(max_size=20))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a tree of dictionaries and lists."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


def put(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """The tree with ``new`` at a place."""
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = put(copy[place[0]], place[1:], new)
    return copy


@st.composite
def altered(draw: st.DrawFn, tree: Any, most: int = 3) -> Any:
    """A tree with some values replaced."""
    for _ in range(draw(st.integers(1, most))):
        found = places(tree)
        tree = put(tree, draw(st.sampled_from(found)), draw(VALUES))
    return tree


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Bytes that were cut, flipped, doubled, emptied, or have something else in them."""
    kind = draw(st.sampled_from(["cut", "flip", "insert", "garbage", "empty", "double", "zeros"]))
    at = draw(st.integers(0, max(0, len(content) - 1)))
    if kind == "cut":
        return content[:at]
    if kind == "flip":
        flips = bytearray(content)
        for _ in range(draw(st.integers(1, 4))):
            flips[draw(st.integers(0, len(content) - 1))] ^= 1 << draw(st.integers(0, 7))
        return bytes(flips)
    if kind == "insert":
        return content[:at] + draw(st.binary(min_size=1, max_size=30)) + content[at:]
    if kind == "garbage":
        return draw(st.binary(max_size=200))
    if kind == "empty":
        return b""
    return content * 2 if kind == "double" else content[:at] + bytes(64) + content[at:]


@st.composite
def altered_lines(draw: st.DrawFn, text: str) -> str:
    """A text with lines that were added, dropped, swapped, joined or spoilt; half of the time with a command in it."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines)))
        kind = draw(
            st.sampled_from(["command", "command", "drop", "double", "text", "upper", "word", "indent"])
        )
        if kind == "command":
            lines.insert(at, draw(st.sampled_from(COMMANDS)))
        elif kind == "text":
            lines.insert(at, draw(st.text(max_size=40)))
        elif lines:
            at = min(at, len(lines) - 1)
            if kind == "drop":
                del lines[at]
            elif kind == "double":
                lines.insert(at, lines[at])
            elif kind == "upper":
                lines[at] = lines[at].upper()
            elif kind == "indent":
                lines[at] = "  " + lines[at]
            else:
                words = lines[at].split()
                if words:
                    spoilt = st.sampled_from(
                        [
                            "1e999",
                            "w=",
                            "=1",
                            "{",
                            "}",
                            "'",
                            "w={1/0}",
                            "w={2**99999}",
                            "m=0",
                            "nan",
                            "w=1u",
                            "l=-1",
                            "a" * 200,
                        ]
                    )
                    words[draw(st.integers(0, len(words) - 1))] = draw(spoilt | st.text(max_size=10))
                    lines[at] = " ".join(words)
    return "\n".join(lines) + draw(st.sampled_from(["\n", "", "\r\n", "\n\n"]))


def toml(value: Any) -> str:
    """A tree as TOML, as far as TOML can say it; what it cannot is written as it comes, which is bad input too."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(k))} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value).replace("inf", "inf")
    return json.dumps(value) if isinstance(value, str) else str(value)
