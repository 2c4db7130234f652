"""A mapping in SPICE: its network on every test sample, each spike held against the model's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nonideal.circuits.network.inference import Inference, samples
from nonideal.circuits.network.pins import pins_table
from nonideal.circuits.network.testbench import Biases, Circuit
from nonideal.files import write_csv
from nonideal.postlayout.comparison import spike_table
from nonideal.postlayout.errors import SamplesFailed
from nonideal.postlayout.fitting import scale_of
from nonideal.postlayout.prediction import decide, unclipped_times
from nonideal.postlayout.runner import Runner
from nonideal.postlayout.scale import Scale
from nonideal.postlayout.summary import CutDifference, MappingSummary, mapping_summary
from nonideal.postlayout.waveforms import save_waveforms
from nonideal.spice import Failure

Array = NDArray[np.float64]
FLOOR_SAMPLES = 4
FLOOR_SYNAPSES_MAX, FLOOR_NEURONS = 5000, 4
"""Of a network of more, the numerical floor is measured on so many neurons: a finer simulation takes two to three times as long."""
WHOLE_SYNAPSES_MAX = 150
"""A network of more is not simulated whole beside its columns: 150 pairs take a minute."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Every spike of a mapping and its numbers; what came of it beside them, where its samples ran.

    ``pins``: the file of all pins with what drives them, of the circuit and biases that were simulated.
    """

    spikes: pd.DataFrame
    numbers: MappingSummary
    failed: int
    scale: Scale | None = None
    cpu_s: tuple[float, ...] = ()
    waveforms: tuple[Path, ...] = ()
    floor_s: float = float("nan")
    pins: Path | None = None


def try_mapping(runner: Runner, mapping: str, circuit: Circuit) -> Trial:
    """Simulate every test sample. All of them are failed where no scale was found or none gave a result."""
    plan, say = runner.plan, runner.say
    t_circ_s, classes = plan.model.t_circ_s, plan.dataset.classes
    inputs, labels = plan.inputs, plan.labels
    network = plan.networks[mapping]
    promised = [layer * t_circ_s for layer in unclipped_times(network, inputs)]
    accuracy_model = float(np.mean(decide(promised[-1] / t_circ_s, classes) == labels))

    pins: Path | None = None

    def nothing(scale: Scale | None, clipped: int | None) -> Trial:
        table = _failed_rows(mapping, list(range(plan.samples)), promised)
        numbers = mapping_summary(table, plan, scale, clipped, accuracy_model, None, None, plan.samples)
        return Trial(table, numbers, plan.samples, scale, pins=pins)

    try:
        scale = scale_of(runner, mapping, circuit)
    except SamplesFailed as error:
        say(f"{error}: without a scale none of its samples can be run")
        return nothing(None, None)
    biases, clipped = runner.biases(mapping, mapping, scale)
    pins = runner.folder / f"pins_{mapping}.csv"
    write_csv(pins, pins_table(circuit.topology, circuit.design, circuit.discharger_V, biases.text))
    say(f"{mapping}: {plan.samples} test samples at scale {scale.positive:.4f} / {scale.negative:.4f}")
    outcomes = runner.infer(circuit, biases, inputs.numpy())
    good = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, Inference)]
    results = [outcome for outcome in outcomes if isinstance(outcome, Inference)]
    if not results:
        return nothing(scale, clipped)
    times = [result.times_s for result in results]
    seen = [np.stack([sample[layer] for sample in times]) for layer in range(circuit.topology.depth)]
    table = spike_table(
        mapping, good, [layer[good] for layer in promised], seen, t_circ_s, circuit.timeline.window_s
    )
    failed = [i for i in range(plan.samples) if i not in set(good)]
    if failed:
        table = pd.concat([table, _failed_rows(mapping, failed, promised)], ignore_index=True)
    correct = decide(seen[-1] / t_circ_s, classes) == labels[good]
    energy = float(np.mean([result.energy_J for result in results]))
    numbers = mapping_summary(
        table, plan, scale, clipped, accuracy_model, float(np.mean(correct)), energy, len(failed)
    ).model_copy(update={"vdis_V": circuit.vdis_V})
    waveforms, whole = _worst_waveforms(runner, mapping, circuit, biases, table)
    if whole is not None and plan.simulated == "columns":
        sample, inference = whole
        cut = _cut_error(inference.times_s, times[good.index(sample)])
        say(
            f"{mapping}: sample {sample}, simulated whole as well, differs by {_ns(cut.rms_s)} rms, {_ns(cut.max_s)} at most"
        )
        numbers = numbers.model_copy(update={"cut_error": cut})
    few = min(FLOOR_SAMPLES, max(2, plan.samples // 5))
    floor_s = _numerical_floor_s(
        runner, circuit, f"floor_{mapping}", biases, inputs.numpy()[good][:few], times[:few]
    )
    say(f"{mapping}: {numbers.line}")
    return Trial(
        table,
        numbers,
        len(failed),
        scale,
        tuple(result.seconds_cpu for result in results),
        waveforms,
        floor_s,
        pins,
    )


def _failed_rows(mapping: str, samples: list[int], promised: list[Array]) -> pd.DataFrame:
    """Rows of samples without a simulated result: ``kind`` is ``failed`` and the SPICE time is NaN."""
    seen = [np.full((len(samples), layer.shape[1]), np.nan) for layer in promised]
    table = spike_table(mapping, samples, [layer[samples] for layer in promised], seen, np.inf, np.inf)
    return table.assign(kind="failed", t_spice_s=np.nan)


def _worst_waveforms(
    runner: Runner, mapping: str, circuit: Circuit, biases: Biases, table: pd.DataFrame
) -> tuple[tuple[Path, ...], tuple[int, Inference] | None]:
    """Files with the membranes of the sample with the largest output error, the sample, and what it did; nothing for a network too large for it."""
    plan, bench = runner.plan, runner.bench
    worst = _worst_sample(table, circuit.topology.depth)
    if worst is None:
        return (), None
    sample = plan.inputs[worst]
    if plan.simulated == "columns" and circuit.synapses > WHOLE_SYNAPSES_MAX:
        runner.say(
            f"{mapping}: {circuit.synapses} synapse pairs, more than {WHOLE_SYNAPSES_MAX}: no sample is simulated whole, "
            "so that there are no waveforms and what the columns leave out is not measured"
        )
        return (), None
    deck = circuit.deck(f"worst_{mapping}", biases, sample.numpy(), bench.simulator, circuit.membrane_probes)
    saved = save_waveforms(
        deck, circuit, plan.levels(mapping), plan.networks[mapping], sample, worst, bench, runner.folder
    )
    if isinstance(saved, Failure):
        runner.failures.append(saved)
        return (), None
    return saved.files, (worst, saved.inference)


def _cut_error(whole: list[Array], columns: list[Array]) -> CutDifference:
    """What the columns of a sample differ by from the whole network."""
    a, b = np.concatenate(whole), np.concatenate(columns)
    both = np.isfinite(a) & np.isfinite(b)
    moved = b[both] - a[both]
    return CutDifference(
        samples=1,
        rms_s=float(np.sqrt(np.mean(moved**2))) if len(moved) else None,
        max_s=float(np.abs(moved).max()) if len(moved) else None,
        unpaired_spikes=int(np.sum(np.isfinite(a) != np.isfinite(b))),
    )


def _ns(seconds: float | None) -> str:
    return "none" if seconds is None else f"{1e9 * seconds:.3f} ns"


def _worst_sample(table: pd.DataFrame, depth: int) -> int | None:
    """The sample with the largest output error; None when nothing fired in both."""
    pairs = table[(table["kind"] == "pair") & (table["layer"] == depth)]
    if pairs.empty:
        return None
    error = np.abs((pairs["t_spice_s"] - pairs["t_model_s"]).to_numpy(float))
    return int(pairs["sample"].to_numpy(int)[error.argmax()])


def _numerical_floor_s(
    runner: Runner, circuit: Circuit, name: str, biases: Biases, inputs: Array, times: list[list[Array]]
) -> float:
    """RMS change of all spike times when step and tolerances are halved; NaN (and said so) when no such run succeeded."""
    tight = runner.bench.simulator.tightened()
    finer = replace(biases, name=name)
    if runner.plan.simulated == "columns" and circuit.synapses > FLOOR_SYNAPSES_MAX:
        fired = np.flatnonzero(np.isfinite(times[0][0]))[:FLOOR_NEURONS]
        count = int(fired[-1]) + 1 if len(fired) else FLOOR_NEURONS
        runner.say(
            f"{name}: {circuit.synapses} synapse pairs, more than {FLOOR_SYNAPSES_MAX}: the first {len(fired)} neurons of one sample "
            "that fire stand for all"
        )
        (case,) = samples(circuit, finer, inputs[:1])
        # One more than are compared: the last lacks a neighbour.
        outcomes = [runner.first_neurons(case, tight, count + 1)]
        times = [[sample[0][:count]] for sample in times[:1]]
    else:
        outcomes = runner.infer(circuit, finer, inputs, tight)
    changes = []
    for outcome, before in zip(outcomes, times, strict=True):
        if isinstance(outcome, Failure):
            runner.say(f"{outcome.name}: {outcome.message}: left out of the numerical floor")
            continue
        reference = np.concatenate(before)
        after = np.concatenate(outcome.times_s)[: len(reference)]
        both = np.isfinite(after) & np.isfinite(reference)
        changes.append(after[both] - reference[both])
    moved = np.concatenate(changes) if changes else np.zeros(0)
    return float(np.sqrt(np.mean(moved**2))) if len(moved) else float("nan")
