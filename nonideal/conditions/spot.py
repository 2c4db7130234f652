"""A few samples of a network in some of the conditions in SPICE, biases kept and derived anew, against what the fast model told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nonideal.characterize.physics import BottomUp
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.network.mapping import Mapping
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Circuit, spike_times_s
from nonideal.conditions.network import Assessment, Task, mapped
from nonideal.conditions.spot_summary import SpotCheckThere
from nonideal.conditions.survey import Reference
from nonideal.postlayout.comparison import spike_table, statistics
from nonideal.postlayout.prediction import decide
from nonideal.sky130_models import lean_library
from nonideal.spice import Failure


def to_check(assessed: Sequence[Assessment], count: int) -> list[Assessment]:
    """Which conditions are simulated: the worst by spike times derived anew, the worst with biases kept that still fires, then the middle.

    Of those that were characterised, home left out; at most ``count``, each once.
    """
    able = [one for one in assessed[1:] if one.anew.rms_change_s is not None]
    by_anew = sorted(able, key=lambda one: -(one.anew.rms_change_s or 0.0))
    by_kept = sorted(
        (one for one in able if one.kept.rms_change_s is not None),
        key=lambda one: -(one.kept.rms_change_s or 0.0),
    )
    wanted = [*by_anew[:1], *by_kept[:1], *by_anew[len(by_anew) // 2 :], *by_anew]
    names: dict[str, Assessment] = {}
    for one in wanted:
        names.setdefault(one.met.condition.name, one)
    return list(names.values())[:count]


def check_in_spice(
    bench: Workbench, design: Design, task: Task, assessed: Assessment, home: Reference, written: Mapping, samples: int, folder: Path,
) -> list[SpotCheckThere]:  # fmt: skip
    """So many ``samples``, drawn by class, on the condition's schematic, biases kept and derived anew."""
    met = assessed.met
    found = met.characterised
    assert found is not None
    model = found.model
    realised = BottomUp(model)
    chosen = task.drawn(samples)
    checks: list[SpotCheckThere] = []
    for name, told in (("kept", assessed.fixed_prediction), ("anew", assessed.rederived_prediction)):
        if told.problem:
            checks.append(SpotCheckThere.without_result(met.condition, name, samples, samples, told.problem))
            continue
        new = name == "anew"
        # V_sense as it is meant; what it is off by comes on top.
        own_V = model.vsense_V - met.condition.supplies.vsense_V
        here = met.condition.design(design, own_V if new else home.vsense_V)
        mapping = mapped(task, model) if new else written
        topology = Topology.of(task.layers, here)
        netlist = schematic(topology, here)
        circuit = Circuit(
            topology=topology,
            design=here,
            netlist=netlist,
            models=lean_library(bench.pdk, met.condition.corner, netlist),
            vdis_V=realised.vdis_V if new else home.vdis_V,
        )
        biases = mapping.biases(name)
        decks = [
            circuit.deck(f"{name}_{k:04d}", biases, row, bench.simulator)
            for k, row in enumerate(task.inputs[chosen])
        ]
        outcomes = bench.attempt(decks, folder / met.condition.name)
        good = [int(at) for at, one in zip(chosen, outcomes, strict=True) if not isinstance(one, Failure)]
        failures = [one for one in outcomes if isinstance(one, Failure)]
        problem = f"{failures[0].name}: {failures[0].message} ({failures[0].folder})" if failures else ""
        empty = SpotCheckThere.without_result(met.condition, name, samples, len(failures), problem)
        if not good:
            checks.append(empty)
            continue
        t_circ_s = model.t_circ_s
        each = [spike_times_s(one, circuit) for one in outcomes if not isinstance(one, Failure)]
        seen = [np.stack([row[k] for row in each]) for k in range(len(task.weights))]
        promised = [layer[good] * t_circ_s for layer in told.times]
        stats = statistics(spike_table(name, good, promised, seen, t_circ_s, circuit.timeline.window_s))
        right = [
            int(np.sum(decide(times / t_circ_s, task.classes) == task.labels[good]))
            for times in (seen[-1], promised[-1])
        ]
        checks.append(
            SpotCheckThere.model_validate(
                empty.model_dump()
                | {
                    "rmse_s": stats.rmse_s if np.isfinite(stats.rmse_s) else None,
                    "pairs": stats.pairs,
                    "missed": stats.missed,
                    "extra": stats.extra,
                    "right_spice": right[0],
                    "right_model": right[1],
                }
            )
        )
    return checks
