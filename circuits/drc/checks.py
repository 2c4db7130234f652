"""What each kind of design rule asks of two regions; every check returns the places that break it."""

from __future__ import annotations

from collections.abc import Callable

import klayout.db as kdb

from nonideal.circuits.drc.regions import Regions
from nonideal.sky130_models.rules import Rule

Check = Callable[[Regions, str, str, float], kdb.Region]
EUCLIDIAN = kdb.Region.Euclidian
WIDE_UM = 3.0


def _marks(pairs: kdb.EdgePairs) -> kdb.Region:
    return pairs.polygons(1)


def _apart(region: kdb.Region, distance: int) -> kdb.Region:
    """Places where a layer comes too close to itself.

    Edges are compared first, which is quick where a rail along a row has thousands of them; they see through other polygons, and so what they
    find is looked at once more.
    """
    close = region.edges().space_check(distance, False, EUCLIDIAN)
    if close.count() == 0:
        return kdb.Region()
    return _marks(region.interacting(_marks(close)).space_check(distance, False, EUCLIDIAN))


def width(r: Regions, layer: str, _: str, value: float) -> kdb.Region:
    return _marks(r[layer].width_check(r.length(value), False, EUCLIDIAN))


def space(r: Regions, layer: str, other: str, value: float) -> kdb.Region:
    if not other:
        return _apart(r[layer], r.length(value))
    apart = _marks(r[layer].separation_check(r[other], r.length(value), False, EUCLIDIAN))
    return apart + (r[layer] & r[other])


def space_past(r: Regions, layer: str, other: str, value: float) -> kdb.Region:
    """Space between layers that may cross, as poly and diffusion do."""
    return _marks(r[layer].separation_check(r[other], r.length(value), False, EUCLIDIAN))


def space_plate(r: Regions, layer: str, other: str, value: float) -> kdb.Region:
    """Space of capacitor plates, to each other and to other metal; notches of one plate are no matter."""
    apart = _marks(r[layer].isolated_check(r.length(value), False, EUCLIDIAN))
    return apart + _marks(r[layer].separation_check(r[other], r.length(value), False, EUCLIDIAN))


def space_wide(r: Regions, layer: str, _: str, value: float) -> kdb.Region:
    """Space of wide metal, to all other metal and to narrow arms of its own."""
    half = r.length(WIDE_UM / 2)
    metal = r[layer]
    wide = metal.sized(-half).sized(half) & metal
    if wide.is_empty():
        return kdb.Region()
    # Edges of the wide part alone: where it goes on as a narrow arm it has none.
    edges, distance = wide.edges() & metal.edges(), r.length(value)
    narrow = metal.edges() - edges
    return _marks(edges.separation_check(narrow, distance, False, EUCLIDIAN)) + _marks(
        edges.space_check(distance, False, EUCLIDIAN)
    )


def enclosure(r: Regions, layer: str, other: str, value: float) -> kdb.Region:
    """`layer` round `other` on all sides."""
    bad = r[other] - r[layer]
    if value > 0:
        bad += _marks(r[other].enclosed_check(r[layer], r.length(value), False, EUCLIDIAN))
    return bad


def enclosure_inside(r: Regions, layer: str, other: str, value: float) -> kdb.Region:
    """`layer` round what lies of `other` inside of it; `other` may also lie outside."""
    return _marks(r[other].enclosed_check(r[layer], r.length(value), False, EUCLIDIAN))


def enclosure_2adj(r: Regions, layer: str, other: str, value: float) -> kdb.Region:
    """`layer` round `other` on one of any two adjacent sides: no corner of `other` has too little on both of its sides."""
    inner, outer = r[other], r[layer]
    close = inner.enclosed_check(outer, r.length(value), False, kdb.Region.Projection).first_edges()
    ends = [close.with_angle(angle, False).extended(1, 1, 1, 1, False) for angle in (0, 90)]
    return inner.interacting(ends[0] & ends[1]) + (inner - outer)


def extension_diff(r: Regions, layer: str, other: str, value: float) -> kdb.Region:
    """Diffusion past the gate: beyond every gate edge that is an edge of the poly."""
    edges = r["gate"].edges() & r["poly"].edges()
    return edges.extended_out(r.length(value)) - r["diff"]


