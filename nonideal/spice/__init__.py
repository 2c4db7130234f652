"""How a deck is run: ngspice in processes of its own, judged by its results, in parallel, resumable.

Knows no circuit. The usual way in is `run_many`; `run` is one deck once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nonideal.files.lazy import lazy

if TYPE_CHECKING:
    from nonideal.spice.cache import Cache
    from nonideal.spice.deck import Deck
    from nonideal.spice.errors import (
        BadDeck,
        BadLimit,
        FailureKind,
        Interrupted,
        SchedulerUnavailable,
        SimulationFailed,
        SimulatorMissing,
        SpiceError,
        UnsafeName,
    )
    from nonideal.spice.ladder import LADDER, Rung, climb
    from nonideal.spice.names import check_name, check_net
    from nonideal.spice.ngspice import Ngspice, find_ngspice, run
    from nonideal.spice.options import SimulatorOptions
    from nonideal.spice.pool import run_many
    from nonideal.spice.result import Attempt, Failure, Plot, Result
else:
    __getattr__, __dir__ = lazy(__name__)

__all__ = [
    "LADDER",
    "Attempt",
    "BadDeck",
    "BadLimit",
    "Cache",
    "Deck",
    "Failure",
    "FailureKind",
    "Interrupted",
    "Ngspice",
    "Plot",
    "Result",
    "Rung",
    "SchedulerUnavailable",
    "SimulationFailed",
    "SimulatorMissing",
    "SimulatorOptions",
    "SpiceError",
    "UnsafeName",
    "check_name",
    "check_net",
    "climb",
    "find_ngspice",
    "run",
    "run_many",
]
