"""Data sets as input spike times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from nonideal.pnn import checks
from nonideal.pnn.errors import DataError, PnnError
from nonideal.pnn.known_data import SMALL, check_layers
from nonideal.pnn.scaling import Origin, Scaling


class Encoding(BaseModel):
    """How a feature x in [0, 1] becomes a spike.

    ``direct``: t = x (the paper's Iris); ``inverted``: t = 1 - x (its pixels: bright is early, black is
    silent).
    ``bias`` adds a last axon that always spikes at t = 0.

        times = nonideal.pnn.Encoding().encode([[0.2, 0.9]])    # [[0.2, 0.9, 0.0]] in T_circ: the last is the bias axon
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    time: Literal["direct", "inverted"] = "direct"
    bias: bool = True

    def encode(self, x: object) -> Tensor:
        """Features [B, n] in [0, 1] (a tensor, an array, a table or lists) -> spike times [B, n (+ 1 with the bias)], float32 or float64.

        Raises ``DataError`` that names row, column and value of a feature outside.
        """
        x = checks.features(x)
        t = x if self.time == "direct" else 1.0 - x
        return torch.cat((t, torch.zeros_like(t[:, :1])), dim=1) if self.bias else t


@dataclass(frozen=True, slots=True)
class Dataset:
    """Input spike times, normalised to T_circ: ``train_x``, ``test_x`` [n, features] float64 or float32, in [0, 1], and infinity for an axon
    that does not spike; labels ``train_y``, ``test_y`` [n] int64, 0 to ``classes`` - 1.

    NumPy arrays, lists and other dtypes are converted, on the CPU; all else raises ``DataError`` that names row, column or label.

    ``features`` counts axons, the bias included. ``name`` and ``encoding`` say where the spikes come from, ``origin`` from which files and
    by which scaling (None: not known).

        x, y = torch.rand(20, 3), torch.arange(20) % 2
        encoding = nonideal.pnn.Encoding(bias=False)
        data = nonideal.pnn.Dataset(x[:10], y[:10], x[10:], y[10:], features=3, classes=2, name="mine", encoding=encoding)
    """

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    features: int
    classes: int
    name: str
    encoding: Encoding
    origin: Origin | None = None

    def __post_init__(self) -> None:
        def keep(field: str, value: object) -> None:
            object.__setattr__(self, field, value)

        if not isinstance(self.encoding, Encoding) or not isinstance(self.name, str):
            raise DataError(
                f"data set {checks.shown(self.name)}, encoding {checks.shown(self.encoding)}: give a name (text) and a pnn.Encoding"
            )
        try:
            keep("features", checks.whole(self.features, "features", 1, 2**31 - 1))
            keep("classes", checks.whole(self.classes, "classes", 2, 2**31 - 1))
            for part in ("train", "test"):
                x = checks.spike_times(getattr(self, f"{part}_x"), f"{part}_x", self.features).cpu()
                y = checks.labels(getattr(self, f"{part}_y"), f"{part}_y", self.classes, x.shape[0]).cpu()
                keep(f"{part}_x", x)
                keep(f"{part}_y", y)
        except PnnError as error:
            raise DataError(f"data set {self.name}: {error}") from error

    def check_fits(self, layer_sizes: tuple[int, ...]) -> None:
        """Raise ``DataError`` unless a network of these sizes takes the data set's axons and has outputs for
        its classes.
        """
        check_layers(layer_sizes, self.name, self.features, self.classes, bias=self.encoding.bias)


def load_small(
    name: str, *, seed: int = 0, test_samples: int = 50, encoding: Encoding | None = None
) -> Dataset:
    """A data set that ships with scikit-learn (iris, wine, breast_cancer, digits), split stratified by
    ``seed``.

    Features are scaled to [0, 1] by the training set's minimum and maximum; test features outside are
    clipped. Raises ``DataError`` for an unknown name or a split that leaves a class or a side empty.

        data = nonideal.pnn.load_small("digits", encoding=nonideal.pnn.Encoding(time="inverted"))    # train_x [n, 64 + 1]
    """
    if name not in SMALL:
        raise DataError(f"unknown data set {name!r}: choose one of {', '.join(SMALL)}")
    encoding = encoding if encoding is not None else Encoding()
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    bunch: Any = getattr(datasets, SMALL[name].loader)()
    x, y = bunch.data, bunch.target
    classes = int(y.max()) + 1
    if not classes <= test_samples <= len(y) - classes:
        raise DataError(
            f"test_samples = {test_samples}: {name} has {len(y)} samples, "
            f"choose {classes}..{len(y) - classes}"
        )
    train_x, test_x, train_y, test_y = train_test_split(
        x, y, test_size=test_samples, random_state=seed, stratify=y
    )
    low, high = train_x.min(axis=0), train_x.max(axis=0)
    columns = tuple(str(column) for column in bunch.feature_names)
    scaling = Scaling(method="minmax", columns=columns, low=tuple(low.tolist()), high=tuple(high.tolist()))
    origin = Origin(
        files={},
        label="class",
        classes=tuple(str(found) for found in bunch.target_names),
        scaling=scaling,
        train_counts=tuple(np.bincount(train_y).tolist()),
        test_counts=tuple(np.bincount(test_y).tolist()),
        clipped_test_values=int(scaling.outside(test_x).sum()),
        split=(seed, test_samples),
    )

    def spikes(part: np.ndarray) -> Tensor:
        return encoding.encode(torch.from_numpy(scaling.scaled(part)))

    return Dataset(
        spikes(train_x),
        torch.from_numpy(train_y).to(torch.int64),
        spikes(test_x),
        torch.from_numpy(test_y).to(torch.int64),
        x.shape[1] + int(encoding.bias),
        classes,
        name,
        encoding,
        origin,
    )
