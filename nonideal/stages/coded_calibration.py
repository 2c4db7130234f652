"""The stage ``calibration`` of a chip of codes: measured by inferences in SPICE, trimmed, and held against the nominal one's spikes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nonideal.files import write_csv, write_text
from nonideal.runs.rundir import SCHEMATIC
from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.chips import CalibrationSummary, ChipCheck, ChipChecks, CodesTrim
from nonideal.stages.coded_chips import line_trims, silicon_of
from nonideal.stages.codes import takes_other_codes
from nonideal.stages.mismatch import mismatch_model
from nonideal.stages.simulated_chip import chips_netlist, simulated_samples
from nonideal.stages.workbench import workbench

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from nonideal.chips.code_calibration import CodeCalibration
    from nonideal.chips.coded_spice import CodedChip
    from nonideal.chips.codes import Codes
    from nonideal.pnn import Dataset


def calibrate_coded_chip(work: Work) -> Done:
    """Trim one chip by inferences in SPICE; write its netlist, and hold its samples against the model."""
    from dataclasses import replace

    from nonideal.chips.code_calibration import calibrate_codes
    from nonideal.chips.coded_spice import CodedChip
    from nonideal.circuits.network.chip import draw
    from nonideal.circuits.network.netlist import Topology

    experiment, seed = work.experiment, int(work.options["chip"])
    silicon, dataset = silicon_of(work, mismatch_model(work.rundir, SCHEMATIC).parent)
    topology = Topology.of(silicon.topology.layers, experiment.circuit)
    bench = workbench(experiment, work.context, work.rundir.cache)
    chip = CodedChip(
        bench,
        experiment.circuit,
        silicon,
        draw(seed, topology, silicon.sigmas),
        silicon.settings(seed, trimmed=False),
        work.folder / "decks",
    )
    asked, others = experiment.calibration, takes_other_codes(experiment)
    work.context.console.print(f"  chip {seed}: {asked.inferences} inferences to measure it by")
    known = dataset.train_x.double().numpy(), dataset.train_y.numpy(), dataset.classes
    found = calibrate_codes(
        silicon, chip.settings, chip, known,
        inferences=asked.inferences, seed=seed, line_trims=line_trims(experiment.circuit), other_codes=others,
    )  # fmt: skip
    if not others:
        work.context.console.print(
            "  it keeps its codes, by which it was measured too: its lines and its reference are trimmed"
        )
    trimmed = replace(chip, settings=found.settings)
    sides = {"as_written": (chip, silicon.codes), "trimmed": (trimmed, found.codes)}
    checks = {name: checked(work, *one, dataset, name) for name, one in sides.items()}
    summary = _summary(work, found, chip, len(dataset.test_y), ChipChecks(**checks))
    files = [work.folder / name for name in ("network.spice", "codes.csv", "summary.json")]
    head = f"* chip {seed} of experiment {experiment.name}, trimmed; corner {silicon.model.corner}\n"
    write_text(files[0], head + trimmed.netlist(found.codes))
    write_csv(files[1], _codes(silicon.codes, found.codes))
    summary.save(files[2])
    return Done(tuple(files), summary)


def _summary(
    work: Work, found: CodeCalibration, chip: CodedChip, held_out: int, checks: ChipChecks
) -> CalibrationSummary:
    experiment, silicon = work.experiment, chip.silicon
    synapses, layers = sum(code.size for code in found.codes), len(found.codes)
    generator = experiment.circuit.generator
    trim_bits = 2 * layers * generator.trim_bits if generator is not None else 0
    return CalibrationSummary(
        converters=None,
        codes=CodesTrim(
            inferences=found.inferences,
            spikes=found.spikes,
            residual_s=found.residual_norm * silicon.model.t_circ_s,
            changed=found.changed,
            common_ratio=float(np.exp(found.ln_common)),
            lines=tuple(dict(layer) for layer in found.lines),
        ),
        open=0,
        current_error_rms=None,
        silent_norm=(),
        current_measurements=0,
        time_measurements=found.inferences * layers,
        writes=synapses * (found.inferences + 1) if takes_other_codes(experiment) else 0,
        seconds=found.inferences * layers * experiment.calibration.time_s,
        bits=synapses * (silicon.storage.bits + 1) * takes_other_codes(experiment) + trim_bits,
        chip=chip.chip.seed,
        netlist=chips_netlist(work),
        samples=min(experiment.chips.spice_samples, held_out),
        checks=checks,
    )


def checked(work: Work, chip: CodedChip, codes: tuple[Codes, ...], dataset: Dataset, name: str) -> ChipCheck:
    """A chip with these codes on test samples in SPICE, against the nominal chip's output spikes and its own fast model's."""
    from nonideal.postlayout.prediction import decide
    from nonideal.spice import Failure

    silicon = chip.silicon
    inputs, label = simulated_samples(dataset, work.experiment.chips.spice_samples)
    work.context.console.print(
        f"  chip {chip.chip.seed}: {len(label)} samples in SPICE, {name.replace('_', ' ')}"
    )
    x = inputs.double()
    seen = chip.run([codes] * len(x), x.numpy(), name)
    good = [k for k, one in enumerate(seen) if not isinstance(one, Failure)]
    # Where all of them failed there are none, and that is told.
    outputs = silicon.topology.layers[-1]
    there_s = np.array([one[-1] for one in seen if not isinstance(one, Failure)]).reshape(-1, outputs)
    told = silicon.spike_times(silicon.made(silicon.chip(chip.chip.seed), chip.settings), codes, x)[-1][good]
    nominal = silicon.spike_times(silicon.nominal(), silicon.codes, x)[-1][good]
    t_circ_s = silicon.model.t_circ_s
    return ChipCheck(
        right=int(np.sum(decide(there_s / t_circ_s, dataset.classes) == label[good])) if good else 0,
        failed=len(seen) - len(good),
        off_nominal_rms_s=_rms_s(there_s, nominal * t_circ_s, t_circ_s),
        fast_model_rmse_s=_rms_s(there_s, told * t_circ_s, t_circ_s),
    )


def _rms_s(a: NDArray[np.float64], b: NDArray[np.float64], t_circ_s: float) -> float | None:
    """Over the spikes that both have; None where there is none."""
    both = (a < t_circ_s) & (b < t_circ_s)
    return float(np.sqrt(np.mean((a - b)[both] ** 2))) if both.any() else None


def _codes(before: tuple[Codes, ...], after: tuple[Codes, ...]) -> pd.DataFrame:
    """One row a synapse."""
    import pandas as pd

    rows = [
        {"layer": layer, "axon": axon, "neuron": neuron, "code": int(old[neuron, axon]), "code_trimmed": int(new[neuron, axon])}
        for layer, (old, new) in enumerate(zip(before, after, strict=True), start=1)
        for axon in range(old.shape[1])
        for neuron in range(old.shape[0])
    ]  # fmt: skip
    return pd.DataFrame(rows)
