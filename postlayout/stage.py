"""The stage ``validate``: written-back networks in SPICE, sample by sample, against their models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from characterize.model import PhysicalModel, estimate
from characterize.physics import BottomUp
from characterize.trim import Trim, trim_discharger
from characterize.workbench import Workbench
from circuits.mapping import BiasModel, bias_sources, map_weights
from circuits.testbench import Biases, Circuit, energy_J, spike_times_s
from pnn import Dataset, RCSpikeNetwork
from postlayout.comparison import spike_table, statistics
from postlayout.errors import SamplesFailed, ValidationError
from postlayout.prediction import decide, unclipped_times
from postlayout.scale import STEP, Scale, mapping_rmse, model_scale, refine
from postlayout.waveforms import save_waveforms
from spice import Deck, Failure, Result, run_many

Array = NDArray[np.float64]
Netlist = Literal["schematic", "pex-c", "pex-rc"]
FLOOR_SAMPLES = 4
BLIND = frozenset({"bottom_up"})
"""Mappings that nothing is fitted for: realised and predicted from the columns' measurements alone, with no scale and no trimming."""


@dataclass(frozen=True, slots=True)
class ValidationPlan:
    """What is validated: a circuit, its model, trained networks by mapping, and how many samples of the data set."""

    circuit: Circuit
    netlist: Netlist
    model: PhysicalModel
    networks: Mapping[str, RCSpikeNetwork]
    dataset: Dataset
    samples: int
    calibration_samples: int
    scale_low: float = 0.6
    scale_high: float = 1.8
    scale_step: float = 0.01
    clip: bool = False

    def __post_init__(self) -> None:
        available = len(self.dataset.test_x)
        if not 1 <= self.samples <= available:
            raise ValidationError(
                f"samples = {self.samples}: the test set has {available}; choose 1 .. {available}"
            )
        if not self.networks:
            raise ValidationError("no mapping to validate: name at least one in validation.mappings")
        if self.calibration_samples < 1:
            raise ValidationError(
                f"calibration_samples = {self.calibration_samples}: at least 1 is needed to find the current scale"
            )
        if not (0 < self.scale_low <= self.scale_high and self.scale_step > 0):
            raise ValidationError(
                f"current scale {self.scale_low} .. {self.scale_high} in steps of {self.scale_step} is not a range"
            )
        sizes = self.circuit.topology.layers
        for mapping, network in self.networks.items():
            if network.layer_sizes != sizes:
                raise ValidationError(
                    f"mapping {mapping}: its network has layers {list(network.layer_sizes)}, the circuit {list(sizes)}"
                )
        self.dataset.check_fits(sizes)
        t_circ_s = self.circuit.design.timing.t_circ_s
        if abs(self.model.t_circ_s - t_circ_s) > 1e-9 * t_circ_s:
            raise ValidationError(
                f"the model was characterised at T_circ = {self.model.t_circ_s:g} s, the circuit has {t_circ_s:g} s: characterise again"
            )
        if BLIND & set(self.networks) and not self.model.columns:
            raise ValidationError(
                "mapping bottom_up needs a physical model with columns (version 2): run `nonideal characterize` again"
            )

    def realised_by(self, mapping: str) -> BiasModel:
        """What turns the weights of a mapping into biases."""
        return BottomUp(self.model) if mapping in BLIND else self.model

    def levels_of(self, mapping: str) -> PhysicalModel:
        """The model whose reset level and threshold turn a mapping's normalised potentials into volts."""
        if mapping not in BLIND:
            return self.model
        column = self.model.columns[0]
        switch = estimate(column.v_0_V.value - column.v_th_V.value, column.v_th_V.stderr, "V")
        return self.model.model_copy(update={"v_0_V": column.v_0_V, "v_switch_V": switch})

    def circuit_of(self, mapping: str, trimmed_vdis_V: float) -> Circuit:
        """The circuit with the discharger bias of a mapping: its columns' own, or the one trimmed on this netlist."""
        vdis_V = BottomUp(self.model).vdis_V if mapping in BLIND else trimmed_vdis_V
        return replace(self.circuit, vdis_V=vdis_V)


