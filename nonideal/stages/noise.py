"""The stage ``noise``: what jitters every spike of the network, in closed form and, in part, in noisy simulations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nonideal.experiment.errors import BadOption
from nonideal.experiment.experiment import Experiment
from nonideal.files import write_csv
from nonideal.runs.rundir import EXTRACTED, SCHEMATIC
from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.noise import (
    CornerJitter,
    LayerJitterSummary,
    NoiseSummary,
    NoisyAccuracy,
    NoisyNeuron,
)

if TYPE_CHECKING:
    import pandas as pd

    from nonideal.characterize.model import PhysicalModel
    from nonideal.characterize.workbench import Workbench
    from nonideal.pnn.data import Dataset
    from nonideal.pnn.network import RCSpikeNetwork
    from nonideal.postlayout.jitter import LayerJitter, Watched

Array = NDArray[np.float64]
TABLE, SUMMARY, MODEL = "jitter.csv", "summary.json", "model.json"
BATCH = 20
"""Noisy simulations that are run together."""
SIDE_BY_SIDE = 8
"""Copies of a column in one deck: noise makes all steps short, so that they cost little more than one."""
CORNERS_HZ = (1.0, 3e3)
"""Low corners that are always told, beside the one within which a phase lies."""
EARLIEST, LATEST_SIGMAS = 0.1, 4.0
"""Spikes that are compared: the sensing stage is steady, and jitter takes them to no end of the phase."""
NORMAL_95 = 1.959964


def section_from_options(column_runs: int | None, network_runs: int | None, corner_Hz: float | None) -> dict[str, Any]:  # fmt: skip
    """The options of the command line as ``noise`` holds them; None where one was not given."""
    for name, runs in (("--column-runs", column_runs), ("--network-runs", network_runs)):
        if runs is not None and runs < 0:
            raise BadOption(f"{name} {runs}: give a number of simulations, 0 for none")
    if corner_Hz is not None and not 0.0 < corner_Hz < 1e9:
        raise BadOption(f"--low-corner {corner_Hz:g}: give a frequency above 0 in Hz")
    return {"column_runs": column_runs, "network_runs": network_runs, "low_corner_Hz": corner_Hz}


def mapping_of(experiment: Experiment) -> str:
    """Whose weights: as ``noise.mapping`` says, else bottom_up where it is trained, else pnn."""
    return experiment.noise.mapping or ("bottom_up" if "bottom_up" in experiment.training.variants else "pnn")


def measure_jitter(work: Work) -> Done:
    """Measure the noise, unless the physical model has it; say how every spike jitters and why, and simulate some with noise."""
    from nonideal.characterize.jitter import MOST_CORNER_NORM, network_noise, noise_of
    from nonideal.pnn.checkpoint import load_dense
    from nonideal.postlayout.jitter import blind_network, network_jitter
    from nonideal.postlayout.jitter_plot import save_jitter
    from nonideal.stages.workbench import workbench

    experiment, say, chosen = work.experiment, work.context.console.print, work.experiment.noise
    bench = workbench(experiment, work.context, work.rundir.cache)
    model = _with_noise(work, bench)
    model.save(work.folder / MODEL)
    trained = load_dense(work.rundir.weights(mapping_of(experiment)))
    weights = [layer.weight.detach().double().numpy() for layer in trained.linear_layers]
    network, dataset = blind_network(model, weights), experiment.data.load()
    inputs = dataset.test_x.double().numpy()
    layers = trained.layer_sizes

    def jitter(low_Hz: float) -> list[LayerJitter]:
        return network_jitter(network, inputs, network_noise(model, layers, low_Hz))

    found = jitter(chosen.low_corner_Hz)
    write_csv(work.folder / TABLE, _table(found, model.t_circ_s))
    sample = _sample(found)
    kind = work.options.get("netlist", SCHEMATIC)
    of_column = f"{chosen.column_runs} noisy simulations of a column, " if kind == SCHEMATIC else ""
    say(f"  {of_column}{chosen.network_runs} noisy simulations of the network ({kind})")
    simulated = Simulated(
        bench, experiment, model, weights, inputs[sample], work.folder / "decks", _extracted(work), say
    )
    expected = [(one.time[sample], one.sigma[sample], one.fires[sample]) for one in found]
    within_Hz = MOST_CORNER_NORM / model.t_circ_s
    noise = noise_of(model)
    at_one = int(np.argmin(np.abs(np.array(noise.positive.ln_current) - np.log(model.unit_current_A()))))
    summary = NoiseSummary(
        mapping=mapping_of(experiment),
        netlist=kind,
        samples=len(inputs),
        sample=sample,
        low_corner_Hz=chosen.low_corner_Hz,
        seed=chosen.seed,
        layers=tuple(_layer(k, one, model.t_circ_s) for k, one in enumerate(found, start=1)),
        corners=tuple(
            CornerJitter(low_corner_Hz=low, output_rms_s=_rms_s(jitter(low)[-1], model.t_circ_s))
            for low in sorted({*CORNERS_HZ, chosen.low_corner_Hz, within_Hz})
        ),
        accuracy=_accuracy(experiment, model, network, dataset),
        column=simulated.column(expected[0], chosen.column_runs),
        network=simulated.network(expected, chosen.network_runs),
        shot_ratio_N=noise.positive.shot_ratio[at_one],
        shot_ratio_P=noise.negative.shot_ratio[at_one],
        silent_part=noise.silent_A2_per_Hz / noise.positive.white[at_one].value,
    )
    summary.save(work.folder / SUMMARY)
    named = [*(f"hidden {one.layer}" for one in summary.layers[:-1]), "output"]
    plots = save_jitter([one.parts_s for one in summary.layers], named, work.folder)
    return Done((*(work.folder / name for name in (MODEL, TABLE, SUMMARY)), *plots), summary)


def _with_noise(work: Work, bench: Workbench) -> PhysicalModel:
    """The physical model, its noise measured where characterisation left it out."""
    from nonideal.characterize.model import PhysicalModel
    from nonideal.characterize.noise_stage import measure_noise
    from nonideal.characterize.stage import specimen_of
    from nonideal.stages.measured_on import column_netlists

    model, design = PhysicalModel.load(work.rundir.model), work.experiment.circuit
    if model.noise is not None:
        return model
    specimen = specimen_of(design, model, column_netlists(work.experiment, work.rundir))
    noise = measure_noise(bench, design, model, work.folder / "decks", specimen)
    return model.model_copy(update={"noise": noise})


def _extracted(work: Work) -> str | None:
    """The netlist of the network's layout, where that is asked for."""
    from nonideal.circuits.extraction.netlist import read_netlist

    if work.options.get("netlist", SCHEMATIC) == SCHEMATIC:
        return None
    return read_netlist(work.rundir.path / "layout" / EXTRACTED).text()


