"""Packages whose names are imported when they are first asked for (PEP 562), so that a module of such a package costs only itself."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def lazy(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package: its names come from where its imports for type checkers say.

    Those imports are the one list of names and places; they are read from the source when the first name is asked for. No name may be that
    of a module of the package, which would hide it once it is imported.

        if TYPE_CHECKING:
            from nonideal.spice.pool import run_many
        else:
            __getattr__, __dir__ = lazy(__name__)
        __all__ = ["run_many"]
    """
    module = sys.modules[package]
    homes: dict[str, tuple[str, str]] = {}

    def getattr_(name: str) -> Any:
        if not homes:
            homes.update(_homes(Path(str(module.__file__))))
        if name not in homes:
            told = f"module {package!r} has no attribute {name!r}; it has {', '.join(module.__all__)}"
            raise AttributeError(told, name=name, obj=module)
        place, there = homes[name]
        value = getattr(import_module(place), there)
        setattr(module, name, value)
        return value

    def dir_() -> list[str]:
        return sorted({*vars(module), *module.__all__})

    return getattr_, dir_


def _homes(source: Path) -> dict[str, tuple[str, str]]:
    """Name -> its module, and the name there."""
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for branch in ast.parse(source.read_bytes()).body
        if isinstance(branch, ast.If)
        for node in branch.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
