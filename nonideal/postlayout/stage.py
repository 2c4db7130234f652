"""The stage ``validate``: written-back networks in SPICE, sample by sample, against their models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from nonideal.characterize.workbench import Workbench
from nonideal.postlayout.fitting import trim
from nonideal.postlayout.plan import ValidationPlan
from nonideal.postlayout.runner import Runner
from nonideal.postlayout.scale import Scale
from nonideal.postlayout.summary import DrawnSamples, ValidationSummary
from nonideal.postlayout.trial import try_mapping
from nonideal.spice import Failure


@dataclass(frozen=True, slots=True)
class Validation:
    """All spikes, the summary of the file contract, what failed, the scale of each mapping, and the files of all its pins."""

    spikes: pd.DataFrame
    summary: ValidationSummary
    failures: tuple[Failure, ...]
    waveforms: tuple[Path, ...]
    scales: dict[str, Scale] = field(default_factory=dict)
    pins: tuple[Path, ...] = ()


def validate(
    plan: ValidationPlan, bench: Workbench, folder: Path, say: Callable[[str], None] = lambda text: None
) -> Validation:
    """Validate every mapping of ``plan``; decks, logs and waveforms go to ``folder``.

    A sample whose simulation fails is marked ``failed`` in the table and counted; it enters no statistic and nothing stands in for it.
    Where a mapping's scale cannot be found because its calibration samples fail, all its samples are: the scale is then None.
    """
    runner = Runner(plan, bench, folder, say)
    trimmed = trim(runner)
    vdis_V = plan.circuit.vdis_V if trimmed is None else trimmed.vdis_V
    trials = {
        mapping: try_mapping(runner, mapping, plan.circuit_of(mapping, vdis_V)) for mapping in plan.networks
    }
    cpu_s = [seconds for trial in trials.values() for seconds in trial.cpu_s]
    floors_s = [trial.floor_s for trial in trials.values() if np.isfinite(trial.floor_s)]
    summary = ValidationSummary(
        samples=plan.samples,
        test_samples=DrawnSamples(
            index=plan.drawn.tolist(), label=plan.labels.tolist(), classes=tuple(plan.class_names)
        ),
        netlist=plan.netlist,
        simulated=plan.simulated,
        layers=plan.circuit.topology.layers,
        corner=plan.model.corner,
        t_circ_s=plan.model.t_circ_s,
        vdis_V=vdis_V,
        silent_spread_s=None if trimmed is None else trimmed.spread_s,
        mappings={mapping: trial.numbers for mapping, trial in trials.items()},
        numerical_floor_s=max(floors_s) if floors_s else None,
        seconds_per_sample=float(np.mean(cpu_s)) if cpu_s else None,
        failed_samples=sum(trial.failed for trial in trials.values()),
    )
    return Validation(
        pd.concat([trial.spikes for trial in trials.values()], ignore_index=True),
        summary,
        tuple(runner.failures),
        tuple(path for trial in trials.values() for path in trial.waveforms),
        {mapping: trial.scale for mapping, trial in trials.items() if trial.scale is not None},
        tuple(trial.pins for trial in trials.values() if trial.pins is not None),
    )
