"""What code a result comes from: every definition that a stage's function reaches, through all modules of this program.

The closure is computed from the sources, and goes from definition to definition (a function, a class, an assignment at the top of a
module), not from module to module: that one module holds all sections of an experiment is no reason for a layout to depend on the trainer.
Imports inside functions count; imports for type checkers do not, nor do annotations of arguments: what a function is given was made by code
that is reached, or by what ``HOLDING`` names. A package's data files (design rules, presets, kernels in C++) count where code that is reached
looks for them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from nonideal.files import read_json, sha256_of, sha256_of_value, write_json
from nonideal.files.compiled import cache_folder
from nonideal.runs.sources import (
    BASE,
    DATA,
    Names,
    Source,
    data_beside,
    dotted_names,
    fields_of,
    imports_in,
    meaning,
    package_files,
    source_of,
)

PRESENTATION: Final = frozenset({"errors", "picture", "plot", "plots", "progress", "pulse"})
"""Modules of these names, and those that end in ``_plot``, tell and draw: no number of theirs is read again. Only their constants count."""
HOLDING: Final = frozenset(
    f"nonideal.{name}"
    for name in (
        "runs.commands",
        "runs.context",
        "experiment.experiment",
        "files.lazy",
        "runs.manifest",
        "runs.results",
        "runs.rundir",
        "runs.stage",
    )
)
"""What holds choices, folders and results, or imports names, and makes no number: choices count as settings, files by what is in them."""
CACHE: Final = "code.json"


@dataclass(frozen=True, slots=True, order=True)
class Definition:
    """A name at the top of a module, as ``nonideal.pnn.exact`` and ``Exact``; no name: what the module does when it is imported."""

    module: str
    name: str = ""


@dataclass(slots=True)
class Closure:
    """All definitions that are reached, with their statements, and the data files beside them."""

    base: Path = BASE
    found: dict[Definition, tuple[ast.stmt, ...]] = field(default_factory=dict)
    data: set[Path] = field(default_factory=set)
    _sources: dict[str, Source | None] = field(default_factory=dict)
    _seen: set[tuple[str, Names]] = field(default_factory=set)

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that have a part in it."""
        return tuple(sorted({one.module for one in self.found}))

    def hash(self) -> str:
        """One hash over what all of it says."""
        code = {f"{one.module}:{one.name}": meaning(lines) for one, lines in self.found.items()}
        data = {str(path.relative_to(self.base)): sha256_of(path) for path in self.data}
        return sha256_of_value({"code": code, "data": data})

    def add(self, module: str, name: str) -> None:
        """A name of a module, and all that it reaches."""
        todo: list[tuple[str, Names]] = [(module, (name,))]
        while todo:
            place = todo.pop()
            if place not in self._seen:
                self._seen.add(place)
                todo += self._reach(*place)

    def add_setting(self, module: str, kind: str, dotted: str) -> None:
        """The type of a field of a class, as ``training.variation`` of ``Experiment``: what such values do is code as well."""
        module, kind = self._home(module, kind)
        source = self._source(module)
        first, _, rest = dotted.partition(".")
        annotation = None if source is None else fields_of(source, kind).get(first)
        for names in () if annotation is None else dotted_names(annotation):
            if rest:
                self.add_setting(module, names[0], rest)
            else:
                self.add(*self._home(module, names[0]))

    def _source(self, module: str) -> Source | None:
        if module not in self._sources:
            self._sources[module] = source_of(module, self.base)
        return self._sources[module]

    def _home(self, module: str, name: str) -> tuple[str, str]:
        """Where a name is defined that a module may only import."""
        source = self._source(module)
        while source is not None and name not in source.definitions and name in source.imports:
            module, name = source.imports[name]
            source = self._source(module)
        return module, name

    def _reach(self, module: str, names: Names) -> Iterator[tuple[str, Names]]:
        """Take in what a dotted name stands for; what that names comes next."""
        source = self._source(module)
        if source is None or module in HOLDING:
            return
        if not names:  # a module as an object: whatever it holds may be used
            yield from ((module, (name,)) for name in source.definitions)
        elif names[0] in source.definitions:
            yield from self._take(source, names[0], source.definitions[names[0]])
            yield from self._take(source, "", source.effects)
        elif names[0] in source.imports:
            yield from self._follow(source.imports[names[0]], names[1:])
        else:
            yield from self._follow((module, names[0]), names[1:], of_module=True)

    def _follow(
        self, place: tuple[str, str], rest: Names, *, of_module: bool = False
    ) -> Iterator[tuple[str, Names]]:
        """From an import to what is imported: a module, or a name in one."""
        module, names = place[0], ((place[1], *rest) if place[1] else rest)
        moved = False
        while names and self._source(f"{module}.{names[0]}") is not None:
            inner = self._source(module)
            if inner is not None and (names[0] in inner.definitions or names[0] in inner.imports):
                break  # a name of the package hides the module of that name
            module, names, moved = f"{module}.{names[0]}", names[1:], True
        if moved or not of_module:
            yield module, names

    def _take(
        self, source: Source, name: str, statements: tuple[ast.stmt, ...]
    ) -> Iterator[tuple[str, Names]]:
        key = Definition(source.module, name)
        if presents(source.module):
            statements = tuple(
                one for one in statements if not isinstance(one, ast.FunctionDef | ast.ClassDef)
            )
        if key in self.found or not statements:
            return
        self.found[key] = statements
        is_package = source.path.name == "__init__.py"
        package = source.module if is_package else source.module.rpartition(".")[0]
        for statement in statements:
            local = imports_in(statement, package)
            for names in dotted_names(statement):
                origin = local.get(names[0])
                if origin is not None:
                    yield from self._follow(origin, names[1:])
                else:
                    yield source.module, names
                place = origin or source.imports.get(names[0]) or ("", "")
                if names[0] == "__file__" or place[0] in ("importlib", "importlib.resources"):
                    self.data |= data_beside(source.path.parent)