def extension_poly(r: Regions, layer: str, other: str, value: float) -> kdb.Region:
    """End cap: poly beyond every gate edge that is an edge of the diffusion."""
    edges = r["gate"].edges() & r["diff"].edges()
    return edges.extended_out(r.length(value)) - r["poly"]


def transistor_width(r: Regions, layer: str, _: str, value: float) -> kdb.Region:
    edges = r["gate"].edges() & r["poly"].edges()
    return edges.with_length(0, r.length(value), False).extended(1, 1, 1, 1, False)


def gate_along_channel(r: Regions, layer: str, other: str, value: float) -> kdb.Region:
    """Space measured in source-drain direction."""
    edges = r[other].edges() & r["poly"].edges()
    return edges.extended_out(r.length(value)) & r[layer]


def tap_bound_by_diffusion(r: Regions, layer: str, _: str, value: float) -> kdb.Region:
    """Width of taps that butt diffusion; the others are held to the width of any diffusion."""
    return _marks(r["tap"].interacting(r["diff"]).width_check(r.length(value), False, EUCLIDIAN))


def area(r: Regions, layer: str, _: str, value: float) -> kdb.Region:
    return r[layer].with_area(0, round(value / r.dbu_um**2), False)


def hole_area(r: Regions, layer: str, _: str, value: float) -> kdb.Region:
    return r[layer].holes().with_area(0, round(value / r.dbu_um**2), False)


def size(r: Regions, layer: str, _: str, value: float) -> kdb.Region:
    side = r.length(value)
    exact = r[layer].rectangles().with_bbox_width(side, False).with_bbox_height(side, False)
    return r[layer] - exact


def must_contain(r: Regions, layer: str, other: str, value: float) -> kdb.Region:
    return r[layer].not_interacting(r[other])


def nothing(r: Regions, layer: str, _: str, value: float) -> kdb.Region:
    """No such thing may be."""
    return r[layer]


def forbidden(r: Regions, layer: str, other: str, value: float) -> kdb.Region:
    """A contact that touches both poly and diffusion or tap."""
    return r[layer].interacting(r["poly"]).interacting(r["difftap"])


def rectangles_only(r: Regions, layer: str, _: str, value: float) -> kdb.Region:
    return r[layer].non_rectangles()


def distance(r: Regions, layer: str, other: str, value: float) -> kdb.Region:
    """Every part of `layer` has `other` within the distance."""
    return r[layer] - r[other].sized(r.length(value))


def angle(r: Regions, layer: str, _: str, value: float) -> kdb.Region:
    """Edges of any layer that are no multiple of 45 degrees."""
    return _askew(r, r.drawn(), kdb.Edges.OrthoDiagonalEdges)


def right_angle(r: Regions, layer: str, _: str, value: float) -> kdb.Region:
    """Edges of diffusion, poly and cuts that are no multiple of 90 degrees."""
    return _askew(r, [name for name in r.drawn() if name in ORTHOGONAL], kdb.Edges.OrthoEdges)


def _askew(r: Regions, names: list[str], legal: kdb.Edges.EdgeType) -> kdb.Region:
    bad = kdb.Region()
    for name in names:
        bad += r[name].edges().with_angle(legal, True).extended(1, 1, 1, 1, False)
    return bad


def grid(r: Regions, layer: str, _: str, value: float) -> kdb.Region:
    step = r.length(value)
    bad = kdb.Region()
    for name in r.drawn():
        bad += _marks(r[name].grid_check(step, step))
    return bad


ORTHOGONAL = frozenset({"diff", "tap", "poly", "licon1", "mcon", "via", "via2", "via3", "via4"})

KINDS: dict[str, Check] = {
    "angle": angle,
    "area": area,
    "distance": distance,
    "enclosure": enclosure,
    "enclosure_2adj": enclosure_2adj,
    "forbidden": forbidden,
    "grid": grid,
    "hole_area": hole_area,
    "must_contain": must_contain,
    "shape": rectangles_only,
    "size": size,
    "space": space,
    "space_wide": space_wide,
    "width": width,
}

