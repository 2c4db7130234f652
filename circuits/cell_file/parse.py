"""What a cell's file may hold, as a tree; everything else is refused by file, line and text.

Cards: `.subckt`, `.ends`, `.param`, `.model` (types r, c, d), and a last `.end`. Devices: X (a subcircuit of the file, a device of the process, or
the cell `driver`), R, C, D, V and I (direct), E and G (linear). M lines are refused: the process's FETs are subcircuits. Left out for good: B
sources, code models, `.include`, `.lib`, `.control`, `.func`, `.global`, analyses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from nonideal.circuits.cell_file.errors import CellFileError, refusal
from nonideal.circuits.cell_file.word import NAME, Words, words_of
from nonideal.sky130_models.device import DEVICES, PREFIX
from nonideal.sky130_models.expression import RANDOM, Node
from nonideal.sky130_models.reduction import calls
from nonideal.sky130_models.statement import Statement, statements

CARDS: Final = ".subckt .ends .param .model"
MODEL_KINDS: Final = frozenset({"r", "c", "d"})
SOURCES: Final = {"V": 2, "I": 2, "E": 4, "G": 4}
"""Nodes before the value."""
PARAMETERS: Final = {
    "R": frozenset({"r", "tc1", "tc2", "m"}),
    "C": frozenset({"c", "tc1", "tc2", "m"}),
    "D": frozenset({"area", "m"}),
    "V": frozenset({"dc"}),
    "I": frozenset({"dc", "m"}),
    "E": frozenset[str](),
    "G": frozenset({"m"}),
}
FET_PARAMETERS: Final = frozenset(
    {"w", "l", "nf", "ad", "as", "pd", "ps", "nrd", "nrs", "sa", "sb", "sd", "m", "mult"}
)
MIM_PARAMETERS: Final = frozenset({"w", "l", "m", "mult", "mf"})
MOST_STATEMENTS: Final = 20_000
_REFUSED: Final = {
    "M": "the FETs of the process are subcircuits: write XM1 d g s b sky130_fd_pr__nfet_01v8 w=1 l=0.25",
    "B": "sources with expressions in voltages are not simulated here",
    "A": "code models run programs of their own",
}


@dataclass(frozen=True, slots=True)
class Instance:
    """A device line: ``what`` is the name of a subcircuit, device or model, or ""; ``value`` that of a resistor, capacitor, source, or an area."""

    words: Words
    kind: str
    name: str
    nodes: tuple[str, ...]
    what: str
    value: Node | None
    parameters: Mapping[str, Node]


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A `.model` line."""

    words: Words
    name: str
    kind: str
    parameters: Mapping[str, Node]


@dataclass(frozen=True, slots=True)
class Subcircuit:
    """A `.subckt`; ``defaults`` are the parameters of its head, which an instance may set, ``parameters`` those of `.param`."""

    words: Words
    name: str
    ports: tuple[str, ...]
    defaults: Mapping[str, Node]
    spelled: dict[str, str]
    parameters: dict[str, Node] = field(default_factory=dict)
    models: dict[str, ModelCard] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CellFile:
    """A file's parameters, models and subcircuits by name, in lower case."""

    file: str
    parameters: Mapping[str, Node]
    models: Mapping[str, ModelCard]
    subcircuits: Mapping[str, Subcircuit]

    def used_by(self, name: str) -> frozenset[str]:
        """The subcircuits of the file that one of them is made of, itself too."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            here = waiting.pop()
            if here in self.subcircuits and here not in found:
                found.add(here)
                waiting += [one.what for one in self.subcircuits[here].instances.values() if one.kind == "X"]
        return frozenset(found)


def parse_cell_file(text: str, file: str) -> CellFile:
    """Parse a file's text; raises ``CellFileError``, naming ``file``, line and text, for what a cell may not hold."""
    _check_comments(text, file)
    reading = _Reading(file)
    for count, statement in enumerate(statements(text)):
        if count >= MOST_STATEMENTS:
            raise CellFileError(f"{file}: more than {MOST_STATEMENTS} statements")
        reading.take(statement)
    if reading.inside is not None:
        raise reading.inside.words.refuse("has no .ends: the cells that follow would end up inside it")
    return CellFile(file, reading.parameters, reading.models, reading.subcircuits)


