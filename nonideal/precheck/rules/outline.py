"""Rules of the file as a whole: its companions, top cell, names, boundary, size, layers."""

from __future__ import annotations

import klayout.db as kdb

from nonideal.precheck.result import Finding, Place, fails, not_run, passes
from nonideal.precheck.tile import NEAR_UM, Tile, place
from nonideal.sky130_models.layers import LAYERS
from nonideal.sky130_models.purposes import BOUNDARY, PURPOSES
from nonideal.sky130_models.tile import TEMPLATES

PREFIX = "tt_um_"
FORBIDDEN = "met5"
BAD_IN_NAMES = "#/"
FOUNDRY_ONLY = ("tunm.drawing", "rdl.drawing", "areaid.moduleCut")
"""On the list of the process, but not for a tile: the public rules refuse them."""


def files(tile: Tile) -> Finding:
    """LEF, Verilog and info.yaml are there, and can be read."""
    read = {"LEF": tile.lef, "Verilog": tile.ports, "info.yaml": tile.info}
    if tile.problems:
        missing = [name for name, found in read.items() if found is None]
        return fails(
            f"cannot be read: {', '.join(missing)}; {'; '.join(tile.problems.values())}",
            "put them beside the GDS, named as it is, or name them with --lef, --verilog and --info",
        )
    return passes("LEF, Verilog and info.yaml are read")


def info(tile: Tile) -> Finding:
    """info.yaml speaks of this tile: its module, its size, no more analog pins than there may be."""
    if tile.info is None:
        return without("info.yaml")
    wrong = []
    if tile.info.top_module != tile.name:
        wrong.append(f"top_module is {tile.info.top_module!r}, the file {tile.name!r}")
    if tile.info.tiles not in TEMPLATES:
        wrong.append(f"tiles is {tile.info.tiles!r}, templates are {', '.join(TEMPLATES)}")
    elif tile.template is not None and tile.info.tiles != tile.template.size:
        wrong.append(f"tiles is {tile.info.tiles}, the layout {tile.template.size}")
    if tile.info.uses_3v3:
        wrong.append("uses_3v3 is set: the template with VAPWR, whose pins we do not know")
    if wrong:
        return fails("; ".join(wrong), "mend info.yaml, or the layout")
    return passes(f"{tile.info.tiles}, {tile.info.analog_pins} analog pins, module {tile.name}")


def top_cell(tile: Tile) -> Finding:
    """One top cell, named as the file, beginning with tt_um_."""
    tops = [cell.name for cell in tile.layout.top_cells()]
    advice = f"keep one top cell, and call it and the file {PREFIX}<name>"
    if len(tops) != 1:
        return fails(f"{len(tops)} top cells: {', '.join(sorted(tops)[:8])}", advice)
    if tops[0] != tile.name:
        return fails(f"the top cell is {tops[0]}, the file {tile.name}", advice)
    if not tile.name.startswith(PREFIX):
        return fails(f"{tile.name} does not begin with {PREFIX}", advice)
    return passes(tile.name)


def cell_names(tile: Tile) -> Finding:
    """No # and no / in the name of a cell."""
    names = [cell.name for cell in tile.layout.each_cell()]
    bad = sorted(name for name in names if any(one in name for one in BAD_IN_NAMES))
    if bad:
        return fails(f"{len(bad)} names: {', '.join(bad[:8])}", "name these cells without # and /")
    return passes(f"{len(names)} cells")


