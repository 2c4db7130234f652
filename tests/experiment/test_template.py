"""A written experiment file has every key, explains it, and is the defaults, whatever of it is taken out of its comment."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from nonideal.circuits.cells.fet import Fet
from nonideal.experiment.experiment import Experiment, parse_experiment
from nonideal.experiment.keys import EXAMPLES, KEYS, SECTIONS
from nonideal.experiment.template import template, toml_value

DEFAULT = re.compile(r"^#(?=[a-zA-Z])", re.M)
"""Where a default begins that is a comment."""
LINES = template("mine").splitlines()
DEFAULTS = [index for index, line in enumerate(LINES) if DEFAULT.match(line)]


def test_as_it_is_written_it_is_the_defaults() -> None:
    assert parse_experiment(tomllib.loads(template("mine")), "mine.toml") == Experiment(name="mine")


@settings(max_examples=30, deadline=None)
@given(st.sets(st.sampled_from(DEFAULTS)))
def test_whichever_defaults_are_uncommented_it_is_the_defaults(chosen: set[int]) -> None:
    text = "\n".join(line[1:] if index in chosen else line for index, line in enumerate(LINES))
    assert parse_experiment(tomllib.loads(text), "mine.toml").model_dump() == Experiment(name="mine").model_dump()  # fmt: skip


def test_with_all_defaults_uncommented_every_key_that_has_one_is_there() -> None:
    found = tomllib.loads(DEFAULT.sub("", template("mine")))
    for dotted in KEYS:
        *path, key = dotted.split(".")
        section: Any = found
        for part in path:
            section = section[part]
        assert (key in section) == (dotted not in EXAMPLES), dotted


def keys_of(section: BaseModel, place: str = "") -> list[str]:
    found = []
    for key in type(section).model_fields:
        value = getattr(section, key)
        inner = isinstance(value, BaseModel) and not isinstance(value, Fet)
        found += keys_of(value, f"{place}{key}.") if inner else [f"{place}{key}"]
    return found


def test_every_key_and_section_is_explained_and_no_other() -> None:
    keys = keys_of(Experiment(name="mine"))
    assert set(KEYS) == set(keys) - {"name"}
    assert set(SECTIONS) == {key.rpartition(".")[0] for key in keys if "." in key}
    for key, told in KEYS.items():
        unit = re.search(r"_(s|V|A|F|um|C|S)$", key)
        if unit is not None and not key.startswith("circuit.driver"):
            assert re.search(rf"\b{unit[1]}\b|degrees Celsius", told), f"{key} is explained without its unit"


@pytest.mark.parametrize("dotted", EXAMPLES)
def test_examples_are_values_that_the_key_takes(dotted: str) -> None:
    section, _, key = dotted.rpartition(".")
    value = EXAMPLES[dotted]
    given: dict[str, dict[str, Any]] = {section: {key: value}}
    if section == "data" and key != "file":
        given["data"]["file"] = "mine.csv"
    if section == "data" and key != "folder":
        given["data"]["set"] = None
    if key == "test_file":
        given["data"]["test_samples"] = None
    if key == "network":
        given["training"] |= {"layers": None}
    made = parse_experiment(tomllib.loads(template("mine", given)), "mine.toml")
    assert made.model_dump(exclude_unset=True) != Experiment(name="mine").model_dump(exclude_unset=True)


@given(
    st.recursive(
        st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc_. ", min_size=1), inner, max_size=3),
        max_leaves=5,
    )
)  # fmt: skip
def test_values_are_written_as_toml_reads_them(value: Any) -> None:
    assert tomllib.loads(f"x = {toml_value(value)}") == {"x": value}
