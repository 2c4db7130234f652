"""An experiment: every choice of one run of the loop, read from ``experiments/<name>.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from nonideal.characterize.candidates import varied
from nonideal.characterize.jitter import MOST_CORNER_NORM
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.physics import MOST_AXONS, MOST_DRAWN_AXONS, columns_of
from nonideal.chips.options import CalibrationOptions, YieldOptions
from nonideal.circuits.cells.coded import CodedSizes
from nonideal.circuits.cells.kinds import contract_in
from nonideal.circuits.cells.leaf_cells import LEAVES, check_cell, illegal_sizes
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.experiment.data import Data
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.folders import FOLDER, known_experiments
from nonideal.experiment.folders import folders as experiment_folders
from nonideal.experiment.offsets import supply_offsets, temperatures_near
from nonideal.experiment.problems import explain
from nonideal.experiment.sections import (
    MAPPINGS,
    Conditions,
    Explore,
    Extraction,
    Netlist,
    Noise,
    Process,
    Section,
    Seed,
    Simulator,
    Spec,
    Validation,
)
from nonideal.experiment.training import Training
from nonideal.files import UnreadableFile, no_file, read_text
from nonideal.pnn.known_data import IMAGES
from nonideal.sky130_models.corner import Corner
from nonideal.spice.names import UnsafeName, check_name
from nonideal.tapeout.options import TapeoutOptions


class Experiment(Section):
    """Every choice of one run. A section left out has the defaults; a key that does not exist is an error."""

    name: str = Field(description="names the run directory and the cells; as the file is called")
    seed: Seed = 0
    process: Process = Process()
    circuit: Design = Design()
    extraction: Extraction = Extraction()
    characterize: CharacterizeOptions = CharacterizeOptions()
    explore: Explore = Explore()
    conditions: Conditions = Conditions()
    noise: Noise = Noise()
    chips: YieldOptions = YieldOptions()
    calibration: CalibrationOptions = CalibrationOptions()
    data: Data = Data()
    training: Training = Training()
    netlist: Netlist = Netlist()
    validation: Validation = Validation()
    simulator: Simulator = Simulator()
    spec: Spec = Spec()
    tapeout: TapeoutOptions | None = Field(
        default=None, description="the tile of a shuttle that the network goes to"
    )

    @field_validator("name")
    @classmethod
    def _name_is_safe(cls, name: str) -> str:
        try:
            return check_name(name, "experiment name")
        except UnsafeName as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _sizes_are_legal(self) -> Experiment:
        problems = illegal_sizes(self.circuit)
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @model_validator(mode="after")
    def _choices_are_legal(self) -> Experiment:
        for candidate in varied(self.explore.vary, self.explore.limit) if self.explore.vary else ():
            try:
                candidate.applied(self.circuit)
            except CircuitError as error:
                raise ValueError(f"explore.vary: {error}") from error
        return self

    @property
    def mappings(self) -> tuple[str, ...]:
        """What is written back and validated: ``validation.mappings``, and for the paper's comparison every other variant that is trained."""
        asked: tuple[str, ...] = self.validation.mappings
        if self.validation.compare == "layout":
            return asked
        return tuple(v for v in self.training.variants if v in asked or v in MAPPINGS)

    @property
    def drawn_mapping(self) -> str | None:
        """The mapping whose weights are wired into the layout; None where weights are no mask. Raises ``ExperimentError`` where there are several."""
        if not self.circuit.contracts.synapse.storage.ties:
            return None
        if len(self.mappings) != 1:
            raise ExperimentError(
                self.name,
                [
                    f"validation.mappings = {list(self.mappings)}: a mask is drawn into a layout, and a layout has one; name one mapping, "
                    "or validate on the schematic netlist"
                ],
            )
        return self.mappings[0]

    @model_validator(mode="after")
    def _parts_fit(self) -> Experiment:
        held_out = self.data.held_out
        if held_out is not None and self.validation.samples > held_out:
            raise ValueError(
                f"validation.samples = {self.validation.samples}: only data.test_samples = "
                f"{held_out} are held out; lower the one or raise the other"
            )
        untrained = [m for m in self.validation.mappings if m not in self.training.variants]
        if untrained:
            raise ValueError(
                f"validation.mappings holds {', '.join(untrained)}, which training.variants = "
                f"{list(self.training.variants)} does not train"
            )
        network = self.training.network
        if network is not None and network.needs_image:
            shape = self.data.image_shape
            if shape is None or self.data.bias_axon:
                raise ValueError(
                    f"training.network has layers on an image: they need data.set = {' or '.join(IMAGES)} and data.bias_axon = false"
                )
            network.check_image(shape)
        return self

    @model_validator(mode="after")
    def _full_scale_is_of_codes(self) -> Experiment:
        if self.bits is None and self.training.full_scale != Training.model_fields["full_scale"].default:
            raise ValueError(
                f"training.full_scale = {self.training.full_scale!r} is of weights that are codes, and this circuit's are analog: "
                'leave it out, or give circuit.synapse.kind = "coded"'
            )
        return self

    @model_validator(mode="after")
    def _tile_makes_a_bias_that_is_there(self) -> Experiment:
        if self.tapeout is not None and self.tapeout.bias_on_tile and not self.data.bias_axon:
            raise ValueError(
                "tapeout.bias_on_tile = true makes the last axon spike as the first phase begins, and data.bias_axon = false makes it an input: "
                "leave the one out, or the other"
            )
        return self

    @model_validator(mode="after")
    def _conditions_can_be(self) -> Experiment:
        mapping = self.conditions.mapping
        if mapping is not None and mapping not in self.training.variants:
            raise ValueError(
                f"conditions.mapping = {mapping!r}, which training.variants = {list(self.training.variants)} does not train"
            )
        for check in (temperatures_near, supply_offsets):
            check(self.conditions, self.circuit)  # raises for what cannot be
        return self

    @model_validator(mode="after")
    def _noise_is_measured(self) -> Experiment:
        training, mapping, low_Hz = self.training, self.noise.mapping, self.noise.low_corner_Hz
        if mapping is not None and mapping not in training.variants:
            raise ValueError(
                f"noise.mapping = {mapping!r}, which training.variants = {list(training.variants)} does not train"
            )
        most_Hz = MOST_CORNER_NORM / self.circuit.timing.t_circ_s
        if low_Hz > most_Hz:
            raise ValueError(
                f"noise.low_corner_Hz = {low_Hz:g}: at most {most_Hz:g}, half of 1 / circuit.timing.t_circ_s, where noise is as fast as a phase"
            )
        if training.spike_noise == "measured" and training.preset is None and not self.characterize.noise:
            raise ValueError(
                'training.spike_noise = "measured", but characterize.noise = false measures none: set characterize.noise = true'
            )
        return self

    @property
    def columns(self) -> tuple[int, ...]:
        """The numbers of axons of the columns to characterise: those of the network's layers, or of the bench where there is no circuit."""
        layers = self.training.layers if self.training.network is None else (self.characterize.axons, 1)
        return columns_of(layers, MOST_AXONS if self.characterize.on == "schematic" else MOST_DRAWN_AXONS)

    @property
    def fan_outs(self) -> tuple[tuple[int, int], ...]:
        """Neurons of a layer and of the one that they drive, each once: the axons between them are extracted where columns are."""
        if self.characterize.on == "schematic" or self.training.network is not None:
            return ()
        return tuple(dict.fromkeys(pairwise(self.training.layers[1:])))

    @property
    def bits(self) -> int | None:
        """Of the codes that the synapses hold, a sign besides; None: they hold analog weights."""
        synapse = self.circuit.synapse
        return synapse.bits if isinstance(synapse, CodedSizes) else None

    @property
    def sees_conditions(self) -> bool:
        """Whether the training sees other corners or temperatures than home."""
        variation = self.training.variation
        return variation is not None and variation.has_conditions

    def at(self, corner: Corner) -> Experiment:
        """The same experiment at another process corner."""
        return self.model_copy(update={"process": Process(corner=corner)})

    def changed(self, changes: Mapping[str, Mapping[str, Any]]) -> Experiment:
        """The same experiment with other values, by section and key; None stands for no change. Values are taken as they are."""
        update = {}
        for name, values in changes.items():
            given = {key: value for key, value in values.items() if value is not None}
            update[name] = getattr(self, name).model_copy(update=given)
        return self.model_copy(update=update)

    def section(self, dotted: str) -> Any:
        """A section or value by its dotted name, or ``columns``, ``fan_outs`` or ``bits``, JSON-ready (for manifests)."""
        value: Any = self.model_dump(mode="json") | {
            "columns": list(self.columns),
            "fan_outs": [list(sizes) for sizes in self.fan_outs],
            "bits": self.bits,
        }
        for part in dotted.split("."):
            value = value[part]
        return value


