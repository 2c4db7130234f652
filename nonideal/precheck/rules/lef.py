"""Rules of the LEF, and of the pins that it promises in the layout."""

from __future__ import annotations

from itertools import combinations

import klayout.db as kdb

from nonideal.precheck.lef import LefMacro, Port
from nonideal.precheck.result import Finding, Place, fails, passes
from nonideal.precheck.rules.outline import FORBIDDEN, without, without_template
from nonideal.precheck.tile import NEAR_UM, Tile
from nonideal.sky130_models.layers import LAYERS
from nonideal.sky130_models.tile import GROUND, SUPPLY

OLDER = {"VPWR": SUPPLY}
"""Names that the shuttle still takes for a power pin."""
USES = {GROUND: "GROUND", SUPPLY: "POWER"}
PORT_LAYERS = ("met1", "met2", "met3", "met4")


def lef_size(tile: Tile) -> Finding:
    """The macro's size is the template's, its origin (0, 0)."""
    if tile.lef is None:
        return without("LEF")
    if tile.template is None:
        return without_template()
    wanted = (tile.template.width_um, tile.template.height_um)
    advice = f"write SIZE {wanted[0]:.3f} BY {wanted[1]:.3f} ; and ORIGIN 0.000 0.000 ;"
    if tile.lef.size_um != wanted:
        return fails(f"SIZE {tile.lef.size_um}, template {wanted} um", advice)
    if tile.lef.origin_um not in (None, (0.0, 0.0)):
        return fails(f"ORIGIN {tile.lef.origin_um}", advice)
    return passes(f"{wanted[0]:g} x {wanted[1]:g} um")


def lef_form(tile: Tile) -> Finding:
    """Numbers have three decimals, shapes of pins and obstructions are rectangles: the shuttle's reader takes no other."""
    if tile.lef is None:
        return without("LEF")
    if tile.lef.inexact or tile.lef.shapes:
        told = [*tile.lef.shapes, *tile.lef.inexact]
        more = f" and {len(told) - 3} more" if len(told) > 3 else ""
        return fails(
            f"{'; '.join(told[:3])}{more}",
            "write RECT alone, and every number with three decimals (225.760): the reader takes the digits after the point as thousandths",
        )
    return passes("rectangles, three decimals")


def lef_pins(tile: Tile) -> Finding:
    """The macro has the template's pins where that has them, one rectangle each, the power pins, and no others; no pin touches another."""
    if tile.lef is None or tile.template is None:
        return without("LEF") if tile.lef is None else without_template()
    wrong: list[Place] = []
    for pin in tile.template.pins:
        x, y = (pin.x0_um + pin.x1_um) / 2, (pin.y0_um + pin.y1_um) / 2
        found = tile.lef.pins.get(pin.name)
        box = (pin.x0_um, pin.y0_um, pin.x1_um, pin.y1_um)
        ports = [] if found is None else found.ports
        if not ports:
            what = f"{pin.name} is not there" if found is None else f"{pin.name} has no port"
        elif len(ports) > 1:
            what = f"{pin.name} has {len(ports)} rectangles, the template one"
        elif ports[0].layer != pin.layer or not _near(ports[0].box_um, box):
            what = f"{pin.name} is on {ports[0].layer} at {ports[0].box_um}, in the template on {pin.layer} at {box}"
        else:
            continue
        wrong.append(Place(x_um=x, y_um=y, what=what))
    known = {pin.name for pin in tile.template.pins}
    strange = [name for name in tile.lef.pins if name not in known and power_name(name) not in USES]
    wrong += [Place(x_um=0.0, y_um=0.0, what=f"{name} is no pin of the template") for name in strange]
    wrong += [
        Place(x_um=0.0, y_um=0.0, what=f"{name} is not there")
        for name in USES
        if name not in {power_name(one) for one in tile.lef.pins}
    ]
    wrong += _touching(tile.lef)
    if wrong:
        return fails(f"{len(wrong)} pins: {wrong[0].what}", "write every pin as the template has it", wrong)
    return passes(f"{len(tile.template.pins)} pins and {' and '.join(USES)}")


