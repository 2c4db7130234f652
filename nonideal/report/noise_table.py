"""Noise as tables, for the terminal and for the report: jitter by layer and part, noisy simulations beside the closed form, accuracy."""

from __future__ import annotations

from nonideal.report.table import Cell, Column, Table, numbers, words
from nonideal.report.units import quantity
from nonideal.runs.summaries.noise import LayerJitterSummary, NoiseSummary, NoisyNeuron

PARTS = {
    "synapses_white_n": "white noise of synapses, positive weights",
    "synapses_white_p": "white noise of synapses, negative weights",
    "synapses_flicker_n": "flicker of synapses, positive weights",
    "synapses_flicker_p": "flicker of synapses, negative weights",
    "switches": "reset and isolation switches, kT/C",
    "ramp_white": "white noise of the discharger",
    "ramp_flicker": "flicker of the discharger",
    "sensing_white": "white noise of sensing stage and driver",
    "sensing_flicker": "flicker of sensing stage and driver",
    "inherited": "jitter of the spikes it was made from",
}
"""Parts of a spike's variance, in words."""


def noise_tables(summary: NoiseSummary) -> tuple[Table, ...]:
    """All of them; without those of what was not simulated."""
    found = (jitter_table(summary), part_table(summary), simulation_table(summary), _accuracy(summary))
    return tuple(table for table in found if table.rows)


def jitter_table(summary: NoiseSummary) -> Table:
    """Standard deviations of spike times by layer."""
    rows: list[tuple[Cell, ...]] = [
        (_named(summary, one), one.spikes, one.min_s, one.typ_s, one.max_s, one.rms_s)
        for one in summary.layers
    ]
    told = "; ".join(
        f"from {quantity(one.low_corner_Hz, 'Hz', 3)} {quantity(one.output_rms_s, 's', 3)}"
        for one in summary.corners
    )
    return Table(
        "Jitter of a spike by the circuit's own noise",
        (*words("Layer"), Column("Spikes"), *numbers("Min", "Typ", "Max", "rms", unit="s", digits=3)),
        tuple(rows),
        note=f"Standard deviation of a spike time, in closed form, over {summary.samples} held-out samples; flicker noise from "
        f"{quantity(summary.low_corner_Hz, 'Hz', 3)} on, every device taken to be on for ever. Of output spikes by that corner, rms: {told}.",
    )


def _named(summary: NoiseSummary, one: LayerJitterSummary) -> str:
    return "output" if one.layer == len(summary.layers) else f"hidden {one.layer}"


def part_table(summary: NoiseSummary) -> Table:
    """What jitter is made of, by layer."""
    names = list(dict.fromkeys(name for one in summary.layers for name in one.parts_s))
    rows: list[tuple[Cell, ...]] = [
        (PARTS.get(name, name), *(one.parts_s.get(name) for one in summary.layers)) for name in names
    ]
    rows.append(("all, in quadrature", *(one.rms_s for one in summary.layers)))
    headings = [f"{_named(summary, one).capitalize()}" for one in summary.layers]
    return Table(
        "What jitter is made of",
        (*words("Part"), *numbers(*headings, unit="s", digits=3)),
        tuple(rows),
        note="Rms over the spikes. White noise of a synapse of weight 1 by the PDK's models, beside 2 q I: "
        f"{summary.shot_ratio_N:.2f} (N), {summary.shot_ratio_P:.2f} (P). A silent synapse has {100 * summary.silent_part:.2g} % of it.",
    )


def simulation_table(summary: NoiseSummary) -> Table:
    """Noisy simulations beside the closed form."""
    rows = [("column", one) for one in summary.column] + [("network", one) for one in summary.network]
    return Table(
        "Simulations with noise beside the closed form",
        (
            *words("Of"), Column("Layer"), Column("Neuron"), Column("Runs"),
            *numbers("Spike", "σ in SPICE", "± (1 σ)", "σ, closed form", unit="s", digits=3),
            *words("Ratio", "Skewness", "Excess kurtosis"),
        ),
        tuple(_row(what, one) for what, one in rows),
        note=f"Held-out sample {summary.sample}, seed {summary.seed}: a source of its own spectrum beside every FET. Ratio: SPICE over closed form. "
        "A normal distribution has skewness and excess kurtosis 0; ± is one standard error.",
    )  # fmt: skip


def _row(what: str, one: NoisyNeuron) -> tuple[Cell, ...]:
    return (
        what, one.layer, one.neuron, one.runs, one.quiet_s, one.sigma_s, one.sigma_stderr_s, one.closed_form_s,
        f"{one.sigma_s / one.closed_form_s:.3f} ± {one.sigma_stderr_s / one.closed_form_s:.3f}",
        f"{one.skewness:+.2f} ± {one.skewness_stderr:.2f}", f"{one.excess_kurtosis:+.2f} ± {one.kurtosis_stderr:.2f}",
    )  # fmt: skip


def _accuracy(summary: NoiseSummary) -> Table:
    found = summary.accuracy
    return Table(
        "Accuracy under noise",
        (
            *numbers(
                "Without noise", "Under noise", "From", "To", "Other samples, from", "To ", unit="%", digits=3
            ),
        ),
        ((found.quiet, found.mean, found.low, found.high, found.samples_low, found.samples_high),),
        note=f"Fast model, {summary.samples} held-out samples, {found.draws} draws of noise each. From, to: 95 % interval of the mean on these "
        "samples; other samples: of as many others (Wilson).",
    )
