"""The sources of this program, read for what depends on what: the definitions of a module, what each of them names, and what it says."""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

PACKAGE: Final = "nonideal"
"""The package of this program."""
DATA: Final = frozenset({".csv", ".json", ".cpp", ".h"})
"""Endings of data files that code reads: design rules, presets, kernels."""
BASE: Final = Path(__file__).absolute().parents[2]
"""Where the package ``nonideal`` lies: a checkout, or site-packages."""
_NAMED: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

Names = tuple[str, ...]
"""A dotted name, as ``("fits", "fit_lambda")``."""
Imports = dict[str, tuple[str, str]]
"""Local name -> module, and the name in it (none: the module itself)."""


@dataclass(frozen=True, slots=True)
class Source:
    """A module: the statements by the name that they bind at its top, what it imports, and what else it does when it is imported."""

    module: str
    path: Path
    definitions: dict[str, tuple[ast.stmt, ...]]
    imports: Imports
    effects: tuple[ast.stmt, ...]


def package_files() -> Iterator[Path]:
    """Every file of the package, in order; rooms that are links in a checkout are followed."""
    for folder, inner, names in os.walk(BASE / PACKAGE, followlinks=True):
        inner.sort()
        yield from (Path(folder, name) for name in sorted(names))


def source_of(module: str, base: Path = BASE) -> Source | None:
    """A module of this program; None for any other."""
    if base == BASE and module.partition(".")[0] != PACKAGE:
        return None
    place = base.joinpath(*module.split("."))
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            continue
        return _parsed(module, path, changed)
    return None


@lru_cache(maxsize=16384)
def dotted_names(statement: ast.AST) -> frozenset[Names]:
    """The names that a piece of code reads. What a function's arguments and variables are said to be is not among them; a class's fields are."""
    return frozenset(_dotted_names(statement))


def _dotted_names(statement: ast.AST) -> Iterator[Names]:
    todo: list[ast.AST] = [statement]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                yield (node.id,)
        elif isinstance(node, ast.Attribute):
            names = [node.attr]
            inner = node.value
            while isinstance(inner, ast.Attribute):
                names.append(inner.attr)
                inner = inner.value
            if isinstance(inner, ast.Name):
                yield (inner.id, *reversed(names))
            else:
                todo.append(inner)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            todo += [one for one in (*node.args.defaults, *node.args.kw_defaults) if one is not None]
            todo += node.decorator_list
            for line in node.body:
                if not isinstance(line, ast.AnnAssign):
                    todo.append(line)
                elif line.value is not None:
                    todo.append(line.value)
        else:
            todo += ast.iter_child_nodes(node)


@lru_cache(maxsize=16384)
def imports_in(statement: ast.stmt, package: str) -> Imports:
    """What a statement of a module in ``package`` imports, at any depth."""
    found: Imports = {}
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                found[alias.asname or top] = (alias.name if alias.asname else top, "")
        elif isinstance(node, ast.ImportFrom):
            around = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            origin = ".".join([*around, *([node.module] if node.module else [])])
            found |= {alias.asname or alias.name: (origin, alias.name) for alias in node.names}
    return found


def fields_of(source: Source, kind: str) -> dict[str, ast.expr]:
    """The annotations of a class's fields."""
    return {
        line.target.id: line.annotation
        for statement in source.definitions.get(kind, ())
        if isinstance(statement, ast.ClassDef)
        for line in statement.body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    }


def data_beside(folder: Path) -> set[Path]:
    """The data files of a package; packages in it have their own."""
    found: set[Path] = set()
    for path in folder.iterdir():
        if path.is_dir() and not (path / "__init__.py").exists():
            found |= data_beside(path)
        elif path.suffix in DATA:
            found.add(path)
    return found


@lru_cache(maxsize=16384)
def meaning(statements: tuple[ast.stmt, ...]) -> str:
    """A hash of what statements say: comments, docstrings and the layout of the text do not count, nor does the version of Python."""
    return hashlib.sha256(repr([_shape(one) for one in statements]).encode()).hexdigest()


def _shape(node: Any) -> Any:
    # Newer versions of Python have more fields, which are empty where older ones can say the same.
    if isinstance(node, ast.AST):
        parts = [(name, getattr(node, name, None)) for name in node._fields if name != "kind"]
        filled = [(name, _shape(value)) for name, value in parts if value is not None and value != []]
        return (type(node).__name__, *filled)
    if isinstance(node, list):
        return [_shape(one) for one in node if not _is_text(one)]
    return node


@lru_cache(maxsize=1024)
def _parsed(module: str, path: Path, changed: int) -> Source:
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    definitions: dict[str, list[ast.stmt]] = {}
    imports: Imports = {}
    effects: list[ast.stmt] = []
    for statement in ast.parse(path.read_bytes()).body:
        if _is_text(statement):
            continue
        if _for_type_checkers(statement):
            if path.name == "__init__.py":
                imports |= imports_in(
                    statement, package
                )  # where a package's names come from (``files.lazy``)
            continue
        if not isinstance(statement, _NAMED):
            imports |= imports_in(statement, package)
        if isinstance(statement, ast.Import | ast.ImportFrom):
            continue
        names = list(_bound(statement))
        for name in names:
            definitions.setdefault(name, []).append(statement)
        if not names:
            effects.append(statement)
    return Source(
        module, path, {name: tuple(lines) for name, lines in definitions.items()}, imports, tuple(effects)
    )


def _bound(node: ast.AST) -> Iterator[str]:
    """The names that a statement at the top of a module binds, in its branches too; imports aside."""
    if isinstance(node, _NAMED):
        yield node.name
    elif isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Store):
            yield node.id
    elif not isinstance(node, ast.Lambda | ast.comprehension):
        for child in ast.iter_child_nodes(node):
            yield from _bound(child)


def _is_text(node: ast.AST) -> bool:
    """A docstring, of whatever."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _for_type_checkers(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test).endswith("TYPE_CHECKING")