def power_use(tile: Tile) -> Finding:
    """VGND has USE GROUND, VDPWR has USE POWER."""
    if tile.lef is None:
        return without("LEF")
    wrong = [
        f"{pin.name}: USE {pin.use or 'is missing'}"
        for pin in tile.lef.pins.values()
        if power_name(pin.name) in USES and pin.use != USES[power_name(pin.name)]
    ]
    if wrong:
        return fails("; ".join(wrong), f"write USE GROUND ; in PIN {GROUND}, USE POWER ; in PIN {SUPPLY}")
    return passes(f"{GROUND} is ground, {SUPPLY} power")


def obstruction(tile: Tile) -> Finding:
    """No obstruction on metal 5."""
    if tile.lef is None:
        return without("LEF")
    bad = [one for one in tile.lef.obstructions if one.layer == FORBIDDEN]
    if bad:
        return fails(
            f"{len(bad)} on {FORBIDDEN}",
            f"leave {FORBIDDEN} out of OBS",
            [_place(one, FORBIDDEN) for one in bad],
        )
    return passes(f"{len(tile.lef.obstructions)} obstructions, none on {FORBIDDEN}")


def pins_in_layout(tile: Tile) -> Finding:
    """Every port lies under a flat polygon of the pin purpose in the top cell, and under drawn metal."""
    if tile.lef is None:
        return without("LEF")
    wrong: list[Place] = []
    flat = {layer: _flat(tile, layer) for layer in PORT_LAYERS}
    for pin in tile.lef.pins.values():
        for port in pin.ports:
            what = _missing(tile, port, flat)
            if what:
                wrong.append(_place(port, f"{pin.name}: {what}"))
    if wrong:
        return fails(
            f"{len(wrong)} ports: {wrong[0].what}",
            "draw pins as polygons (no paths) in the top cell, on the pin purpose and on drawing, over the whole port",
            wrong,
        )
    return passes(f"{sum(len(pin.ports) for pin in tile.lef.pins.values())} ports")


def power_name(name: str) -> str:
    """A power pin's name as the template has it."""
    return OLDER.get(name, name)


def _flat(tile: Tile, layer: str) -> kdb.Region:
    """The polygons of a layer's pin purpose in the top cell itself."""
    found = kdb.Region()
    index = tile.layout.find_layer(LAYERS[layer].gds_layer, LAYERS[layer].pin or 0)
    if index is not None:
        for shape in tile.top.shapes(index).each(kdb.Shapes.SBoxes | kdb.Shapes.SPolygons):
            found.insert(shape.polygon)
    return found.merged()


def _missing(tile: Tile, port: Port, flat: dict[str, kdb.Region]) -> str:
    """What is wrong with a port in the layout; "" for nothing."""
    if port.layer not in flat:
        return f"a port on {port.layer}; the shuttle takes {', '.join(PORT_LAYERS)}"
    # A database unit is let go on every side, as the shuttle's own reader does.
    wanted = kdb.Region(tile.box(*port.box_um).enlarged(-1, -1))
    if not (wanted - flat[port.layer]).is_empty():
        return _pin_instead(tile, port)
    bare = not (wanted - tile.regions[port.layer]).is_empty()
    return f"no {port.layer} drawn under all of it" if bare else ""


def _pin_instead(tile: Tile, port: Port) -> str:
    """What is there in place of a flat polygon of the pin purpose."""
    for shape, box in tile.pieces(LAYERS[port.layer].gds_layer, LAYERS[port.layer].pin or 0):
        if box.touches(kdb.DBox(*port.box_um)) and not shape.is_text():
            if shape.is_path():
                return f"its {port.layer}.pin is a path"
            if shape.cell.cell_index() != tile.top.cell_index():
                return f"its {port.layer}.pin lies in the sub-cell {shape.cell.name}"
            return f"{port.layer}.pin does not cover it"
    return f"no {port.layer}.pin over it"


def _touching(lef: LefMacro) -> list[Place]:
    """Ports of two pins that overlap or abut."""
    ports = [(power_name(pin.name), port) for pin in lef.pins.values() for port in pin.ports]
    return [
        _place(a, f"{one} touches {other}")
        for (one, a), (other, b) in combinations(ports, 2)
        if one != other and a.layer == b.layer and kdb.DBox(*a.box_um).touches(kdb.DBox(*b.box_um))
    ]


def _near(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(abs(a - b) < NEAR_UM for a, b in zip(one, other, strict=True))


def _place(port: Port, what: str) -> Place:
    return Place(
        x_um=round((port.x0_um + port.x1_um) / 2, 3), y_um=round((port.y0_um + port.y1_um) / 2, 3), what=what
    )
