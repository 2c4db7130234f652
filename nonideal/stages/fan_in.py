"""How many axons the columns of an experiment's layers have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nonideal.experiment.experiment import Experiment
from nonideal.pnn.layers import columns

if TYPE_CHECKING:
    from nonideal.pnn.data import Dataset


def input_shape(experiment: Experiment, dataset: Dataset | None = None) -> tuple[int, ...]:
    """What [training.network] follows: the image where a layer has a place in it, else so many features. Without ``dataset`` it is loaded to tell."""
    network, image = experiment.training.network, experiment.data.image_shape
    if network is not None and network.needs_image and image is not None:
        return image
    return ((experiment.data.load() if dataset is None else dataset).features,)


def axons_of(experiment: Experiment, dataset: Dataset | None = None) -> tuple[int, ...]:
    """Of every layer of neurons; a convolution's columns have those of its kernel."""
    training = experiment.training
    if training.network is None:
        return training.layers[:-1]
    return tuple(one.axons for one in columns(input_shape(experiment, dataset), training.network.layers))
