"""The columns as measured, and what became of their layouts: for the report and for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nonideal.characterize.column import Column, EdgeCharge
from nonideal.characterize.estimate import Estimate
from nonideal.report.blocks import Block, Text
from nonideal.report.layout_tables import MODES
from nonideal.report.table import Table, numbers, words
from nonideal.report.units import quantity, with_error
from nonideal.runs.results import Results
from nonideal.runs.summaries.layout import LayoutSummary

CHECK = (
    "The check: networks of random weights and input spikes that no parameter was fitted to, realised and predicted by the column's "
    "own numbers alone; root mean square of spike time in SPICE minus prediction."
)
ONE_EXTRACTION = (
    "Columns and network were extracted alike, by one tool with sidewalls {sidewall}: bottom_up's errors tell how consistent the method is under one "
    "extraction, not how near silicon is. Another extraction of the same network moves all spikes together; docs/explanation/extraction.md tells "
    "by how much, before and after one trim on silence."
)


def _estimate(get: Callable[[Column], Estimate | None]) -> Callable[[Column], str]:
    def cell(column: Column) -> str:
        found = get(column)
        return "" if found is None else with_error(found.value, found.stderr, found.unit)

    return cell


def _edge(get: Callable[[EdgeCharge], Estimate]) -> Callable[[Column], str]:
    """Of what older files do not have."""
    return _estimate(lambda column: None if column.edge is None else get(column.edge))


PARAMETERS: tuple[tuple[str, str, Callable[[Column], str]], ...] = (
    (
        "netlist",
        "what the column was measured on",
        lambda c: c.netlist if c.sidewall is None else f"{c.netlist}, sidewalls {c.sidewall}",
    ),
    ("C_m", "capacitance of an inner membrane, its neighbours held", _estimate(lambda c: c.membrane_F)),
    ("C_c", "part of it that goes to either neighbour's membrane", _estimate(lambda c: c.coupling_F)),
    ("V₀", "membrane potential after reset", _estimate(lambda c: c.v_0_V)),
    ("V_th", "threshold below V₀, sensing delay included", _estimate(lambda c: c.v_th_V)),
    ("b", "curvature of the firing phase", _estimate(lambda c: c.discharge_norm)),
    ("V_dis_b", "discharger's bias, shared by all columns", lambda c: quantity(c.vdis_V, "V", 5)),
    ("t_on+", "delay of a positive weight's current", _estimate(lambda c: c.positive.delay_s)),
    ("q_on+", "charge that its arrival costs", _estimate(lambda c: c.positive.charge_C)),
    ("t_on−", "delay of a negative weight's current", _estimate(lambda c: c.negative.delay_s)),
    ("q_on−", "charge that its arrival costs", _estimate(lambda c: c.negative.charge_C)),
    ("q_edge", "charge of an axon's edge where its synapse carries nothing", _edge(lambda e: e.charge_C)),
    ("q_first", "what the first axon takes more", _edge(lambda e: e.first_axon_C)),
    ("q_last", "what the last axon takes more, beside the membranes", _edge(lambda e: e.last_axon_C)),
    (
        "q_beside",
        "what the first dendrite loses more, beside the input drivers",
        _edge(lambda e: e.first_neuron_C),
    ),
    ("t_drv", "from an input pin to its axon", _estimate(lambda c: c.driver_delay_s)),
    ("t_load", "delay of a spike for every neuron that it drives", _estimate(lambda c: c.spike_load_s)),
    (
        "check",
        "its own prediction against SPICE, rms",
        lambda c: f"{quantity(c.check_rms_s, 's', 3)} ({c.check_spikes} spikes)",
    ),
)
"""Symbol, meaning, and how a column tells it."""


def column_table(columns: Sequence[Column]) -> Table:
    """One column of the table for each column of the circuit, with standard errors."""
    return Table(
        title="Columns as measured, through their own pins",
        columns=(
            *words("Parameter", "What it is"),
            *numbers(*(f"{column.axons} axons" for column in columns)),
        ),
        rows=tuple(
            (symbol, meaning, *(cell(column) for column in columns)) for symbol, meaning, cell in PARAMETERS
        ),
        note=CHECK,
    )


def layout_line(column: LayoutSummary) -> str:
    """A column's layout in one line: size, checks, extraction."""
    axons, found = column.layers[0], column.extraction
    told = (
        f"Column of {axons} axons (columns/{axons}): {column.area_um2:.0f} µm², {column.devices} devices; "
        f"DRC {column.drc_violations} violations of {column.drc_rules} rules, "
        f"LVS {'matches' if column.lvs_matched else 'DIFFERS'}{', overridden' if column.override else ''}"
    )
    if found is None:
        return f"{told}."
    return (
        f"{told}; {found.extractor}, {MODES.get(found.mode, found.mode)}: {found.resistors_extracted} R and "
        f"{found.capacitors_extracted} C extracted, {found.resistors} R and {found.capacitors} C after reduction."
    )


def column_blocks(results: Results) -> tuple[Block, ...]:
    """The table of the model's columns, and their layouts where they were measured on those."""
    columns = () if results.model is None else results.model.columns
    if not columns:
        return ()
    blocks: list[Block] = [column_table(columns)]
    drawn = results.columns
    if drawn is not None and drawn.netlist in {column.netlist for column in columns}:
        blocks += [Text(layout_line(column)) for column in drawn.columns]
    extracted = [column.sidewall for column in columns if column.sidewall is not None]
    if extracted:
        blocks.append(Text(ONE_EXTRACTION.format(sidewall=extracted[0])))
    return tuple(blocks)
