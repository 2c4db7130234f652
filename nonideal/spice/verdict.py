"""Whether the results are those the deck asked for.

Not by exit code: ngspice 39 exits non-zero on some good runs. What it says is judged in `messages`.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from nonideal.spice.analysis import Analysis
from nonideal.spice.deck import Deck
from nonideal.spice.errors import FailureKind
from nonideal.spice.result import Plot

Verdict = tuple[FailureKind, str]


def judge(deck: Deck, plots: tuple[Plot, ...]) -> Verdict | None:
    """None for complete results, or what is wrong with them.

    Each analysis must have its plot and reach its end, there is no other plot, and time and sweeps run forwards; every
    required vector must be in every plot, and be finite.
    """
    if not plots:
        return FailureKind.no_output, "no plots in the results"
    asked = deck.analyses()
    return _lacking(asked, plots) or _missing(deck, plots) or _not_finite(deck, plots) or _short(asked, plots)


def _lacking(analyses: tuple[Analysis, ...], plots: tuple[Plot, ...]) -> Verdict | None:
    wanted = Counter(analysis.plot_name for analysis in analyses)
    found = Counter(plot.title for plot in plots)
    lacking, unasked = wanted - found, found - wanted
    if lacking:
        return FailureKind.short, f"results without {', '.join(lacking)}"
    return (FailureKind.misread, f"results nobody asked for: {', '.join(unasked)}") if unasked else None


def _missing(deck: Deck, plots: tuple[Plot, ...]) -> Verdict | None:
    for plot in plots:
        missing = [vector for vector in deck.vectors if vector not in plot]
        if missing:
            there = ", ".join(plot.vectors) or "nothing"
            message = f"{', '.join(missing)} not in {plot.title!r}, which has {there}"
            return FailureKind.missing_vector, message
    return None


def _not_finite(deck: Deck, plots: tuple[Plot, ...]) -> Verdict | None:
    for plot in plots:
        if not np.isfinite(plot.axis).all():
            return FailureKind.not_finite, f"the axis of {plot.title!r} is not finite"
        for vector in deck.vectors:
            bad = np.flatnonzero(~np.isfinite(plot[vector]))
            if bad.size:
                where = f"{plot.axis_name or 'point'} = {plot.axis[bad[0]]:.6g}"
                return FailureKind.not_finite, f"{vector} is not finite at {where}"
    return None


def _short(analyses: tuple[Analysis, ...], plots: tuple[Plot, ...]) -> Verdict | None:
    """Sweeps of one kind are told apart by their length."""
    for name in {analysis.plot_name for analysis in analyses}:
        mine = [analysis for analysis in analyses if analysis.plot_name == name]
        theirs = sorted((plot.axis for plot in plots if plot.title == name), key=len)
        for analysis, axis in zip(sorted(mine, key=Analysis.least_points), theirs, strict=True):
            shortfall, disorder = analysis.shortfall(axis), analysis.disorder(axis)
            if shortfall:
                return FailureKind.short, shortfall
            if disorder:
                return FailureKind.misread, disorder
    return None
