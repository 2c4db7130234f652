"""Co-design of analog in-memory computing: characterise silicon, train its physics, write back, lay out, extract, verify.

The names below are the face; everything else is in the rooms (``nonideal.circuits``, ``nonideal.pnn`` ...). They are imported when they are
first asked for, so that ``import nonideal`` costs nothing.

    import nonideal

    model = nonideal.preset("sky130_tt")                       # or nonideal.PhysicalModel.load("runs/iris/characterization/model.json")
    data = nonideal.load_dataset("iris")
    options = nonideal.variant_options("pnn", model, (5, 5, 5))
    result = nonideal.train(data, options, nonideal.TrainingOptions(seed=1, epochs=100), "trained")
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from nonideal.files.lazy import lazy

if TYPE_CHECKING:
    from nonideal.characterize.model import PhysicalModel
    from nonideal.cli.face import measure, write_netlist
    from nonideal.cli.session import session
    from nonideal.experiment.experiment import load_experiment
    from nonideal.pnn.images import load_dataset
    from nonideal.pnn.network import RCSpikeNetwork
    from nonideal.pnn.options import TrainingOptions
    from nonideal.pnn.presets import preset
    from nonideal.pnn.rc_spike import RCSpikeLinear
    from nonideal.pnn.trainer import train
    from nonideal.pnn.variants import variant_options
    from nonideal.runs.results import load_results
else:
    __getattr__, __dir__ = lazy(__name__)

__all__ = [
    "PhysicalModel",
    "RCSpikeLinear",
    "RCSpikeNetwork",
    "TrainingOptions",
    "load_dataset",
    "load_experiment",
    "load_results",
    "measure",
    "preset",
    "session",
    "train",
    "variant_options",
    "write_netlist",
]

try:
    __version__ = version("nonideal")
except PackageNotFoundError:  # a checkout that is not installed
    __version__ = "unknown"
