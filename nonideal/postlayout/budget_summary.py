"""What is told of an error budget; how it comes about is in ``nonideal.postlayout.budget``."""

from __future__ import annotations

from typing import Literal, TypeAlias

from nonideal.files.record import Record

Kind: TypeAlias = Literal["term", "residual", "numerics"]


class RmsByGroup(Record):
    """One rms (s) for each group of spikes; None where a group is empty.

    ``output_given_s``: the output layer given the spikes that SPICE's hidden layer had, not the prediction's own.
    """

    hidden_s: float | None = None
    output_s: float | None = None
    output_given_s: float | None = None

    @property
    def values(self) -> tuple[float | None, float | None, float | None]:
        """Hidden, output, output given."""
        return (self.hidden_s, self.output_s, self.output_given_s)


class EntrySummary(Record):
    """``change``: rms by which predicted spike times move. ``rmse``: what their RMSE against SPICE then is."""

    name: str
    kind: Kind
    change: RmsByGroup
    rmse: RmsByGroup


class ComparedPairs(Record):
    """How many spikes model and SPICE both have."""

    hidden: int
    output: int


class BudgetSummary(Record):
    """What each effect of a prediction is worth, and what its error is made of.

    ``terms_quadrature``: root of the sum of squares of all terms; ``terms_together``: all of them forgotten at once; ``remainder``: what no
    residual explains. ``grid_intervals``: of the grid that training evaluates on.
    """

    rmse: RmsByGroup
    pairs: ComparedPairs
    entries: tuple[EntrySummary, ...]
    terms_quadrature: RmsByGroup
    terms_together: EntrySummary
    residuals_quadrature: RmsByGroup
    remainder: RmsByGroup
    grid_intervals: int | None = None

    def largest_first(self, kind: Kind) -> list[EntrySummary]:
        """Entries of one kind, the largest change of output spikes first."""
        mine = [entry for entry in self.entries if entry.kind == kind]
        return sorted(mine, key=lambda entry: -(entry.change.output_s or 0.0))
