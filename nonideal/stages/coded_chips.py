"""The stages ``mismatch`` and ``yield`` of a network of codes: chips in the fast model, as written, and with their codes and reference trimmed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nonideal.characterize.model import PhysicalModel
from nonideal.files import read_text, write_csv, write_text
from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.characterization import characterization_summary
from nonideal.runs.summaries.chips import YieldSummary
from nonideal.stages.codes import codes_of, takes_other_codes
from nonideal.stages.population import population_summary, trimmed_summary, yield_curve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nonideal.characterize.code_spread import CodeSpread
    from nonideal.chips.codes import CodedSilicon
    from nonideal.chips.population import Population
    from nonideal.circuits.design import Design
    from nonideal.pnn import Dataset

SPREAD = "spread.json"


def measure_code_mismatch(work: Work) -> Done:
    """How the neurons of the run's circuit answer to mismatch; of units the PDK's statistics say it."""
    from nonideal.characterize.code_spread import measure_code_spread
    from nonideal.stages.workbench import workbench

    experiment = work.experiment
    model = PhysicalModel.load(work.rundir.model)
    options = experiment.characterize.model_copy(update={"draws": experiment.chips.draws})
    bench = workbench(experiment, work.context, work.rundir.cache)
    spread = measure_code_spread(bench, experiment.circuit, options, model, work.folder / "decks")
    files = work.folder / "model.json", work.folder / SPREAD
    model.save(files[0])
    write_text(files[1], spread.model_dump_json(indent=1))
    return Done(files, characterization_summary(model))


def read_spread(path: Path) -> CodeSpread:
    """Raises ``UnreadableFile``."""
    from pydantic import ValidationError

    from nonideal.characterize.code_spread import CodeSpread
    from nonideal.files import UnreadableFile

    try:
        return CodeSpread.model_validate_json(read_text(path))
    except ValidationError as error:
        raise UnreadableFile(
            f"{path} is no spread of codes ({error}): run the command yield again with --force"
        ) from error


def coded_yield(work: Work, folder: Path) -> Done:
    """Yield of a network of codes; ``folder`` holds its statistical model."""
    import pandas as pd

    from nonideal.characterize.plots import save_figure
    from nonideal.chips.yield_plot import yield_figure

    asked = work.experiment.chips
    silicon, dataset = silicon_of(work, folder)
    by = "their lines and their reference" + (" and by codes" if takes_other_codes(work.experiment) else "")
    work.context.console.print(f"  {asked.chips} chips in the fast model, as written and trimmed by {by}")
    plain, trimmed = coded_populations(work, silicon, dataset)
    most, bits = asked.accuracy_loss_max, silicon.storage.bits
    seeds = range(asked.first_chip, asked.first_chip + asked.chips)
    rows = pd.DataFrame(
        {"chip": list(seeds), "accuracy": plain.accuracy, "accuracy_trimmed": trimmed.accuracy}
    )
    curves = pd.concat([yield_curve("as written", plain), yield_curve(f"trimmed, {bits} bits", trimmed)])
    own = trimmed_summary(trimmed, most, bits)
    table = pd.DataFrame([own.as_json()])
    files = [work.folder / name for name in ("chips.csv", "yield.csv", "bits.csv")]
    for file, content in zip(files, (rows, curves, table), strict=True):
        write_csv(file, content)
    plots = save_figure(yield_figure(curves, table, most), work.folder, "yield", dpi=150)
    summary = YieldSummary(
        corner=silicon.model.corner,
        netlist=silicon.model.columns[0].netlist if silicon.model.columns else "schematic",
        mapping=asked.mapping,
        chips=asked.chips,
        first_chip=asked.first_chip,
        samples=plain.samples,
        nominal_accuracy=plain.nominal,
        accuracy_loss_max=most,
        as_written=population_summary(plain, most),
        trimmed=own,
        by_bits=(own,),
    )
    summary.save(work.folder / "summary.json")
    return Done((*files, *plots, work.folder / "summary.json"), summary)


def silicon_of(work: Work, folder: Path) -> tuple[CodedSilicon, Dataset]:
    """The fast model of the experiment's chips, and its data. Raises ``CircuitError`` for weights that are no codes."""
    from nonideal.chips.codes import CodedSilicon
    from nonideal.circuits.cells.codes import coded_weights

    network = codes_of(work.rundir.weights(work.experiment.chips.mapping))
    storage = coded_weights(work.experiment.circuit.contracts.synapse.storage)
    silicon = CodedSilicon(
        PhysicalModel.load(folder / "model.json"),
        read_spread(folder / SPREAD),
        storage,
        [codes.code.numpy().astype(np.int64) for codes in network.codes],
        [float(codes.full_scale) for codes in network.codes],
    )
    return silicon, work.experiment.data.load()


def line_trims(design: Design) -> dict[str, NDArray[np.float64]]:
    """By polarity (``n``, ``p``) what each setting of a gate line's trim makes of a unit's current, by the design's generator or the default one."""
    from nonideal.circuits.cells.generator import POLARITIES, GeneratorSizes

    sizes = design.generator or GeneratorSizes()
    settings = range(1 << sizes.trim_bits)
    return {
        one: np.array([sizes.units(one) / sizes.trimmed_units(sizes.units(one), code) for code in settings])
        for one in POLARITIES
    }


def coded_populations(work: Work, silicon: CodedSilicon, dataset: Dataset) -> tuple[Population, Population]:
    """All chips as written, and trimmed: accuracy on the held-out samples; codes are chosen on the training samples."""
    from nonideal.chips.population import Population
    from nonideal.postlayout.prediction import decide

    asked, label = work.experiment.chips, dataset.test_y.numpy()
    others = takes_other_codes(work.experiment)
    known = dataset.train_y.numpy()
    test, train = dataset.test_x.double(), dataset.train_x.double()
    nominal = silicon.nominal()
    at_home = silicon.spike_times(nominal, silicon.codes, test)[-1]
    wanted = silicon.spike_times(nominal, silicon.codes, train)

    def right(times: NDArray[np.float64]) -> float:
        return float(np.mean(decide(times, dataset.classes) == label))

    seeds = range(asked.first_chip, asked.first_chip + asked.chips)
    accuracy: dict[bool, list[float]] = {False: [], True: []}
    off: dict[bool, list[NDArray[np.float64]]] = {False: [], True: []}
    for done, seed in enumerate(seeds):
        work.context.pulse.advance(done, len(seeds))
        for trimmed in (False, True):
            chip = silicon.drawn(seed, trimmed=trimmed)
            codes = list(silicon.codes)
            if trimmed and others:
                codes = silicon.trimmed_codes(chip, train, wanted, known, dataset.classes)
            times = silicon.spike_times(chip, codes, test)[-1]
            accuracy[trimmed].append(right(times))
            off[trimmed].append((times - at_home)[(times < 1.0) & (at_home < 1.0)])
    t_circ_s = silicon.model.t_circ_s

    def found(trimmed: bool) -> Population:
        moved = np.concatenate(off[trimmed])
        rms_s = float(np.sqrt(np.mean(moved**2)) * t_circ_s) if len(moved) else None
        return Population(tuple(seeds), np.array(accuracy[trimmed]), right(at_home), len(label), rms_s)

    return found(False), found(True)
