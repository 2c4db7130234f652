"""Rules of the supplies: where the stripes are, and whether they bear the current."""

from __future__ import annotations

from nonideal.precheck.lef import Port
from nonideal.precheck.result import Finding, Place, fails, not_run, passes
from nonideal.precheck.rules.lef import USES, power_name
from nonideal.precheck.rules.outline import without, without_template
from nonideal.precheck.tile import NEAR_UM, Tile
from nonideal.sky130_models.metals import METALS

STRIPE_LAYER = "met4"
LEAST_WIDTH_UM = 1.2
FROM_EDGE_UM = 10.0
MOST_DROP_V = 0.018
"""One percent of 1.8 V, our own limit."""


def stripes(tile: Tile) -> Finding:
    """Every port of a power pin is a vertical stripe on metal 4, wide enough, from near the bottom to near the top edge."""
    if tile.lef is None or tile.template is None:
        return without("LEF") if tile.lef is None else without_template()
    height, width = tile.template.height_um, tile.template.width_um
    wrong = []
    for net, port in _ports(tile):
        what = []
        if port.layer != STRIPE_LAYER:
            what.append(f"on {port.layer}")
        if _width(port) < LEAST_WIDTH_UM - NEAR_UM:
            what.append(f"{_width(port):g} um wide")
        if port.y0_um > FROM_EDGE_UM + NEAR_UM:
            what.append(f"begins {port.y0_um:g} um above the bottom edge")
        if height - port.y1_um > FROM_EDGE_UM + NEAR_UM:
            what.append(f"ends {height - port.y1_um:g} um below the top edge")
        if min(port.x0_um, port.y0_um, width - port.x1_um, height - port.y1_um) < -NEAR_UM:
            what.append("reaches out of the tile")
        if what:
            wrong.append(
                Place(
                    x_um=round((port.x0_um + port.x1_um) / 2, 3),
                    y_um=round((port.y0_um + port.y1_um) / 2, 3),
                    what=f"{net}: {', '.join(what)}",
                )
            )
    missing = [net for net in USES if net not in {one for one, _ in _ports(tile)}]
    if wrong or missing:
        told = [*(f"{net} has no stripe" for net in missing), *(one.what for one in wrong)]
        return fails(
            "; ".join(told[:3]),
            f"draw vertical {STRIPE_LAYER} stripes of {LEAST_WIDTH_UM:g} um at least, from below {FROM_EDGE_UM:g} um"
            f" to above {height - FROM_EDGE_UM:g} um",
            wrong,
        )
    return passes(
        ", ".join(f"{net} {many} x {total / many:g} um" for net, (many, total) in _widths(tile).items())
    )


def supply_current(tile: Tile) -> Finding:
    """The stripes of each net bear the supply current: density on direct current, and drop if all of it were drawn at the far end."""
    if tile.lef is None or tile.template is None:
        return without("LEF") if tile.lef is None else without_template()
    metal = METALS[STRIPE_LAYER]
    widths = _widths(tile)
    if not widths or set(widths) != set(USES) or metal.dc_mA_per_um is None:
        return without("stripe of every supply")
    told, wrong = [], []
    current = tile.current_mA or (tile.info.supply_current_mA if tile.info is not None else None)
    for net, (_, width) in widths.items():
        resistance = metal.sheet_ohm * tile.template.height_um / width
        told.append(f"{net} {width:g} um: {metal.dc_mA_per_um * width:.3g} mA at most, {resistance:.2g} ohm")
        if current is not None:
            if current > metal.dc_mA_per_um * width:
                wrong.append(f"{net}: {current / width:.3g} of {metal.dc_mA_per_um:g} mA/um")
            if current * 1e-3 * resistance > MOST_DROP_V:
                wrong.append(f"{net}: {current * resistance:.3g} of {MOST_DROP_V * 1e3:g} mV drop")
    if current is None:
        return not_run(
            f"no current given; {'; '.join(told)}", "give --current in mA, or supply_current_mA in info.yaml"
        )
    if wrong:
        return fails(f"at {current:g} mA {'; '.join(wrong)}", "widen the stripes, or draw more of them")
    return passes(f"{current:g} mA; {'; '.join(told)}")


def _ports(tile: Tile) -> list[tuple[str, Port]]:
    if tile.lef is None:
        return []
    pins = [(power_name(pin.name), pin) for pin in tile.lef.pins.values()]
    return [(net, port) for net, pin in pins if net in USES for port in pin.ports]


def _widths(tile: Tile) -> dict[str, tuple[int, float]]:
    """Net -> how many stripes, and how wide all of them are together in um: what lies over each other counts once, what is outside not."""
    if tile.template is None:
        return {}
    spans: dict[str, list[tuple[float, float]]] = {}
    for net, port in _ports(tile):
        x0, x1 = max(port.x0_um, 0.0), min(port.x1_um, tile.template.width_um)
        if x0 < x1:
            spans.setdefault(net, []).append((x0, x1))
    found = {}
    for net, ports in spans.items():
        apart: list[tuple[float, float]] = []
        for x0, x1 in sorted(ports):
            if apart and x0 <= apart[-1][1]:
                apart[-1] = (apart[-1][0], max(apart[-1][1], x1))
            else:
                apart.append((x0, x1))
        found[net] = (len(apart), sum(x1 - x0 for x0, x1 in apart))
    return found


def _width(port: Port) -> float:
    return port.x1_um - port.x0_um
