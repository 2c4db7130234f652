"""Which samples stand for a data set where not all can be simulated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Labels = NDArray[np.int64]


def drawn_by_class(labels: Tensor | Labels, count: int) -> Labels:
    """Indices of ``count`` samples, in ascending order, all where there are no more.

    The first sample of every class, then the second of every class, and so on, until there are enough: a class that has as many has as
    many as any other, give or take one. Fewer are always among more.
    """
    classes = np.asarray(labels, dtype=np.int64)
    position = np.arange(len(classes))
    turn = np.zeros(len(classes), dtype=np.int64)
    for name in np.unique(classes):
        mine = np.flatnonzero(classes == name)
        turn[mine] = np.arange(len(mine))
    return np.sort(np.lexsort((position, turn))[:count])
