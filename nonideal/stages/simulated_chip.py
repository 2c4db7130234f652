"""A chip of an experiment in SPICE: the netlist that it is drawn into, and the samples that it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nonideal.characterize.model import PhysicalModel
from nonideal.runs.rundir import EXTRACTED, SCHEMATIC
from nonideal.runs.stage import Work
from nonideal.stages.workbench import workbench

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from nonideal.chips.spice import SpiceChip
    from nonideal.circuits.extraction.netlist import Netlist
    from nonideal.circuits.network.chip import Chip
    from nonideal.pnn import Dataset


def chips_netlist(work: Work) -> str:
    """What the chips of a stage are drawn into."""
    return str(work.options.get("netlist", SCHEMATIC))


def simulated_chip(work: Work, model: PhysicalModel, seed: int, layers: tuple[int, ...]) -> SpiceChip:
    """A chip of the experiment, ready to be simulated; its decks go to the stage's folder."""
    from nonideal.characterize.variation import spread_of
    from nonideal.chips.spice import SpiceChip
    from nonideal.circuits.network.chip import Sigmas, draw
    from nonideal.circuits.network.netlist import Topology

    topology = Topology.of(layers, work.experiment.circuit)
    chip: Chip = draw(seed, topology, Sigmas(spread_of(model).sigmas))
    bench = workbench(work.experiment, work.context, work.rundir.cache)
    return SpiceChip(
        bench, work.experiment.circuit, model, chip, work.folder / "decks", extracted_netlist(work)
    )


def extracted_netlist(work: Work) -> Netlist | None:
    """The extracted netlist that a stage's chips are drawn into; None: the schematic."""
    if chips_netlist(work) == SCHEMATIC:
        return None
    from nonideal.circuits.extraction.netlist import read_netlist

    return read_netlist(work.rundir.path / "layout" / EXTRACTED)


def simulated_samples(dataset: Dataset, count: int) -> tuple[Tensor, NDArray[np.int64]]:
    """Input spike times and classes of the held-out samples that chips are simulated on; they are drawn by class."""
    from nonideal.pnn.draw import drawn_by_class

    chosen = drawn_by_class(dataset.test_y, count)
    return dataset.test_x[chosen], dataset.test_y.numpy()[chosen]
