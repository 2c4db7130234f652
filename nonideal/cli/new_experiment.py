"""A new experiment file: named, written once, and fitted to the data it is for."""

from __future__ import annotations

import math
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nonideal.experiment.data import Data
from nonideal.experiment.errors import BadOption
from nonideal.experiment.experiment import Experiment, parse_experiment
from nonideal.experiment.folders import shipped
from nonideal.experiment.template import template
from nonideal.files import no_file, write_text
from nonideal.pnn.errors import DataError
from nonideal.pnn.known_data import IMAGES, SMALL, SUFFIXES
from nonideal.spice.names import UnsafeName, check_name

if TYPE_CHECKING:
    from nonideal.pnn.data import Dataset

HIDDEN: Final = 5
"""Neurons of the hidden layer where layers are made for data."""
CLASSES: Final = 10
"""Of every image set."""
HELD_OUT: Final = (50, 20, 10, 5)
"""Numbers of test samples to try on a file, from the default down: a small file has fewer to spare."""


@dataclass(frozen=True, slots=True)
class Written:
    """The file, the experiment that it holds, and the command to go on with."""

    file: Path
    experiment: Experiment

    @property
    def command(self) -> str:
        """How it is run."""
        by_name = self.file.parent.resolve() == Path("experiments").resolve()
        return f"nonideal reproduce {self.experiment.name if by_name else self.file}"


def write_new(name: str, folder: Path, *, layers: tuple[int, ...] | None, data: str | None) -> Written:
    """Write ``folder/name.toml``; raises ``BadOption`` for a name that is none or is taken, and what reading the data raises."""
    try:
        check_name(name, "experiment name")
    except UnsafeName as error:
        raise BadOption(f"{error}; an experiment is called as its file, as `my-circuit`") from error
    file = folder / f"{name}.toml"
    if os.path.lexists(file):
        raise BadOption(f"{file} is there already, and is not overwritten: choose another name")
    if (shipped() / file.name).exists():
        raise BadOption(f"{name} is an experiment that comes with the package: choose another name")
    given: dict[str, dict[str, Any]] = {}
    if data is not None:
        given = _for_data(data, folder, layers)
    elif layers is not None:
        given = {"training": {"layers": layers}}
    text = template(name, given)
    experiment = parse_experiment(tomllib.loads(text), str(file))
    if data not in IMAGES:  # which may not be there yet
        found = experiment.data if experiment.data.file is None else _own(Path(str(data)), experiment.data)
        found.load().check_fits(experiment.training.layers)
    write_text(file, text)
    return Written(file, experiment)


def _for_data(data: str, folder: Path, layers: tuple[int, ...] | None) -> dict[str, dict[str, Any]]:
    """The sections that a data set, or a file of samples, asks for."""
    if data in IMAGES:
        return {
            "data": {"set": data},
            "training": {"layers": layers or (math.prod(IMAGES[data]) + 1, HIDDEN, CLASSES)},
        }
    if data in SMALL:
        return {"data": {"set": data}, "training": {"layers": layers or _layers(Data(set=data).load())}}
    path = Path(data)
    if not data.lower().endswith(SUFFIXES):
        raise BadOption(
            f"--data {data}: a data file ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, "
            f"and the data sets are {', '.join((*SMALL, *IMAGES))}"
        )
    if not path.is_file():
        raise BadOption(f"--data {data}: {no_file(path)}")
    beside = path if path.is_absolute() else Path(os.path.relpath(path, folder))
    held_out, found = _held_out(path)
    test = len(found.test_y)
    calibration = min(10, len(found.train_y))
    return {
        "data": {"set": None, "file": beside.as_posix(), "test_samples": held_out},
        "training": {"layers": layers or _layers(found)},
        "validation": {"samples": min(50, test)}
        | ({"calibration_samples": calibration} if calibration < 10 else {}),
    }


def _own(path: Path, keys: Data) -> Data:
    """A file of samples, wherever the experiment is that will name it."""
    return keys.model_copy(update={"file": str(path.absolute())})


def _held_out(path: Path) -> tuple[int | None, Dataset]:
    """How many samples of a file are held out (None: the file says so itself), and its data set."""
    first: DataError | None = None
    for count in HELD_OUT:
        try:
            found = _own(path, Data(set=None, file=path.name, test_samples=count)).load()
        except DataError as error:
            first = first or error
            continue
        return (count if len(found.test_y) == count else None), found
    assert first is not None
    raise first


def _layers(found: Dataset) -> tuple[int, ...]:
    return (found.features, HIDDEN, found.classes)
