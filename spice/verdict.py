"""Whether the results are those the deck asked for.

Not by exit code or messages: ngspice 39 exits non-zero on some good runs, and with 0 on some that stopped early.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from .deck import Deck
from .errors import FailureKind
from .result import Plot


def judge(deck: Deck, plots: tuple[Plot, ...]) -> tuple[FailureKind, str] | None:
    """None for complete results, or what is wrong: missing, short or not finite, in this order of plainness.

    Each analysis must have its plot and reach its end; every required vector must be in every plot, and finite.
    """
    analyses = deck.analyses()
    if not plots:
        return FailureKind.no_output, "no plots in the results"
    wanted = Counter(analysis.plot_name for analysis in analyses)
    lacking = wanted - Counter(plot.title for plot in plots)
    if lacking:
        return FailureKind.short, f"results without {', '.join(lacking)}"
    for plot in plots:
        missing = [vector for vector in deck.vectors if vector not in plot]
        if missing:
            there = ", ".join(plot.vectors) or "nothing"
            return FailureKind.missing_vector, f"{', '.join(missing)} not in {plot.title!r}, which has {there}"
    for plot in plots:
        for vector, values in ((vector, plot[vector]) for vector in deck.vectors):
            if not np.isfinite(values).all():
                where = plot.axis[np.flatnonzero(~np.isfinite(values))[0]]
                return FailureKind.not_finite, f"{vector} is not finite at {plot.axis_name or 'point'} = {where:.6g}"
        if not np.isfinite(plot.axis).all():
            return FailureKind.not_finite, f"the axis of {plot.title!r} is not finite"
    for name in wanted:
        mine = [analysis for analysis in analyses if analysis.plot_name == name]
        theirs = sorted((plot.axis for plot in plots if plot.title == name), key=len)
        for analysis, axis in zip(sorted(mine, key=lambda one: one.least_points()), theirs, strict=False):
            shortfall = analysis.shortfall(axis)
            if shortfall:
                return FailureKind.short, shortfall
    return None