# Rules whose check or operands say more than the table's columns: [(check, layer, other), ...].
SPECIAL: dict[str, list[tuple[Check, str, str]]] = {
    "nwell.4": [(must_contain, "nwell", "well tap")],
    "nwell.6": [(enclosure_inside, "dnwell", "nwell hole")],
    "difftap.1": [(width, "diff", ""), (width, "tap", "")],
    "difftap.2": [(transistor_width, "gate", "")],
    "difftap.3": [(space, "difftap", "")],
    "difftap.4": [(tap_bound_by_diffusion, "tap", "")],
    "difftap.9": [(space, "nwell", "n+diff")],
    "poly.1b": [(width, "lvt p gate", "")],
    "poly.4": [(space_past, "poly", "diff")],
    "poly.7": [(extension_diff, "diff", "poly")],
    "poly.8": [(extension_poly, "poly", "diff")],
    "nsdm.1": [(space, "nsdm", ""), (space, "psdm", "")],
    "nsdm.2": [(width, "nsdm", ""), (width, "psdm", "")],
    "nsd.5a": [
        (enclosure, "nsdm", "n+diff"),
        (enclosure, "psdm", "p+diff"),
        (nothing, "bare difftap", ""),
    ],
    "nsd.5b": [(enclosure, "nsdm", "n+tap"), (enclosure, "psdm", "p+tap")],
    "nsd.7": [(space, "nsdm", "p+"), (space, "psdm", "n+")],
    "lvtn.3a": [(space, "lvtn", "other than lvt gate")],
    "lvtn.3b": [(gate_along_channel, "lvtn", "other than lvt gate")],
    "lvtn.4b": [(enclosure, "lvtn", "lvt gate")],
    "lvtn.10": [(enclosure_inside, "nwell", "lvtn")],
    "hvtp.3": [(enclosure, "hvtp", "hvt gate")],
    "hvtp.4": [(space, "hvtp", "other than hvt gate")],
    "licon.1": [(size, "licon1 off resistors", "")],
    "licon.5a": [(enclosure, "diff", "licon_diff")],
    "licon.5c": [(enclosure_2adj, "diff", "licon_diff")],
    "licon.7": [(enclosure_2adj, "tap", "licon_tap")],
    "licon.8": [(enclosure, "poly", "licon_poly")],
    "licon.8a": [(enclosure_2adj, "poly", "licon_poly")],
    "licon.9": [(space, "licon_poly off resistors", "psdm")],
    "licon.13": [(space, "npc", "licon_difftap")],
    "licon.17": [(forbidden, "licon1", "")],
    "li.5": [(enclosure_2adj, "li1", "licon1")],
    "capm.2b": [(space_plate, "met3_plate", "other met3")],
    "capm.4": [(enclosure, "capm", "via3 on capm")],
    "capm.5": [(space, "capm", "via3 off capm")],
    "capm.11": [(space, "capm", "other met3")],
    "cap2m.2b": [(space_plate, "met4_plate", "other met4")],
    "cap2m.4": [(enclosure, "capm2", "via4 on capm2")],
    "cap2m.5": [(space, "capm2", "via4 off capm2")],
    "cap2m.11": [(space, "capm2", "other met4")],
    "x.2": [(right_angle, "", "")],
}

# Standard cells are drawn to closer rules, under a layer that says so (areaid.standardc): the rule there, in um.
# Source: periphery rules of the SkyWater PDK, difftap.2 and licon.11a.
IN_STANDARD_CELLS: dict[str, float] = {"difftap.2": 0.36, "licon.11": 0.05}

ALIASES = {"licon": "licon1", "gate_W": "gate", "diff|tap": "difftap", "all": ""}


def violations(r: Regions, rule: Rule) -> kdb.Region:
    """The places that break a rule, merged: one polygon a place."""
    bad = _broken(r, rule, 0.0 if rule.value_um is None else rule.value_um)
    closer = IN_STANDARD_CELLS.get(rule.name)
    if closer is None or bad.is_empty() or r["standard cell"].is_empty():
        return bad
    outside = bad.not_inside(r["standard cell"])
    return (outside + _broken(r, rule, closer)).merged()


def _broken(r: Regions, rule: Rule, value: float) -> kdb.Region:
    bad = kdb.Region()
    for check, layer, other in SPECIAL.get(rule.name) or [_operands(rule)]:
        bad += check(r, layer, other, value)
    return bad.merged()


def _operands(rule: Rule) -> tuple[Check, str, str]:
    other = rule.other or ""
    return KINDS[rule.kind], ALIASES.get(rule.layer, rule.layer), ALIASES.get(other, other)
