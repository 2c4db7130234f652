"""Yields, spot checks, designs and calibrations as tables, for the terminal and for the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nonideal.chips.spot_summary import SpotSummary
from nonideal.report.table import Cell, Column, Table, numbers, words
from nonideal.report.units import NONE, duration, quantity
from nonideal.runs.summaries.chips import (
    SIDES,
    CalibrationSummary,
    ChipCheck,
    CodesTrim,
    ConverterSummary,
    DacSummary,
    DesignSummary,
    PopulationSummary,
    YieldSummary,
)


def yield_table(summary: YieldSummary) -> Table:
    """Accuracy over the chips and the share of good ones: as written, and trimmed by converters of so many bits."""
    trimmed = {row.bits: row for row in (*summary.by_bits, summary.trimmed)}
    rows: list[tuple[str, PopulationSummary]] = [("as written", summary.as_written)]
    rows += [(f"trimmed, {bits} bits", trimmed[bits]) for bits in sorted(trimmed)]
    least = summary.nominal_accuracy - summary.accuracy_loss_max
    seeds = f"{summary.first_chip} .. {summary.first_chip + summary.chips - 1}"
    confidence = summary.as_written.confidence
    return Table(
        f"Yield of {summary.mapping}: {summary.chips} chips, corner {summary.corner}{_on(summary.netlist)}",
        (
            *words("Biases"),
            *numbers("Accuracy: min", "typ", "max", unit="%", digits=3),
            Column("Good chips"),
            Column("Yield", unit="%", digits=3),
            Column("Interval" if confidence is None else f"{100 * confidence:g} % interval"),
        ),
        tuple(
            (
                name,
                *(row.accuracy_min, row.accuracy_typ, row.accuracy_max),
                f"{row.passed} of {row.chips}",
                row.share,
                _interval(row),
            )
            for name, row in rows
        ),
        note=f"Fast model, chips {seeds}, {summary.samples} held-out samples each; typ: the median chip. The nominal chip classifies "
        f"{_percent(summary.nominal_accuracy)} right; a chip is good that loses at most {_percent(summary.accuracy_loss_max)} of that: "
        f"from {_percent(least)} on. Interval: Wilson's.",
    )


def under_noise_table(summary: YieldSummary) -> Table:
    """The same chips without and under the circuit's own noise; no rows where it was not measured."""
    rows: list[tuple[Cell, ...]] = []
    for name, quiet, noisy in (
        ("as written", summary.as_written, summary.noisy_as_written),
        (f"trimmed, {summary.trimmed.bits} bits", summary.trimmed, summary.noisy_trimmed),
    ):
        if noisy is not None:
            good = (f"{_percent(one.share)} ({_interval(one)})" for one in (quiet, noisy))
            rows.append((name, _mean(quiet), _mean(noisy), *good))
    headings = (
        "Mean accuracy without noise",
        "Mean accuracy under it",
        "Yield without noise",
        "Yield under it",
    )
    return Table(
        "Chips under the circuit's own noise",
        (*words("Biases"), *numbers(*headings)),
        tuple(rows),
        note=f"The same {summary.chips} chips; under noise a chip's accuracy is the mean over {summary.noise_draws} draws of it for each sample, "
        "in closed form, its devices being as noisy as the nominal ones. In brackets: 95 % intervals, of the mean over chips and of the yield.",
    )


def _mean(one: PopulationSummary) -> str:
    if one.accuracy_mean is None or one.accuracy_mean_half is None:
        return _percent(one.accuracy_mean)
    low, high = (quantity(one.accuracy_mean + sign * one.accuracy_mean_half, "%", 4) for sign in (-1, 1))
    return f"{quantity(one.accuracy_mean, '%', 4)} ({low} .. {high})"


def yield_tables(summary: YieldSummary) -> tuple[Table, ...]:
    """The yield, with the spot checks and the designs where there are any."""
    return (
        yield_table(summary),
        *((under_noise_table(summary),) if summary.noisy_as_written is not None else ()),
        *((spot_table(summary.spice),) if summary.spice is not None else ()),
        *((designs_table(summary.designs),) if summary.designs else ()),
    )


