"""The stage ``characterize``: benches on real SPICE -> curves -> PhysicalModel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nonideal.characterize.branch import Family, fit_branch
from nonideal.characterize.circuit import circuit_facts
from nonideal.characterize.code_bench import as_mask
from nonideal.characterize.code_fit import code_options, with_codes
from nonideal.characterize.column import Column, FanOut, Netlist, Sidewall
from nonideal.characterize.column_bench import INNER, NEURONS, ColumnBench
from nonideal.characterize.column_fit import measure_column
from nonideal.characterize.curves import tidy_curves
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.estimate import Estimate
from nonideal.characterize.fan_out import FanOutNetlist, measure_fan_out, spike_wires
from nonideal.characterize.model import PhysicalModel, estimate
from nonideal.characterize.noise_stage import check_noise, measure_noise
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.specimen import Specimen
from nonideal.characterize.spread_stage import check_cells, measure_spread
from nonideal.characterize.static import StaticMeasurements, measure_static
from nonideal.characterize.transients import TransientMeasurements, measure_transients
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.cells.codes import CodedWeights
from nonideal.circuits.design import Design
from nonideal.circuits.extraction.netlist import parse_netlist
from nonideal.circuits.network.inference import Simulated
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Circuit
from nonideal.sky130_models import lean_library

Array = NDArray[np.float64]


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
    fan_outs: Sequence[FanOutNetlist] = (),
) -> Characterization:
    """Characterise ``design`` at ``bench.corner``, and ``columns`` and the axons of ``fan_outs`` on top; decks and logs go to ``folder``.

    Raises ``FitRefused``, which names keys with their present values, or ``CharacterizationFailed``; no parameter is ever taken from
    elsewhere.
    """
    try:
        return _characterize(bench, design, options, folder, columns, fan_outs)
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
    fan_outs: Sequence[FanOutNetlist],
) -> Characterization:
    check_cells(design, options.draws)
    if options.noise:
        check_noise(design)
    cells = as_mask(design)
    static = measure_static(bench, cells, options, folder)
    moving = measure_transients(bench, cells, options, static, folder)
    model = _model(bench, design, options, static, moving)
    if isinstance(design.contracts.synapse.storage, CodedWeights):
        model = with_codes(bench, cells, options, static, model, folder)
    families = {"n": static.family_n, "p": static.family_p}
    measured = _columns(bench, design, columns, model, families, moving.spike_load_s, folder)
    left = _fan_outs(bench, cells, options, columns, model.vdis_V, fan_outs, folder)
    model = model.model_copy(update={"columns": measured, "fan_outs": left})
    if options.draws or options.noise:
        specimen = specimen_of(design, model, columns)
    if options.draws:
        spread = measure_spread(bench, design, options, model, folder / "drawn", specimen)
        model = model.model_copy(update={"spread": spread})
    if options.noise:
        noise = measure_noise(bench, design, model, folder / "noise", specimen)
        model = model.model_copy(update={"noise": noise})
    curves = tidy_curves(
        str(bench.corner),
        static.family_n,
        static.family_p,
        moving.discharge_A,
        static.membrane.values_V,
        moving.vdis_V,
        moving.fired.start_V,
        moving.fired.spike_time_s,
    )
    return Characterization(model, curves)


def _model(
    bench: Workbench,
    design: Design,
    options: CharacterizeOptions,
    static: StaticMeasurements,
    moving: TransientMeasurements,
) -> PhysicalModel:
    """The cells' part of the model."""
    supplies, timing, fired = design.supplies, design.timing, moving.fired
    v0_V, vdd_V = supplies.v0_V, supplies.vdd_V
    reset_V, reset_spread_V = float(np.mean(moving.reset_V)), float(np.std(moving.reset_V))
    unit_A = moving.membrane_F.value * fired.fit.v_th_V.value / timing.t_circ_s
    weights = code_options(options) if isinstance(design.contracts.synapse.storage, CodedWeights) else options
    return PhysicalModel(
        corner=str(bench.corner),
        temperature_C=supplies.temperature_C,
        vdd_V=vdd_V,
        t_circ_s=timing.t_circ_s,
        v_0_V=estimate(reset_V, reset_spread_V, "V"),
        v_switch_V=estimate(reset_V - fired.fit.v_th_V.value, fired.fit.v_th_V.stderr, "V"),
        sensing_delay_s=estimate(fired.sensing_delay_s, fired.fit.rms_s, "s"),
        membrane_F=moving.membrane_F,
        membrane_per_axon_F=moving.membrane_per_axon_F,
        axons=options.axons,
        lambda_dis_per_V=estimate(moving.discharge.lambda_per_V, moving.discharge.stderr_per_V, "1/V"),
        discharge_norm=fired.fit.b,
        vdis_V=moving.vdis_V,
        vsense_V=supplies.vsense_V,
        positive=fit_branch(static.family_n, "n", v0_V, unit_A, 0.0, weights),
        negative=fit_branch(static.family_p, "p", v0_V, unit_A, vdd_V, weights),
        valid_V=options.window_V,
        additivity_error=static.additivity_error,
        circuit=circuit_facts(design),
        provenance={
            "pdk": f"{bench.pdk.source} {bench.pdk.version}",
            "pdk_sha256": bench.pdk.sha256,
            "simulator": f"ngspice {moving.simulator}",
            "firing_rms_s": f"{fired.fit.rms_s:.3g}",
            "firing_worst_s": f"{fired.fit.worst_s:.3g}",
        },
    )


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
    # A schematic has nothing that couples its neurons, and is small; a column of codes is drawn with the nets of its bits as pins,
    # which no column of a network has.
    one_deck = netlist.kind == "schematic" or model.codes is not None
    simulated: Simulated = "whole" if one_deck else "columns"
    return ColumnBench(circuit, model, bench.simulator, model.codes, simulated)


def _fan_outs(
    bench: Workbench,
    design: Design,
    options: CharacterizeOptions,
    columns: Sequence[ColumnNetlist],
    vdis_V: float,
    netlists: Sequence[FanOutNetlist],
    folder: Path,
) -> tuple[FanOut, ...]:
    """When spikes leave that cross the next crossbar, against those of the columns, whose neurons drive nothing."""
    if not netlists:
        return ()
    column = min(columns, key=lambda one: one.axons)
    bare = spike_wires(parse_netlist(column.text, f"column {column.axons}"), 1, NEURONS)[INNER]
    return tuple(measure_fan_out(bench, design, options, vdis_V, bare, one, folder) for one in netlists)


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
