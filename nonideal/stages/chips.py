"""The stages ``yield`` and ``calibration``: chips drawn from the PDK's statistics, in the fast model and in SPICE."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nonideal.characterize.model import PhysicalModel
from nonideal.files import write_csv, write_json, write_parquet, write_text
from nonideal.runs.rundir import EXTRACTED, SCHEMATIC
from nonideal.runs.stage import Done, Work
from nonideal.stages.mismatch import mismatch_model
from nonideal.stages.workbench import workbench

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from nonideal.chips.calibrate import Calibration
    from nonideal.chips.options import YieldOptions
    from nonideal.chips.population import Population
    from nonideal.chips.spice import SpiceChip
    from nonideal.chips.spot import SpotCheck
    from nonideal.chips.written import Written
    from nonideal.circuits.extraction.netlist import Netlist
    from nonideal.circuits.network.chip import Chip
    from nonideal.pnn import Dataset, RCSpikeNetwork

LOSSES = tuple(round(0.005 * k, 3) for k in range(41))
"""Accuracy losses at which yields are drawn."""


def netlist_of(work: Work) -> str:
    """What the chips of a stage are drawn into."""
    return str(work.options.get("netlist", SCHEMATIC))


def network_written(model: PhysicalModel, network: RCSpikeNetwork) -> Written:
    """A trained network as biases of the nominal chip; weights beyond the range are moved into it."""
    from nonideal.characterize.physics import BottomUp
    from nonideal.chips.written import Written
    from nonideal.circuits.network.mapping import map_weights

    weights = [layer.weight.detach().double().numpy() for layer in network.linear_layers]
    return Written.of(map_weights(weights, BottomUp(model), clip=True))


def chip_yield(work: Work) -> Done:
    """Yield of the experiment's network, nominally written and trimmed; spot checks in SPICE; the designs to compare."""
    from nonideal.characterize.plots import save_figure
    from nonideal.chips.population import without
    from nonideal.chips.yield_plot import yield_figure
    from nonideal.pnn.checkpoint import load_dense
    from nonideal.postlayout.errors import SamplesFailed

    experiment, console = work.experiment, work.context.console
    asked, kind = experiment.chips, netlist_of(work)
    model = PhysicalModel.load(mismatch_model(work.rundir, kind))
    network = load_dense(work.rundir.weights(asked.mapping))
    written, dataset = network_written(model, network), experiment.data.load()
    seeds = range(asked.first_chip, asked.first_chip + asked.chips)
    console.print(f"  {asked.chips} chips in the fast model, written as the nominal one and trimmed")
    plain = population_of(work, model, written, dataset, None)
    checked = None
    if asked.spice_chips:
        console.print(f"  {_simulated(asked)} chips in SPICE ({kind}), {asked.spice_samples} samples each")
        checked = _spot_checks(work, model, written, dataset)
        plain = without(plain, checked.failed_chips)
    trimmed = {bits: population_of(work, model, written, dataset, bits) for bits in asked.dac_bits}
    bits = experiment.calibration.bias_dac_bits
    own = trimmed[bits] if bits in trimmed else population_of(work, model, written, dataset, bits)
    most = asked.accuracy_loss_max
    rows = pd.DataFrame({"chip": list(seeds), "accuracy": plain.accuracy, "accuracy_trimmed": own.accuracy})
    curves = pd.concat([_curve("as written", plain), _curve(f"trimmed, {bits} bits", own)])
    by_bits = pd.DataFrame([{"bits": b} | population_row(p, most) for b, p in trimmed.items()])
    files = [work.folder / name for name in ("chips.csv", "yield.csv", "bits.csv")]
    for file, table in zip(files, (rows, curves, by_bits), strict=True):
        write_csv(file, table)
    plots = save_figure(yield_figure(curves, by_bits, most), work.folder, "yield", dpi=150)
    summary: dict[str, Any] = {
        "corner": model.corner,
        "netlist": kind,
        "mapping": asked.mapping,
        "chips": asked.chips,
        "first_chip": asked.first_chip,
        "samples": plain.samples,
        "nominal_accuracy": plain.nominal,
        "accuracy_loss_max": most,
        "as_written": population_row(plain, most),
        "trimmed": {"bits": bits} | population_row(own, most),
        "by_bits": by_bits.to_dict(orient="records"),
    }
    outputs = [*files, *plots]
    if checked is not None:
        summary["spice"] = checked.summary() | {"netlist": kind}
        spikes, chips = (work.folder / name for name in ("spikes.parquet", "spot.csv"))
        write_parquet(spikes, checked.spikes)
        write_csv(chips, checked.correct)
        outputs += [spikes, chips]
    if asked.vary or asked.hidden:
        from nonideal.stages.designs import compare_designs

        summary["designs"], more = compare_designs(work)
        outputs += more
    write_json(work.folder / "summary.json", summary)
    if checked is not None and checked.failures:
        first = checked.failures[0]
        raise SamplesFailed(
            f"{len(checked.failures)} simulations of chips {', '.join(map(str, checked.failed_chips))} gave no result, first {first.name}: "
            f"{first.message} ({first.folder}). These chips count as failed; run the same command again to try them again"
        )
    return Done((*outputs, work.folder / "summary.json"), summary)