def load_experiment(name_or_path: str | Path, *, folders: tuple[Path, ...] | None = None) -> Experiment:
    """Read an experiment by name (``iris``) or path (``my/own.toml``).

    Raises ``ExperimentError`` with every problem at once.

        experiment = nonideal.load_experiment("iris")
        print(experiment.training.layers, experiment.circuit.timing.t_circ_s)
    """
    path = _find(str(name_or_path), folders if folders is not None else experiment_folders())
    data = _read_toml(path)
    _read_cells(data, path)
    experiment = parse_experiment(data, str(path))
    if experiment.name != path.stem:
        raise ExperimentError(
            str(path),
            [
                f"name = {experiment.name!r}, but the file is called {path.name}: make them equal, "
                "or two experiments share one run directory"
            ],
        )
    return experiment.model_copy(update={"data": experiment.data.beside(path.parent)})


def parse_experiment(data: dict[str, Any], source: str) -> Experiment:
    """An experiment from parsed TOML; ``source`` names it in errors."""
    try:
        return Experiment.model_validate(data)
    except ValidationError as error:
        raise ExperimentError(source, explain(error, Experiment, data)) from error
    except RecursionError as error:
        raise ExperimentError(source, ["its values are nested too deeply"]) from error


def _read_toml(path: Path) -> dict[str, Any]:
    """Raises ``ExperimentError`` for what is no text or no TOML, is nested too deeply, or holds a number of thousands of digits."""
    try:
        return tomllib.loads(read_text(path))
    except UnreadableFile as error:
        raise ExperimentError(str(path), [str(error).removeprefix(f"{path}").lstrip(":, ")]) from error
    except RecursionError as error:
        raise ExperimentError(str(path), ["its values are nested too deeply"]) from error
    except ValueError as error:
        raise ExperimentError(str(path), [f"not valid TOML: {error}"]) from error


