"""The stage ``characterize``: benches on real SPICE -> curves -> PhysicalModel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nonideal.characterize import fits
from nonideal.characterize.benches import (
    Bench,
    Grid,
    dendrite_bench,
    discharger_bench,
    membrane_of,
    neuron_bench,
    sensing_bench,
    silent_V,
    synapse_bench,
)
from nonideal.characterize.branch import Family, fit_branch, measured_family, sweeps
from nonideal.characterize.circuit import circuit_facts
from nonideal.characterize.column import Column, Netlist, Sidewall
from nonideal.characterize.column_bench import NEURONS, ColumnBench
from nonideal.characterize.column_fit import measure_column
from nonideal.characterize.curves import tidy_curves
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.estimate import Estimate
from nonideal.characterize.model import PhysicalModel, estimate
from nonideal.characterize.neuron import calibrate_discharger, firing_stage, membrane_capacitance, spike_load
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.specimen import Specimen
from nonideal.characterize.spread_stage import check_cells, measure_spread
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.extraction.netlist import parse_netlist
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Circuit
from nonideal.circuits.network.timeline import Timeline
from nonideal.sky130_models import lean_library

Array = NDArray[np.float64]
DRIVEN = (0, 5, 10, 20)
"""How many neurons the neurons under load drive."""


@dataclass(frozen=True, slots=True)
class Characterization:
    """The model and the curves it was fitted to (tidy: bench, corner, polarity, bias_V, membrane_V, current_A, time_s)."""

    model: PhysicalModel
    curves: pd.DataFrame


@dataclass(frozen=True, slots=True)
class ColumnNetlist:
    """The network of one layer, ``axons`` by three neurons, on which a column is measured."""

    axons: int
    kind: Netlist
    text: str
    sidewall: Sidewall | None = None

    @classmethod
    def schematic(cls, axons: int, design: Design) -> ColumnNetlist:
        """The column as designed."""
        return cls(axons, "schematic", schematic(Topology.of((axons, NEURONS), design), design))


def characterize(
    bench: Workbench,
    design: Design,
    options: CharacterizeOptions,
    folder: Path,
    columns: Sequence[ColumnNetlist] = (),
) -> Characterization:
    """Characterise ``design`` at ``bench.corner``, and ``columns`` on top; decks and logs go to ``folder``.

    Raises ``FitRefused``, which names keys with their present values, or ``CharacterizationFailed``; no parameter is ever taken from
    elsewhere.
    """
    try:
        return _characterize(bench, design, options, folder, columns)
    except FitRefused as error:
        raise error.with_values(
            {"circuit": design.model_dump(), "characterize": options.model_dump()}
        ) from error


def _characterize(
    bench: Workbench,
    design: Design,
    options: CharacterizeOptions,
    folder: Path,
    columns: Sequence[ColumnNetlist],
) -> Characterization:
    check_cells(design, options.draws)
    corner, supplies, timing = str(bench.corner), design.supplies, design.timing
    v0_V, vdd_V = supplies.v0_V, supplies.vdd_V
    membrane, bias_n, bias_p = sweeps(options, vdd_V)
    spread_n = [options.silent_bias_n_V + 0.02 * (j % 5) for j in range(options.axons)]
    spread_p = [options.silent_bias_p_V - 0.02 * (j % 5) for j in range(options.axons)]
    static = bench.run(
        [
            synapse_bench(design, "n", membrane, bias_n),
            synapse_bench(design, "p", membrane, bias_p),
            dendrite_bench(design, spread_n, spread_p, membrane),
            sensing_bench(design, Grid(0.3, 0.7, 0.001)),
        ],
        design, folder,
    )  # fmt: skip
    family_n = measured_family(static[0], "n", bias_n, membrane, v0_V, options)
    family_p = measured_family(static[1], "p", bias_p, membrane, v0_V, options)
    total = np.asarray(static[2]["i(vall)"], float)
    parts = sum(np.asarray(static[2][f"i(vone_{j})"], float) for j in range(options.axons))
    largest = np.max(np.abs([static[2][f"i(vone_{j})"] for j in range(options.axons)]))
    additivity = float(np.max(np.abs(total - parts)) / largest)
    static_switch_V = fits.solve_at(
        static[3].axis, np.asarray(static[3]["v(spike)"], float), vdd_V / 2, "static sensing threshold",
        above=(*fits.SLOW_SENSING[:1], ("narrow", "circuit.neuron.sense_n.w_um")),
        below=(("raise", "circuit.supplies.vsense_V"), ("widen", "circuit.neuron.sense_n.w_um")),
    )  # fmt: skip

    vdis_V = calibrate_discharger(bench, design, options, folder)
    timeline = Timeline(timing, 1)
    starts = np.concatenate([np.arange(0.48, v0_V - 0.005, 0.04), [v0_V - 0.02, v0_V]])
    # Above about V_0 + 0.2 V the silent pairs begin to conduct backwards, below 0.55 V the sensing inverter loads the membrane: both are
    # outside what a trained network uses, and would be taken for capacitance.
    swings = np.array([-0.12, -0.06, 0.06, 0.15, 0.25, 0.35, 0.45, 0.6])
    # 2.1 fF/um^2 of MIM and what hangs on it: only what the swings aim at; the capacitance itself is measured.
    plates = design.contracts.neuron.device("capacitor").size
    nominal_F = 2.1e-15 * plates.w_um * plates.l_um + 37e-15
    charge_C = nominal_F * swings
    both = [options.axons] * len(swings) + [2 * options.axons] * len(swings)
    silent = silent_V(design, options.silent_bias_n_V, options.silent_bias_p_V)
    decks: list[Bench] = [
        neuron_bench(
            design, "firing", axons=[options.axons] * len(starts), start_V=[round(float(v), 9) for v in starts], vdis_V=[vdis_V] * len(starts),
            injected_A=[0.0] * len(starts), silent_V=silent,
        ),
        neuron_bench(
            design, "membrane", axons=both, start_V=[v0_V] * len(both), vdis_V=[vdis_V] * len(both),
            injected_A=[float(q) / timing.t_circ_s for q in np.tile(charge_C, 2)], silent_V=silent,
        ),
        discharger_bench(design, Grid(round(vdis_V - 0.06, 6), round(vdis_V + 0.06, 6), 0.02), membrane),
    ]  # fmt: skip
    decks.append(
        neuron_bench(
            design, "spike_load", axons=[options.axons] * len(DRIVEN), start_V=[round(v0_V - 0.3, 6)] * len(DRIVEN),
            vdis_V=[vdis_V] * len(DRIVEN), injected_A=[0.0] * len(DRIVEN), silent_V=silent, driven=DRIVEN,
        )
    )  # fmt: skip
    firing, charging, discharging, loaded = bench.run(decks, design, folder)

    fired = firing_stage(firing, timeline, starts, design, static_switch_V, options.max_firing_rms_s)
    at_start = timeline.accumulation_s(1)
    reset_levels = [
        float(np.interp(at_start, charging.axis, charging[membrane_of(design, k)])) for k in range(len(both))
    ]
    reset_V = float(np.mean(reset_levels))

    discharge = -np.asarray(discharging["i(vmembrane)"], float).reshape(-1, membrane.size)
    membrane_V = membrane.values_V
    try:
        discharge_fits = [
            fits.fit_lambda(membrane_V, row, v0_V, options.window_V, options.max_linearity_rms)
            for row in discharge
        ]
    except FitRefused as error:
        raise FitRefused(
            f"discharger within 60 mV of its bias {vdis_V:.4g} V: {error}", *error.moves
        ) from error
    middle = discharge_fits[len(discharge_fits) // 2]

    membrane_F, per_axon_F = membrane_capacitance(charging, timeline, charge_C, options.axons, design)
    unit_A = membrane_F.value * fired.fit.v_th_V.value / timing.t_circ_s
    positive = fit_branch(family_n, "n", v0_V, unit_A, 0.0, options)
    negative = fit_branch(family_p, "p", v0_V, unit_A, vdd_V, options)
    model = PhysicalModel(
        corner=corner,
        temperature_C=supplies.temperature_C,
        vdd_V=vdd_V,
        t_circ_s=timing.t_circ_s,
        v_0_V=estimate(reset_V, float(np.std(reset_levels)), "V"),
        v_switch_V=estimate(reset_V - fired.fit.v_th_V.value, fired.fit.v_th_V.stderr, "V"),
        sensing_delay_s=estimate(fired.sensing_delay_s, fired.fit.rms_s, "s"),
        membrane_F=membrane_F,
        membrane_per_axon_F=per_axon_F,
        axons=options.axons,
        lambda_dis_per_V=estimate(middle.lambda_per_V, middle.stderr_per_V, "1/V"),
        discharge_norm=fired.fit.b,
        vdis_V=vdis_V,
        vsense_V=supplies.vsense_V,
        positive=positive,
        negative=negative,
        valid_V=options.window_V,
        additivity_error=additivity,
        circuit=circuit_facts(design),
        provenance={
            "pdk": f"{bench.pdk.source} {bench.pdk.version}",
            "pdk_sha256": bench.pdk.sha256,
            "simulator": f"ngspice {firing.simulator}",
            "firing_rms_s": f"{fired.fit.rms_s:.3g}",
            "firing_worst_s": f"{fired.fit.worst_s:.3g}",
        },
    )
    measured = _columns(
        bench,
        design,
        columns,
        model,
        {"n": family_n, "p": family_p},
        spike_load(loaded, timeline, DRIVEN, vdd_V),
        folder,
    )
    model = model.model_copy(update={"columns": measured})
    if options.draws:
        specimen = specimen_of(design, model, columns)
        spread = measure_spread(bench, design, options, model, folder / "drawn", specimen)
        model = model.model_copy(update={"spread": spread})
    curves = tidy_curves(
        corner, family_n, family_p, discharge, membrane_V, vdis_V, fired.start_V, fired.spike_time_s
    )
    return Characterization(model, curves)


def specimen_of(design: Design, model: PhysicalModel, columns: Sequence[ColumnNetlist]) -> Specimen:
    """The neuron that mismatch is drawn into: the largest column's, where columns are measured on their layouts."""
    extracted = [one for one in columns if one.kind != "schematic"]
    if not extracted:
        return Specimen.designed(design, model)
    largest = max(extracted, key=lambda one: one.axons)
    return Specimen.drawn(
        design, model, largest.axons, parse_netlist(largest.text, f"column {largest.axons}")
    )


