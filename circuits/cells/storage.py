"""How a synapse holds a weight: from a layer's weights to the levels of its weight ports, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tie:
    """Where a mask wires a port of a synapse: to the port ``on`` of the same synapse, or to the rail ``off``."""

    on: str
    off: str


@dataclass(frozen=True, slots=True)
class Latch:
    """Where a synapse holds a bit of its weight: the node ``q`` inside it is at the supply where the bit is set, ``q_b`` where it is not."""

    q: str
    q_b: str


@dataclass(frozen=True, slots=True)
class Stored:
    """The weights of a layer as its synapses hold them, all [neurons, axons].

    ``weight``: as realised. ``columns``: what else a table of the mapping says of each. ``volts``: the level of every weight port, of one
    that a mask wires 1 where it is on and 0 where it is off, and the same of every latch. ``lines``: the level of every port of role ``SCALE``, V.
    """

    weight: Array
    columns: Mapping[str, NDArray[Any]]
    volts: Mapping[str, Array]
    lines: Mapping[str, float]


class Storage(Protocol):
    """How a kind of synapse holds weights, on ports whose role is ``WEIGHT``. ``model`` is the physical model of that kind."""

    @property
    def off(self) -> Mapping[str, str]:
        """The rail, ``vdd`` or ``vss``, that each weight port of a synapse is on that carries nothing."""
        ...

    @property
    def ties(self) -> Mapping[str, Tie]:
        """How a mask wires weight ports, which then are no pins of a network; empty where weights are levels on pins."""
        ...

    @property
    def latches(self) -> Mapping[str, Latch]:
        """The bits that a synapse latches, by name; empty where it has no latches."""
        ...

    def store(
        self,
        weights: Sequence[Array],
        model: Any,
        *,
        scale: tuple[float, float],
        clip: bool,
        steps: Sequence[float] | None,
    ) -> tuple[Stored, ...]:
        """Every layer of ``weights`` [neurons, axons]. ``scale`` multiplies positive and negative currents.

        ``steps``: of weights that are codes, the weight of code 1 in every layer; None: found from the weights. Raises ``OutOfRange`` for
        weights that cannot be held; with ``clip`` they are moved to the nearest that can.
        """
        ...

    def notes(self, stored: Stored, port: str) -> list[list[str]]:
        """What is remarked beside the sources of a weight port, [neurons, axons]."""
        ...

    def read(
        self,
        volts: Mapping[str, Array],
        lines: Mapping[str, float],
        model: Any,
        scale: tuple[float, float],
        layer: int,
    ) -> Array:
        """A layer's weights from ``volts`` and ``lines`` as in ``Stored``. Raises ``MappingError`` for what ``store`` does not give."""
        ...