def population_of(
    work: Work, model: PhysicalModel, written: Written, dataset: Dataset, bits: int | None
) -> Population:
    """All chips of the experiment; ``bits`` of the converters that they are trimmed with (None: they are not)."""
    from nonideal.chips.population import population

    asked = work.experiment.chips
    calibration = (
        None if bits is None else work.experiment.calibration.model_copy(update={"bias_dac_bits": bits})
    )
    seeds = range(asked.first_chip, asked.first_chip + asked.chips)

    def advance(done: int) -> None:
        work.context.pulse.advance(done, len(seeds))

    return population(
        model, written, dataset.test_x, dataset.test_y.numpy(), dataset.classes, seeds,
        calibration=calibration, jobs=work.context.jobs, advance=advance,
    )  # fmt: skip


def yield_row(found: Population, loss: float) -> dict[str, Any]:
    """The yield at an allowed accuracy loss, with its interval."""
    from nonideal.chips.yields import yield_of

    one = yield_of(found.accuracy, found.nominal, loss)
    return {"yield": one.value} | asdict(one)


def population_row(found: Population, loss: float) -> dict[str, Any]:
    """The yield, and the accuracy over the chips that have one: least, median, largest, mean (None where none has)."""
    accuracy = found.accuracy[~np.isnan(found.accuracy)]
    names = ("min", "typ", "max", "mean")
    span: dict[str, float | None] = dict.fromkeys(f"accuracy_{name}" for name in names)
    if len(accuracy):
        numbers = (np.min(accuracy), np.median(accuracy), np.max(accuracy), np.mean(accuracy))
        span |= {f"accuracy_{name}": float(number) for name, number in zip(names, numbers, strict=True)}
    return yield_row(found, loss) | span


def _curve(name: str, found: Population) -> pd.DataFrame:
    return pd.DataFrame([{"name": name, "loss": loss} | yield_row(found, loss) for loss in LOSSES])


def simulated_chip(work: Work, model: PhysicalModel, seed: int, layers: tuple[int, ...]) -> SpiceChip:
    """A chip of the experiment, ready to be simulated; its decks go to the stage's folder."""
    from nonideal.characterize.variation import spread_of
    from nonideal.chips.spice import SpiceChip
    from nonideal.circuits.network.chip import Sigmas, draw
    from nonideal.circuits.network.netlist import Topology

    chip: Chip = draw(seed, Topology(layers), Sigmas(spread_of(model).sigmas))
    bench = workbench(work.experiment, work.context, work.rundir.cache)
    return SpiceChip(bench, work.experiment.circuit, model, chip, work.folder / "decks", _extracted(work))


def _extracted(work: Work) -> Netlist | None:
    """The extracted netlist that a stage's chips are drawn into; None: the schematic."""
    if netlist_of(work) == SCHEMATIC:
        return None
    from nonideal.circuits.extraction.netlist import read_netlist

    return read_netlist(work.rundir.path / "layout" / EXTRACTED)


def _simulated(asked: YieldOptions) -> int:
    """How many chips are simulated: they are of those that are drawn."""
    return min(asked.spice_chips, asked.chips)


def _simulated_samples(dataset: Dataset, count: int) -> tuple[Tensor, NDArray[np.int64]]:
    """Input spike times and classes of the held-out samples that chips are simulated on; they are drawn by class."""
    from nonideal.pnn.draw import drawn_by_class

    chosen = drawn_by_class(dataset.test_y, count)
    return dataset.test_x[chosen], dataset.test_y.numpy()[chosen]


def _spot_checks(work: Work, model: PhysicalModel, written: Written, dataset: Dataset) -> SpotCheck:
    from nonideal.chips.silicon import Silicon
    from nonideal.chips.spot import column_check, spot_check

    asked, layers = work.experiment.chips, written.topology.layers
    inputs, label = _simulated_samples(dataset, asked.spice_samples)

    def chips() -> Iterator[SpiceChip]:
        for k in range(_simulated(asked)):
            work.context.pulse.advance(k, _simulated(asked))
            yield simulated_chip(work, model, asked.first_chip + k, layers)

    silicon = Silicon(model, layers)
    if asked.spice_neurons is None:
        return spot_check(chips(), silicon, written, inputs, label, dataset.classes)
    return column_check(chips(), silicon, written, inputs, asked.spice_neurons)