def boundary(tile: Tile) -> Finding:
    """prBoundary is there, begins at (0, 0), and is the bounding box of everything, labels too."""
    advice = f"draw {BOUNDARY[0]}/{BOUNDARY[1]} from (0, 0) to the template's corner, and nothing outside it"
    if tile.boundary.empty():
        return fails(f"no shape on prBoundary ({BOUNDARY[0]}/{BOUNDARY[1]})", advice)
    whole = tile.top.dbbox()
    if not same(whole, tile.boundary):
        outside = []
        for index in tile.layout.layer_indexes():
            layer = tile.layout.get_info(index)
            name = f"{layer.layer}/{layer.datatype}"
            for _, box in tile.pieces(layer.layer, layer.datatype):
                if not box.inside(tile.boundary):
                    outside.append(
                        place(
                            box,
                            f"{name} reaches ({box.left:g}, {box.bottom:g}) to ({box.right:g}, {box.top:g})",
                        )
                    )
        return fails(f"boundary {said(tile.boundary)}, everything {said(whole)}", advice, outside)
    if abs(tile.boundary.left) > NEAR_UM or abs(tile.boundary.bottom) > NEAR_UM:
        return fails(f"the boundary begins at ({tile.boundary.left:g}, {tile.boundary.bottom:g})", advice)
    return passes(said(tile.boundary))


def size(tile: Tile) -> Finding:
    """The boundary has the size of a template."""
    box = tile.boundary if not tile.boundary.empty() else tile.top.dbbox()
    if tile.template is None:
        sizes = ", ".join(f"{one.size} {one.width_um:g} x {one.height_um:g}" for one in TEMPLATES.values())
        return fails(f"{box.width():g} x {box.height():g} um", f"take a template's size: {sizes} um")
    return passes(f"{tile.template.size}, {box.width():g} x {box.height():g} um")


def layers(tile: Tile) -> Finding:
    """Every layer and datatype, in whatever cell of the file, is one that the process knows."""
    bad = [one for one in _drawn(tile) if one not in PURPOSES or PURPOSES[one] in FOUNDRY_ONLY]
    if bad:
        told = ", ".join(PURPOSES.get(one) or f"{one[0]}/{one[1]}" for one in bad)
        return fails(
            f"not for a tile of this process: {told}",
            "remove these shapes, or draw them on the layer that is meant",
            _at(tile, bad),
        )
    return passes(f"{len(_drawn(tile))} layers and purposes")


def met5(tile: Tile) -> Finding:
    """Nothing on metal 5: drawing, pin or label."""
    layer = LAYERS[FORBIDDEN]
    forbidden = {(layer.gds_layer, one) for one in (layer.drawing, layer.pin, layer.label)}
    bad = [one for one in _drawn(tile) if one in forbidden]
    if bad:
        told = ", ".join(PURPOSES[one] for one in bad)
        return fails(
            f"{told} drawn",
            "the shuttle's own grid runs on metal 5: wire on metal 4 and below",
            _at(tile, bad),
        )
    return passes("nothing on metal 5")


def _drawn(tile: Tile) -> list[tuple[int, int]]:
    return sorted((one.layer, one.datatype) for one in tile.layout.layer_infos())


def _at(tile: Tile, layers: list[tuple[int, int]]) -> list[Place]:
    return [
        place(box, PURPOSES.get((layer, datatype)) or f"{layer}/{datatype}")
        for layer, datatype in layers
        for _, box in tile.pieces(layer, datatype)
    ]


def same(one: kdb.DBox, other: kdb.DBox) -> bool:
    """Whether two boxes are the same, within less than a database unit."""
    pairs = (
        (one.left, other.left),
        (one.bottom, other.bottom),
        (one.right, other.right),
        (one.top, other.top),
    )
    return all(abs(a - b) < NEAR_UM for a, b in pairs)


def said(box: kdb.DBox) -> str:
    """A box as text."""
    return f"({box.left:g}, {box.bottom:g}) to ({box.right:g}, {box.top:g}) um"


def without(what: str) -> Finding:
    """A rule that has no file to look at; that it is missing is for the rule ``files`` to say."""
    return not_run(f"no {what} that could be read")


def without_template() -> Finding:
    """A rule whose places or sizes are a template's; that the tile is no template's is for the rule ``tile size`` to say."""
    return not_run("the tile has the size of no template (rule tile size)")
