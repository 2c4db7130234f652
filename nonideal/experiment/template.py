"""An experiment file with every key, its default as a comment and what it is: what `nonideal new` writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from nonideal.circuits.cells.fet import Fet
from nonideal.experiment.experiment import Experiment
from nonideal.experiment.keys import EXAMPLES, KEYS, SECTIONS

HEAD: Final = """\
# {name}: an experiment of nonideal. nonideal reproduce {name} runs all of it; results go to runs/{name}.
#
# Every key but `name` may be left out. A line that begins with # and a key is that key with its default: take the # away to change it.
# A line that begins with # and a space is an example of a key that is not set.
# Units are in the names (s, V, A, F, um, C); `_norm` means normalised: times to T_circ, weights to the unit current.

name = {quoted}
"""
WIDTH: Final = 44
"""Where explanations begin, in characters."""


def template(name: str, given: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """The text for an experiment called ``name``; ``given``: values by section and key that are set in it, not commented out.

    A key that is given None is left out: it would contradict another that is given.
    """
    told = given or {}
    defaults = Experiment(name=name)
    top = [_line(key, key, getattr(defaults, key), told.get("", {})) for key in ("seed", "tapeout")]
    parts = [HEAD.format(name=name, quoted=toml_value(name)) + "".join(top)]
    for section, about in SECTIONS.items():
        found: Any = defaults
        for part in section.split("."):
            found = getattr(found, part)
        lines = [
            _line(f"{section}.{key}", key, value, told.get(section, {})) for key, value in _values(found)
        ]
        parts.append(f"# {about}\n[{section}]\n" + "".join(lines))
    return "\n".join(parts)


def _values(section: BaseModel) -> Iterator[tuple[str, Any]]:
    """The keys of a section that are no sections, with their values; a transistor is a value."""
    for key in type(section).model_fields:
        value = getattr(section, key)
        if not isinstance(value, BaseModel) or isinstance(value, Fet):
            yield key, value


def _line(dotted: str, key: str, default: Any, given: Mapping[str, Any]) -> str:
    about = KEYS.get(dotted, "")
    if key in given:
        return "" if given[key] is None else _told(f"{key} = {toml_value(given[key])}", about)
    if default is None:
        return _told(f"# {key} = {toml_value(EXAMPLES[dotted])}", about)
    return _told(f"#{key} = {toml_value(default)}", about)


def _told(setting: str, about: str) -> str:
    return f"{setting:<{WIDTH}}  # {about}\n" if about else f"{setting}\n"


def toml_value(value: Any) -> str:
    """A value as TOML writes it, on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(str(value), ensure_ascii=False)
    if isinstance(value, BaseModel):
        return toml_value(value.model_dump())
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(key)} = {toml_value(one)}" for key, one in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    return f"[{', '.join(map(toml_value, value))}]"


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)
