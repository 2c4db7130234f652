"""Recorded retries: what is tried, in which order, when a deck fails.

Each rung changes the deck's own text, so that what was run lies on disk (`<name>+<rung>.cir`) and can be
rerun by hand. Which rung gave the answer stands in the result's attempts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from nonideal.spice.analysis import join_card
from nonideal.spice.deck import Deck
from nonideal.spice.errors import FailureKind, SimulationFailed
from nonideal.spice.names import check_name
from nonideal.spice.ngspice import Ngspice, run
from nonideal.spice.number import number
from nonideal.spice.process import Stop
from nonideal.spice.result import AS_GIVEN, Attempt, Result

_TRAN: Final = re.compile(r"^[ \t]*\.tran[ \t].*(?:\n[ \t]*\+.*)*$", re.IGNORECASE | re.MULTILINE)
_END: Final = re.compile(r"^[ \t]*\.end[ \t]*$", re.IGNORECASE | re.MULTILINE)
_TIMEOUTS: Final = 2
"""So many in all: a time-out is retried at most once."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to run a deck again.

    `after` are the failures it may help against, `options` what an added `.options` card sets (ngspice lets
    the last one win), `step_factor` what the maximum step of the `.tran` is multiplied by.
    """

    name: str
    after: frozenset[FailureKind]
    options: Mapping[str, str] = field(default_factory=dict, hash=False)
    step_factor: float = 1.0
    transient_only: bool = False

    def __post_init__(self) -> None:
        check_name(self.name, "rung")

    def fits(self, deck: Deck, kind: FailureKind) -> bool:
        """Whether this rung may help `deck` after a failure of `kind`."""
        return kind in self.after and (deck.t_stop_s is not None or not self.transient_only)

    def apply(self, deck: Deck) -> Deck:
        """`deck` with this rung's settings in its text."""
        text = deck.text
        if self.step_factor != 1 and deck.t_stop_s is not None:
            text = _TRAN.sub(lambda card: _scaled(card[0], self.step_factor), text)
        if self.options:
            settings = " ".join(f"{name}={value}" for name, value in self.options.items())
            card = f"* retry: {self.name}\n.options {settings}\n"
            end = _END.search(text)
            before, after = (
                (text[: end.start()], text[end.start() :]) if end else (f"{text.rstrip()}\n", ".end\n")
            )
            text = before + card + after
        return replace(deck, text=text)


def _scaled(card: str, factor: float) -> str:
    """A `.tran` card with its maximum step multiplied; without one, ngspice takes the smaller of the printing
    step and a 50th of the run."""
    words = join_card(card).split()
    flags = [word for word in words[1:] if word.lower() == "uic"]
    values = [word for word in words[1:] if word.lower() != "uic"]
    start = number(values[2]) if len(values) > 2 else 0.0
    given = number(values[3]) if len(values) > 3 else min(number(values[0]), (number(values[1]) - start) / 50)
    return " ".join([words[0], *values[:2], f"{start:.12g}", f"{given * factor:.12g}", *flags])


_CONVERGENCE: Final = frozenset(
    {FailureKind.timed_out, FailureKind.short, FailureKind.not_finite, FailureKind.crashed}
)

LADDER: Final[tuple[Rung, ...]] = (
    Rung("again", frozenset({FailureKind.crashed, FailureKind.no_output})),
    Rung("gear", _CONVERGENCE, {"method": "gear", "maxord": "2"}, step_factor=0.5, transient_only=True),
    Rung(
        "robust",
        _CONVERGENCE,
        {"method": "gear", "maxord": "2", "gmin": "1e-12", "itl1": "1000", "itl2": "1000", "itl4": "200"},
        step_factor=0.25,
    ),
)
"""After the deck as given: the same again (a crash may be the machine's), a damped integrator with half the
step, and more conductance to ground with more iterations. A missing vector is a mistake in the deck and is
not retried."""


def climb(
    deck: Deck,
    ngspice: Ngspice,
    folder: Path,
    timeout_s: float,
    *,
    ladder: Sequence[Rung] = LADDER,
    keep_raw: bool = False,
    stop: Stop | None = None,
) -> Result:
    """Run `deck` as given and, where it fails, up the `ladder`; `timeout_s` is for each attempt.

    The result's attempts hold each try; its last one gave the answer. Raises `SimulationFailed` with the last
    rung's kind.
    """
    for rung in ladder:
        for suffix in ("cir", "log", "raw"):
            (folder / f"{deck.name}+{rung.name}.{suffix}").unlink(missing_ok=True)
    attempts: tuple[Attempt, ...] = ()
    failure: SimulationFailed | None = None
    for step in (None, *ladder):
        if step is not None and failure is not None and not step.fits(deck, failure.kind):
            continue
        tried = deck if step is None else step.apply(deck)
        name = AS_GIVEN if step is None else step.name
        try:
            result = run(tried, ngspice, folder, timeout_s, rung=name, keep_raw=keep_raw, stop=stop)
        except SimulationFailed as error:
            failure = error
            attempts += error.attempts
        else:
            return replace(result, attempts=attempts + result.attempts)
        if sum(attempt.kind == FailureKind.timed_out for attempt in attempts) >= _TIMEOUTS:
            break
    assert failure is not None
    failure.attempts = attempts
    raise failure