@dataclass(frozen=True, slots=True)
class Validation:
    """All spikes, the summary of the file contract, what failed, and the scale of each mapping."""

    spikes: pd.DataFrame
    summary: dict[str, Any]
    failures: tuple[Failure, ...]
    waveforms: tuple[Path, ...]
    scales: dict[str, Scale] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Runner:
    """Runs samples of one plan; every deck goes to ``folder``, every result through the cache, every failure to ``failures``."""

    plan: ValidationPlan
    bench: Workbench
    folder: Path
    say: Callable[[str], None]
    failures: list[Failure] = field(default_factory=list)

    def biases(self, name: str, mapping: str, scale: Scale) -> tuple[Biases, int]:
        weights = [
            layer.weight.detach().double().numpy() for layer in self.plan.networks[mapping].linear_layers
        ]
        model = self.plan.realised_by(mapping)
        mapped = map_weights(weights, model, scale=scale.pair, clip=self.plan.clip)
        return Biases(name, bias_sources(mapped, model)), mapped.clipped

    def decks(self, circuit: Circuit, biases: Biases, spike_time: Array) -> list[Deck]:
        return [
            circuit.deck(f"{biases.name}_{index:04d}", biases, row, self.bench.simulator)
            for index, row in enumerate(spike_time)
        ]

    def run(self, decks: list[Deck]) -> list[Result | Failure]:
        outcomes = run_many(
            decks, jobs=self.bench.jobs, scheduler=self.bench.scheduler, folder=self.folder / "decks", cache=self.bench.cache,
            timeout_s=self.bench.timeout_s, progress=self.bench.progress,
        )  # fmt: skip
        self.failures.extend(outcome for outcome in outcomes if isinstance(outcome, Failure))
        return outcomes

    def scale_of(self, mapping: str, circuit: Circuit) -> Scale:
        """The factors with which a mapping is written back: 1 where nothing is fitted, else found on training samples."""
        if mapping in BLIND:
            return Scale(1.0, 1.0)
        self.say(f"{mapping}: finding the current scale on {self.plan.calibration_samples} training samples")
        return self.calibrate(mapping, circuit)

    def calibrate(self, mapping: str, circuit: Circuit) -> Scale:
        """The mapping's scale, from training samples spread evenly over the training set.

        Raises ``SamplesFailed`` when fewer than half of them gave a result.
        """
        plan = self.plan
        t_circ_s = plan.model.t_circ_s
        network = plan.networks[mapping]
        count = min(plan.calibration_samples, len(plan.dataset.train_x))
        chosen = np.unique(np.linspace(0, len(plan.dataset.train_x) - 1, count).round().astype(int))
        start = model_scale(
            mapping,
            network,
            plan.model,
            plan.dataset.train_x,
            low=plan.scale_low,
            high=plan.scale_high,
            step=plan.scale_step,
        )
        inputs = plan.dataset.train_x[torch.from_numpy(chosen)]
        promised = unclipped_times(network, inputs)[-1]

        def error(scales: list[Scale]) -> list[float]:
            decks = []
            for scale in scales:
                tag = f"scale_{mapping}_{round(1e4 * scale.positive)}_{round(1e4 * scale.negative)}"
                decks += self.decks(circuit, self.biases(tag, mapping, scale)[0], inputs.numpy())
            outcomes = self.run(decks)
            errors = []
            for k in range(len(scales)):
                part = outcomes[k * len(inputs) : (k + 1) * len(inputs)]
                good = [i for i, outcome in enumerate(part) if isinstance(outcome, Result)]
                failed = [outcome for outcome in part if isinstance(outcome, Failure)]
                if failed:
                    first = f"first {failed[0].name}: {failed[0].message} ({failed[0].folder})"
                    told = f"mapping {mapping}: {len(failed)} of {len(part)} calibration samples failed in SPICE, {first}"
                    if len(failed) > len(good):
                        raise SamplesFailed(told)
                    self.say(f"{told}; the scale is found without them")
                seen = np.stack([spike_times_s(part[i], circuit)[-1] for i in good]) / t_circ_s  # type: ignore[arg-type]
                errors.append(mapping_rmse(promised[good], seen) * t_circ_s)
            return errors

        if plan.netlist == "schematic":
            return refine(start, error)
        return refine(start, error, expected=1.1, steps=(0.08, STEP))


