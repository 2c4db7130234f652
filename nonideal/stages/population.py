"""Chips of an experiment in the fast model: drawn from its statistical model, and what is said of their accuracies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from nonideal.characterize.model import PhysicalModel
from nonideal.experiment.experiment import Experiment
from nonideal.runs.stage import Work
from nonideal.runs.summaries.chips import PopulationSummary, TrimmedSummary

if TYPE_CHECKING:
    import pandas as pd

    from nonideal.chips.population import Noisy, Population
    from nonideal.chips.written import WrittenBiases
    from nonideal.pnn import Dataset, RCSpikeNetwork


LOSSES = tuple(round(0.005 * k, 3) for k in range(41))
"""Accuracy losses at which yields are drawn."""


def network_written(model: PhysicalModel, network: RCSpikeNetwork) -> WrittenBiases:
    """A trained network as biases of the nominal chip; weights beyond the range are moved into it."""
    from nonideal.characterize.physics import BottomUp
    from nonideal.chips.written import WrittenBiases
    from nonideal.circuits.network.mapping import map_weights

    weights = [layer.weight.detach().double().numpy() for layer in network.linear_layers]
    return WrittenBiases.of(map_weights(weights, BottomUp(model), clip=True))


def noisy(experiment: Experiment, model: PhysicalModel, layers: Sequence[int]) -> Noisy | None:
    """The noise that chips are looked at under; None where the experiment asks for none, or the model knows none."""
    from nonideal.characterize.jitter import network_noise
    from nonideal.chips.population import Noisy

    draws = experiment.chips.noise_draws
    if not draws or model.noise is None:
        return None
    return Noisy(network_noise(model, layers, experiment.noise.low_corner_Hz), draws)


def population_of(
    work: Work,
    model: PhysicalModel,
    written: WrittenBiases,
    dataset: Dataset,
    bits: int | None,
    noise: Noisy | None = None,
) -> Population:
    """All chips of the experiment; ``bits`` of the converters that they are trimmed with (None: they are not); ``noise`` that they are under."""
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
        calibration=calibration, noise=noise, jobs=work.context.jobs, advance=advance,
    )  # fmt: skip


def yield_row(found: Population, loss: float) -> dict[str, float]:
    """The yield at an allowed accuracy loss, with its interval."""
    from nonideal.chips.yields import yield_of

    one = yield_of(found.accuracy, found.nominal, loss)
    return {"yield": one.value} | asdict(one)


def yield_curve(name: str, found: Population) -> pd.DataFrame:
    """The yield over the accuracy that a chip may lose."""
    import pandas as pd

    return pd.DataFrame([{"name": name, "loss": loss} | yield_row(found, loss) for loss in LOSSES])


def population_summary(found: Population, loss: float) -> PopulationSummary:
    """The yield, and the accuracy over the chips that have one: least, median, largest, mean (None where none has)."""
    return PopulationSummary.model_validate(_numbers(found, loss))


def trimmed_summary(found: Population, loss: float, bits: int) -> TrimmedSummary:
    """The same of chips that were trimmed by converters of so many bits."""
    return TrimmedSummary.model_validate(_numbers(found, loss) | {"bits": bits})


def _numbers(found: Population, loss: float) -> dict[str, float | None]:
    accuracy = found.accuracy[~np.isnan(found.accuracy)]
    names = ("min", "typ", "max", "mean")
    span: dict[str, float | None] = dict.fromkeys(f"accuracy_{name}" for name in names)
    if len(accuracy):
        numbers = (np.min(accuracy), np.median(accuracy), np.max(accuracy), np.mean(accuracy))
        span |= {f"accuracy_{name}": float(number) for name, number in zip(names, numbers, strict=True)}
    if len(accuracy) > 1:
        span["accuracy_mean_half"] = float(1.959964 * accuracy.std(ddof=1) / np.sqrt(len(accuracy)))
    return yield_row(found, loss) | span | {"off_nominal_rms_s": found.off_nominal_s}