def on_column(bench: Workbench, design: Design, netlist: ColumnNetlist, model: PhysicalModel) -> ColumnBench:
    """The benches on one column, at the discharger bias that ``model`` found for the cells."""
    circuit = Circuit(
        topology=Topology.of((netlist.axons, NEURONS), design),
        design=design,
        netlist=netlist.text,
        models=lean_library(bench.pdk, bench.corner, netlist.text),
        vdis_V=model.vdis_V,
    )
    return ColumnBench(circuit, model, bench.simulator)


def _columns(
    bench: Workbench,
    design: Design,
    netlists: Sequence[ColumnNetlist],
    model: PhysicalModel,
    families: Mapping[str, Family],
    spike_load_s: Estimate,
    folder: Path,
) -> tuple[Column, ...]:
    """The columns by number of axons; the largest trims the discharger for all: a network gets one bias."""
    found: list[Column] = []
    for netlist in sorted(netlists, key=lambda one: -one.axons):
        column = measure_column(
            bench,
            on_column(bench, design, netlist, model),
            netlist.kind,
            model,
            families,
            spike_load_s,
            folder / f"column_{netlist.axons}",
            vdis_V=found[0].vdis_V if found else None,
        )
        found.append(column.model_copy(update={"sidewall": netlist.sidewall}))
    return tuple(reversed(found))