def presents(module: str) -> bool:
    """Whether a module tells or draws."""
    last = module.rpartition(".")[2]
    return last in PRESENTATION or last.endswith("_plot")


def closure(function: Callable[..., Any], settings: Iterable[str] = (), base: Path = BASE) -> Closure:
    """All code that a function's result comes from, and that of the ``settings`` of an experiment (dotted names) that it reads."""
    return _closure(_place(function), settings, base)


def hash_code(function: Callable[..., Any], settings: tuple[str, ...] = ()) -> str:
    """One hash over ``closure``, kept in the cache folder for as long as no source changes."""
    return _hash(_state(), _place(function), settings)


@lru_cache(maxsize=256)
def _hash(state: str, place: tuple[str, str], settings: tuple[str, ...]) -> str:
    key = sha256_of_value([*place, *settings])
    known: dict[str, Any] = {}
    # Without a folder that can be read and written this takes a second.
    with suppress(OSError, RuntimeError, ValueError, KeyError, TypeError):
        kept = read_json(cache_folder() / CACHE)
        known = dict(kept["hashes"]) if kept["state"] == state else {}
    if isinstance(known.get(key), str):
        return str(known[key])
    found = _closure(place, settings, BASE).hash()
    with suppress(OSError, RuntimeError):
        write_json(cache_folder() / CACHE, {"state": state, "hashes": known | {key: found}})
    return found


def _place(function: Callable[..., Any]) -> tuple[str, str]:
    return getattr(function, "__module__", ""), getattr(function, "__qualname__", "").partition(".")[0]


def _closure(place: tuple[str, str], settings: Iterable[str], base: Path) -> Closure:
    found = Closure(base)
    found.add(*place)
    for dotted in settings:
        found.add_setting("nonideal.experiment.experiment", "Experiment", dotted)
    return found


def _state() -> str:
    """One hash over all sources as they lie there."""
    paths = (path for path in package_files() if path.suffix in {".py", *DATA})
    return sha256_of_value({str(path.relative_to(BASE)): sha256_of(path) for path in paths})
