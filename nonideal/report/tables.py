"""The tables of a report: every cell comes from a file of the run directory."""

from __future__ import annotations

import math
from collections.abc import Callable

from nonideal.characterize.model import Estimate, PhysicalModel
from nonideal.pnn.scaling import Origin
from nonideal.postlayout.summary import CurrentScale, MappingSummary, ValidationSummary
from nonideal.report.table import Cell, Column, Table, numbers, states, words
from nonideal.report.units import NONE, quantity, with_error
from nonideal.runs.results import Results
from nonideal.runs.spec import State, Verdict
from nonideal.runs.summaries.training import TrainingSummary

PAPER = "arXiv:2412.09010"


def verdict_table(found: list[Verdict]) -> Table:
    """Parameter / Min / Typ / Max / Measured / Pass."""

    def limit(value: float | None, unit: str) -> str:
        return "" if value is None else quantity(value, unit, 3)

    rows = tuple(
        (
            v.parameter,
            limit(v.minimum, v.unit),
            limit(v.typical, v.unit),
            limit(v.maximum, v.unit),
            "" if v.state is State.not_run else quantity(v.measured, v.unit),
            v.state.value,
        )
        for v in found
    )
    return Table(
        title="",
        columns=(*words("Parameter"), *numbers("Min", "Typ", "Max", "Measured"), *states("Pass")),
        rows=rows,
        note=f"Typ: the value of the reference paper ({PAPER}); its spikes are of an extracted layout. "
        "A value that could not be measured is shown as none and does not pass.",
    )


def _derived(value: float, unit: str, *relative: float) -> Estimate:
    """A product of fitted values, with their relative standard errors in quadrature."""
    return Estimate(value=value, stderr=abs(value) * math.hypot(*relative), unit=unit)


def model_table(model: PhysicalModel) -> Table:
    """The physical model with standard errors, beside the paper's values."""

    def relative(estimate: Estimate) -> float:
        return estimate.stderr / abs(estimate.value) if estimate.value else 0.0

    v_th = Estimate(
        value=model.v_th_V, stderr=math.hypot(model.v_0_V.stderr, model.v_switch_V.stderr), unit="V"
    )
    rel_th = relative(v_th)
    n, p = model.positive.lambda_per_V, model.negative.lambda_per_V
    dis = model.lambda_dis_per_V
    reversal_n = _derived(1 / model.beta_positive, "1", relative(n), rel_th)
    reversal_p = _derived(1 / model.beta_negative, "1", relative(p), rel_th)
    unit = _derived(model.unit_current_A(), "A", relative(model.membrane_F), rel_th)
    vdis = Estimate(value=model.vdis_V, stderr=0, unit="V")
    c_m, per_pair, b = model.membrane_F, model.membrane_per_axon_F, model.discharge_norm
    rows: list[tuple[str, str, Estimate, float | None]] = [
        ("λ_N", "slope of a positive weight's current per volt, relative to the current at V₀", n, 0.41),
        ("λ_P", "the same of a negative weight's current", p, 0.75),
        ("λ_dis", "the same of the discharger's current", dis, 0.177),
        ("E_rev+", "reversal potential of positive weights, in V_th", reversal_n, 2.80),
        ("E_rev−", "reversal potential of negative weights, in V_th", reversal_p, -1.53),
        ("C_m", f"membrane capacitance, {model.axons} synapse pairs on the dendrite", c_m, 140e-15),
        ("C per pair", "what a further synapse pair adds to it", per_pair, None),
        ("V₀", "membrane potential after reset", model.v_0_V, 1.3),
        ("V_switch", "membrane potential at which the neuron fires", model.v_switch_V, 0.428),
        ("V_th", "threshold: V₀ − V_switch", v_th, 0.872),
        ("b", "curvature of the firing phase: V_th λ_dis, from spike times", b, 0.872 * 0.177),
        ("t_sense", "delay from the static threshold to the spike", model.sensing_delay_s, None),
        ("I_unit", "synaptic current of weight 1: C_m V_th / T_circ", unit, 122e-9),
        ("V_dis_b", "discharger's bias: a silent neuron fires as its phase ends", vdis, 0.554),
    ]
    cells = []
    for name, meaning, estimate, paper in rows:
        deviation = "" if paper is None else f"{100 * (estimate.value / paper - 1):+.1f} %"
        shown = with_error(estimate.value, estimate.stderr, estimate.unit)
        cells.append(
            (name, meaning, shown, "" if paper is None else quantity(paper, estimate.unit, 3), deviation)
        )
    low, high = model.valid_V
    return Table(
        title=f"Physical model: corner {model.corner}, {model.temperature_C:g} °C, V_dd {model.vdd_V:g} V",
        columns=(
            *words("Parameter", "What it is"),
            *numbers("Fitted ± standard error", "Paper", "Difference"),
        ),
        rows=tuple(cells),
        note=f"Lines fitted between {low:g} V and {high:g} V; largest rms departure from a line "
        f"{100 * model.positive.linearity_rms:.2g} % (NMOS), {100 * model.negative.linearity_rms:.2g} % "
        "(PMOS) of the "
        "current. A dendrite's current is the sum of its synapses' currents to within "
        f"{model.additivity_error:.1g}. "
        "The paper's C_m includes the parasitics of its layout.",
    )


