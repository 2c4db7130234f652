"""What is known of data sets before they are loaded: names, sizes, and whether layers fit."""

from __future__ import annotations

from typing import Final, NamedTuple

from nonideal.pnn.errors import DataError


class Small(NamedTuple):
    """A data set that ships with scikit-learn: the function that loads it, and what is known of it before that."""

    loader: str
    features: int
    classes: int


SMALL: Final = {
    "iris": Small("load_iris", 4, 3),
    "wine": Small("load_wine", 13, 3),
    "breast_cancer": Small("load_breast_cancer", 30, 2),
    "digits": Small("load_digits", 64, 10),
}
IMAGES: Final = {"mnist": (1, 28, 28), "fashion_mnist": (1, 28, 28), "cifar10": (3, 32, 32)}
"""Image sets: channels, height, width."""
SUFFIXES: Final = (".csv", ".tsv", ".parquet", ".npz")
"""Endings of the files that a data set of one's own is read from."""


def pooled(name: str, pool: int) -> tuple[int, int, int]:
    """Channels, height and width of an image set whose pixels are means of ``pool`` x ``pool``. Raises ``DataError`` where that leaves a rest."""
    channels, height, width = IMAGES[name]
    if pool < 1 or height % pool or width % pool:
        fit = [size for size in range(1, height + 1) if height % size == 0 and width % size == 0]
        raise DataError(
            f"pool = {pool}: {name} has {height} x {width} pixels, choose one of {', '.join(map(str, fit))}"
        )
    return channels, height // pool, width // pool


def check_layers(layer_sizes: tuple[int, ...], name: str, axons: int, classes: int, *, bias: bool) -> None:
    """Raise ``DataError`` unless a network of these sizes takes so many axons (the bias axon included) and has outputs for the classes."""
    right = [axons, *layer_sizes[1:-1], max(layer_sizes[-1], classes)]
    told = f"make them {right} (in an experiment, under [training]: layers = {right})"
    if layer_sizes[0] != axons:
        made_of = f"{axons - 1} features + 1 bias axon" if bias else f"{axons} features"
        raise DataError(
            f"data set {name} has {made_of} = {axons} axons, but layer_sizes {list(layer_sizes)} begin with {layer_sizes[0]}: {told}"
        )
    if layer_sizes[-1] < classes:
        raise DataError(
            f"data set {name} has {classes} classes, but layer_sizes {list(layer_sizes)} end with {layer_sizes[-1]}: {told}"
        )
