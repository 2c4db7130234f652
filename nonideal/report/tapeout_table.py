"""A tile's numbers as a table."""

from __future__ import annotations

from nonideal.report.table import Table, numbers, states, words
from nonideal.report.units import quantity
from nonideal.runs.summaries.tapeout import TapeoutSummary


def tapeout_table(found: TapeoutSummary) -> Table:
    """What a tile is, and how it was judged."""
    failed = ", ".join(found.precheck_failed) or "none"
    rows = [
        ("tile", f"{found.top}, {found.tile}", ""),
        ("analog pins", str(found.analog_pins), ""),
        ("devices; standard cells", f"{found.devices}; {found.standard_cells}", ""),
        ("violations of design rules", str(found.drc_violations), _state(found.drc_violations == 0)),
        ("layout matches the netlist", "yes" if found.lvs_matched else "no", _state(found.lvs_matched)),
        ("precheck: rules broken", failed, _state(found.precheck_passed)),
        ("precheck: rules not run", ", ".join(found.precheck_not_run) or "none", ""),
        ("wires between parts", f"{found.wires}, {found.wire_length_um / 1e3:.2f} mm", ""),
        ("density", ", ".join(f"{layer} {100 * part:.0f} %" for layer, part in found.density.items()), ""),
        ("supply current, bound", quantity(found.supply_A, "A"), ""),
        ("largest drop on the way to a part", quantity(max(found.drop_V.values(), default=0.0), "V"), ""),
    ]
    if found.resistors is not None:
        rows.append(("extracted: resistors; capacitors", f"{found.resistors}; {found.capacitors}", ""))
    return Table(
        title="Tapeout",
        columns=(*words("Parameter"), *numbers("Found"), *states("Pass")),
        rows=tuple(rows),
        note="From `tapeout/`: `drc.json`, `lvs.json`, `precheck.json`, `pex.json`.",
    )


def _state(passed: bool) -> str:
    return "pass" if passed else "fail"