def corner_table(results: Results) -> Table:
    """The models of all corners that were characterised, and their validation where it was run."""
    models = {} if results.model is None else {results.model.corner: (results.model, results.validation)}
    models |= {name: (m, results.corner_validations.get(name)) for name, m in results.corners.items()}
    rows: list[tuple[Cell, ...]] = []
    for name, (m, validation) in models.items():
        slopes = (m.positive.lambda_per_V, m.negative.lambda_per_V, m.lambda_dis_per_V)
        numbers_of = (m.membrane_F.value, m.v_th_V, m.unit_current_A(), m.vdis_V)
        mappings = {} if validation is None else validation.mappings
        found = [f"{k} {quantity(v.spike_time_rmse_s.output, 's', 3)}" for k, v in mappings.items()]
        told = (f"{slope.value:.4f} ± {slope.stderr:.4f}" for slope in slopes)
        rows.append((name, *told, *numbers_of, ", ".join(found) or "not run"))
    return Table(
        title="Corners",
        columns=(
            *words("Corner"),
            *numbers("λ_N (/V)", "λ_P (/V)", "λ_dis (/V)"),
            Column("C_m", unit="F"),
            Column("V_th", unit="V"),
            Column("Unit current", unit="A"),
            Column("V_dis_b", unit="V"),
            Column("Output RMSE"),
        ),
        rows=tuple(rows),
    )


def training_table(training: TrainingSummary) -> Table:
    """Accuracy by variant over its seeds."""
    rows = []
    for name, variant in training.variants.items():
        worst, best = variant.test_accuracy_span
        train = [seed.train_accuracy for seed in variant.seeds if seed.train_accuracy is not None]
        rows.append(
            (
                name,
                variant.test_accuracy_median,
                f"{quantity(worst, '%')} .. {quantity(best, '%')}",
                variant.test_accuracy_first_seed,
                f"{quantity(min(train), '%')} .. {quantity(max(train), '%')}" if train else NONE,
                ", ".join(str(seed.seed) for seed in variant.seeds),
            )
        )
    return Table(
        title=f"Accuracy on {training.test_samples} held-out samples of {training.data_set}",
        columns=(
            *words("Variant"),
            Column("Median of seeds", unit="%"),
            Column("Lowest .. highest"),
            Column("The one for silicon", unit="%"),
            Column("On training samples"),
            *words("Seeds"),
        ),
        rows=tuple(rows),
        note="The first seed goes to silicon; the others say how much the draw matters."
        + _data_told(training.data),
    )


def _data_told(data: Origin | None) -> str:
    """Which files and classes, and how features were scaled to 0 .. 1; nothing where it is not recorded."""
    if data is None:
        return ""
    scaling = data.scaling
    shown = [
        f"{name} {low:g} .. {high:g}"
        for name, low, high in zip(scaling.columns, scaling.low, scaling.high, strict=True)
    ]
    rest = f" and {len(shown) - 12} more" if len(shown) > 12 else ""
    files = "; ".join(f"{name} (SHA-256 {sha256[:12]})" for name, sha256 in data.files.items())
    clipped = data.clipped_test_values
    return (
        f" {'Data: ' + files + '. ' if files else ''}Classes, in the order of the outputs: {', '.join(data.classes[:20])}. "
        f"Features are scaled to 0 .. 1 ({scaling.method}) from {', '.join(shown[:12])}{rest}"
        f"{f'; {clipped} values of test samples lay outside and were moved to the end' if clipped else ''}."
    )


def writeback_table(results: Results) -> Table:
    """What became of the weights."""
    rows = []
    for name, table in results.mappings.items():
        current = table["current_A"].abs()
        used = current[current > 0]
        clipped = int(table["clipped"].astype(bool).sum()) if "clipped" in table else 0
        rows.append(
            (
                name,
                len(table),
                f"{quantity(float(table['weight'].min()), '', 3)} .. "
                f"{quantity(float(table['weight'].max()), '', 3)}",
                f"{quantity(float(used.min()), 'A', 3)} .. {quantity(float(used.max()), 'A', 3)}"
                if len(used)
                else NONE,
                clipped,
                int((current == 0).sum()),
            )
        )
    return Table(
        title="Weights as currents",
        columns=(*words("Mapping"), *numbers("Synapses", "Weights", "Currents", "Clipped", "Off")),
        rows=tuple(rows),
        note="Clipped: weights above the largest current, set to it. Off: weights below its smallest.",
    )


