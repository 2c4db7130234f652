"""Lists of numbers as the command line has them: ``5,8,3``."""

from __future__ import annotations


def sizes(option: str, text: str) -> tuple[int, ...]:
    """``5,10,20`` as sizes of a layer, each once; raises ``BadOption``."""
    from nonideal.circuits.network.netlist import MAX_NEURONS
    from nonideal.experiment.errors import BadOption

    try:
        found = tuple(int(part) for part in text.split(","))
        if not all(1 <= size <= MAX_NEURONS for size in found) or len(set(found)) != len(found):
            raise ValueError
    except ValueError:
        raise BadOption(
            f"{option} {text}: give whole numbers from 1 to {MAX_NEURONS}, each once, as 5,10,20"
        ) from None
    return found


def sizes_in_order(option: str, text: str) -> tuple[int, ...]:
    """``5,8,3`` as the sizes of layers, two at least; raises ``BadOption``."""
    from nonideal.circuits.network.netlist import MAX_NEURONS
    from nonideal.experiment.errors import BadOption

    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = ()
    if len(found) < 2 or not all(1 <= size <= MAX_NEURONS for size in found):
        raise BadOption(
            f"{option} {text}: give two whole numbers or more from 1 to {MAX_NEURONS}, inputs first, as 5,8,3"
        )
    return found


def seeds(option: str, text: str | None) -> tuple[int, ...] | None:
    """``1,2,3`` as seeds, each once, None where none are given; raises ``BadOption``."""
    from nonideal.experiment.errors import BadOption

    if text is None:
        return None
    try:
        found = tuple(int(part) for part in text.split(","))
        if not all(0 <= seed < 2**31 for seed in found) or len(set(found)) != len(found):
            raise ValueError
    except ValueError:
        raise BadOption(
            f"{option} {text}: give whole numbers from 0 to {2**31 - 1}, each once, as 1,2,3"
        ) from None
    return found
