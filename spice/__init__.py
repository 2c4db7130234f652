"""How a deck is run: ngspice in processes of its own, judged by its results, in parallel, resumable.

Knows no circuit. The usual way in is `run_many`; `run` is one deck once.
"""

from .cache import Cache
from .deck import Deck
from .errors import (
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
from .ladder import LADDER, Rung, climb
from .names import check_name, check_net
from .ngspice import Ngspice, find_ngspice, run
from .options import SimulatorOptions
from .pool import run_many
from .result import Attempt, Failure, Plot, Result

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
