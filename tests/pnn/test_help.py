"""``help()`` of every public name: shapes where it takes tensors, units where they have one, an example, which runs."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import nonideal
import nonideal.pnn

FILES = ("load_table", "load_as_trained", "load_images")
"""Examples that want files of one's own."""
MADE = ("train", "TrainingResult")
"""Whose examples train."""
PHYSICAL = ("time", "spike_time", "output_time", "v", "weight", "firings", "spikes")


def documented() -> Iterator[tuple[str, Any]]:
    for room in (nonideal, nonideal.pnn):
        for name in room.__all__:
            value = getattr(room, name)
            if inspect.isfunction(value) or (inspect.isclass(value) and not issubclass(value, Exception)):
                yield f"{room.__name__}.{name}", value


NAMES = dict(documented())
OF_THE_TRAINER = {name: value for name, value in NAMES.items() if value.__module__.startswith("nonideal.pnn")}


def own(value: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """A function, or the methods and properties that a class defines."""
    if inspect.isfunction(value):
        yield value.__name__, value
        return
    for name, member in vars(value).items():
        inner = getattr(member, "__func__", None) or getattr(member, "fget", None) or member
        if inspect.isfunction(inner) and not name.startswith("_") and name != "extra_repr":
            yield name, inner


def example(value: Any) -> str:
    lines = textwrap.dedent("    " + (value.__doc__ or "")).splitlines()
    return textwrap.dedent("\n".join(line for line in lines if line.startswith("    ")))


def test_the_names_are_more_than_a_few() -> None:
    assert len(OF_THE_TRAINER) > 60


@pytest.mark.parametrize("name", NAMES)
def test_it_has_an_example_that_names_it(name: str) -> None:
    code = example(NAMES[name])
    short = name.rsplit(".", 1)[1]
    assert re.search(rf"nonideal\.(pnn\.)?{short}\b", code), name
    compile(code, name, "exec")


@pytest.mark.parametrize("name", OF_THE_TRAINER)
def test_tensors_have_shapes_and_units(name: str) -> None:
    value = OF_THE_TRAINER[name]
    told = " ".join([value.__doc__ or "", *(one.__doc__ or "" for _, one in own(value))])
    for method, function in own(value):
        kinds = {key: str(kind) for key, kind in function.__annotations__.items()}
        if not any("Tensor" in kind for kind in kinds.values()):
            continue
        assert re.search(r"\[|\bshapes?\b|scalar", function.__doc__ or value.__doc__ or ""), (
            f"{name}.{method}: shapes"
        )
        if any(key in PHYSICAL for key in kinds) and inspect.isfunction(value):
            units = re.search(r"T_circ|V_th|horizon|normalised|mean over the batch", told)
            assert units, f"{name}.{method}: units"


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib as mpl

    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(mpl.rcParams, "backend", "agg")
    own_names = {one.rsplit(".", 1)[1]: value for one, value in OF_THE_TRAINER.items()}
    order = [*MADE, *(name for name in own_names if name not in (*MADE, *FILES))]
    for name in order:
        names: dict[str, Any] = {"nonideal": nonideal, "torch": torch, "Path": Path}
        code = example(own_names[name])
        exec(code.replace("epochs=100", "epochs=2"), names)
    assert (tmp_path / "copy.safetensors").is_file()
