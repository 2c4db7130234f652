"""The figures of a report with their captions: each caption states what the data of this run show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nonideal.characterize import plots
from nonideal.characterize.model import PhysicalModel
from nonideal.circuits.design import Timing
from nonideal.circuits.network.timeline import Timeline
from nonideal.report import figures, spike_figures
from nonideal.report.blocks import Picture
from nonideal.report.svg import inline_svg
from nonideal.report.units import quantity
from nonideal.report.waveform_figure import layers_of, waveforms
from nonideal.runs.results import REFERENCE, Results


def _picture(name: str, title: str, figure: Figure, caption: str) -> Picture:
    return Picture(name, title, inline_svg(figure, name, f"{title}. {caption}"), title, caption)


def characterization_pictures(model: PhysicalModel, curves: pd.DataFrame) -> list[Picture]:
    """Currents, their slopes, the discharger, the firing phase."""
    n, p = model.positive, model.negative
    part = curves[curves["bench"] == "firing"]
    firing_rms = model.provenance.get("firing_rms_s")
    departs = f", {quantity(float(firing_rms), 's', 2)} rms from the formula" if firing_rms else ""
    return [
        _picture(
            "iv-families", "Synaptic current against membrane potential", plots.iv_families(model, curves),
            "Currents are straight lines in V: within the shaded window the worst departs "
            f"{100 * n.linearity_rms:.2g} % (NMOS) and "
            f"{100 * p.linearity_rms:.2g} % (PMOS) rms. Relative to the reset level V₀ (dotted) they nearly "
            "share one slope λ, which is the "
            "non-ideality that the network is trained with. An ideal synapse would be flat.",
        ),
        _picture(
            "lambda-current", "The slope λ against the current", plots.lambda_against_current(model, curves),
            "λ is not quite one number: it falls as the current grows. One value per polarity, "
            f"{n.lambda_per_V.value:.3f} and "
            f"{p.lambda_per_V.value:.3f} per volt here, stands for currents up to weight 1; the polynomial "
            "follows to within "
            f"{n.lambda_polynomial_rms_per_V:.1g} and {p.lambda_polynomial_rms_per_V:.1g} per volt rms "
            "(weighted by the current).",
        ),
        _picture(
            "discharger", "The discharger's current", plots.discharger(model, curves),
            f"The source that ramps the membrane down while a neuron fires depends on V as well: λ_dis = "
            f"{model.lambda_dis_per_V.value:.4f} per volt at its calibrated bias of "
            f"{quantity(model.vdis_V, 'V')}.",
        ),
        _picture(
            "firing", "From membrane potential to spike time", plots.firing(model, curves),
            f"{len(part)} neurons set to known potentials fire at the times the model's formula "
            f"gives{departs}. "
            f"The full phase is {quantity(model.t_circ_s, 's')}.",
        ),
    ]  # fmt: skip


def training_picture(results: Results) -> Picture | None:
    """Loss and accuracy over the epochs."""
    if not results.metrics or results.training is None:
        return None
    ends = []
    for variant, row in results.variants.items():
        ends.append(f"{variant} {quantity(row['test_accuracy_median'], '%')}")
    return _picture(
        "training-curves", "Loss and accuracy by epoch", figures.training_curves(results.metrics),
        f"Median accuracy on held-out samples at the end: {', '.join(ends)}. Thin lines are single seeds.",
    )  # fmt: skip


def timeline_of(results: Results, depth: int) -> Timeline | None:
    """The experiment's phases for ``depth`` layers; None where no stage recorded the circuit."""
    circuit = results.setting("circuit")
    return (
        Timeline(Timing.model_validate(circuit["timing"]), depth) if circuit and "timing" in circuit else None
    )


def waveform_pictures(results: Results) -> list[Picture]:
    """The worst sample of each mapping; the reference comes last."""
    model = results.model
    if model is None:
        return []
    found = []
    for name in sorted(results.waveforms, key=lambda mapping: mapping == REFERENCE):
        table = results.waveforms[name]
        layers = layers_of(table)
        if not layers:
            continue
        figure = waveforms(table, model, timeline_of(results, max(layers)))
        sample = int(table["sample"].iloc[0])
        worst = _worst_ns(results.spikes, name, sample)
        reads = (
            f" Its worst output spike is {abs(worst):.2f} ns {'late' if worst > 0 else 'early'} in SPICE."
            if worst
            else ""
        )
        caption = (
            f"Test sample {sample}, the one with the largest output error of mapping {name}.{reads} Each "
            "membrane starts at V₀, "
            "accumulates while the layer before it spikes, and is then discharged until it crosses V_switch "
            "and spikes: "
            "the dashed line is what the model promised."
        )
        found.append(_picture(f"waveforms-{_slug(name)}", f"Worst sample, mapping {name}", figure, caption))
    return found


