"""The tile in SPICE, through its digital pins: samples against the trained model and against the tile's Verilog."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nonideal.experiment.errors import BadOption
from nonideal.files import read_text, write_csv
from nonideal.runs.manifest import load_manifest
from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.tapeout import TapeoutSummary
from nonideal.runs.summaries.tile_simulation import LayerErrors, TileSample, TileSimulationSummary
from nonideal.stages.tapeout import chip_of, require_tile, write_sheet
from nonideal.stages.workbench import workbench

if TYPE_CHECKING:
    import pandas as pd

    from nonideal.tapeout.assembly import Chip
    from nonideal.tapeout.tile_simulation import Inference

TILE_SIMULATION = "tile-simulation"
"""The stage, and its folder."""
SUMMARY, TABLE = "simulation.json", "simulation.csv"
TIMEOUT_S = 14_400.0
"""Of one inference: some minutes of a core that is free."""


def simulate_tile(work: Work) -> Done:
    """Settle the generator's loop, run the samples through the pins, and compare; writes ``simulation.json``, ``simulation.csv`` and the data sheet.

    Raises ``CharacterizationFailed`` where ngspice gives no result, ``TapeoutError`` where the loop does not settle.
    """
    import torch

    from nonideal.characterize.model import PhysicalModel
    from nonideal.circuits.extraction.netlist import read_netlist
    from nonideal.pnn.checkpoint import load_dense
    from nonideal.pnn.draw import drawn_by_class
    from nonideal.postlayout.comparison import spike_table
    from nonideal.postlayout.prediction import decide, unclipped_times
    from nonideal.tapeout.gains import line_gains
    from nonideal.tapeout.tile_columns import TileColumns
    from nonideal.tapeout.tile_simulation import TileBench, infer, settle

    require_tile(work.experiment)
    say, experiment = work.context.console.print, work.experiment
    chip = chip_of(experiment, work.rundir)
    extracted = read_netlist(work.rundir.path / "tapeout" / f"{chip.options.top}.spice")
    bench = workbench(experiment, work.context, work.rundir.cache)
    bench = replace(bench, timeout_s=max(bench.timeout_s, TIMEOUT_S))
    tile = TileBench.of(chip, extracted, bench, work.folder / "decks")
    say("  the generator's loop is settled")
    settled = settle(tile)
    data = experiment.data.load()
    drawn = drawn_by_class(data.test_y, int(work.options["simulate"]))
    inputs = data.test_x[torch.from_numpy(drawn)]
    say(f"  {len(drawn)} samples at a control voltage of {settled.control_V:.4f} V")
    named = {f"sample_{k}": tuple(map(float, row)) for k, row in enumerate(inputs)}
    first = next(iter(named))
    quiet = settled.silent
    columns = TileColumns.of(chip, extracted, quiet.lines, bench, work.folder / "columns")
    say("  column by column, under the lines of an inference that nothing reaches")
    by_column = columns.infer(named)
    found = [columns.beside(quiet, one) for one in by_column]
    whole = None
    if not work.options.get("columns-alone"):
        say("  the first whole, with its generator")
        (whole,) = infer(tile, {first: named[first]}, settled.control_V)
    t_circ_s, window_s = chip.design.timing.t_circ_s, tile.timeline.window_s
    network = load_dense(work.rundir.weights(str(experiment.drawn_mapping)))
    name = str(experiment.drawn_mapping)
    written = read_text(work.rundir.mapping_folder(name) / "network.spice")
    # Told before any sample runs: the lines of the settled generator.
    gains = line_gains(chip, written, PhysicalModel.load(work.rundir.model), quiet.bias_V)
    promised = [layer * t_circ_s for layer in unclipped_times(network, inputs)]
    told = [layer * t_circ_s for layer in unclipped_times(network, inputs, gains=gains)]
    seen = [np.array(rows) for rows in zip(*(one.spikes_s for one in found), strict=True)]
    count = list(range(len(drawn)))
    table = spike_table(name, count, promised, seen, t_circ_s, window_s)
    table_told = spike_table(name, count, told, seen, t_circ_s, window_s)
    write_csv(work.folder / TABLE, table.assign(t_told_s=table_told["t_model_s"]))
    names = list(data.origin.classes) if data.origin else [str(k) for k in range(data.classes)]
    says = decide(promised[-1] / t_circ_s, data.classes)
    samples = []
    for k, (index, one) in enumerate(zip(drawn, found, strict=True)):
        label = names[int(data.test_y[int(index)])]
        model = names[int(says[k])] if says[k] >= 0 else None
        samples.append(through_pins(chip, named[f"sample_{k}"], one, int(index), label, model, names))
    witness = () if whole is None else zip(whole.spikes_s, by_column[0].spikes_s, strict=True)
    netlist, depth = tile.side.half.netlist, range(1, chip.topology.depth + 1)
    summary = TileSimulationSummary(
        top=chip.options.top,
        samples=tuple(samples),
        layers=tuple(layer_errors(table, layer) for layer in depth),
        layers_told=tuple(layer_errors(table_told, layer) for layer in depth),
        gains=tuple(gains),
        columns_rms_s=tuple(rms_s(one, other) for one, other in witness),
        whole_replica_s=None if whole is None else finite(whole.replica_s),
        whole_cpu_s=None if whole is None else whole.cpu_s,
        columns_cpu_s=sum(one.cpu_s for one in by_column) / len(by_column),
        control_V=settled.control_V,
        replica_late_s=min(settled.late_s, key=abs),
        bias_V=dict(found[0].bias_V),
        supply_A=found[0].supply_A,
        devices=len(netlist.devices),
        resistors=len(netlist.resistors),
        capacitors=len(netlist.capacitors),
    )
    summary.save(work.folder / SUMMARY)
    files = [work.folder / TABLE, work.folder / SUMMARY]
    made = load_manifest(work.rundir.path / "tapeout")
    if made is not None:
        files += write_sheet(
            chip, TapeoutSummary.model_validate(made.summary), work.folder, accuracy_of(summary)
        )
    return Done(tuple(files), summary, passed=summary.agreeing == len(samples))


def check_samples(samples: int, available: int) -> None:
    """Raise ``BadOption`` for a number of samples that the test set has not."""
    if not 1 <= samples <= available:
        raise BadOption(
            f"--simulate {samples}: the test set has {available} samples; choose 1 .. {available}"
        )


def through_pins(
    chip: Chip,
    sample: tuple[float, ...],
    found: Inference,
    index: int,
    label: str,
    model: str | None,
    names: list[str],
) -> TileSample:
    """What the pins of the tile show of an inference, read as on a board, beside those of its Verilog."""
    from nonideal.tapeout.bringup import protocol
    from nonideal.tapeout.order import first_of, order_difference, rises_ns, spike_pins
    from nonideal.tapeout.spice_twin import SpiceTwin
    from nonideal.tapeout.twin import Twin, chip_facts

    facts, t_circ_ns = chip_facts(chip), chip.design.timing.t_circ_s * 1e9
    times_ns = tuple(at * t_circ_ns if at < 1.0 else None for at in sample)
    pins = [pin for layer in range(1, chip.topology.depth + 1) for pin in spike_pins(chip, layer)]
    outputs = spike_pins(chip, chip.topology.depth)[: len(names)]
    seen, counts = [], []
    for twin in (SpiceTwin(chip, infer=lambda _: found), Twin(chip)):
        protocol.reset(twin, facts)
        counts.append(protocol.infer(twin, facts, times_ns))
        seen.append(twin.edges(pins))
    says = [first_of(rises_ns(edges, outputs)) for edges in seen]
    order = order_difference(*(rises_ns(edges, pins) for edges in seen))
    spice, verilog = (None if one is None else names[one] for one in says)
    return TileSample(
        test_index=index,
        label=label,
        model_says=model,
        spice_says=spice,
        verilog_says=verilog,
        counts=tuple(counts[0]),
        order_swapped=order.swapped,
        order_alone=order.alone,
        order_apart_s=order.apart_ns * 1e-9,
        cpu_s=found.cpu_s,
    )


def finite(time_s: float) -> float | None:
    """A time, None for one that never came."""
    return time_s if np.isfinite(time_s) else None


def rms_s(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Of the differences of spikes that both have; None where a spike is in one alone, or in none."""
    both = np.isfinite(one)
    if not np.array_equal(both, np.isfinite(other)) or not np.any(both):
        return None
    return float(np.sqrt(np.mean((other[both] - one[both]) ** 2)))


