"""The rule of the metals' densities."""

from __future__ import annotations

from collections.abc import Iterator

import klayout.db as kdb

from nonideal.precheck.result import Finding, Place, fails, passes
from nonideal.precheck.rules.outline import without_template
from nonideal.precheck.tile import Tile
from nonideal.sky130_models.metals import DENSITY_STEP_UM, DENSITY_WINDOW_UM, METALS, Metal

UP_TO = "met4"


def density(tile: Tile) -> Finding:
    """No window of the process is filled more than it may be with a metal; what is filled less than a chip has to be is told, not judged.

    The smallest density is a rule of the finished chip, which the shuttle fills; the largest nobody can mend afterwards.
    """
    if tile.template is None:
        return without_template()
    told, wrong, thin = [], [], []
    for metal in _metals():
        found = list(_windows(tile, metal))
        most, least = max(found, key=lambda one: one[0]), min(found, key=lambda one: one[0])
        told.append(f"{metal.layer} {_range(least[0], most[0])} %")
        if metal.densest_percent is not None and most[0] > metal.densest_percent:
            centre = most[1].center()
            what = f"{metal.layer} {most[0]:.1f} % of {metal.densest_percent:g} % at most"
            wrong.append(Place(x_um=round(centre.x, 3), y_um=round(centre.y, 3), what=what))
        if least[0] < metal.fill_percent:
            thin.append(f"{metal.layer} below {metal.fill_percent:g} %")
    side = f"windows of {DENSITY_WINDOW_UM:g} um"
    if wrong:
        return fails(f"{side}: {'; '.join(one.what for one in wrong)}", "take metal away, or slot it", wrong)
    advice = f"needs fill, by the shuttle or by the tile: {', '.join(thin)}" if thin else ""
    return passes(f"{side}: {', '.join(told)}", advice)


def _metals() -> Iterator[Metal]:
    for metal in METALS.values():
        yield metal
        if metal.layer == UP_TO:
            return


def _windows(tile: Tile, metal: Metal) -> Iterator[tuple[float, kdb.DBox]]:
    """Percent of every window that a metal fills, and the window, clipped to the tile."""
    whole = tile.boundary if not tile.boundary.empty() else tile.top.dbbox()
    region = tile.regions[metal.layer]
    for left in _starts(whole.left, whole.right):
        for low in _starts(whole.bottom, whole.top):
            window = kdb.DBox(left, low, left + DENSITY_WINDOW_UM, low + DENSITY_WINDOW_UM) & whole
            inside = region & kdb.Region(window.to_itype(tile.layout.dbu))
            yield 100 * inside.area() * tile.layout.dbu**2 / window.area(), window


def _starts(low: float, high: float) -> Iterator[float]:
    """Where windows begin: the first at the edge, the last one ends at the other."""
    start = low
    while start + DENSITY_WINDOW_UM < high:
        yield start
        start += DENSITY_STEP_UM
    yield max(low, high - DENSITY_WINDOW_UM)


def _range(least: float, most: float) -> str:
    return f"{most:.1f}" if most - least < 0.05 else f"{least:.1f} to {most:.1f}"