def mapping_table(
    validation: ValidationSummary,
    used_rmse_s: dict[str, float | None] | None = None,
    output_unpaired: dict[str, dict[str, int]] | None = None,
) -> Table:
    """Statistics by mapping; spikes and samples that cannot be compared are counted, never averaged.

    ``used_rmse_s`` is the RMSE of the outputs that stand for a class, where the network has more; ``output_unpaired``
    the output layer's ``missed`` and ``extra`` spikes.
    """
    mappings = validation.mappings
    rows: list[tuple[Cell, ...]] = []

    def row(title: str, cell: Callable[[MappingSummary], Cell]) -> None:
        rows.append((title, *(cell(m) for m in mappings.values())))

    row("RMSE, output layer", lambda m: _time(m.spike_time_rmse_s.output))
    row("RMSE, hidden layers", lambda m: _time(m.spike_time_rmse_s.hidden))
    row("largest error, output layer", lambda m: _time(m.spike_time_max_error_s.output))
    row("largest error, hidden layers", lambda m: _time(m.spike_time_max_error_s.hidden))
    row("mean error, output layer", lambda m: _time(m.spike_time_mean_error_s.output))
    row("mean error, hidden layers", lambda m: _time(m.spike_time_mean_error_s.hidden))
    if used_rmse_s:
        used = ("RMSE, outputs that stand for a class", *(quantity(used_rmse_s[m], "s", 3) for m in mappings))
        rows.insert(1, used)
    if validation.beside_schematic:
        beside = [validation.beside_schematic.get(name) for name in mappings]
        rmse_s = [None if one is None else one.spike_time_rmse_s.output for one in beside]
        scales = [None if one is None else one.current_scale for one in beside]
        rows.append(("RMSE, output layer, on the schematic netlist", *map(_time, rmse_s)))
        rows.append(("factor on currents, on the schematic netlist", *map(_scale, scales)))
    row(
        "spikes compared, output / hidden",
        lambda m: f"{_count(m.spike_pairs.output)} / {_count(m.spike_pairs.hidden)}",
    )
    unpaired = (
        ("missed", "model", lambda m: m.missed_spikes),
        ("extra", "SPICE", lambda m: m.extra_spikes),
    )
    for kind, side, counted in unpaired:
        row(f"{kind} spikes ({side} only), all layers", counted)
        if output_unpaired:
            counts = (str(output_unpaired[name][kind]) for name in mappings)
            rows.append((f"of these in the output layer, {kind}", *counts))
    row("samples without a result", lambda m: m.failed_samples)
    row("accuracy in the model", lambda m: quantity(m.accuracy_model, "%"))
    row("accuracy in SPICE", lambda m: quantity(m.accuracy_spice, "%"))
    row("factor on positive / negative currents", lambda m: _scale(m.current_scale))
    row("clipped weights", lambda m: m.clipped_weights)
    if any(m.cut_error is not None for m in mappings.values()):
        row(
            "columns against the whole network, largest difference, one sample",
            lambda m: NONE if m.cut_error is None else _time(m.cut_error.max_s),
        )
    row("energy per inference", lambda m: quantity(m.energy_per_inference_J, "J"))
    floor = quantity(validation.numerical_floor_s, "s", 3)
    return Table(
        title=f"By mapping: {validation.samples} test samples, {validation.netlist} netlist"
        + (", column by column" if validation.simulated == "columns" else ""),
        columns=(*words(""), *numbers(*mappings)),
        rows=tuple(rows),
        note=f"Numerical floor {floor}: how far spike times move when the simulator's "
        f"step and tolerances are halved. CPU time {quantity(validation.seconds_per_sample, 's', 3)} a "
        "sample.",
    )


def _time(value_s: float | None) -> str:
    return quantity(value_s, "s", 3)


def _count(value: int | None) -> str:
    return NONE if value is None else str(value)


def _scale(scale: CurrentScale | None) -> str:
    return NONE if scale is None else f"{scale.positive:.4f} / {scale.negative:.4f}"


def failed_table(results: Results) -> Table:
    """Samples without a result, by name, with the log to read."""
    return Table(
        title="Samples without a result",
        columns=(*words("Mapping"), *numbers("Test sample"), *words("Log", "Its last line")),
        rows=tuple((f.mapping, str(f.sample), f"`{f.log}`", f.last_words) for f in results.failed),
        note="These enter no number, and nothing stands in for them. The same command tries them again.",
    )


def retry_table(results: Results) -> Table:
    """Decks that needed the ladder."""
    lost = {f"{f.mapping}_{f.sample:04d}" for f in results.failed}
    return Table(
        title="",
        columns=words("Stage", "Deck", "Rungs tried after the deck as given", "Ended"),
        rows=tuple(
            (
                r.stage,
                f"`{r.deck}`",
                " → ".join(r.rungs),
                "without a result" if r.deck in lost else "with a result",
            )
            for r in results.retries
        ),
        note="Every attempt lies in the stage's folder decks/ as <deck>+<rung>.cir, with its log.",
    )