def layer_errors(table: pd.DataFrame, layer: int) -> LayerErrors:
    """Of a layer of a spike table."""
    from nonideal.postlayout.comparison import statistics

    found = statistics(table[table["layer"] == layer])
    some = found.pairs > 0
    return LayerErrors(
        layer=layer,
        rmse_s=found.rmse_s if some else None,
        mean_error_s=found.mean_error_s if some else None,
        pairs=found.pairs,
        missed=found.missed,
        extra=found.extra,
    )


def _ns(rmse_s: float | None) -> str:
    return "no pair" if rmse_s is None else f"{1e9 * rmse_s:.2f} ns"


def accuracy_of(found: TileSimulationSummary) -> dict[str, str]:
    """Of a data sheet: what by what it was found in."""
    count, (model, spice) = len(found.samples), found.right
    told = {
        "samples in SPICE, extracted, through the pins": str(count),
        "decided rightly: model; SPICE": f"{model}; {spice}",
        "decided in SPICE as the model does": f"{found.agreeing} of {count}",
        "decided by the Verilog as SPICE does; all spikes in its order": f"{found.verilog_agreeing}; {found.same_order}",
    }
    for one, known in zip(found.layers, found.layers_told, strict=True):
        told[
            f"layer {one.layer}: rms error of spike times, as trained; with the levels that the lines have; missed; extra"
        ] = f"{_ns(one.rmse_s)}; {_ns(known.rmse_s)}; {one.missed}; {one.extra}"
    if found.columns_rms_s:
        apart = "; ".join(_ns(one) for one in found.columns_rms_s)
        told["first sample, column by column against whole, rms by layer"] = apart
    told["replica behind its phase's end, nothing reaching a neuron"] = (
        f"{1e9 * found.replica_late_s:+.2f} ns"
    )
    return told