def spot_table(spice: SpotSummary) -> Table:
    """Chips that were simulated, against what the fast model says of these very chips."""
    rows: list[tuple[Cell, ...]] = []
    for layer, found in spice.layers.items():
        there, told = found.spread_spice_s, found.spread_model_s
        rows.append(
            (
                layer,
                *(found.rmse_s, found.median_error_s, there, told),
                NONE if not there or told is None else f"{told / there:.3f}",
                found.pairs,
                f"{found.missed} / {found.extra}",
            )
        )
    failed = spice.failed_chips
    return Table(
        f"The fast model against SPICE: {spice.chips} chips, {spice.samples} samples each{_on(spice.netlist)}",
        (
            *words("Layer"),
            *numbers("RMSE", "Median error", "Spread in SPICE", "in the model", unit="s", digits=3),
            *numbers("Ratio", "Spikes", "missed / extra"),
        ),
        tuple(rows),
        note="Spread: standard deviation over chips of the same neuron's spike on the same sample, where three chips or more have it; "
        f"ratio: the model's over SPICE's. {_decisions(spice.decisions_differ)} "
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


def _first_failure(spice: SpotSummary) -> str:
    """What went wrong first, and where to look; summaries from before it was kept say nothing."""
    first = next(iter(spice.failures), None)
    return "" if first is None else f"First: {first.name}: {first.message} (log in {first.folder})"


def designs_table(designs: Sequence[DesignSummary]) -> Table:
    """Designs by what they cost and what they yield; one that could not be has its reason."""
    return Table(
        "Designs: area against yield",
        (
            *words("Design", "Changes"),
            *numbers("Synapse area (µm²)", "relative", "σ(ln I) N, P"),
            *numbers("σ(ln r)", "Nominal accuracy", unit="%", digits=3),
            *numbers("Yield, as written", "Yield, trimmed"),
            *words("Remarks"),
        ),
        tuple(map(_design, designs)),
        note="Each characterised with its mismatch and trained anew. σ(ln I): of a synapse of weight 1; σ(ln r): of a neuron's ramp. "
        "Area: of all synapse pairs as they are drawn; relative to the experiment's own network. In brackets: 95 % intervals.",
    )


def _design(one: DesignSummary) -> tuple[Cell, ...]:
    name = (one.name, one.overrides or "as it is")
    populations = [one.population(side) for side in SIDES]
    if None in populations:
        return (*name, *[NONE] * 7, one.problem or "")
    return (
        *name,
        NONE if one.synapse_area_um2 is None else f"{one.synapse_area_um2:.0f}",
        NONE if one.area_ratio is None else f"{one.area_ratio:.2f}",
        f"{_percent(one.sigma_ln_current_n)}, {_percent(one.sigma_ln_current_p)}",
        one.sigma_ln_ramp,
        one.nominal_accuracy,
        *(f"{_percent(found.share)} ({_interval(found)})" for found in populations if found is not None),
        f"{_count(one.clipped, 'weight')} clipped" if one.clipped else "",
    )


def calibration_table(chips: Sequence[CalibrationSummary]) -> Table:
    """What trimming took and what it gave, a column for each chip."""
    rows: list[tuple[Cell, ...]] = []

    def row(name: str, cell: Callable[[CalibrationSummary], Cell]) -> None:
        rows.append((name, *map(cell, chips)))

    coded = any(one.codes is not None for one in chips)
    if not coded:
        row("measurements: currents of synapses", lambda one: one.current_measurements)
    row("measurements: spike times of a layer", lambda one: one.time_measurements)
    row("codes written" if coded else "bias writes", lambda one: one.writes)
    row("time on the bench", lambda one: _time(one.seconds))
    row("bits that are kept", lambda one: one.bits)
    if coded:
        _rows_of_codes(row)
    else:
        _rows_of_biases(row)

    def both(name: str, cell: Callable[[ChipCheck, CalibrationSummary], str]) -> None:
        row(f"{name}, as written", lambda one: cell(one.checks.as_written, one))
        row(f"{name}, trimmed", lambda one: cell(one.checks.trimmed, one))

    both("output spikes off the nominal chip's", lambda check, one: quantity(check.off_nominal_rms_s, "s", 3))
    both("right in SPICE", lambda check, one: _right(check, one.samples))
    both("fast model against SPICE", lambda check, one: quantity(check.fast_model_rmse_s, "s", 3))
    return Table(
        "Calibration",
        (*words(""), *numbers(*(f"Chip {one.chip}{_on(one.netlist)}" for one in chips))),
        tuple(rows),
        note="Measured and simulated in SPICE, on the chip's own netlist. Time: what the measurements would take on a bench "
        "(calibration.current_s, calibration.time_s). Off the nominal chip's: rms over the spikes that both have.",
    )


def _rows_of_biases(row: Callable[[str, Callable[[CalibrationSummary], Cell]], None]) -> None:
    """Of chips whose biases are trimmed by converters."""

    def converter(name: str, which: Callable[[ConverterSummary], DacSummary]) -> None:
        row(
            f"converter of {name}",
            lambda one: NONE if one.converters is None else _converter(which(one.converters)),
        )

    converter("N biases", lambda found: found.bias_n)
    converter("P biases", lambda found: found.bias_p)
    converter("discharger trims", lambda found: found.trim)
    row("error of the currents, rms", lambda one: quantity(one.current_error_rms, "%", 2))
    row("synapses outside the tolerance", lambda one: one.open)
    row(
        "rows whose factor could not be measured",
        lambda one: "not recorded" if one.gains_not_measured is None else one.gains_not_measured,
    )
    row("neurons without input fire at", lambda one: _span([t for layer in one.silent_norm for t in layer]))


def _rows_of_codes(row: Callable[[str, Callable[[CalibrationSummary], Cell]], None]) -> None:
    """Of chips of codes, measured by inferences."""

    def of(name: str, cell: Callable[[CodesTrim], Cell]) -> None:
        row(name, lambda one: NONE if one.codes is None else cell(one.codes))

    of("spikes that told something", lambda found: found.spikes)
    of("what the measured chip leaves of them, rms", lambda found: quantity(found.residual_s, "s", 3))
    of("codes that are others", lambda found: found.changed)
    of("ramps, against before", lambda found: f"x {found.common_ratio:.3f}")
    of(
        "gate lines, N / P by layer",
        lambda found: ", ".join(f"x {layer['n']:.3f} / {layer['p']:.3f}" for layer in found.lines),
    )


def _on(netlist: str | None) -> str:
    """The netlist that chips were drawn into; results from before it was recorded are those of the schematic, as most are."""
    return "" if netlist in (None, "schematic") else f", {netlist} netlist"


def _converter(found: DacSummary) -> str:
    return f"{found.low_V:.3f} .. {found.high_V:.3f} V, {found.bits} bits of {quantity(found.step_V, 'V', 3)}"


def _right(check: ChipCheck, samples: int) -> str:
    failed = f", {check.failed} failed" if check.failed else ""
    return f"{check.right} of {samples}{failed}"


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


def _interval(row: PopulationSummary) -> str:
    return f"{100 * row.low:.3g} .. {100 * row.high:.3g} %"
