"""Design choices that are ranked against each other: what each changes of a design, and what it is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import product
from math import prod
from typing import Any

from pydantic import BaseModel, ValidationError

from nonideal.circuits.cells.kinds import CLASSES
from nonideal.circuits.cells.leaf_cells import illegal_sizes
from nonideal.circuits.design import Design, Fet
from nonideal.circuits.errors import CircuitError

LEAST_WIDTH_UM = 0.42
JOIN = "+"
"""Between keys that take one value together: ``neuron.mim_w_um+neuron.mim_l_um``."""
COMBINATION = "combination"

Overrides = tuple[tuple[str, float], ...]


def keys_of(settings: BaseModel, place: str = "") -> Iterator[str]:
    """Every size (um), time (s), voltage (V) and temperature of a design, by dotted name."""
    for name, value in settings:
        if isinstance(value, BaseModel):
            yield from keys_of(value, f"{place}{name}.")
        elif place:
            yield place + name


@dataclass(frozen=True, slots=True)
class Candidate:
    """One choice. ``name`` is its folder; ``factor`` what is varied, ``label`` to what; ``overrides`` by dotted key of the design."""

    name: str
    factor: str
    label: str
    overrides: Overrides = ()

    @property
    def settings_text(self) -> str:
        """What is changed, as ``key=value`` in words."""
        return " ".join(f"{key}={value:g}" for key, value in self.overrides)

    def applied(self, design: Design) -> Design:
        """``design`` with this choice made. Raises ``CircuitError`` that names every key or value that cannot be."""
        values = design.model_dump()
        # Levels that nobody set follow the supply.
        values["supplies"] = design.supplies.model_dump(exclude_unset=True)
        for key, value in self.overrides:
            _check_key(key, design)
            *path, last = key.split(".")
            inner: dict[str, Any] = values
            for part in path:
                inner = inner[part]
            inner[last] = value
        try:
            made = Design.model_validate(values)
        except ValidationError as error:
            items = [item for item in error.errors() if item["type"] != "default_factory_not_called"]
            raise CircuitError("; ".join(_problem(item) for item in items)) from error
        problems = illegal_sizes(made)
        if problems:
            raise CircuitError("; ".join(problems))
        return made


PRESENT = Candidate("present", "present", "present")
"""The design as it is."""


def _check_key(key: str, design: Design) -> None:
    keys = tuple(keys_of(design))
    if key not in keys:
        near = get_close_matches(key, keys, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else "."
        raise CircuitError(
            f"{key}: the circuit has no such size or time{hint} Give a dotted key of [circuit], as neuron.isolation_n.w_um or timing.hold_s"
        )
    cell = key.split(".", 1)[0]
    if cell in design.cells:
        raise CircuitError(f"{key}: circuit.cells.{cell} replaces that cell, so its sizes change nothing")


def _problem(item: Any) -> str:
    place = ".".join(str(part) for part in item["loc"] if part not in CLASSES)
    message = str(item["msg"]).removeprefix("Value error, ")
    return (
        f"{place} = {item['input']!r}: {message}" if isinstance(item["input"], int | float | str) else message
    )


def _pair(cell: str, device: str, dimension: str, value: float) -> Overrides:
    """The NMOS and the PMOS of one name."""
    return tuple((f"{cell}.{device}_{polarity}.{dimension}", value) for polarity in "np")


def _dummies(width_um: float) -> Overrides:
    """Dummies of half a switch's width, or the smallest that the process has."""
    return _pair("neuron", "dummy", "w_um", max(LEAST_WIDTH_UM, round(width_um / 2, 3)))


def _isolation(width_um: float) -> Overrides:
    return _pair("neuron", "isolation", "w_um", width_um) + _dummies(width_um)


def _membrane(side_um: float) -> Overrides:
    return (("neuron.mim_w_um", side_um), ("neuron.mim_l_um", side_um))


def _driver(design: Design, factor: float) -> Overrides:
    sizes = [(name, fet) for name, fet in design.driver if isinstance(fet, Fet)]
    return tuple(
        (f"driver.{name}.w_um", max(LEAST_WIDTH_UM, round(fet.w_um * factor, 3))) for name, fet in sizes
    )


def _half_isolation(design: Design) -> list[float]:
    """Half of the isolation switch's width, where the neuron has one."""
    devices = design.contracts.neuron.devices
    return [max(LEAST_WIDTH_UM, round(one.size.w_um / 2, 3)) for one in devices if one.role == "isolation_n"]


