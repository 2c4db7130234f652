"""The charts of a report with their captions: each caption states what the data of this run show."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nonideal.characterize.model import PhysicalModel
from nonideal.circuits.design import Timing
from nonideal.circuits.network.timeline import Timeline
from nonideal.postlayout.summary import ValidationSummary
from nonideal.report import spike_figures
from nonideal.report.blocks import Panel
from nonideal.report.cost_panels import energy_panel, scale_panel
from nonideal.report.curve_panels import discharger_panel, firing_panel, iv_panel, lambda_panel
from nonideal.report.decision_panel import decision_panel
from nonideal.report.spike_panel import spike_panel
from nonideal.report.training_panel import training_panel
from nonideal.report.units import quantity
from nonideal.report.waveform_figure import layers_of
from nonideal.report.waveform_panel import waveform_panel
from nonideal.runs.results import REFERENCE, Results

FEW_SAMPLES = 20
"""Below this, statistics of a validation come with a caution."""


def few_samples(results: Results) -> int | None:
    """How many samples a validation has, where they are few."""
    samples = None if results.validation is None else results.validation.samples
    return samples if samples is not None and samples < FEW_SAMPLES else None


def characterization_panels(model: PhysicalModel, curves: pd.DataFrame) -> list[Panel]:
    """Currents, their slopes, the discharger, the firing phase."""
    n, p = model.positive, model.negative
    part = curves[curves["bench"] == "firing"]
    firing_rms = model.provenance.get("firing_rms_s")
    departs = f", {quantity(float(firing_rms), 's', 2)} rms from the formula" if firing_rms else ""
    return [
        iv_panel(
            model, curves,
            "Currents are straight lines in V: within the shaded window the worst departs "
            f"{100 * n.linearity_rms:.2g} % (NMOS) and "
            f"{100 * p.linearity_rms:.2g} % (PMOS) rms. Relative to the reset level V₀ (dotted) they nearly "
            "share one slope λ, which is the "
            "non-ideality that the network is trained with. An ideal synapse would be flat.",
        ),
        lambda_panel(
            model, curves,
            "λ is not quite one number: it falls as the current grows. One value per polarity, "
            f"{n.lambda_per_V.value:.3f} and "
            f"{p.lambda_per_V.value:.3f} per volt here, stands for currents up to weight 1; the polynomial "
            "follows to within "
            f"{n.lambda_polynomial_rms_per_V:.1g} and {p.lambda_polynomial_rms_per_V:.1g} per volt rms "
            "(weighted by the current).",
        ),
        discharger_panel(
            model, curves,
            f"The source that ramps the membrane down while a neuron fires depends on V as well: λ_dis = "
            f"{model.lambda_dis_per_V.value:.4f} per volt at its calibrated bias of "
            f"{quantity(model.vdis_V, 'V')}.",
        ),
        firing_panel(
            model, curves,
            f"{len(part)} neurons set to known potentials fire at the times the model's formula "
            f"gives{departs}. "
            f"The full phase is {quantity(model.t_circ_s, 's')}.",
        ),
    ]  # fmt: skip


def training_panel_of(results: Results) -> Panel | None:
    """Loss and accuracy over the epochs."""
    if not results.metrics or results.training is None:
        return None
    ends = []
    for variant, row in results.variants.items():
        ends.append(f"{variant} {quantity(row.test_accuracy_median, '%')}")
    return training_panel(
        results.metrics,
        f"Median accuracy on held-out samples at the end: {', '.join(ends)}. Thin lines are single seeds.",
    )  # fmt: skip


def timeline_of(results: Results, depth: int) -> Timeline | None:
    """The experiment's phases for ``depth`` layers; None where no stage recorded the circuit."""
    circuit = results.setting("circuit")
    return (
        Timeline(Timing.model_validate(circuit["timing"]), depth) if circuit and "timing" in circuit else None
    )


def waveform_panels(results: Results) -> list[Panel]:
    """The worst sample of each mapping; the reference comes last."""
    model = results.model
    if model is None:
        return []
    names = sorted(results.waveforms, key=lambda mapping: mapping == REFERENCE)
    tables = {name: results.waveforms[name] for name in names}
    depth = max((layer for table in tables.values() for layer in layers_of(table)), default=0)
    worst = []
    for name, table in tables.items():
        error_ns = _worst_ns(results.spikes, name, int(table["sample"].iloc[0])) if len(table) else 0.0
        if error_ns:
            worst.append(f"{name} {abs(error_ns):.2f} ns {'late' if error_ns > 0 else 'early'}")
    reads = f" Its worst output spike in SPICE: {', '.join(worst)}." if worst else ""
    caption = (
        f"The test sample with the largest output error of each mapping.{reads} Each membrane starts at V₀, accumulates while the layer "
        "before it spikes, and is then discharged until it crosses V_switch and spikes. Colours: SPICE; dashed: what the model promised."
    )
    found = waveform_panel(tables, model, timeline_of(results, depth) if depth else None, caption)
    return [] if found is None else [found]


def _worst_ns(spikes: pd.DataFrame | None, mapping: str, sample: int) -> float:
    if spikes is None:
        return 0.0
    errors = spike_figures.errors_ns(spikes[spikes["sample"] == sample], mapping)
    return float(errors[np.abs(errors).argmax()]) if len(errors) else 0.0


