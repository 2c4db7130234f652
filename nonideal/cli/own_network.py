"""A network that was trained elsewhere, with its physical model and data: held against each other, then validated like any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from nonideal.characterize.circuit import design_of
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import network_physics
from nonideal.cli.own_files import given_model
from nonideal.cli.session import Session, corners_of
from nonideal.experiment.belonging import check_model, check_weights
from nonideal.experiment.data import Data
from nonideal.experiment.errors import BadOption, Mismatched
from nonideal.experiment.experiment import Experiment, load_experiment
from nonideal.files import read_bytes, write_bytes
from nonideal.pnn.checkpoint import Provenance, WeightsHeader, load_dense, load_header
from nonideal.pnn.data import Dataset
from nonideal.pnn.known_data import IMAGES, SMALL, SUFFIXES
from nonideal.postlayout.plan import BLIND
from nonideal.runs.commands import CommandLine
from nonideal.runs.context import Context, available_cores
from nonideal.runs.rundir import RunDir, default_run_dir
from nonideal.runs.stage import Outcome, set_aside, worked_in
from nonideal.sky130_models.corner import parse_corner
from nonideal.spice.names import UnsafeName, check_name
from nonideal.stages.layout import MODES, layout_options
from nonideal.stages.measured_on import SCHEMATIC, MeasuredOn

if TYPE_CHECKING:
    from nonideal.cli.options import Common
    from nonideal.experiment.sections import Mapping
    from nonideal.pnn.network import RCSpikeNetwork

IDEAL_BETA = 0.01
"""1 / |E_rev| of the paper's ideal synapses; no larger one is a network without physics."""


def told_data(given: str, provenance: Provenance) -> Data:
    """The data set, by name or file, split as at training where that is known."""
    origin, encoding = provenance.origin, provenance.encoding
    keys = {"encoding": encoding.time, "bias_axon": encoding.bias}
    if given in SMALL or given in IMAGES:
        split = {} if origin is None or origin.split is None else dict(zip(SPLIT, origin.split, strict=True))
        return Data.model_validate(keys | split | {"set": given})
    path = Path(given)
    if not given.lower().endswith(SUFFIXES):
        raise BadOption(
            f"--data {given}: a data file ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, "
            f"and the data sets are {', '.join((*SMALL, *IMAGES))}"
        )
    own = Data.model_validate(keys | {"set": None, "file": path.name}).beside(path.parent)
    return own.as_trained(provenance)


