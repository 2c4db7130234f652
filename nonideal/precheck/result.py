"""What a rule found: typed, as `precheck.json` holds it."""

from __future__ import annotations

from typing import Literal

from nonideal.files.record import Record

MOST_PLACES = 20

State = Literal["pass", "fail", "not run"]


class Place(Record):
    """Where something is wrong: the middle of it in um from the tile's lower left corner, and what is there."""

    x_um: float
    y_um: float
    what: str

    def __str__(self) -> str:
        return f"({self.x_um:g}, {self.y_um:g}) {self.what}"


class Finding(Record):
    """What a rule says of a tile: its state, what was found, where, and what to do about it.

    ``count`` is how many places there are in all; the first of them are told.
    """

    state: State
    found: str
    advice: str = ""
    places: tuple[Place, ...] = ()
    count: int = 0


class RuleResult(Finding):
    """A finding with the rule's name, and who asks for it: the shuttle, which refuses a tile, or reviewers."""

    rule: str
    asked_by: Literal["shuttle", "review"]
    seconds: float


class PrecheckSummary(Record):
    """All rules of a tile, and which files they were held against; a rule that was not run breaks nothing."""

    tile: str
    template: str | None
    files: dict[str, str]
    passed: bool
    rules: tuple[RuleResult, ...]
    seconds: float

    def rule(self, name: str) -> RuleResult:
        """The result of a rule. Raises ``KeyError``."""
        for one in self.rules:
            if one.rule == name:
                return one
        raise KeyError(f"no rule {name!r}; there are {', '.join(one.rule for one in self.rules)}")


def passes(found: str, advice: str = "") -> Finding:
    """The tile keeps the rule."""
    return Finding(state="pass", found=found, advice=advice)


def fails(found: str, advice: str, places: tuple[Place, ...] | list[Place] = ()) -> Finding:
    """The tile breaks the rule."""
    told = tuple(places)
    return Finding(state="fail", found=found, advice=advice, places=told[:MOST_PLACES], count=len(told))


def not_run(why: str, advice: str = "") -> Finding:
    """The rule could not be asked."""
    return Finding(state="not run", found=why, advice=advice)