@dataclass(slots=True)
class _Reading:
    """A file as far as it is read."""

    file: str
    parameters: dict[str, Node] = field(default_factory=dict)
    models: dict[str, ModelCard] = field(default_factory=dict)
    subcircuits: dict[str, Subcircuit] = field(default_factory=dict)
    inside: Subcircuit | None = None
    ended: bool = False

    def take(self, statement: Statement) -> None:
        """Read one more statement."""
        if self.ended:
            raise refusal(self.file, statement.line, statement.text, "stands after .end")
        card = re.split(r"[ \t]", statement.text, maxsplit=1)[0].lower()
        if card == ".end" and self.inside is None:
            self.ended = True
            return
        if card.startswith(".") and card not in CARDS.split():
            why = f"`{card}` has no place in a cell; only {CARDS} do"
            raise refusal(self.file, statement.line, statement.text, why)
        words = words_of(statement, self.file)
        match card:
            case ".subckt":
                self._begin(_subcircuit(words))
            case ".ends":
                _check_ends(words, self.inside)
                self.inside = None
            case ".param":
                known = self.parameters if self.inside is None else self.inside.parameters
                _add_parameters(words, known, self.inside)
            case ".model":
                model = _model(words)
                models = self.models if self.inside is None else self.inside.models
                if model.name in models:
                    raise words.refuse("a second model of this name")
                models[model.name] = model
            case _:
                self._add(words)

    def _begin(self, subcircuit: Subcircuit) -> None:
        words, name = subcircuit.words, subcircuit.name
        if self.inside is not None:
            raise words.refuse(f"stands inside of .subckt {self.inside.name}, which has no .ends before it")
        if name in self.subcircuits:
            first = self.subcircuits[name].words.statement.line
            raise words.refuse(f"a second subcircuit of this name; the first is in line {first}")
        self.inside = self.subcircuits[name] = subcircuit

    def _add(self, words: Words) -> None:
        if self.inside is None:
            raise words.refuse("stands outside of every .subckt")
        instance = _instance(words, self.inside.spelled)
        key = f"{instance.kind}{instance.name}".lower()
        if key in self.inside.instances:
            first = self.inside.instances[key].words.statement.line
            raise words.refuse(f"a second device of this name; the first is in line {first}")
        self.inside.instances[key] = instance


def _check_comments(text: str, file: str) -> None:
    """Comments are dropped; those that a simulator takes for commands are told all the same."""
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip(" \t\r")
        if line[1:2] == "#":
            raise refusal(file, number, line, "simulators take such lines for commands; remove it")


def _subcircuit(words: Words) -> Subcircuit:
    if len(words.plain) < 3:
        raise words.refuse("needs a name and ports")
    name = words.name(words.plain[1], "a subcircuit")
    if name.startswith(PREFIX):
        raise words.refuse(f"names with {PREFIX} are the process's own devices")
    spelled: dict[str, str] = {}
    ports = tuple(words.node(word, spelled) for word in words.plain[2:])
    if len(set(ports)) != len(ports) or "0" in ports:
        raise words.refuse("its ports must differ, and none is ground")
    defaults = _definite(words, words.values(None, ""))
    return Subcircuit(words, name, ports, defaults, spelled)


def _check_ends(words: Words, inside: Subcircuit | None) -> None:
    if inside is None:
        raise words.refuse("ends no .subckt")
    if words.pairs or len(words.plain) > 2 or (words.plain[1:] and words.plain[1].lower() != inside.name):
        raise words.refuse(f"it should end .subckt {inside.name}")


def _add_parameters(words: Words, known: dict[str, Node], inside: Subcircuit | None) -> None:
    if len(words.plain) != 1 or not words.pairs:
        raise words.refuse("write .param name=value ...; functions cannot be defined")
    for name, node in _definite(words, words.values(None, "")).items():
        if name in known or (inside is not None and name in inside.defaults):
            raise words.refuse(f"{name} is given twice")
        known[name] = node


