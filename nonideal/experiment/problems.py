"""From pydantic's errors to lines a person can act on: which key, which value, what would be right."""

from __future__ import annotations

import inspect
import math
import re
import typing
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from nonideal.experiment.units import convert, same_quantity, split

Path = tuple[str | int, ...]


def explain(error: ValidationError, model: type[BaseModel], data: dict[str, Any]) -> list[str]:
    """One line for each thing wrong with ``data``, in the order of the file's keys, most telling first."""
    unknown, other, suggested = [], [], set()
    items = error.errors()
    for item in items:
        path = item["loc"]
        if item["type"] == "too_short" and any(i["loc"][: len(path)] == path for i in items if i is not item):
            continue  # a follow-up of an entry that is reported itself
        if item["type"] == "default_factory_not_called":
            continue  # a default that follows a key which is reported itself
        if item["type"] == "extra_forbidden":
            line, meant = _unknown_key(path, item["input"], model)
            unknown.append(line)
            if meant:
                suggested.add((*path[:-1], meant))
        elif item["type"] == "missing":
            other.append((path, f"{_dotted(path)} is missing{_describe(model, path)}"))
        else:
            other.append((path, _bad_value(path, item["input"], item["msg"], dict(item.get("ctx") or {}))))
    return unknown + [line for path, line in other if path not in suggested or "is missing" not in line]


def _unknown_key(path: Path, value: Any, model: type[BaseModel]) -> tuple[str, str | None]:
    """The line for a key that does not exist, and the key that was probably meant."""
    key, here = str(path[-1]), _known_keys(model, path[:-1])
    shown = f"{_dotted(path)} = {_show(value)}" if not isinstance(value, dict) else f"[{_dotted(path)}]"
    for known in here:
        if same_quantity(key, known):
            unit, ours = split(key)[1], split(known)[1]
            if not unit:
                return f"{shown}: the key needs its unit: {known} (in {ours})", known
            fix = f"{known} = {convert(value, unit, ours):.12g}" if isinstance(value, int | float) else known
            return f"{shown}: wrong unit, this quantity is given in {ours}: write {fix}", known
    near = get_close_matches(key, here, n=1, cutoff=0.6)
    if near:
        return f"{shown}: unknown key; did you mean {near[0]!r}?", near[0]
    for place, known_keys in _all_keys(model):
        if key in known_keys:
            return (
                f"{shown}: unknown key here; it belongs to [{place}]"
                if place
                else f"{shown}: unknown key here",
                None,
            )
    return f"{shown}: unknown key; known here: {', '.join(here)}", None


def _bad_value(path: Path, value: Any, message: str, context: dict[str, Any]) -> str:
    """The line for a value that is not allowed."""
    message = message.removeprefix("Value error, ")
    if isinstance(value, float) and math.isnan(value):
        message = "not a number: give a finite one"  # rather than the first bound that it is not inside
    if not path:
        return message
    unit = split(str(next((p for p in reversed(path) if isinstance(p, str)), "")))[1]
    line = f"{_dotted(path)} = {_show(value)}: {message[:1].lower()}{message[1:]}"
    choices = re.findall(r"'([^']*)'", str(context.get("expected", "")))
    if choices and isinstance(value, str):
        near = get_close_matches(value, choices, n=1, cutoff=0.5)
        line += f"; did you mean {near[0]!r}?" if near else ""
    if unit and isinstance(value, str):
        line += f"; write a bare number in {unit}, without quotes"
    elif unit and isinstance(value, int | float):
        line += f" (the unit of this key is {unit})"
    return line


def _dotted(path: Path) -> str:
    keys = (p for p in path if not _is_tag(p))
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in keys).lstrip(".")


def _is_tag(part: str | int) -> bool:
    """Whether it is no key, but the class that was chosen of a union: keys are in lower case."""
    return isinstance(part, str) and part[:1].isupper()


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _describe(model: type[BaseModel], path: Path) -> str:
    parent = _model_at(model, path[:-1])
    field = parent.model_fields.get(str(path[-1])) if parent else None
    return f": {field.description}" if field is not None and field.description else ""


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The pydantic models inside an annotation, through Optional, Annotated and containers."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        # An abstract one stands for those that are made of it, as the kinds of a cell.
        return annotation.__subclasses__() if inspect.isabstract(annotation) else [annotation]
    return [m for part in typing.get_args(annotation) for m in _models_in(part)]


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    inner: list[type[BaseModel]] = []
    for part in path:
        if isinstance(part, int):
            continue
        if _is_tag(part):
            model = next((m for m in inner if m.__name__ == part), model)
            continue
        field = model.model_fields.get(part)
        inner = _models_in(field.annotation) if field else []
        if not inner:
            return None
        model = inner[0]
    return model


def _known_keys(model: type[BaseModel], path: Path) -> list[str]:
    here = _model_at(model, path)
    return list(here.model_fields) if here else []


def _all_keys(model: type[BaseModel], place: str = "") -> list[tuple[str, list[str]]]:
    """Every section with its keys, depth first."""
    found = [(place, list(model.model_fields))]
    for name, field in model.model_fields.items():
        for inner in _models_in(field.annotation):
            found += _all_keys(inner, f"{place}.{name}".lstrip("."))
    return found
