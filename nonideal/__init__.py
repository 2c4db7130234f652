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

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

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

_HOMES = {
    "PhysicalModel": "characterize.model",
    "RCSpikeLinear": "pnn.rc_spike",
    "RCSpikeNetwork": "pnn.network",
    "TrainingOptions": "pnn.options",
    "load_dataset": "pnn.images",
    "load_experiment": "experiment.experiment",
    "load_results": "runs.results",
    "measure": "cli.face",
    "preset": "pnn.presets",
    "session": "cli.session",
    "train": "pnn.trainer",
    "variant_options": "pnn.variants",
    "write_netlist": "cli.face",
}

try:
    __version__ = version("nonideal")
except PackageNotFoundError:  # a checkout that is not installed
    __version__ = "unknown"


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"nonideal.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'nonideal' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