def _table(found: Sequence[LayerJitter], t_circ_s: float) -> pd.DataFrame:
    """One row a spike: sample, layer, neuron, when it comes, its standard deviation, and that of each part, s."""
    import pandas as pd

    tables = []
    for k, one in enumerate(found, start=1):
        sample, neuron = np.nonzero(one.fires)
        columns = {"sample": sample, "layer": k, "neuron": neuron}
        columns |= {"time_s": t_circ_s * one.time[one.fires], "sigma_s": t_circ_s * one.sigma[one.fires]}
        columns |= {f"{name}_s": t_circ_s * np.sqrt(value[one.fires]) for name, value in one.parts.items()}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def _sample(found: Sequence[LayerJitter]) -> int:
    """The held-out sample with most neurons whose jitter can be compared; the first of equals."""
    return int(np.argmax(sum(_comparable((one.time, one.sigma, one.fires)).sum(1) for one in found)))


def _rms_s(one: LayerJitter, t_circ_s: float) -> float | None:
    values = one.sigma[one.fires]
    return float(t_circ_s * np.sqrt(np.mean(values**2))) if len(values) else None


def _layer(number: int, one: LayerJitter, t_circ_s: float) -> LayerJitterSummary:
    values = t_circ_s * one.sigma[one.fires]
    some = len(values) > 0
    return LayerJitterSummary(
        layer=number,
        spikes=len(values),
        min_s=float(values.min()) if some else None,
        typ_s=float(np.median(values)) if some else None,
        max_s=float(values.max()) if some else None,
        rms_s=_rms_s(one, t_circ_s),
        parts_s={
            name: float(t_circ_s * np.sqrt(np.mean(value[one.fires]))) if some else 0.0
            for name, value in one.parts.items()
        },
    )


def _accuracy(experiment: Experiment, model: PhysicalModel, network: RCSpikeNetwork, dataset: Dataset) -> NoisyAccuracy:  # fmt: skip
    from nonideal.characterize.jitter import network_noise
    from nonideal.pnn.robustness import noisy_accuracy

    chosen = experiment.noise
    network.classes = dataset.classes
    noise = network_noise(model, network.layer_sizes, chosen.low_corner_Hz)
    label = dataset.test_y
    share = noisy_accuracy(
        network, dataset.test_x, label, noise, draws=chosen.draws, seed=chosen.seed
    ).numpy()
    quiet = float((network.decide(network.predict_times(dataset.test_x)[-1]) == label).double().mean())
    mean, half = float(share.mean()), NORMAL_95 * float(share.std(ddof=1)) / np.sqrt(len(share))
    low, high = wilson(mean, len(label))
    return NoisyAccuracy(
        quiet=quiet,
        mean=mean,
        draws=len(share),
        low=mean - half,
        high=mean + half,
        samples_low=low,
        samples_high=high,
    )


