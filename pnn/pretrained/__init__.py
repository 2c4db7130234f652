"""Trained networks that ship with the package, each with its recipe and accuracy: on the physics of a preset, ready for SPICE.

``scripts/pretrained.py`` trains them anew; ``nonideal evaluate iris`` reproduces an accuracy. Seed and recipe were set once, and nothing was selected
on the test samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Final

from nonideal.pnn.choices import Variant
from nonideal.pnn.data import Dataset, Encoding, load_small
from nonideal.pnn.dstd import DSTD
from nonideal.pnn.errors import DataError
from nonideal.pnn.exact import Exact
from nonideal.pnn.network import NetworkOptions, RCSpikeNetwork
from nonideal.pnn.options import TrainingOptions
from nonideal.pnn.presets import preset
from nonideal.pnn.rc_spike import Method
from nonideal.pnn.variants import variant_options


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a shipped network was trained by, and what it reached: shares of right decisions among the training and the test samples."""

    data: str
    split_seed: int
    test_samples: int
    encoding: Encoding
    layer_sizes: tuple[int, ...]
    method: Method
    training: TrainingOptions
    train_accuracy: float
    test_accuracy: float
    variant: Variant = "pnn"
    preset: str = "sky130_tt"

    def dataset(self) -> Dataset:
        """The samples, split as they were."""
        return load_small(
            self.data, seed=self.split_seed, test_samples=self.test_samples, encoding=self.encoding
        )

    def network(self) -> NetworkOptions:
        """The network, on the physics of the preset."""
        return variant_options(self.variant, preset(self.preset), self.layer_sizes, method=self.method)


RECIPES: Final = MappingProxyType(
    {
        "iris": Recipe(
            data="iris",
            split_seed=0,
            test_samples=50,
            encoding=Encoding(),
            layer_sizes=(5, 5, 3),
            method=Exact(),
            training=TrainingOptions(
                seed=0, epochs=600, learning_rate=3e-3, schedule="cosine", tensorboard=False
            ),
            train_accuracy=0.97,
            test_accuracy=0.96,
        ),
        "digits": Recipe(
            data="digits",
            split_seed=0,
            test_samples=360,
            encoding=Encoding(time="inverted"),
            layer_sizes=(65, 32, 10),
            method=DSTD(4, random_offset=True, order=3),
            training=TrainingOptions(
                seed=0, epochs=150, learning_rate=3e-3, schedule="cosine", tensorboard=False
            ),
            train_accuracy=0.9944328462073765,
            test_accuracy=0.9722222222222222,
        ),
    }
)


def pretrained_names() -> list[str]:
    """The networks there are, sorted.

    Example:

        print(nonideal.pnn.pretrained_names())    # ['digits', 'iris']
    """
    return sorted(RECIPES)


def pretrained_path(name: str) -> Path:
    """The weights file of a network. Raises ``DataError`` that lists the names for an unknown one.

    Example:

        print(nonideal.pnn.load_header(nonideal.pnn.pretrained_path("iris")).provenance)
    """
    if not isinstance(name, str) or name not in RECIPES:
        raise DataError(f"unknown pretrained network {name!r}: choose one of {', '.join(pretrained_names())}")
    return Path(str(resources.files(__name__) / f"{name}.safetensors"))


def load_pretrained(name: str) -> RCSpikeNetwork:
    """A trained network, on the CPU. Raises ``DataError`` that lists the names for an unknown one.

    Example:

        network = nonideal.pnn.load_pretrained("iris")
        label = network.predict(nonideal.load_dataset("iris").test_x)    # [50]
    """
    from nonideal.pnn.checkpoint import load_dense

    return load_dense(pretrained_path(name))
