"""What a physical model knows of the circuit that it was measured on, and where that is not the circuit at hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from nonideal.characterize.model import PhysicalModel
from nonideal.circuits.cells.contract import Neuron
from nonideal.circuits.cells.kinds import chosen
from nonideal.circuits.design import Design

Fact = float | str


def circuit_facts(design: Design) -> dict[str, Fact]:
    """Every number of a design by its key in an experiment (``circuit.supplies.vdd_V``), SI units and um; own cells by their hash."""
    numbers = dict(_flat("circuit", design.model_dump(exclude={"cells"})))
    cells = {
        f"circuit.cells.{name}": f"sha256 {sha256(text.encode()).hexdigest()[:16]}"
        for name, text in design.cells.items()
    }
    return numbers | cells


def design_of(model: PhysicalModel) -> Design | None:
    """The circuit that a model was measured on; None where it names none, or one of own cells, of which it knows the hash alone.

    Raises ``ValueError`` for what is no circuit.
    """
    if model.circuit is None or any(key.startswith("circuit.cells.") for key in model.circuit):
        return None
    nested: dict[str, Any] = {}
    for key, fact in model.circuit.items():
        *sections, name = key.split(".")
        place = nested
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = fact
    return Design.model_validate(nested.get("circuit"))


def neuron_of(model: PhysicalModel) -> Neuron:
    """The kind of neuron that a model was measured on, at default sizes; the default kind where it names none."""
    kind = (model.circuit or {}).get("circuit.neuron.kind")
    neuron: Neuron = chosen("neuron", {} if kind is None else {"kind": kind}).contract()
    return neuron


def circuit_differences(model: PhysicalModel, design: Design) -> list[str]:
    """What of its circuit a model says otherwise than ``design``, each with both values.

    A model of an older version names no circuit (``model.circuit`` is None): then what it records of one is compared, V_dd, V_sense, temperature
    and T_circ, and sizes are not.
    """
    here = circuit_facts(design)
    if model.circuit is None:
        there: dict[str, Fact] = {
            "circuit.supplies.vdd_V": model.vdd_V,
            "circuit.supplies.vsense_V": model.vsense_V,
            "circuit.supplies.temperature_C": model.temperature_C,
            "circuit.timing.t_circ_s": model.t_circ_s,
        }
        keys = set(there)
    else:
        there, keys = dict(model.circuit), set(model.circuit) | set(here)
    return [
        f"{key} = {_told(there.get(key))} in the model, {_told(here.get(key))} here"
        for key in sorted(keys)
        if not _equal(there.get(key), here.get(key))
    ]


def _flat(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Fact]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}.{name}", value)
        else:
            yield f"{prefix}.{name}", value


def _equal(one: Fact | None, other: Fact | None) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= 1e-9 * max(abs(one), abs(other))
    return one == other


def _told(fact: Fact | None) -> str:
    return "ours" if fact is None else f"{fact:g}" if isinstance(fact, int | float) else fact