def wilson(share: float, count: int) -> tuple[float, float]:
    """95 % interval of a share that was found in so many trials."""
    z2 = NORMAL_95**2
    centre = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = NORMAL_95 / (1 + z2 / count) * np.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    return float(centre - half), float(centre + half)


Expected = tuple[Array, Array, NDArray[np.bool_]]
"""Of a layer's neurons for the sample: spike time and standard deviation in T_circ, and which fire."""


class Simulated:
    """Noisy simulations of one sample."""

    def __init__(
        self,
        bench: Workbench,
        experiment: Experiment,
        model: PhysicalModel,
        weights: Sequence[Array],
        inputs: Array,
        folder: Path,
        extracted: str | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        self.bench, self.experiment, self.model, self.say = bench, experiment, model, say
        self.weights, self.inputs, self.folder, self.extracted = weights, inputs, folder, extracted

    def column(self, expected: Expected, runs: int) -> tuple[NoisyNeuron, ...]:
        """The hidden neuron whose jitter is the median, by itself, so many times (in whole decks).

        Nothing where none can be compared, or of an extracted network: a neuron by itself is none of its.
        """
        from nonideal.postlayout.jitter import copies, watch

        usable = np.flatnonzero(_comparable(expected))
        if not runs or not len(usable) or self.extracted is not None:
            return ()
        order = usable[np.argsort(expected[1][usable])]
        neuron = int(order[len(order) // 2])
        weight, folder = self.weights[0][neuron], self.folder / "column"
        alone = watch(self.bench, self.experiment.circuit, self.model, [weight[None]], self.inputs, folder)
        quiet_s = float(alone.quiet_s[0][0])
        if not np.isfinite(quiet_s):
            return ()
        decks = -(-runs // SIDE_BY_SIDE)
        (times,) = self._runs(copies(alone, SIDE_BY_SIDE, self.model, weight), decks, folder)
        return (_neuron(1, neuron, times.ravel(), quiet_s, float(expected[1][neuron]) * self.model.t_circ_s),)

    def network(self, expected: Sequence[Expected], runs: int) -> tuple[NoisyNeuron, ...]:
        """Every neuron of the network that can be compared."""
        from nonideal.postlayout.jitter import watch

        if not runs:
            return ()
        folder = self.folder / "network"
        design = self.experiment.circuit
        watched = watch(
            self.bench, design, self.model, self.weights, self.inputs, folder, extracted=self.extracted
        )
        times = self._runs(watched, runs, folder)
        return tuple(
            _neuron(layer, int(k), rows[:, k], float(quiet[k]), float(told[1][k]) * self.model.t_circ_s)
            for layer, (rows, quiet, told) in enumerate(
                zip(times, watched.quiet_s, expected, strict=True), start=1
            )
            for k in np.flatnonzero(_comparable(told))
            if np.isfinite(quiet[k])
        )

    def _runs(self, watched: Watched, count: int, folder: Path) -> list[Array]:
        """In batches: what has ended is in the cache, from where a stage that was interrupted takes it."""
        chosen, found = self.experiment.noise, []
        cut = self.extracted is not None and self.experiment.validation.simulate == "columns"
        run = watched.by_columns if cut else watched.runs
        for first in range(0, count, BATCH):
            numbers = range(first, min(first + BATCH, count))
            found.append(run(self.bench, numbers, chosen.seed, chosen.low_corner_Hz, folder))
            if numbers[-1] + 1 < count:
                self.say(f"  {numbers[-1] + 1} of {count} noisy simulations")
        return [np.concatenate(layer) for layer in zip(*found, strict=True)]


def _comparable(expected: Expected) -> NDArray[np.bool_]:
    time, sigma, fires = expected
    return np.asarray(fires & (time > EARLIEST) & (time + LATEST_SIGMAS * sigma < 1.0))


def _neuron(layer: int, neuron: int, times_s: Array, quiet_s: float, closed_form_s: float) -> NoisyNeuron:
    """Raises ``CharacterizationFailed`` where noise silenced a spike that is far from the phase's end."""
    from scipy import stats

    from nonideal.characterize.errors import CharacterizationFailed

    lost = int(np.sum(~np.isfinite(times_s)))
    if lost:
        raise CharacterizationFailed(
            f"layer {layer} neuron {neuron}: {lost} of {len(times_s)} noisy simulations have no spike of it"
        )
    n = len(times_s)
    sigma = float(times_s.std(ddof=1))
    return NoisyNeuron(
        layer=layer,
        neuron=neuron,
        runs=n,
        quiet_s=quiet_s,
        mean_s=float(times_s.mean()),
        sigma_s=sigma,
        sigma_stderr_s=sigma / np.sqrt(2 * (n - 1)),
        closed_form_s=closed_form_s,
        skewness=float(stats.skew(times_s)),
        skewness_stderr=float(np.sqrt(6 / n)),
        excess_kurtosis=float(stats.kurtosis(times_s)),
        kurtosis_stderr=float(np.sqrt(24 / n)),
    )
