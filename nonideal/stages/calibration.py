"""The stage ``calibration``: a chip measured in SPICE, and trimmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nonideal.characterize.model import PhysicalModel
from nonideal.files import write_csv, write_text
from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.chips import (
    CalibrationSummary,
    ChipCheck,
    ChipChecks,
    ConverterSummary,
    DacSummary,
)
from nonideal.stages.codes import holds_codes
from nonideal.stages.mismatch import mismatch_model
from nonideal.stages.population import network_written
from nonideal.stages.simulated_chip import chips_netlist, simulated_chip, simulated_samples

if TYPE_CHECKING:
    import pandas as pd

    from nonideal.chips.calibrate import Calibration
    from nonideal.chips.dac import Dac
    from nonideal.chips.spice import SpiceChip
    from nonideal.chips.written import WrittenBiases
    from nonideal.pnn import Dataset


def calibrate_chip(work: Work) -> Done:
    """Trim one chip by measurements in SPICE; write its netlist, and hold its samples against the model."""
    if holds_codes(work.experiment.circuit):
        from nonideal.stages.coded_calibration import calibrate_coded_chip

        return calibrate_coded_chip(work)
    from nonideal.chips.calibrate import calibrate
    from nonideal.chips.spice import SpiceBench
    from nonideal.circuits.network.pins import pins_table
    from nonideal.pnn.checkpoint import load_dense

    experiment, seed, kind = work.experiment, int(work.options["chip"]), chips_netlist(work)
    model = PhysicalModel.load(mismatch_model(work.rundir, kind))
    dataset = experiment.data.load()
    written = network_written(model, load_dense(work.rundir.weights(experiment.chips.mapping)))
    chip = simulated_chip(work, model, seed, written.topology.layers)
    work.context.console.print(f"  chip {seed} ({kind}): measuring and trimming")
    found = calibrate(model, written, SpiceBench(chip), experiment.calibration)
    sides = {"as_written": written, "trimmed": found.written}
    checks = {name: _checked(work, chip, written, mine, dataset, name) for name, mine in sides.items()}
    samples = min(experiment.chips.spice_samples, len(dataset.test_y))
    summary = calibration_summary(
        found, chip=seed, netlist=kind, samples=samples, checks=ChipChecks(**checks)
    )
    files = [work.folder / name for name in ("network.spice", "biases.csv", "summary.json", "pins.csv")]
    circuit = chip.circuit(found.written.trim_V)
    head = f"* chip {seed} of experiment {experiment.name}, trimmed; corner {model.corner}\n* drawn into the {kind} netlist\n"
    biases = found.written.sources(model)
    write_text(files[0], head + circuit.netlist + "\n" + biases + _dischargers(chip, found.written))
    write_csv(files[1], _biases(found.written))
    summary.save(files[2])
    write_csv(files[3], pins_table(circuit.topology, circuit.design, circuit.discharger_V, biases))
    return Done(tuple(files), summary)


def calibration_summary(
    found: Calibration, *, chip: int, netlist: str, samples: int, checks: ChipChecks
) -> CalibrationSummary:
    """What a calibration took and reached: None where a neuron was not seen, or no synapse is on."""
    errors = np.concatenate([layer.ravel() for layer in found.error_ln])
    on = errors[~np.isnan(errors)]
    return CalibrationSummary(
        converters=ConverterSummary(
            bias_n=_converter(found.converters.bias_n),
            bias_p=_converter(found.converters.bias_p),
            trim=_converter(found.converters.trim),
        ),
        open=found.open,
        gains_not_measured=found.gains_not_measured,
        current_error_rms=float(np.sqrt(np.mean(on**2))) if len(on) else None,
        silent_norm=tuple(
            tuple(float(t) if np.isfinite(t) else None for t in layer) for layer in found.silent_norm
        ),
        current_measurements=found.current_measurements,
        time_measurements=found.time_measurements,
        writes=found.writes,
        seconds=found.seconds,
        bits=found.bits,
        chip=chip,
        netlist=netlist,
        samples=samples,
        checks=checks,
    )


def _converter(dac: Dac) -> DacSummary:
    return DacSummary(low_V=dac.low_V, high_V=dac.high_V, bits=dac.bits)


def _checked(
    work: Work, chip: SpiceChip, nominal: WrittenBiases, mine: WrittenBiases, dataset: Dataset, name: str
) -> ChipCheck:
    """A chip with biases ``mine`` on test samples in SPICE, against the ``nominal`` chip's spikes and its own fast model's."""
    from nonideal.chips.silicon import Silicon
    from nonideal.chips.spot import spot_check

    inputs, label = simulated_samples(dataset, work.experiment.chips.spice_samples)
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
    return ChipCheck(
        right=int(check.correct["right_spice"].iloc[0]),
        failed=int(check.correct["failed"].iloc[0]),
        off_nominal_rms_s=float(np.sqrt(np.mean(error_s**2))) if len(error_s) else None,
        fast_model_rmse_s=check.summary().rmse_s,
    )


def _dischargers(chip: SpiceChip, written: WrittenBiases) -> str:
    """Cell ``dischargers``: the bias of every neuron's discharger."""
    circuit, top = chip.circuit(written.trim_V), written.topology
    lines = [".subckt dischargers " + " ".join(top.vdis_ports)]
    for layer, k in top.neurons():
        net = top.vdis(layer, k)
        lines.append(f"V{net} {net} 0 {circuit.discharger_V(layer, k):.9g}")
    return "\n" + "\n".join([*lines, ".ends dischargers"]) + "\n"


def _biases(written: WrittenBiases) -> pd.DataFrame:
    """One row a synapse."""
    import pandas as pd

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
