"""Designs compared by yield: each characterised with its mismatch and trained anew, then drawn as chips."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from nonideal.characterize.candidates import PRESENT, Candidate, distinct, varied
from nonideal.characterize.errors import CharacterizationFailed, FitRefused
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.mapping import map_weights
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import Experiment
from nonideal.files import write_csv
from nonideal.pnn.errors import TrainingDiverged
from nonideal.runs.stage import Work
from nonideal.runs.summaries.chips import DesignSummary
from nonideal.stages.mismatch import statistical_model
from nonideal.stages.population import network_written, population_of, population_summary
from nonideal.stages.shift import shifts_of
from nonideal.stages.training_job import train_one


def designs(experiment: Experiment) -> list[tuple[Candidate, int | None]]:
    """What is compared: the experiment's circuit, then each choice of ``chips.vary``, with every size of the first hidden layer.

    None stands for no hidden layer. Raises ``CircuitError`` for a choice that cannot be, ``ExperimentError`` for sizes of a layer
    that is not there.
    """
    asked, own, layers = experiment.chips, experiment.circuit, experiment.training.layers
    if asked.hidden and len(layers) == 2:
        raise ExperimentError(
            experiment.name,
            [
                f"chips.hidden = {list(asked.hidden)}, but training.layers = {list(layers)} has no hidden layer"
            ],
        )
    if asked.hidden or asked.vary:
        # What all are held against has to be one that can be drawn.
        synapse_area_um2(own, layers)
    more = [one for one in varied(asked.vary, asked.limit) if one.overrides] if asked.vary else []
    for candidate in more:
        candidate.applied(own)
    hidden: tuple[int | None, ...] = asked.hidden or layers[1:-1][:1] or (None,)
    return [(candidate, size) for candidate in distinct(own, [PRESENT, *more]) for size in hidden]


def with_design(experiment: Experiment, circuit: Design, hidden: int | None) -> Experiment:
    """The experiment on another circuit, its first hidden layer (None: it has none) of another size, trained once and on its own model."""
    layers = list(experiment.training.layers)
    if hidden is not None:
        layers[1] = hidden
    training = experiment.training.model_copy(
        update={
            "layers": tuple(layers),
            "variants": (experiment.chips.mapping,),
            "seeds": experiment.training.seeds[:1],
            "preset": None,
        }
    )
    return experiment.model_copy(update={"circuit": circuit, "training": training})


def synapse_area_um2(circuit: Design, layers: tuple[int, ...]) -> float:
    """Area of all synapse pairs as they are drawn: column pitch by row height each. Raises ``CircuitError`` where they cannot be."""
    from nonideal.circuits.layout.network import leaf_cells

    cells = leaf_cells(circuit)
    pairs = sum(m * n for m, n in pairwise(layers))
    return float(pairs * cells.pitch * cells.row_height)


def compare_designs(work: Work) -> tuple[tuple[DesignSummary, ...], list[Path]]:
    """designs.csv: area, spread, accuracy and yields of every design, or why there are none."""
    import pandas as pd

    from nonideal.characterize.plots import save_figure
    from nonideal.chips.design_plot import design_figure

    found: list[DesignSummary] = []
    todo = designs(work.experiment)
    reference = synapse_area_um2(work.experiment.circuit, work.experiment.training.layers)
    for k, (candidate, hidden) in enumerate(todo):
        name = candidate.name if hidden is None else f"{candidate.name}-{hidden}"
        work.context.console.print(
            f"  design {k + 1} of {len(todo)}: {name} {candidate.settings_text}".rstrip()
        )
        try:
            numbers = _measured(work, candidate, hidden, reference, work.folder / "designs" / name)
        except (CircuitError, FitRefused, CharacterizationFailed, TrainingDiverged) as error:
            numbers = {"problem": str(error)}
        told = {"name": name, "overrides": candidate.settings_text, "hidden": hidden}
        found.append(DesignSummary.model_validate(told | numbers))
    table, file = pd.DataFrame([one.as_json() for one in found]), work.folder / "designs.csv"
    write_csv(file, table)
    known = table[table["problem"] == ""]
    plots = save_figure(design_figure(known), work.folder, "designs", dpi=150) if len(known) else []
    return tuple(found), [file, *plots]


def _measured(
    work: Work, candidate: Candidate, hidden: int | None, reference: float, folder: Path
) -> dict[str, object]:
    from nonideal.characterize.physics import BottomUp
    from nonideal.characterize.variation import layer_variation
    from nonideal.pnn.checkpoint import load_dense

    experiment = with_design(work.experiment, candidate.applied(work.experiment.circuit), hidden)
    asked, layers = experiment.chips, experiment.training.layers
    area_um2 = synapse_area_um2(experiment.circuit, layers)
    model = statistical_model(work, experiment, folder)
    trained = train_one(
        experiment,
        folder / "model.json",
        asked.mapping,
        experiment.training.seeds[0],
        folder / "training",
        shifts=shifts_of(work, experiment, model, folder / "decks") if experiment.sees_conditions else None,
    )
    network = load_dense(trained.weights)
    weights = [layer.weight.detach().double().numpy() for layer in network.linear_layers]
    clipped = map_weights(weights, BottomUp(model), clip=True).clipped
    written, dataset = network_written(model, network), experiment.data.load()
    plain = population_of(work, model, written, dataset, None)
    trimmed = population_of(work, model, written, dataset, experiment.calibration.bias_dac_bits)
    variation = layer_variation(model, layers[0])
    return {
        "synapse_area_um2": area_um2,
        "area_ratio": area_um2 / reference,
        "sigma_ln_current_n": variation.positive.sigma(1.0),
        "sigma_ln_current_p": variation.negative.sigma(1.0),
        "sigma_ln_ramp": variation.ln_ramp,
        "sigma_threshold": variation.threshold,
        "clipped": clipped,
        "nominal_accuracy": plain.nominal,
        **{
            f"{key}_{side}": value
            for side, found in (("as_written", plain), ("trimmed", trimmed))
            for key, value in population_summary(found, asked.accuracy_loss_max).as_json().items()
        },
        "problem": "",
    }