def _slug(name: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)


def _worst_ns(spikes: pd.DataFrame | None, mapping: str, sample: int) -> float:
    if spikes is None:
        return 0.0
    errors = spike_figures.errors_ns(spikes[spikes["sample"] == sample], mapping)
    return float(errors[np.abs(errors).argmax()]) if len(errors) else 0.0


def spike_pictures(results: Results) -> list[Picture]:
    """Histograms, scatter, and what the spikes decide."""
    validation, spikes = results.validation, results.spikes
    if validation is None or spikes is None:
        return []
    mappings = results.validated
    names = sorted(mappings, key=lambda mapping: mapping != REFERENCE)
    rmse = {n: (mappings[n].get("spike_time_rmse_s") or {}).get("output") for n in names}
    told = ", ".join(f"{n} {quantity(value, 's', 3)}" for n, value in rmse.items())
    unpaired = ", ".join(
        f"{n} {mappings[n]['missed_spikes']} missed and {mappings[n]['extra_spikes']} extra" for n in names
    )
    t_circ_s = float(validation["t_circ_s"])
    used = used_rmse_s(results)
    idle = ""
    if used is not None:
        told_used = ", ".join(f"{n} {quantity(used[n], 's', 3)}" for n in names)
        idle = (
            " Outputs that stand for no class are silent neurons: they fire as the phase ends, close to zero "
            f"error. Without them the RMSE is {told_used}."
        )
    found = [
        _picture(
            "error-histograms", "Errors of output spike times", spike_figures.error_histograms(spikes, rmse),
            f"RMSE of the output layer: {told}. Only spikes that both sides have are compared; the others "
            f"are counted over all layers: {unpaired}.{idle}",
        ),
        _picture(
            "scatter", "Spike times, model against SPICE", spike_figures.scatter(spikes, names, t_circ_s),
            "On the diagonal the circuit does what its model promised. Triangles at the edges, if any, are "
            "spikes that only one "
            "of the two has.",
        ),
    ]  # fmt: skip
    counts = _confusion(results, names, t_circ_s)
    if counts is not None:
        tables, classes = counts
        told = ", ".join(
            f"{n} {int(np.trace(t[:, : len(classes)]))} of {int(t.sum())}" for n, t in tables.items()
        )
        found.append(
            _picture(
                "confusion", "Decisions in SPICE", spike_figures.confusion(tables, classes),
                f"Correct in SPICE: {told}. The class whose output neuron fires first is the decision; "
                "samples without a spike or "
                "without a result count as neither.",
            )
        )  # fmt: skip
    return found


def _confusion(
    results: Results, names: list[str], t_circ_s: float
) -> tuple[dict[str, Any], list[str]] | None:
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
    return {name: results.validated[name].get("spike_time_rmse_used_outputs_s") for name in results.validated}


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
    told = (results.validation or {}).get("test_samples")
    if told is None:
        return None
    return np.array(told["label"], dtype=np.int64), [str(name) for name in told["classes"]]


def cost_pictures(validation: dict[str, Any]) -> list[Picture]:
    """The search for the current scale, and the energy."""
    mappings: dict[str, dict[str, Any]] = validation["mappings"]
    found = []
    if any(row.get("scale_search") for row in mappings.values()):
        found.append(
            _picture(
                "scale-search", "The current scale", figures.scale_search(mappings),
                "Before validation one common factor on all currents is fitted in SPICE on training samples, "
                "never on test samples: it takes up parasitics that training does not know. The factor is "
                "relative to the scale "
                "found on the model. Lines: the parabola through the lowest three squared errors; its "
                "minimum "
                "is dotted.",
            )
        )  # fmt: skip
    energies = {name: row.get("energy_per_inference_J") for name, row in mappings.items()}
    if any(value is not None for value in energies.values()):
        told = ", ".join(f"{name} {quantity(value, 'J', 3)}" for name, value in energies.items())
        found.append(
            _picture(
                "energy", "Energy", figures.energy(mappings),
                f"Drawn from the supplies for one inference, all phases, mean over the samples: {told}.",
            )
        )  # fmt: skip
    return found
