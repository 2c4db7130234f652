"""What can be known before anything runs: experiment against data, and stages against circuit, layout and tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nonideal.circuits.errors import CircuitError
from nonideal.experiment.errors import ExperimentError, RequirementMissing
from nonideal.experiment.experiment import Experiment
from nonideal.pnn.errors import DataError
from nonideal.pnn.known_data import SMALL, check_layers
from nonideal.runs.rundir import SCHEMATIC, stage_of
from nonideal.runs.stage import Stage
from nonideal.stages.codes import holds_codes
from nonideal.stages.layout import MODES, extractor_of, require_extractor

if TYPE_CHECKING:
    from nonideal.pnn.data import Dataset

Options = Mapping[str, Mapping[str, Any]]


def check_before(
    experiment: Experiment, stages: Sequence[Stage], options: Options, say: Callable[[str], object]
) -> None:
    """Raise the error that one of ``stages`` would end with later, where experiment, data and machine tell it already.

    ``options``: by stage, as they are run with. Files of an image set that are to be fetched are fetched (``data.download``), where there is
    something to train; ``say`` tells of it. Raises ``ExperimentError``, ``DataError``, ``NoCircuit``, ``CircuitError``, ``RequirementMissing``
    and what finding a tool raises.
    """
    for stage in stages:
        stage.check(experiment)
    names = {stage_of(stage.name) for stage in stages}
    check_data(experiment, training="training" in names, say=say)
    if "characterization" in names:
        _check_spread(experiment)
    for stage in stages:
        _check_drawing(stage, experiment, options.get(stage.name, {}))
    for stage in stages:
        stage.tools()


def check_data(
    experiment: Experiment, *, training: bool = False, say: Callable[[str], object] = lambda told: None
) -> None:
    """The data are there, can be read, and fit network and numbers of samples; with ``training`` missing images are fetched.

    Raises ``DataError``, ``ExperimentError``.
    """
    _check_known(experiment)  # before PyTorch is imported
    from nonideal.pnn.images import images_present

    data = experiment.data
    if training or not data.download:
        data.fetch(say)
    elif data.set is not None and data.place is not None and not images_present(data.set, data.place):
        return  # they are fetched once there is something to train
    found = data.load()
    _check_network(experiment, found)
    for key, asked, held in (
        ("samples", experiment.validation.samples, len(found.test_y)),
        ("calibration_samples", experiment.validation.calibration_samples, len(found.train_y)),
    ):
        if asked > held:
            side = f"holds out {held}" if key == "samples" else f"has {held} training samples"
            raise ExperimentError(
                experiment.name,
                [f"validation.{key} = {asked}: {found.name} {side}; give 1 to {held}"],
            )
    if training:
        from nonideal.pnn.devices import choose_device

        chosen = experiment.training
        choose_device(chosen.accelerator, chosen.devices, min(chosen.batch_size, len(found.train_y)))


def _check_known(experiment: Experiment) -> None:
    """What the name of a data set tells: nothing has to be loaded to know that layers do not fit."""
    data, known = experiment.data, SMALL.get(experiment.data.set or "")
    if known is not None and experiment.training.network is None:
        axons = known.features + data.bias_axon
        check_layers(experiment.training.layers, data.name, axons, known.classes, bias=data.bias_axon)


def _check_network(experiment: Experiment, found: Dataset) -> None:
    """The network takes the data's axons and has outputs for its classes."""
    training = experiment.training
    if training.network is not None:
        last = training.network.layers[-1]
        if isinstance(last, int) and last < found.classes:
            raise DataError(
                f"data set {found.name} has {found.classes} classes, but network.layers end with {last}: make the last {found.classes} or more"
            )
        return
    found.check_fits(training.layers)


def _check_spread(experiment: Experiment) -> None:
    """A training on drawn chips has a spread to draw them with."""
    variation = experiment.training.variation
    if variation is None or variation.scale == 0.0 or experiment.training.preset is not None:
        return
    if experiment.characterize.draws == 0:
        raise ExperimentError(
            experiment.name,
            [
                "[training.variation] trains on drawn chips, but characterize.draws = 0 measures no mismatch: set characterize.draws = 200, "
                "training.variation.scale = 0 for conditions alone, or leave the section out"
            ],
        )


def _check_drawing(stage: Stage, experiment: Experiment, options: Mapping[str, Any]) -> None:
    """Cells are what the stage can do with; what it draws can be drawn; what it extracts with is there."""
    name, design = stage_of(stage.name), experiment.circuit
    if name in ("characterization", "mismatch"):
        from nonideal.characterize.spread_stage import check_cells

        if name == "mismatch" and holds_codes(design):
            return  # of its units the PDK's statistics are all that is asked
        if name == "characterization":
            check_cells(design, experiment.characterize.draws)
        else:
            way_out = f"chips are drawn (yield, calibrate) where circuit.cells leaves out {' and '.join(design.cells)}"
            check_cells(design, experiment.chips.draws, way_out)
    if name == "columns":
        from nonideal.characterize.column_bench import NEURONS

        check_drawable(experiment, [(axons, NEURONS) for axons in experiment.columns])
        check_drawable(experiment, [(1, *pair) for pair in experiment.fan_outs])
        check_extractor(stage.name, experiment.characterize.on, extractor_of(options, experiment))
    if name == "explore":
        check_extractor(stage.name, experiment.characterize.on, extractor_of(options, experiment))
    if name == "layout":
        _ = experiment.drawn_mapping  # raises where a mask is to be drawn for several
        check_drawable(experiment, [experiment.training.layers])
        check_extractor(stage.name, str(options.get("netlist", SCHEMATIC)), extractor_of(options, experiment))


def check_extractor(stage: str, kind: str, extractor: str) -> None:
    """Raise ``RequirementMissing`` where ``kind`` is to be extracted and the extractor is not there."""
    if kind not in MODES:
        return
    try:
        require_extractor(extractor)
    except RequirementMissing as error:
        raise RequirementMissing(f"{stage}: nothing extracts {kind}: {error}") from error


def check_drawable(experiment: Experiment, networks: Sequence[Sequence[int]]) -> None:
    """Raise ``CircuitError`` unless networks of these layers can be drawn with the experiment's circuit."""
    from nonideal.circuits.layout.network import check_sizes, leaf_cells

    design = experiment.circuit
    if design.cells:
        raise CircuitError(
            f"circuit.cells replaces {', '.join(design.cells)}: only our own cells can be drawn; measure and validate on the schematic "
            "(--netlist schematic, --characterize-on schematic)"
        )
    for layers in networks:
        check_sizes(layers)
    leaf_cells(design)