def built_in(design: Design) -> list[Candidate]:
    """The questions of this circuit, one factor at a time around ``design``, and a few combinations; ``design`` itself first."""
    selector, memory = _pair("synapse", "select", "w_um", 0.42), _pair("synapse", "memory", "l_um", 0.5)
    weak, fast = _driver(design, 0.5), (("timing.hold_s", 2e-9),)
    found = [PRESENT]
    found += [
        Candidate(f"isolation_{w:g}", "isolation switch", f"{w:g} um", _isolation(w))
        for w in (0.42, 1.0, 2.0)
    ]
    found += [
        Candidate(f"dummies_{w:g}", "dummies", f"{w:g} um", _pair("neuron", "dummy", "w_um", w))
        for w in (LEAST_WIDTH_UM, *_half_isolation(design))
    ]
    found += [
        Candidate(f"selector_{w:g}", "selector", f"{w:g} um", _pair("synapse", "select", "w_um", w))
        for w in (0.42, 1.0)
    ]
    found += [Candidate(f"mim_{s:g}", "C_m", f"{s:g} x {s:g} um", _membrane(s)) for s in (5.0, 7.0, 9.0)]
    found += [
        Candidate(f"hold_{t:g}", "hold", f"{t:g} ns", (("timing.hold_s", round(1e-9 * t, 12)),))
        for t in (2.0, 5.0, 25.0)
    ]
    found += [
        Candidate(f"t_circ_{t:g}", "T_circ", f"{t:g} us", (("timing.t_circ_s", round(1e-6 * t, 12)),))
        for t in (0.5, 2.0)
    ]
    found += [
        Candidate(
            f"discharger_{length:g}",
            "discharger",
            f"{length:g} um long",
            (("neuron.discharge.l_um", length),),
        )
        for length in (2.0, 8.0)
    ]
    found += [
        Candidate("driver_half", "driver", "half", weak),
        Candidate("driver_double", "driver", "double", _driver(design, 2.0)),
    ]
    found += [
        Candidate(f"memory_{length:g}", "memory FET", f"{length:g} um long", _pair("synapse", "memory", "l_um", length))
        for length in (0.25, 0.5)
    ]  # fmt: skip
    found += [
        Candidate("small", COMBINATION, "selector 0.42, driver half, C_m 5 x 5", selector + weak + _membrane(5.0)),
        Candidate("lean", COMBINATION, "selector 0.42, driver half", selector + weak),
        Candidate("long_and_lean", COMBINATION, "memory 0.5 long, driver half", memory + weak),
        Candidate("long_and_large", COMBINATION, "memory 0.5 long, C_m 9 x 9, hold 2 ns", memory + _membrane(9.0) + fast),
        Candidate("thorough", COMBINATION, "memory 0.5 long, selector 0.42, driver half, hold 2 ns", memory + selector + weak + fast),
    ]  # fmt: skip
    keys = frozenset(keys_of(design))
    # What a kind of cell has no setting of is no question of it.
    return distinct(design, [one for one in found if all(key in keys for key, _ in one.overrides)])


def varied(vary: Mapping[str, Sequence[float]], limit: int) -> list[Candidate]:
    """Every combination of the values of ``vary``, the present design first; keys joined by ``+`` take one value together.

    Raises ``CircuitError`` where there are more than ``limit``.
    """
    many = prod(len(values) for values in vary.values())
    if many > limit:
        raise CircuitError(
            f"{many} combinations of values, at most {limit}: vary less, or raise `limit` in the same section"
        )
    factor = next(iter(vary)) if len(vary) == 1 else COMBINATION
    found = [PRESENT]
    for k, values in enumerate(product(*vary.values())):
        pairs = list(zip(vary, values, strict=True))
        overrides = tuple((key, value) for joined, value in pairs for key in joined.split(JOIN))
        label = f"{values[0]:g}" if len(vary) == 1 else ", ".join(f"{key}={value:g}" for key, value in pairs)
        found.append(Candidate(f"choice_{k}", factor, label, overrides))
    return found


def distinct(design: Design, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Without those that make the same design as one before; those that make none stay, to be refused by name."""
    found: list[Candidate] = []
    seen: list[Design] = []
    for candidate in candidates:
        try:
            made = candidate.applied(design)
        except CircuitError:
            found.append(candidate)
            continue
        if made not in seen:
            seen.append(made)
            found.append(candidate)
    return found