def validate(
    plan: ValidationPlan, bench: Workbench, folder: Path, say: Callable[[str], None] = lambda text: None
) -> Validation:
    """Validate every mapping of ``plan``; decks, logs and waveforms go to ``folder``.

    A sample whose simulation fails is marked ``failed`` in the table and counted; it enters no statistic and nothing stands in for it.
    Where a mapping's scale cannot be found because its calibration samples fail, all its samples are: the scale is then None.
    """
    trim = None
    if plan.netlist != "schematic" and set(plan.networks) - BLIND:
        trim = _trimmed(plan, bench, folder, say)
    trimmed_V = plan.circuit.vdis_V if trim is None else trim.vdis_V
    runner = _Runner(plan, bench, folder, say)
    t_circ_s = plan.model.t_circ_s
    inputs, labels = plan.dataset.test_x[: plan.samples], plan.dataset.test_y[: plan.samples].numpy()
    classes = plan.dataset.classes
    floor_samples = min(FLOOR_SAMPLES, max(2, plan.samples // 5))
    tables: list[pd.DataFrame] = []
    mappings: dict[str, Any] = {}
    scales: dict[str, Scale] = {}
    waveforms: list[Path] = []
    cpu_s: list[float] = []
    floor_s: dict[str, float] = {}
    for mapping, network in plan.networks.items():
        circuit = plan.circuit_of(mapping, trimmed_V)
        promised = [layer * t_circ_s for layer in unclipped_times(network, inputs)]
        accuracy_model = float(np.mean(decide(promised[-1] / t_circ_s, classes) == labels))
        try:
            scale = scales[mapping] = runner.scale_of(mapping, circuit)
        except SamplesFailed as error:
            say(f"{error}: without a scale none of its samples can be run")
            table = _failed_rows(mapping, list(range(plan.samples)), promised)
            tables.append(table)
            mappings[mapping] = _mapping_summary(
                table, plan, None, None, accuracy_model, None, None, plan.samples
            )
            continue
        biases, clipped = runner.biases(mapping, mapping, scale)
        say(f"{mapping}: {plan.samples} test samples at scale {scale.positive:.4f} / {scale.negative:.4f}")
        outcomes = runner.run(runner.decks(circuit, biases, inputs.numpy()))
        good = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, Result)]
        results = [outcome for outcome in outcomes if isinstance(outcome, Result)]
        cpu_s += [result.seconds_cpu for result in results]
        if not results:
            table = _failed_rows(mapping, list(range(plan.samples)), promised)
            tables.append(table)
            mappings[mapping] = _mapping_summary(
                table, plan, scale, clipped, accuracy_model, None, None, plan.samples
            )
            continue
        times = [spike_times_s(result, circuit) for result in results]
        seen = [np.stack([sample[layer] for sample in times]) for layer in range(circuit.topology.depth)]
        table = spike_table(
            mapping, good, [layer[good] for layer in promised], seen, t_circ_s, circuit.timeline.window_s
        )
        failed = [i for i in range(plan.samples) if i not in set(good)]
        if failed:
            table = pd.concat([table, _failed_rows(mapping, failed, promised)], ignore_index=True)
        tables.append(table)
        correct = decide(seen[-1] / t_circ_s, classes) == labels[good]
        energy = float(np.mean([energy_J(result, circuit) for result in results]))
        mappings[mapping] = _mapping_summary(
            table, plan, scale, clipped, accuracy_model, float(np.mean(correct)), energy, len(failed)
        ) | {"vdis_V": circuit.vdis_V}
        worst = _worst_sample(table, circuit.topology.depth)
        if worst is not None:
            deck = circuit.deck(
                f"worst_{mapping}",
                biases,
                inputs[worst].numpy(),
                bench.simulator,
                circuit.membrane_probes,
            )
            path = save_waveforms(
                deck, circuit, plan.levels_of(mapping), network, inputs[worst], worst, bench, folder
            )
            if isinstance(path, Failure):
                runner.failures.append(path)
            else:
                waveforms += path
        floor_s[mapping] = _numerical_floor_s(
            runner,
            circuit,
            f"floor_{mapping}",
            biases,
            inputs.numpy()[good][:floor_samples],
            times[:floor_samples],
        )
        say(_line(mapping, mappings[mapping]))
    finite = [value for value in floor_s.values() if np.isfinite(value)]
    summary = {
        "samples": plan.samples,
        "netlist": plan.netlist,
        "layers": list(plan.circuit.topology.layers),
        "corner": plan.model.corner,
        "t_circ_s": t_circ_s,
        "vdis_V": trimmed_V,
        "silent_spread_s": None if trim is None else trim.spread_s,
        "mappings": mappings,
        "numerical_floor_s": max(finite) if finite else None,
        "seconds_per_sample": float(np.mean(cpu_s)) if cpu_s else None,
        "failed_samples": sum(m["failed_samples"] for m in mappings.values()),
    }
    return Validation(
        pd.concat(tables, ignore_index=True), summary, tuple(runner.failures), tuple(waveforms), scales
    )