@dataclass(frozen=True, slots=True)
class Trained:
    """What ``nonideal validate-post-layout --weights W --model M --data F`` is given: files, and what to do with them."""

    weights: Path
    model: Path
    data: str
    netlist: str = SCHEMATIC
    clip: bool = False

    def validate(
        self, common: Common, experiment: str | None, *, samples: int | None = None, force: bool = False
    ) -> list[Outcome]:
        """Write the network back, draw and extract it where an extracted netlist is asked for, and simulate it.

        ``experiment``: where circuit and simulator settings come from; without one the circuit is the model's. All that does not belong
        together is refused first. Raises ``Mismatched``, ``BadOption`` and what reading the files raises.
        """
        if common.characterize_on is not None:
            raise BadOption(
                f"--characterize-on {common.characterize_on.value}: --model says what its columns were measured on; leave it out"
            )
        if common.jobs is not None and common.jobs < 1:
            raise BadOption(f"--jobs {common.jobs}: give at least 1, or leave it out for one per core")
        path = given_model(self.model)
        line = CommandLine(experiment or "", samples, handed_in=self._options())
        context = Context(
            jobs=common.jobs or available_cores(), scheduler=common.scheduler, force=force, line=line
        )
        untold = check_weights(self.weights, path)
        network, model = load_dense(self.weights), PhysicalModel.load(path)
        run = self._experiment(experiment, common.corner, samples, network, model, path)
        name = run.name if samples is None else f"{run.name}-{samples}"
        rundir = RunDir(common.run_dir if common.run_dir is not None else default_run_dir(name))
        if untold is not None:
            context.console.print(untold, markup=False)
        drawn = self.netlist in MODES
        options: dict[str, dict[str, str | bool]] = {
            "netlist": {"clip": True} if self.clip else {},
            "layout": layout_options(self.netlist),
            "validation": {"netlist": self.netlist},
        }
        column_netlist = model.columns[0].netlist if model.columns else SCHEMATIC
        asked = MeasuredOn(column_netlist, f"as {self.model} says")
        with rundir.lock():
            handed_in = {rundir.model: path, rundir.weights(run.training.variants[0]): self.weights}
            _lay(handed_in, rundir, lambda text: context.console.print(text, markup=False))
            opened = Session(run, (run.process.corner,), rundir, context, asked)
            return opened.run(("netlist", *["layout"] * drawn, "validation"), options)

    def _options(self) -> dict[str, str | bool | None]:
        return {
            "weights": str(self.weights),
            "model": str(self.model),
            "data": self.data,
            "netlist": self.netlist,
            "clip": self.clip,
        }

    def _experiment(
        self,
        name: str | None,
        corner: str | None,
        samples: int | None,
        network: RCSpikeNetwork,
        model: PhysicalModel,
        path: Path,
    ) -> Experiment:
        """The experiment that the files stand for, checked; settings that they do not tell are those of experiment ``name``."""
        header = load_header(self.weights)
        base = self._of_model(model, path) if name is None else load_experiment(name)
        if corner is not None:
            chosen = corners_of(corner)
            if len(chosen) > 1:
                raise BadOption(f"--corner {corner}: a model is of one corner")
            base = base.at(chosen[0])
        check_model(model, path, base)
        mapping = mapping_of(network)
        if mapping in BLIND:
            self._check_columns(network, model, path)
        data = told_data(self.data, header.provenance)
        found = data.load()
        self._check_data(found, header, network)
        held = len(found.test_y)
        if samples is not None and not 1 <= samples <= held:
            raise BadOption(f"--samples {samples}: {self.data} holds out {held}; give 1 to {held}")
        number = min(base.validation.samples, held) if samples is None else samples
        few = min(base.validation.calibration_samples, len(found.train_y))
        # As in a short run of an experiment.
        calibration = few if samples is None else min(few, max(3, samples // 2))
        training = base.training.model_copy(
            update={
                "layers": network.layer_sizes,
                "network": None,
                "variants": (mapping,),
                "seeds": (header.provenance.seed,),
                "preset": None,
                "variation": None,
            }
        )
        validation = base.validation.model_copy(
            update={"samples": number, "mappings": (mapping,), "calibration_samples": calibration}
        )
        parts = {"name": self._name(), "data": data, "training": training, "validation": validation}
        return base.model_copy(update=parts).changed({"netlist": {"clip": self.clip or None}})

    def _of_model(self, model: PhysicalModel, path: Path) -> Experiment:
        """Default settings, on the circuit that the model was measured on, at its corner and with its extraction."""
        own = sorted(key for key in model.circuit or {} if key.startswith("circuit.cells."))
        if own:
            raise BadOption(
                f"--model {path}: it was measured on own cells ({', '.join(own)}), which it knows by their hash: give the experiment that names them "
                "(--experiment)"
            )
        base = Experiment(name=self._name())
        try:
            design, corner = design_of(model), parse_corner(model.corner)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, ("circuit", *first["loc"])))
            raise BadOption(
                f"--model {path}: {where} = {first['input']!r}: {first['msg']}; characterise again"
            ) from error
        except ValueError as error:
            raise BadOption(f"--model {path}: {error}; characterise again") from error
        sidewalls = sorted({column.sidewall for column in model.columns if column.sidewall is not None})
        extraction = {"sidewall": sidewalls[0] if len(sidewalls) == 1 else None}
        base = base if design is None else base.model_copy(update={"circuit": design})
        return base.at(corner).changed({"extraction": extraction})

    def _check_columns(self, network: RCSpikeNetwork, model: PhysicalModel, path: Path) -> None:
        """Nothing is fitted for a network of columns: they have to be of its sizes, and measured on the netlist that is validated."""
        if network_physics(model, network.layer_sizes) != network.physics:
            raise Mismatched(
                f"{self.weights} was trained on other columns than those of {path}: give the model that it was trained on (--model)"
            )
        measured = sorted({column.netlist for column in model.columns})
        if measured != [self.netlist]:
            raise Mismatched(
                f"{self.weights} is a network of columns (bottom_up), which {path} measured on {', '.join(measured)}, and --netlist is "
                f"{self.netlist}: give --netlist {measured[0]}, or train on columns measured there "
                f"(the command characterize with --characterize-on {self.netlist})"
            )

    def _check_data(self, found: Dataset, header: WeightsHeader, network: RCSpikeNetwork) -> None:
        """The samples are of the kind that the network was trained on."""
        axons, classes = network.layer_sizes[0], header.network.classes
        if found.features != axons:
            bias = " with the bias axon" if found.encoding.bias else ""
            raise Mismatched(f"{self.data} gives {found.features} axons{bias}, {self.weights} takes {axons}")
        if found.classes != classes if classes is not None else found.classes > network.classes:
            raise Mismatched(
                f"{self.data} has {found.classes} classes, {self.weights} decides between {network.classes}"
            )
        here, there = found.origin, header.provenance.origin
        if (
            here is not None
            and there is not None
            and (here.classes, here.scaling) != (there.classes, there.scaling)
        ):
            raise Mismatched(
                f"{self.weights} was trained on {header.provenance.dataset}, with other columns, classes or ranges than those of {self.data}: "
                "give the data set, or the file, that it was trained on, or one with the same columns (--data)"
            )

    def _name(self) -> str:
        try:
            return check_name(self.weights.stem, "its name")
        except UnsafeName as error:
            raise BadOption(
                f"--weights {self.weights}: {error}; the run is called so: rename the file"
            ) from error


SPLIT = ("split_seed", "test_samples")


def mapping_of(network: RCSpikeNetwork) -> Mapping:
    """Which of the paper's networks a trained one is, by its synapses."""
    if network.physics:
        return "bottom_up"
    reversal = network.linear_layers[0].reversal
    ideal = all(abs(beta) <= IDEAL_BETA for beta in (*reversal.positive, *reversal.negative))
    return "ann" if ideal else "pnn"


def _lay(files: dict[Path, Path], rundir: RunDir, say: Callable[[str], object]) -> None:
    """Copy files to where stages look for them: each alone in a stage's folder that no stage worked in.

    What lay there before and is another file is moved aside. Raises ``BadOption`` for the run directory of an experiment.
    """
    contents = {target: read_bytes(source) for target, source in files.items()}
    folders = {target: rundir.path / target.relative_to(rundir.path).parts[0] for target in files}
    for folder in folders.values():
        if worked_in(folder):
            raise BadOption(
                f"{rundir.path} is the run directory of an experiment ({folder.name}/ was made by its stage): give another (--run-dir)"
            )
    for target, folder in folders.items():
        there = [path for path in folder.rglob("*") if path.is_file()]
        if there == [target] and read_bytes(target) == contents[target]:
            continue
        if there:
            say(f"what lay in {folder} is in {set_aside(folder, rundir)} now")
        write_bytes(target, contents[target])