def _read_cells(data: dict[str, Any], path: Path) -> None:
    """``[circuit.cells]`` names files beside the experiment; what they hold takes their place, so that it counts as input."""
    circuit = data.get("circuit")
    cells = circuit.get("cells") if isinstance(circuit, dict) else None
    if not isinstance(circuit, dict) or not isinstance(cells, dict):
        return
    for name, file in cells.items():
        if name not in LEAVES:
            raise ExperimentError(
                str(path), [f"circuit.cells.{name}: no such cell; there are {', '.join(LEAVES)}"]
            )
        try:
            text = read_text(path.parent / str(file))
            contract = contract_in(name, circuit)
            cells[name] = check_cell(name, text, Path(str(file)).name, frozenset(cells), contract)
        except UnreadableFile as error:
            problem = f"circuit.cells.{name} = {file!r}: {error}; give a file beside {path.name}"
            raise ExperimentError(str(path), [problem]) from error
        except CircuitError as error:
            raise ExperimentError(str(path), [str(error)]) from error


def _find(name_or_path: str, folders: tuple[Path, ...]) -> Path:
    given = Path(name_or_path)
    if given.suffix == ".toml" or len(given.parts) > 1:
        if given.is_file():
            return given
        raise ExperimentError(name_or_path, [no_file(given)])
    for folder in folders:
        if (folder / f"{name_or_path}.toml").is_file():
            return folder / f"{name_or_path}.toml"
    known = known_experiments(folders)
    near = get_close_matches(name_or_path, known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise ExperimentError(
        name_or_path,
        [
            f"no such experiment{hint} There are: {', '.join(known) or 'none'} "
            f"(give a name in {FOLDER}/, or a path to a .toml file)"
        ],
    )