def spike_panels(results: Results) -> list[Panel]:
    """Histograms, scatter, and what the spikes decide."""
    validation, spikes = results.validation, results.spikes
    if validation is None or validation.t_circ_s is None or spikes is None:
        return []
    mappings = results.validated
    names = sorted(mappings, key=lambda mapping: mapping != REFERENCE)
    rmse = {n: mappings[n].spike_time_rmse_s.output for n in names}
    told = ", ".join(f"{n} {quantity(value, 's', 3)}" for n, value in rmse.items())
    unpaired = ", ".join(
        f"{n} {mappings[n].missed_spikes} missed and {mappings[n].extra_spikes} extra" for n in names
    )
    t_circ_s = validation.t_circ_s
    used = used_rmse_s(results)
    idle = ""
    if used is not None:
        told_used = ", ".join(f"{n} {quantity(used[n], 's', 3)}" for n in names)
        idle = (
            " Outputs that stand for no class are silent neurons: they fire as the phase ends, close to zero "
            f"error. Without them the RMSE is {told_used}."
        )
    labelled = _labels(results)
    found = [
        spike_panel(
            spikes, names, t_circ_s, _classes_of_samples(labelled),
            f"RMSE of the output layer: {told}. On the diagonal the circuit does what its model promised; only spikes that both sides have "
            f"are compared, the others (triangles at the edges) are counted over all layers: {unpaired}.{idle} "
            "Choose a layer, a neuron or a sample; a click on a spike chooses its sample. Every histogram has its own scale.",
        )
    ]  # fmt: skip
    counts = _confusion(results, names, t_circ_s)
    if counts is not None:
        tables, classes = counts
        told = ", ".join(
            f"{n} {int(np.trace(t[:, : len(classes)]))} of {int(t.sum())}" for n, t in tables.items()
        )
        found.append(
            decision_panel(
                tables, classes,
                f"Correct in SPICE: {told}. The class whose output neuron fires first is the decision; "
                "samples without a spike or without a result count as neither.",
            )
        )  # fmt: skip
    return found


def _classes_of_samples(labelled: tuple[NDArray[np.int64], list[str]] | None) -> list[str] | None:
    """The name of every sample's class."""
    return None if labelled is None else [labelled[1][int(k)] for k in labelled[0]]


def _confusion(
    results: Results, names: list[str], t_circ_s: float
) -> tuple[dict[str, spike_figures.Array], list[str]] | None:
    """Counts by mapping and the names of the classes; None where the data set is not recorded."""
    labelled = _labels(results)
    if labelled is None or results.spikes is None:
        return None
    labels, classes = labelled
    counts = {}
    for name in names:
        decided = spike_figures.decisions(results.spikes, name, len(classes), t_circ_s)
        counts[name] = spike_figures.confusion_counts(decided, labels, len(classes))
    return counts, classes


def used_rmse_s(results: Results) -> dict[str, float | None] | None:
    """By mapping the RMSE of the outputs that stand for a class; None where all do, or where it is not known."""
    labelled = _labels(results)
    if labelled is None or results.validation is None or results.spikes is None:
        return None
    classes = len(labelled[1])
    if int(spike_figures.output_spikes(results.spikes)["neuron"].max()) < classes:
        return None
    return {name: results.validated[name].spike_time_rmse_used_outputs_s for name in results.validated}


def output_unpaired(results: Results) -> dict[str, dict[str, int]] | None:
    """By mapping how many of the output layer's spikes only the model has (``missed``), and only SPICE (``extra``)."""
    if results.validation is None or results.spikes is None:
        return None
    table = spike_figures.output_spikes(results.spikes)
    return {
        name: {
            kind: int(((table["mapping"] == name) & (table["kind"] == kind)).sum())
            for kind in ("missed", "extra")
        }
        for name in results.validated
    }


def _labels(results: Results) -> tuple[NDArray[np.int64], list[str]] | None:
    """True classes of the samples that were validated, and the classes' names, as the validation recorded them."""
    told = None if results.validation is None else results.validation.test_samples
    return None if told is None else (np.array(told.label, dtype=np.int64), list(told.classes))


def cost_panels(validation: ValidationSummary) -> list[Panel]:
    """The search for the current scale, and the energy."""
    mappings = validation.mappings
    found = []
    if any(row.scale_search for row in mappings.values()):
        found.append(
            scale_panel(
                mappings,
                "Before validation one common factor on all currents is fitted in SPICE on training samples, "
                "never on test samples: it takes up parasitics that training does not know. The factor is "
                "relative to the scale "
                "found on the model. Lines: the parabola through the lowest three squared errors; its "
                "minimum "
                "is dotted.",
            )
        )  # fmt: skip
    energies = {name: row.energy_per_inference_J for name, row in mappings.items()}
    if any(value is not None for value in energies.values()):
        told = ", ".join(f"{name} {quantity(value, 'J', 3)}" for name, value in energies.items())
        found.append(
            energy_panel(
                mappings,
                f"Drawn from the supplies for one inference, all phases, mean over the samples: {told}.",
            )
        )  # fmt: skip
    return found