def _model(words: Words) -> ModelCard:
    if len(words.plain) != 3:
        raise words.refuse("write .model name type(parameter=number ...)")
    kind = words.plain[2].lower()
    if kind not in MODEL_KINDS:
        raise words.refuse(
            f"models of type {kind!r} have no place in a cell; only {', '.join(sorted(MODEL_KINDS))} do"
        )
    name = words.name(words.plain[1], "a model")
    return ModelCard(words, name, kind, _definite(words, words.values(None, "")))


def _instance(words: Words, spelled: dict[str, str]) -> Instance:
    if not words.plain:
        raise words.refuse("is no device")
    head = words.plain[0]
    kind, name = head[0].upper(), head[1:]
    if kind not in "XRCDVIEG":
        why = _REFUSED.get(kind, "no device that a cell may hold")
        raise words.refuse(f"{why}; lines begin with X, R, C, D, V, I, E or G")
    name = "".join(letter if letter.isalnum() or letter == "_" else "_" for letter in name)
    if not name or len(name) > 64:
        raise words.refuse("has no name after its first letter, or a very long one")
    rest = words.plain[1:]
    if kind == "X":
        return _call(words, name, rest, spelled)
    least = SOURCES.get(kind, 2)
    nodes = tuple(words.node(word, spelled) for word in rest[:least])
    if len(nodes) < least:
        raise words.refuse(f"needs {least} nets")
    parameters = _definite(words, words.values(PARAMETERS[kind], f"a line of {kind}"))
    rest = rest[least:]
    if kind in SOURCES and rest and rest[0].lower() == "dc":
        rest = rest[1:]
    named = {"R": "r", "C": "c", "D": "area", "V": "dc", "I": "dc"}.get(kind, "")
    value = parameters.pop(named, None)
    what = ""
    model = _model_at(kind, rest, value is not None)
    if model is not None:
        what = words.name(rest[model], "a model")
        rest = rest[:model] + rest[model + 1 :]
    if rest and value is not None:
        raise words.refuse(f"its value stands there twice, by itself and as {named}")
    if kind == "D" and not what:
        raise words.refuse("needs the name of a model")
    if len(rest) > 1:
        raise words.refuse(f"{rest[1]!r} is not understood")
    if not rest and value is None and kind != "D":
        raise words.refuse("needs one value after its nets")
    if rest:
        value = _definite(words, {"": words.value(rest[0])})[""]
    return Instance(words, kind, name, nodes, what, value, parameters)


def _call(words: Words, name: str, rest: tuple[str, ...], spelled: dict[str, str]) -> Instance:
    if len(rest) < 2:
        raise words.refuse("needs nets and the name of a subcircuit or device")
    what = words.name(rest[-1], "a subcircuit")
    known = None
    if what.startswith(PREFIX):
        if what not in DEVICES:
            raise words.refuse(f"no device {what}; devices: {', '.join(DEVICES)}")
        known = MIM_PARAMETERS if DEVICES[what].kind == "mim" else FET_PARAMETERS
    parameters = _definite(words, words.values(known, what))
    nodes = tuple(words.node(word, spelled) for word in rest[:-1])
    return Instance(words, "X", name, nodes, what, None, parameters)


def _model_at(kind: str, rest: tuple[str, ...], has_value: bool) -> int | None:
    """Where in a line the name of its model stands: a diode's first, a resistor's before or behind its value."""
    if kind == "D":
        return 0 if rest else None
    if kind not in "RC" or len(rest) + has_value < 2:
        return None
    return next((index for index, word in enumerate(rest) if NAME.fullmatch(word)), None)


def _definite(words: Words, values: dict[str, Node]) -> dict[str, Node]:
    for name, node in values.items():
        if calls(node) & RANDOM:
            raise words.refuse(f"{name} is random: chips are drawn from the process's own statistics")
    return values
