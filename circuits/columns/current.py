"""Currents that are put into a column beside what is in it: noise of its FETs, a charge on its membrane."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nonideal.circuits.columns.cut import CutError, Piece, Place, instance_of
from nonideal.circuits.network.wave import Wave


@dataclass(frozen=True, slots=True)
class Current:
    """A current, A on the network's clock: from the drain of the FET ``at`` to its source, or into the net ``at`` from ground."""

    at: str
    wave: Wave

    def between(self, piece: Piece, state: Mapping[str, str]) -> tuple[str, str] | None:
        """The nodes of a piece between which it flows, from and to; ``state``: a node of each of its nets. None where the piece has neither."""
        for device in piece.devices:
            if device.name.lower() == self.at.lower():
                return device.nodes[0], device.nodes[2]
        return ("0", state[self.at]) if self.at in state else None


def put(
    currents: Iterable[Current], piece: Piece, state: Mapping[str, str], cut: Piece
) -> list[tuple[str, str, Wave]]:
    """Currents of a column between its nodes; ``cut``: the piece as it was cut, before branches that carry nothing were joined.

    What lies beside a FET of such a branch goes round in it, and is left out. Raises ``CutError`` for a FET or a net that is not in the cut piece.
    """
    found, there = [], {device.name.lower() for device in cut.devices}
    for one in currents:
        between = one.between(piece, state)
        if between is not None:
            found.append((*between, one.wave))
        elif one.at.lower() not in there:
            raise CutError(
                f"{piece.place.name} has no FET and no net {one.at} to put a current beside: simulate the network whole"
            )
    return found


def by_place(currents: Iterable[Current], owner: Mapping[str, Place]) -> dict[Place, list[Current]]:
    """Currents by the piece that they belong to; ``owner`` of nets. Raises ``CutError`` for one of none."""
    found: dict[Place, list[Current]] = defaultdict(list)
    for one in currents:
        found[owner.get(one.at) or _place(one.at)].append(one)
    return dict(found)


def _place(device: str) -> Place:
    """The piece of a FET, by its name."""
    kind, *numbers = instance_of(device.lower()).split("_")
    if kind not in ("synapse", "neuron"):
        raise CutError(f"{device} is no FET of a synapse or a neuron, and no net of one")
    return Place(int(numbers[0]), int(numbers[-1]))