def calibrate_chip(work: Work) -> Done:
    """Trim one chip by measurements in SPICE; write its netlist, and hold its samples against the model."""
    from nonideal.chips.calibrate import calibrate
    from nonideal.chips.spice import SpiceBench
    from nonideal.circuits.network.pins import pins_table
    from nonideal.pnn.checkpoint import load_dense

    experiment, seed, kind = work.experiment, int(work.options["chip"]), netlist_of(work)
    model = PhysicalModel.load(mismatch_model(work.rundir, kind))
    dataset = experiment.data.load()
    written = network_written(model, load_dense(work.rundir.weights(experiment.chips.mapping)))
    chip = simulated_chip(work, model, seed, written.topology.layers)
    work.context.console.print(f"  chip {seed} ({kind}): measuring and trimming")
    found = calibrate(model, written, SpiceBench(chip), experiment.calibration)
    sides = {"as_written": written, "trimmed": found.written}
    summary = calibration_summary(found) | {
        "chip": seed,
        "netlist": kind,
        "samples": min(experiment.chips.spice_samples, len(dataset.test_y)),
        "checks": {name: _checked(work, chip, written, mine, dataset, name) for name, mine in sides.items()},
    }
    files = [work.folder / name for name in ("network.spice", "biases.csv", "summary.json", "pins.csv")]
    circuit = chip.circuit(found.written.trim_V)
    head = f"* chip {seed} of experiment {experiment.name}, trimmed; corner {model.corner}\n* drawn into the {kind} netlist\n"
    biases = found.written.sources(model)
    write_text(files[0], head + circuit.netlist + "\n" + biases + _dischargers(chip, found.written))
    write_csv(files[1], _biases(found.written))
    write_json(files[2], summary)
    write_csv(files[3], pins_table(circuit.topology, circuit.design, circuit.discharger_V, biases))
    return Done(tuple(files), summary)


def calibration_summary(found: Calibration) -> dict[str, Any]:
    """What a calibration took and reached, JSON-ready: None where a neuron was not seen, or no synapse is on."""
    errors = np.concatenate([layer.ravel() for layer in found.error_ln])
    on = errors[~np.isnan(errors)]
    return {
        "converters": {
            name: asdict(getattr(found.converters, name)) for name in ("bias_n", "bias_p", "trim")
        },
        "open": found.open,
        "gains_not_measured": found.gains_not_measured,
        "current_error_rms": float(np.sqrt(np.mean(on**2))) if len(on) else None,
        "silent_norm": [[float(t) if np.isfinite(t) else None for t in layer] for layer in found.silent_norm],
        "current_measurements": found.current_measurements,
        "time_measurements": found.time_measurements,
        "writes": found.writes,
        "seconds": found.seconds,
        "bits": found.bits,
    }


def _checked(
    work: Work, chip: SpiceChip, nominal: Written, mine: Written, dataset: Dataset, name: str
) -> dict[str, Any]:
    """A chip with biases ``mine`` on test samples in SPICE, against the ``nominal`` chip's spikes and its own fast model's."""
    from nonideal.chips.silicon import Silicon
    from nonideal.chips.spot import spot_check

    inputs, label = _simulated_samples(dataset, work.experiment.chips.spice_samples)
    work.context.console.print(
        f"  chip {chip.chip.seed}: {len(label)} samples in SPICE, {name.replace('_', ' ')}"
    )
    silicon = Silicon(chip.model, nominal.topology.layers)
    meant_s = silicon.spike_times(nominal, None, inputs)[-1] * chip.model.t_circ_s
    check = spot_check([chip], silicon, mine, inputs, label, dataset.classes, name)
    output = check.spikes[check.spikes["layer"] == nominal.topology.depth]
    there_s = output["t_spice_s"].to_numpy(float)
    told_s = meant_s[output["sample"].to_numpy(int), output["neuron"].to_numpy(int)]
    both = (there_s < chip.model.t_circ_s) & (told_s < chip.model.t_circ_s)
    error_s = (there_s - told_s)[both]
    return {
        "right": int(check.correct["right_spice"].iloc[0]),
        "failed": int(check.correct["failed"].iloc[0]),
        "off_nominal_rms_s": float(np.sqrt(np.mean(error_s**2))) if len(error_s) else None,
        "fast_model_rmse_s": check.summary()["rmse_s"],
    }


def _dischargers(chip: SpiceChip, written: Written) -> str:
    """Cell ``dischargers``: the bias of every neuron's discharger."""
    circuit, top = chip.circuit(written.trim_V), written.topology
    lines = [".subckt dischargers " + " ".join(top.vdis_ports)]
    for layer, k in top.neurons():
        net = top.vdis(layer, k)
        lines.append(f"V{net} {net} 0 {circuit.discharger_V(layer, k):.9g}")
    return "\n" + "\n".join([*lines, ".ends dischargers"]) + "\n"


def _biases(written: Written) -> pd.DataFrame:
    """One row a synapse."""
    rows = []
    for layer, axon, neuron in written.topology.synapses():
        biases = written.layers[layer - 1]
        rows.append(
            {
                "layer": layer,
                "axon": axon,
                "neuron": neuron,
                "polarity": "n" if biases.positive[neuron, axon] else "p",
                "on": bool(biases.on[neuron, axon]),
                "bias_V": float(biases.bias_V[neuron, axon]),
            }
        )
    return pd.DataFrame(rows)