def _trimmed(plan: ValidationPlan, bench: Workbench, folder: Path, say: Callable[[str], None]) -> Trim:
    layers = plan.circuit.topology.layers
    off = map_weights([np.zeros((n, m)) for m, n in pairwise(layers)], plan.model)
    runner = _Runner(plan, bench, folder, say)
    trim = trim_discharger(
        plan.circuit, Biases("off", bias_sources(off, plan.model)), bench.simulator, runner.run
    )
    say(
        f"discharger bias {plan.circuit.vdis_V:.4f} V on the schematic, {trim.vdis_V:.4f} V on the {plan.netlist} netlist"
    )
    return trim


def _failed_rows(mapping: str, samples: list[int], promised: list[Array]) -> pd.DataFrame:
    """Rows of samples without a simulated result: ``kind`` is ``failed`` and the SPICE time is NaN."""
    seen = [np.full((len(samples), layer.shape[1]), np.nan) for layer in promised]
    table = spike_table(mapping, samples, [layer[samples] for layer in promised], seen, np.inf, np.inf)
    return table.assign(kind="failed", t_spice_s=np.nan)


def _mapping_summary(
    table: pd.DataFrame, plan: ValidationPlan, scale: Scale | None, clipped: int | None, accuracy_model: float, accuracy_spice: float | None,
    energy: float | None, failed: int,
) -> dict[str, Any]:  # fmt: skip
    depth = plan.circuit.topology.depth
    groups = {"hidden": table[table["layer"] < depth], "output": table[table["layer"] == depth]}
    stats = {name: statistics(part) for name, part in groups.items()}
    # Outputs that stand for no class rest near the end of the phase, where errors are small: they flatter the output layer's figure.
    used = statistics(groups["output"][groups["output"]["neuron"] < plan.dataset.classes])
    number = _number_or_none
    return {
        "spike_time_rmse_s": {name: number(s.rmse_s) for name, s in stats.items()},
        "spike_time_rmse_used_outputs_s": number(used.rmse_s),
        "spike_time_max_error_s": {name: number(s.max_error_s) for name, s in stats.items()},
        "spike_time_mean_error_s": {name: number(s.mean_error_s) for name, s in stats.items()},
        "spike_pairs": {name: s.pairs for name, s in stats.items()},
        "missed_spikes": sum(s.missed for s in stats.values()),
        "extra_spikes": sum(s.extra for s in stats.values()),
        "accuracy_model": accuracy_model,
        "accuracy_spice": accuracy_spice,
        "current_scale": {"positive": scale.positive, "negative": scale.negative}
        if scale is not None
        else None,
        "scale_search": [{"factor": f, "rmse_s": e} for f, e in scale.tried] if scale is not None else [],
        "clipped_weights": clipped,
        "energy_per_inference_J": energy,
        "failed_samples": failed,
    }


def _number_or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _worst_sample(table: pd.DataFrame, depth: int) -> int | None:
    """The sample with the largest output error; None when nothing fired in both."""
    pairs = table[(table["kind"] == "pair") & (table["layer"] == depth)]
    if pairs.empty:
        return None
    error = np.abs((pairs["t_spice_s"] - pairs["t_model_s"]).to_numpy(float))
    return int(pairs["sample"].to_numpy(int)[error.argmax()])


def _numerical_floor_s(
    runner: _Runner, circuit: Circuit, name: str, biases: Biases, inputs: Array, times: list[list[Array]]
) -> float:
    """RMS change of all spike times when step and tolerances are halved; NaN (and said so) when no such run succeeded."""
    tight = runner.bench.simulator.tightened()
    decks = [circuit.deck(f"{name}_{i:04d}", biases, row, tight) for i, row in enumerate(inputs)]
    changes = []
    for outcome, before in zip(runner.run(decks), times, strict=True):
        if isinstance(outcome, Failure):
            runner.say(f"{outcome.name}: {outcome.message}: left out of the numerical floor")
            continue
        after = np.concatenate(spike_times_s(outcome, circuit))
        reference = np.concatenate(before)
        both = np.isfinite(after) & np.isfinite(reference)
        changes.append(after[both] - reference[both])
    if not changes:
        return float("nan")
    return float(np.sqrt(np.mean(np.concatenate(changes) ** 2)))


def _line(mapping: str, row: dict[str, Any]) -> str:
    def ns(value: float | None) -> str:
        return "none" if value is None else f"{1e9 * value:.2f} ns"

    rmse = row["spike_time_rmse_s"]
    return (
        f"{mapping}: RMSE hidden {ns(rmse['hidden'])}, output {ns(rmse['output'])}; missed {row['missed_spikes']}, extra {row['extra_spikes']}, "
        f"failed {row['failed_samples']}"
    )
