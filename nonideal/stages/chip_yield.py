"""The stage ``yield``: chips drawn from the PDK's statistics, in the fast model and in SPICE."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nonideal.characterize.model import PhysicalModel
from nonideal.files import write_csv, write_parquet
from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.chips import YieldSummary
from nonideal.stages.codes import holds_codes
from nonideal.stages.mismatch import mismatch_model
from nonideal.stages.population import (
    network_written,
    noisy,
    population_of,
    population_summary,
    trimmed_summary,
    yield_curve,
)
from nonideal.stages.simulated_chip import chips_netlist, simulated_chip, simulated_samples

if TYPE_CHECKING:
    from nonideal.chips.options import YieldOptions
    from nonideal.chips.spice import SpiceChip
    from nonideal.chips.spot import SpotCheck
    from nonideal.chips.written import WrittenBiases
    from nonideal.pnn import Dataset


def chip_yield(work: Work) -> Done:
    """Yield of the experiment's network, nominally written and trimmed; spot checks in SPICE; the designs to compare."""
    import pandas as pd

    from nonideal.characterize.plots import save_figure
    from nonideal.chips.population import without
    from nonideal.chips.yield_plot import yield_figure
    from nonideal.pnn.checkpoint import load_dense
    from nonideal.postlayout.errors import SamplesFailed

    experiment, console = work.experiment, work.context.console
    asked, kind = experiment.chips, chips_netlist(work)
    if holds_codes(experiment.circuit):
        from nonideal.stages.coded_chips import coded_yield

        return coded_yield(work, mismatch_model(work.rundir, kind).parent)
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
    most, noise = asked.accuracy_loss_max, noisy(experiment, model, written.topology.layers)
    more: dict[str, object] = {}
    if noise is not None:
        console.print(f"  the same chips under {noise.draws} draws of the circuit's noise")
        under = [population_of(work, model, written, dataset, one, noise) for one in (None, bits)]
        more |= {"noise_draws": noise.draws, "noisy_as_written": population_summary(under[0], most)}
        more["noisy_trimmed"] = trimmed_summary(under[1], most, bits)
    rows = pd.DataFrame({"chip": list(seeds), "accuracy": plain.accuracy, "accuracy_trimmed": own.accuracy})
    curves = pd.concat([yield_curve("as written", plain), yield_curve(f"trimmed, {bits} bits", own)])
    by_bits = tuple(trimmed_summary(found, most, b) for b, found in trimmed.items())
    table = pd.DataFrame([one.as_json() for one in by_bits])
    files = [work.folder / name for name in ("chips.csv", "yield.csv", "bits.csv")]
    for file, content in zip(files, (rows, curves, table), strict=True):
        write_csv(file, content)
    plots = save_figure(yield_figure(curves, table, most), work.folder, "yield", dpi=150)
    outputs = [*files, *plots]
    if checked is not None:
        more["spice"] = checked.summary(kind)
        spikes, chips = (work.folder / name for name in ("spikes.parquet", "spot.csv"))
        write_parquet(spikes, checked.spikes)
        write_csv(chips, checked.correct)
        outputs += [spikes, chips]
    if asked.vary or asked.hidden:
        from nonideal.stages.designs import compare_designs

        more["designs"], compared = compare_designs(work)
        outputs += compared
    summary = YieldSummary(
        corner=model.corner,
        netlist=kind,
        mapping=asked.mapping,
        chips=asked.chips,
        first_chip=asked.first_chip,
        samples=plain.samples,
        nominal_accuracy=plain.nominal,
        accuracy_loss_max=most,
        as_written=population_summary(plain, most),
        trimmed=trimmed_summary(own, most, bits),
        by_bits=by_bits,
    ).model_copy(update=more)
    summary.save(work.folder / "summary.json")
    if checked is not None and checked.failures:
        first = checked.failures[0]
        raise SamplesFailed(
            f"{len(checked.failures)} simulations of chips {', '.join(map(str, checked.failed_chips))} gave no result, first {first.name}: "
            f"{first.message} ({first.folder}). These chips count as failed; run the same command again to try them again"
        )
    return Done((*outputs, work.folder / "summary.json"), summary)


def _simulated(asked: YieldOptions) -> int:
    """How many chips are simulated: they are of those that are drawn."""
    return min(asked.spice_chips, asked.chips)


def _spot_checks(work: Work, model: PhysicalModel, written: WrittenBiases, dataset: Dataset) -> SpotCheck:
    from nonideal.chips.silicon import Silicon
    from nonideal.chips.spot import column_check, spot_check

    asked, layers = work.experiment.chips, written.topology.layers
    inputs, label = simulated_samples(dataset, asked.spice_samples)

    def chips() -> Iterator[SpiceChip]:
        for k in range(_simulated(asked)):
            work.context.pulse.advance(k, _simulated(asked))
            yield simulated_chip(work, model, asked.first_chip + k, layers)

    silicon = Silicon(model, layers)
    if asked.spice_neurons is None:
        return spot_check(chips(), silicon, written, inputs, label, dataset.classes)
    return column_check(chips(), silicon, written, inputs, asked.spice_neurons)
