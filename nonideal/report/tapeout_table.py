"""A tile's numbers as tables."""

from __future__ import annotations

from nonideal.report.table import Table, numbers, states, words
from nonideal.report.units import quantity
from nonideal.runs.summaries.tapeout import TapeoutSummary
from nonideal.runs.summaries.tile_simulation import TileSimulationSummary


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


def tile_simulation_table(found: TileSimulationSummary) -> Table:
    """What a tile does in SPICE, beside its model and its Verilog."""
    count, (model, spice) = len(found.samples), found.right
    all_agree = found.agreeing == count
    rows = [
        ("samples; decided rightly by model, SPICE", f"{count}; {model}, {spice}", ""),
        ("decided in SPICE as by the model", f"{found.agreeing} of {count}", _state(all_agree)),
        (
            "Verilog: decided as in SPICE; in its order",
            f"{found.verilog_agreeing}; {found.same_order} of {count}",
            "",
        ),
    ]
    for one, known in zip(found.layers, found.layers_told, strict=True):
        rmse, told = (_rms(each.rmse_s) for each in (one, known))
        rows.append(
            (
                f"layer {one.layer}: RMSE; told the lines; missed, extra",
                f"{rmse}; {told}; {one.missed}, {one.extra} of {one.pairs}",
                "",
            )
        )
    rows += [
        (
            "loop: control voltage; replica late by",
            f"{found.control_V:.4f} V; {quantity(found.replica_late_s, 's')}",
            "",
        ),
        (
            "first sample by columns, from whole, by layer",
            "; ".join(map(_rms, found.columns_rms_s)) or "not run",
            "",
        ),
        ("supply current of the analog side", quantity(found.supply_A, "A"), ""),
        (
            "simulated: devices; resistors; capacitors",
            f"{found.devices}; {found.resistors}; {found.capacitors}",
            "",
        ),
    ]
    return Table(
        title="Tile in SPICE",
        columns=(*words("Parameter"), *numbers("Found"), *states("Pass")),
        rows=tuple(rows),
        note="From `tile-simulation/`: `simulation.json`, `simulation.csv`. Network and generator as extracted; the digital side is its Verilog.",
    )


def _state(passed: bool) -> str:
    return "pass" if passed else "fail"


def _rms(value_s: float | None) -> str:
    return "no pair" if value_s is None else quantity(value_s, "s")
