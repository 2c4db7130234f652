"""Rules of what is drawn: design rules, grid, empty shapes, pins and labels without drawing, resistors by n-wells, antennas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import klayout.db as kdb

from nonideal.circuits.drc import Violation
from nonideal.precheck.result import Finding, Place, fails, not_run, passes
from nonideal.precheck.tile import Tile, place
from nonideal.sky130_models.antenna import ANTENNA_RULES
from nonideal.sky130_models.layers import LAYERS
from nonideal.sky130_models.rules import RULES

GRID = frozenset(rule.name for rule in RULES if rule.kind == "grid")
ANTENNA = frozenset(rule.name for rule in ANTENNA_RULES)
URPM_SPACE_UM = 0.7
OTHER_DEVICES = {
    (75, 20): "5 V devices (hvi)",
    (64, 13): "p-well resistors",
    (65, 13): "diffusion resistors",
    (66, 13): "poly resistors",
    (82, 20): "npn",
    (82, 44): "pnp",
    (82, 24): "inductors",
    (125, 20): "hvntm",
    (80, 20): "tunm",
}
"""What marks devices that have rules of their own, which are not checked here, and that our LVS does not know."""


def design_rules(tile: Tile) -> Finding:
    """All design rules of the process that are checked here (`docs/how-to/precheck.md` says which those are)."""
    found = _violations(
        tile,
        lambda name: name not in GRID | ANTENNA,
        "open the GDS in KLayout at these places; the rules' names are the process's",
    )
    others = other_devices(tile)
    if found.state == "pass" and others:
        return passes(
            found.found, f"rules of {', '.join(others)} are not among them: run magic or the public deck"
        )
    return found


def other_devices(tile: Tile) -> list[str]:
    """Kinds of devices in the tile that our tools do not know."""
    return [name for place, name in OTHER_DEVICES.items() if any(tile.pieces(*place))]


def grid(tile: Tile) -> Finding:
    """Every corner of every shape on a mask lies on the manufacturing grid of 5 nm."""
    return _violations(tile, lambda name: name in GRID, "draw on a grid of 5 nm")


def antennas(tile: Tile) -> Finding:
    """What a layer's etch lays bare, over the gates that it hangs on, keeps the process's limits on every net."""
    found = _violations(
        tile,
        lambda name: name in ANTENNA,
        "put an antenna diode on the net, or jump to a higher layer near the gate",
    )
    worst = tile.drc.worst_antenna if found.state == "pass" else None
    if worst is not None:
        return passes(f"nearest to its limit: {worst}")
    return found


def _violations(tile: Tile, wanted: Callable[[str], bool], advice: str) -> Finding:
    if not tile.regions.drawn():
        return not_run("nothing is drawn on a mask")
    report = tile.drc
    names = [name for name in report.rules if wanted(name)]
    broken = [one for one in report.violations if one.rule in names]
    if not broken:
        return passes(f"0 violations of {len(names)} rules")
    told = ", ".join(f"{one.rule} x {one.count}" for one in broken[:6]) + (" ..." if len(broken) > 6 else "")
    return Finding(
        state="fail",
        found=f"{sum(one.count for one in broken)} violations of {len(broken)} rules: {told}",
        advice=advice,
        places=tuple(_first(broken)),
        count=sum(one.count for one in broken),
    )


def _first(broken: Iterable[Violation]) -> Iterator[Place]:
    """The first places of every broken rule."""
    for one in broken:
        for box in one.boxes_um[:3]:
            yield place(kdb.DBox(*box), f"{one.rule}: {one.description}")


def empty_shapes(tile: Tile) -> Finding:
    """No polygon, box or path without an area."""
    wrong = []
    for layer in tile.layout.layer_infos():
        for shape, box in tile.pieces(layer.layer, layer.datatype):
            if not shape.is_text() and shape.area() == 0:
                wrong.append(place(box, f"{layer.layer}/{layer.datatype}"))
    if wrong:
        return fails(f"{len(wrong)} shapes without an area", "remove them", wrong)
    return passes("every shape has an area")


def pins_and_labels(tile: Tile) -> Finding:
    """Under every pin and every label of a layer lies drawing of that layer."""
    wrong: list[Place] = []
    for name, layer in LAYERS.items():
        if layer.pin is None and layer.label is None:
            continue
        drawn = tile.regions[name]
        if layer.pin is not None:
            pins = kdb.Region(
                [_whole(shape, trans) for shape, trans in _shapes(tile, layer.gds_layer, layer.pin)]
            )
            wrong += tile.places(pins.merged() - drawn, f"{name}.pin without {name}")
        if layer.label is not None:
            wrong += _labels(tile, (layer.gds_layer, layer.label), drawn, name)
    if wrong:
        return fails(
            f"{len(wrong)}: {wrong[0].what}",
            "draw the layer under its pins and labels, or remove them",
            wrong,
        )
    return passes("drawing under all of them")


def _labels(tile: Tile, purpose: tuple[int, int], drawn: kdb.Region, name: str) -> list[Place]:
    points = kdb.Region()
    texts: list[kdb.Text] = []
    for shape, trans in _shapes(tile, *purpose, texts=True):
        text = shape.text.transformed(trans)
        texts.append(text)
        points.insert(kdb.Box(text.x, text.y, text.x, text.y).enlarged(1, 1))
    points.merged_semantics = False
    bare = points.not_interacting(drawn)
    found = {(polygon.bbox().center().x, polygon.bbox().center().y) for polygon in bare.each()}
    return [
        place(
            kdb.Box(text.x, text.y, text.x, text.y).to_dtype(tile.layout.dbu),
            f"label {text.string} on no {name}",
        )
        for text in texts
        if (text.x, text.y) in found
    ]


def _shapes(
    tile: Tile, layer: int, datatype: int, *, texts: bool = False
) -> Iterator[tuple[kdb.Shape, kdb.ICplxTrans]]:
    index = tile.layout.find_layer(layer, datatype)
    if index is None:
        return
    iterator = tile.top.begin_shapes_rec(index)
    iterator.shape_flags = kdb.Shapes.STexts if texts else kdb.Shapes.SRegions
    while not iterator.at_end():
        yield iterator.shape(), iterator.trans()
        iterator.next()


def _whole(shape: kdb.Shape, trans: kdb.ICplxTrans) -> kdb.Polygon:
    return shape.polygon.transformed(trans)


def resistors_by_wells(tile: Tile) -> Finding:
    """urpm, the implant of high-ohmic resistors, keeps 0.7 um from every n-well."""
    urpm = tile.regions["urpm"]
    if urpm.is_empty():
        return passes("no urpm")
    distance = tile.regions.length(URPM_SPACE_UM)
    close = urpm.separation_check(tile.regions["nwell"], distance, False, kdb.Region.Euclidian).polygons(1)
    close += urpm & tile.regions["nwell"]
    if not close.is_empty():
        return fails(
            f"{close.merged().count()} places nearer than {URPM_SPACE_UM:g} um",
            "move the resistor or the n-well",
            tile.places(close.merged(), "urpm by an n-well"),
        )
    return passes(f"{URPM_SPACE_UM:g} um kept")
