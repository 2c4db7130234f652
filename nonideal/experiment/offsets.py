"""How far temperature and supplies are off from home, one at a time, in the conditions that a network is tried in."""

from __future__ import annotations

from pydantic import ValidationError

from nonideal.circuits.design import Design, Supplies
from nonideal.circuits.supply_offsets import SupplyOffsets
from nonideal.experiment.sections import Conditions

DEGREES_C = (-10.0, 10.0)
"""Where an experiment asks for no offsets of its own, as all of these."""
VDD_SHARES = (-0.1, -0.05, 0.05, 0.1)
"""Of V_dd."""
PINS_V = (-0.02, 0.02)
"""Of V_0 and V_sense."""


def temperatures_near(asked: Conditions, design: Design) -> tuple[float, ...]:
    """Temperatures (degrees Celsius) that are off from home's, as ``supply_offsets`` has supplies. Raises ``ValueError``."""
    given, found = asked.temperature_offsets_C, []
    for by in DEGREES_C if given is None else given:
        there = round(design.supplies.temperature_C + by, 6)
        try:
            Supplies(temperature_C=there)
        except ValidationError as error:
            if given is not None:
                raise ValueError(
                    f"conditions.temperature_offsets_C holds {by:g}: {there:g} degrees lie outside of -40 to 125; give other offsets, [] for none"
                ) from error
            continue
        found.append(there)
    return tuple(found)


def supply_offsets(asked: Conditions, design: Design) -> tuple[SupplyOffsets, ...]:
    """One supply at a time, as ``conditions`` asks; where it is silent those of the usual ones that the circuit can have.

    Raises ``ValueError``, which names the key, for one that is asked for and cannot be.
    """
    vdd_V = design.supplies.vdd_V
    usual = {
        "vdd_V": tuple(round(share * vdd_V, 6) for share in VDD_SHARES),
        "v0_V": PINS_V,
        "vsense_V": PINS_V,
    }
    found = []
    for supply, values in usual.items():
        key = f"{supply.removesuffix('_V')}_offsets_V"
        given: tuple[float, ...] | None = getattr(asked, key)
        for by in values if given is None else given:
            one = SupplyOffsets(**{supply: by})
            problem = _problem(design, one)
            if not problem:
                found.append(one)
            elif given is not None:
                raise ValueError(f"conditions.{key} holds {by:g}: {problem}; give other offsets, [] for none")
    return tuple(found)


def _problem(design: Design, offsets: SupplyOffsets) -> str:
    """Why there is no circuit with supplies so far off; empty where there is one."""
    supplies = design.supplies.model_dump()
    for name, by in offsets.given.items():
        supplies[name] = round(supplies[name] + by, 6)
    try:
        moved = type(design.supplies)(**supplies)
    except ValidationError as error:
        first = error.errors()[0]
        return f"circuit.supplies.{first['loc'][0]} would be {first['input']:g} V: {first['msg']}"
    if moved.v0_V >= moved.vdd_V:
        return f"V_0 = {moved.v0_V:g} V would not lie below V_dd = {moved.vdd_V:g} V"
    return ""
