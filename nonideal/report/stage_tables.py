"""What single stages tell, as tables: parameters, netlists, a layout, the experiment's limits."""

from __future__ import annotations

from collections.abc import Sequence

from nonideal.postlayout.summary import JudgedLimit
from nonideal.report.table import Cell, Column, Table, numbers, states, words
from nonideal.report.units import quantity
from nonideal.runs.summaries.characterization import CharacterizationSummary
from nonideal.runs.summaries.layout import LayoutSummary
from nonideal.runs.summaries.netlist import WriteBackSummary


def parameters_table(found: CharacterizationSummary) -> Table:
    """Fitted parameters with their standard errors, and what follows from them."""
    rows = [
        (name, quantity(one.value, one.unit), quantity(one.stderr, one.unit, 2))
        for name, one in found.parameters.items()
    ]
    derived = (
        ("e_rev_positive_norm", quantity(found.e_rev_positive_norm, "", 3)),
        ("e_rev_negative_norm", quantity(found.e_rev_negative_norm, "", 3)),
        ("additivity_error", quantity(found.additivity_error, "", 3)),
        ("unit_current_A", quantity(found.unit_current_A, "A")),
    )
    rows += [(name, value, "") for name, value in derived]
    return Table(
        f"Physical model, corner {found.corner}",
        (*words("Parameter"), *numbers("Value", "Standard error")),
        tuple(rows),
    )


def netlists_table(found: WriteBackSummary) -> Table:
    """One row a network that was written back."""
    return Table(
        "Write-back",
        (
            *words("Mapping"),
            *numbers("Layers", "Synapses", "Clipped", "Off"),
            Column("Largest current", unit="A", digits=3),
        ),
        tuple(
            (
                name,
                "-".join(map(str, one.layers)),
                one.synapses,
                one.clipped,
                one.off,
                one.largest_current_A,
            )
            for name, one in found.mappings.items()
        ),
        note="Clipped: weights above the largest current, set to it. Off: weights below its smallest.",
    )


def layout_table(drawn: LayoutSummary) -> Table:
    """Size, checks, and what was extracted."""
    rows: list[tuple[Cell, ...]] = [
        ("area", f"{drawn.area_um2:.0f} µm²", ""),
        ("devices", drawn.devices, ""),
        (
            f"DRC violations ({drawn.drc_rules} rules)",
            drawn.drc_violations,
            _state(drawn.drc_violations == 0),
        ),
    ]
    if drawn.worst_antenna:
        rows.append(("nearest to an antenna rule", drawn.worst_antenna, ""))
    rows.append(("LVS", "match" if drawn.lvs_matched else "DIFFERS", _state(drawn.lvs_matched)))
    if drawn.override:
        rows.append(("errors of DRC and LVS", "overridden", ""))
    found = drawn.extraction
    if found is not None:
        rows.append(("extracted R, C", f"{found.resistors_extracted}, {found.capacitors_extracted}", ""))
        rows.append(("R, C after reduction", f"{found.resistors}, {found.capacitors}", ""))
        for net, span in (("dendrite", found.dendrite_F), ("membrane", found.membrane_F)):
            if span is not None:
                least, most = (quantity(farad, "F", 3) for farad in span)
                rows.append((f"parasitics of a {net}", f"{least} .. {most}", ""))
    return Table(
        f"Layout {'-'.join(map(str, drawn.layers))}",
        (*words(""), *numbers("Found"), *states("Pass")),
        tuple(rows),
    )


def limits_table(limits: Sequence[JudgedLimit]) -> Table:
    """Parameter, limits, measured value, pass: one row for each limit of the experiment."""

    def limit(value: float | None, unit: str) -> str:
        return "" if value is None else quantity(value, unit)

    return Table(
        "Specification",
        (*words("Parameter"), *numbers("Min", "Max", "Measured"), *states("Pass")),
        tuple(
            (
                one.parameter,
                limit(one.minimum, one.unit),
                limit(one.maximum, one.unit),
                quantity(one.measured, one.unit),
                _state(one.passed),
            )
            for one in limits
        ),
    )


def _state(passed: bool) -> str:
    return "pass" if passed else "fail"
