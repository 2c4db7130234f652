"""How many samples a trained network decides right: one that ships, or weights of the user's own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nonideal.cli.own_network import told_data
from nonideal.experiment.errors import BadOption, Mismatched
from nonideal.files import no_file
from nonideal.pnn.accuracies import exact_accuracy
from nonideal.pnn.checkpoint import load_header, load_network
from nonideal.pnn.pretrained import RECIPES, pretrained_names, pretrained_path


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Shares of right decisions, evaluated as ``predict_times`` does; ``recorded``: of the test samples, as a recipe has it."""

    weights: str
    data: str
    train_accuracy: float
    train_samples: int
    test_accuracy: float
    test_samples: int
    recorded: float | None = None

    @property
    def passed(self) -> bool:
        """Whether it is what was recorded; true where nothing was."""
        return self.recorded is None or self.recorded == self.test_accuracy

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self) | {"passed": self.passed}


def evaluated(network: str, data: str | None) -> Evaluated:
    """``nonideal evaluate NETWORK --data DATA``. Raises ``BadOption``, ``Mismatched`` and what reading the files raises."""
    ships = network in RECIPES and not Path(network).exists()
    path = pretrained_path(network) if ships else Path(network)
    if not path.is_file():
        raise BadOption(
            f"{network}: {no_file(path)}; give a weights file, or one of the networks that ship: {', '.join(pretrained_names())}"
        )
    header = load_header(path)
    given = header.provenance.dataset if data is None else data
    found = told_data(given, header.provenance).load()
    axons, classes = header.network.layer_sizes[0], header.network.classes or header.network.layer_sizes[-1]
    if (found.features, found.classes) != (axons, classes):
        raise Mismatched(
            f"{given} gives {found.features} axons and {found.classes} classes, {network} takes {axons} and decides between {classes}: "
            "give the data that it was trained on (--data)"
        )
    loaded = load_network(path)
    return Evaluated(
        weights=str(path),
        data=given,
        train_accuracy=exact_accuracy(loaded, found.train_x, found.train_y),
        train_samples=len(found.train_y),
        test_accuracy=exact_accuracy(loaded, found.test_x, found.test_y),
        test_samples=len(found.test_y),
        recorded=RECIPES[network].test_accuracy if ships and data is None else None,
    )
