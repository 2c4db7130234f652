"""Yields, spot checks, designs and calibrations as tables, for the terminal and for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nonideal.report.blocks import Table
from nonideal.report.units import NONE, duration, quantity

Row = Mapping[str, Any]


def yield_table(summary: Row) -> Table:
    """Accuracy over the chips and the share of good ones: as written, and trimmed by converters of so many bits."""
    trimmed = {row["bits"]: row for row in (*summary["by_bits"], summary["trimmed"])}
    rows = [("as written", summary["as_written"])]
    rows += [(f"trimmed, {bits} bits", trimmed[bits]) for bits in sorted(trimmed)]
    least = summary["nominal_accuracy"] - summary["accuracy_loss_max"]
    seeds = f"{summary['first_chip']} .. {summary['first_chip'] + summary['chips'] - 1}"
    return Table(
        f"Yield of {summary['mapping']}: {summary['chips']} chips, corner {summary['corner']}{_on(summary)}",
        ("Biases", "Accuracy: min", "typ", "max", "Good chips", "Yield", _interval_heading(summary)),
        tuple(
            (
                name,
                *(_percent(row.get(f"accuracy_{key}")) for key in ("min", "typ", "max")),
                f"{row['passed']} of {row['chips']}",
                _percent(row["yield"]),
                _interval(row),
            )
            for name, row in rows
        ),
        note=f"Fast model, chips {seeds}, {summary['samples']} held-out samples each; typ: the median chip. The nominal chip classifies "
        f"{_percent(summary['nominal_accuracy'])} right; a chip is good that loses at most {_percent(summary['accuracy_loss_max'])} of that: "
        f"from {_percent(least)} on. Interval: Wilson's.",
    )


def yield_tables(summary: Row) -> tuple[Table, ...]:
    """The yield, with the spot checks and the designs where there are any."""
    spice, designs = summary.get("spice"), summary.get("designs")
    return (
        yield_table(summary),
        *((spot_table(spice),) if spice else ()),
        *((designs_table(designs),) if designs else ()),
    )


def spot_table(spice: Row) -> Table:
    """Chips that were simulated, against what the fast model says of these very chips."""
    rows = []
    for layer, found in spice["layers"].items():
        there, told = found["spread_spice_s"], found["spread_model_s"]
        rows.append(
            (
                layer,
                quantity(found["rmse_s"], "s", 3),
                quantity(found["median_error_s"], "s", 3),
                quantity(there, "s", 3),
                quantity(told, "s", 3),
                NONE if not there or told is None else f"{told / there:.3f}",
                str(found["pairs"]),
                f"{found['missed']} / {found['extra']}",
            )
        )
    failed = spice["failed_chips"]
    return Table(
        f"The fast model against SPICE: {spice['chips']} chips, {spice['samples']} samples each{_on(spice)}",
        (
            "Layer",
            "RMSE",
            "Median error",
            "Spread in SPICE",
            "in the model",
            "Ratio",
            "Spikes",
            "missed / extra",
        ),
        tuple(rows),
        note="Spread: standard deviation over chips of the same neuron's spike on the same sample, where three chips or more have it; "
        f"ratio: the model's over SPICE's. {_decisions(spice['decisions_differ'])} "
        + (
            f"{_count(failed, 'chip')} gave no result on some sample: those enter no number. {_first_failure(spice)}".rstrip()
            if failed
            else "No simulation failed."
        ),
    )


def _decisions(differ: int | None) -> str:
    if differ is None:
        return "Neurons by themselves: nothing is classified."
    return f"The two decide differently on {_count(differ, 'sample')}."


def _first_failure(spice: Row) -> str:
    """What went wrong first, and where to look; summaries from before it was kept say nothing."""
    found = spice.get("failures") or []
    return f"First: {found[0]['name']}: {found[0]['message']} (log in {found[0]['folder']})" if found else ""


def designs_table(designs: Sequence[Row]) -> Table:
    """Designs by what they cost and what they yield; one that could not be has its reason."""
    rows = []
    for one in designs:
        known = "yield_as_written" in one and one["yield_as_written"] is not None
        name = (one["name"], one["overrides"] or "as it is")
        if not known:
            rows.append((*name, *[NONE] * 7, one["problem"] or ""))
            continue
        rows.append(
            (
                *name,
                f"{one['synapse_area_um2']:.0f}",
                f"{one['area_ratio']:.2f}",
                f"{_percent(one['sigma_ln_current_n'])}, {_percent(one['sigma_ln_current_p'])}",
                _percent(one["sigma_ln_ramp"]),
                _percent(one["nominal_accuracy"]),
                *(f"{_percent(one[f'yield_{side}'])} ({_interval(one, f'_{side}')})" for side in SIDES),
                f"{_count(int(one['clipped']), 'weight')} clipped" if one["clipped"] else "",
            )
        )
    return Table(
        "Designs: area against yield",
        (
            "Design",
            "Changes",
            "Synapse area (µm²)",
            "relative",
            "σ(ln I) N, P",
            "σ(ln r)",
            "Nominal accuracy",
            "Yield, as written",
            "Yield, trimmed",
            "Remarks",
        ),
        tuple(rows),
        frozenset({0, 1, 9}),
        note="Each characterised with its mismatch and trained anew. σ(ln I): of a synapse of weight 1; σ(ln r): of a neuron's ramp. "
        "Area: of all synapse pairs as they are drawn; relative to the experiment's own network. In brackets: 95 % intervals.",
    )


SIDES = ("as_written", "trimmed")


def calibration_table(chips: Sequence[Row]) -> Table:
    """What trimming took and what it gave, a column for each chip."""
    rows: list[tuple[str, ...]] = []

    def row(name: str, cell: Any) -> None:
        rows.append((name, *(cell(one) for one in chips)))

    row("measurements: currents of synapses", lambda one: str(one["current_measurements"]))
    row("measurements: spike times of a layer", lambda one: str(one["time_measurements"]))
    row("bias writes", lambda one: str(one["writes"]))
    row("time on the bench", lambda one: _time(one["seconds"]))
    row("bits that are kept", lambda one: str(one["bits"]))
    for name, told in (("bias_n", "N biases"), ("bias_p", "P biases"), ("trim", "discharger trims")):
        row(f"converter of {told}", lambda one, name=name: _converter(one["converters"][name]))
    row("error of the currents, rms", lambda one: quantity(one["current_error_rms"], "%", 2))
    row("synapses outside the tolerance", lambda one: str(one["open"]))
    row(
        "rows whose factor could not be measured",
        lambda one: str(one.get("gains_not_measured", "not recorded")),
    )
    row(
        "neurons without input fire at", lambda one: _span([t for layer in one["silent_norm"] for t in layer])
    )
    for side, told in zip(SIDES, ("as written", "trimmed"), strict=True):
        row(
            f"output spikes off the nominal chip's, {told}",
            lambda one, s=side: quantity(one["checks"][s]["off_nominal_rms_s"], "s", 3),
        )
    for side, told in zip(SIDES, ("as written", "trimmed"), strict=True):
        row(f"right in SPICE, {told}", lambda one, s=side: _right(one["checks"][s], one["samples"]))
    for side, told in zip(SIDES, ("as written", "trimmed"), strict=True):
        row(
            f"fast model against SPICE, {told}",
            lambda one, s=side: quantity(one["checks"][s]["fast_model_rmse_s"], "s", 3),
        )
    return Table(
        "Calibration",
        ("", *(f"Chip {one['chip']}{_on(one)}" for one in chips)),
        tuple(rows),
        note="Measured and simulated in SPICE, on the chip's own netlist. Time: what the measurements would take on a bench "
        "(calibration.current_s, calibration.time_s). Off the nominal chip's: rms over the spikes that both have.",
    )


def _on(found: Row) -> str:
    """The netlist that chips were drawn into; results from before it was recorded are those of the schematic, as most are."""
    kind = found.get("netlist", "schematic")
    return "" if kind == "schematic" else f", {kind} netlist"


def _converter(found: Row) -> str:
    step_V = (found["high_V"] - found["low_V"]) / (2 ** found["bits"] - 1)
    return (
        f"{found['low_V']:.3f} .. {found['high_V']:.3f} V, {found['bits']} bits of {quantity(step_V, 'V', 3)}"
    )


def _right(check: Row, samples: int) -> str:
    failed = f", {check['failed']} failed" if check["failed"] else ""
    return f"{check['right']} of {samples}{failed}"


def _span(values: Sequence[float | None]) -> str:
    seen = [value for value in values if value is not None]
    late = len(values) - len(seen)
    told = f"{min(seen):.4f} .. {max(seen):.4f} T_circ" if seen else NONE
    return told + (f", {late} not seen" if late else "")


def _time(seconds: float) -> str:
    return duration(seconds) if seconds >= 1.0 else quantity(seconds, "s", 3)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _percent(value: float | None) -> str:
    return quantity(value, "%", 3)


def _interval(row: Row, suffix: str = "") -> str:
    low, high = (f"{100 * row[f'{end}{suffix}']:.3g}" for end in ("low", "high"))
    return f"{low} .. {high} %"


def _interval_heading(summary: Row) -> str:
    return f"{100 * summary['as_written']['confidence']:g} % interval"
