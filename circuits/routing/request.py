"""What the native router is asked: numbers in nm, checked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.box import Box
from nonideal.circuits.routing.nets import CUTS, METALS, Net, RoutingError
from nonideal.sky130_models.layers import LAYERS
from nonideal.sky130_models.rules import rule

NM = 1000
DRAWN_NM = 10
PITCH_NM = 140
"""Of the native router's grid (`native/rules.h`)."""
MOST_UM = 4000.0
"""An area is no longer or higher: the native router counts nodes along it in 16 bits."""
MOST_WIDTH_UM = 100.0
"""Of a wire and of its clearance: where two wires cross there are as many cuts as fit."""
MOST_NODES = 50_000_000
"""Some 100 bytes each; a tile of 1030 x 226 um has 12 million."""
FARTHEST_UM = 1e6
"""From the origin: the native router counts nm in 32 bits."""
WIDE_UM = 3.0
SHAPE_LAYERS = (*METALS, *CUTS)
PIN_LAYERS = ("li1", *METALS)
Array = NDArray[np.int64]

# Rules by name: width, space, space to wide metal, area, hole.
METAL_RULES = (
    ("m1.1", "m1.2", "m1.3ab", "m1.6", "m1.7"),
    ("m2.1", "m2.2", "m2.3ab", "m2.6", "m2.7"),
    ("m3.1", "m3.2", "m3.3cd", "m3.6", "m3.7"),
    ("m4.1", "m4.2", "m4.5ab", "m4.4a", "m4.7"),
)
# Size, space, and metal round the cut: below it on all sides and in one direction, above it likewise.
CUT_RULES = (
    ("ct.1", "ct.2", "ct.4", "ct.4", "m1.4", "m1.5"),
    ("via.1a", "via.2", "via.4a", "via.5a", "m2.4", "m2.5"),
    ("via2.1a", "via2.2", "via2.4", "via2.5", "m3.4", "m3.4"),
    ("via3.1", "via3.2", "via3.4", "via3.5", "m4.3", "m4.3"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """Arrays as `native/routing.cpp` takes them."""

    area: Array
    metals: Array
    cuts: Array
    open: NDArray[np.uint8]
    kinds: Array
    net_kind: Array
    pin_start: Array
    box_start: Array
    boxes: Array
    drawn: Array


def make_request(
    area: tuple[float, float, float, float],
    nets: Sequence[Net],
    obstacles: Iterable[tuple[str, Box]],
    layers: Sequence[str],
) -> Request:
    """The request; raises RoutingError for what makes no sense."""
    obstacles = list(obstacles)
    _check(area, nets, obstacles, layers)
    number = {net.name: index for index, net in enumerate(nets)}
    kinds, net_kind = _kinds(nets)
    pins = [pin for net in nets for pin in net.pins]
    boxes = list(chain.from_iterable(pins))
    drawn = [(number.get(name, -1), box) for name, box in obstacles if box.layer in (*SHAPE_LAYERS, "capm")]
    drawn += [
        (number[net.name], box) for net in nets for pin in net.pins for box in pin if box.layer in METALS
    ]
    return Request(
        area=np.array([*map(_up, area[:2]), *map(_down, area[2:])], dtype=np.int64),
        metals=np.array([[_rule(name) for name in names] for names in METAL_RULES], dtype=np.int64),
        cuts=np.array([[_rule(name) for name in names] for names in CUT_RULES], dtype=np.int64),
        open=np.array([metal in layers for metal in METALS], dtype=np.uint8),
        kinds=kinds,
        net_kind=net_kind,
        pin_start=_starts(net.pins for net in nets),
        box_start=_starts(pins),
        boxes=_rows([[PIN_LAYERS.index(box.layer) - 1, *_outside(box)] for box in boxes], 5),
        drawn=_rows([*_shapes(drawn), *_wide(drawn), *_plates(drawn)], 7),
    )


def _check(
    area: tuple[float, float, float, float],
    nets: Sequence[Net],
    obstacles: Sequence[tuple[str, Box]],
    layers: Sequence[str],
) -> None:
    x0, y0, x1, y1 = area
    if not (all(map(math.isfinite, area)) and x0 < x1 and y0 < y1):
        raise RoutingError(f"area {area} um is empty: give x0, y0, x1, y1 with x0 < x1 and y0 < y1")
    nodes = round((x1 - x0) * (y1 - y0) * (NM / PITCH_NM) ** 2)
    if max(map(abs, area)) > FARTHEST_UM or max(x1 - x0, y1 - y0) > MOST_UM or nodes > MOST_NODES:
        raise RoutingError(
            f"area {area} um: a side is {MOST_UM:g} um at most, all within {FARTHEST_UM:g} um of the origin, and no more than {MOST_NODES} nodes "
            f"of the grid of {PITCH_NM} nm (this one has {nodes}): route parts of it by themselves"
        )
    strange = [layer for layer in layers if layer not in METALS]
    if strange or not layers:
        raise RoutingError(f"layers {tuple(layers)}: wires lie on some of {', '.join(METALS)}")
    for name, box in obstacles:
        _check_box(f"an obstacle of {name or 'no net'}", box)
        if box.layer not in LAYERS:
            raise RoutingError(f"an obstacle of {name or 'no net'} lies on {box.layer!r}, which is no layer")
    names: set[str] = set()
    for net in nets:
        if not net.name or net.name in names:
            raise RoutingError(f"net {net.name!r}: each net has a name of its own")
        names.add(net.name)
        _check_net(net, area)
    _check_apart(nets)


def _check_net(net: Net, area: tuple[float, float, float, float]) -> None:
    x0, y0, x1, y1 = area
    for layer, width in (net.width_um or {}).items():
        if layer not in METALS:
            raise RoutingError(f"net {net.name}: width on {layer!r}; wires lie on {', '.join(METALS)}")
        least = _rule(METAL_RULES[METALS.index(layer)][0]) / NM
        if not least - 1e-9 <= width <= MOST_WIDTH_UM:
            raise RoutingError(
                f"net {net.name}: width {width} um on {layer}, at least {least} um, at most {MOST_WIDTH_UM:g} um"
            )
    if not 0 <= net.clearance_um <= MOST_WIDTH_UM:
        raise RoutingError(f"net {net.name}: clearance {net.clearance_um} um; 0 to {MOST_WIDTH_UM:g} um")
    for index, pin in enumerate(net.pins):
        if not pin:
            raise RoutingError(f"net {net.name}: pin {index} has no box")
        for box in pin:
            where = f"net {net.name}, pin {index}"
            _check_box(where, box)
            if box.layer not in PIN_LAYERS:
                raise RoutingError(f"{where} lies on {box.layer!r}; pins lie on {', '.join(PIN_LAYERS)}")
            if box.x0 < x0 - 1e-6 or box.y0 < y0 - 1e-6 or box.x1 > x1 + 1e-6 or box.y1 > y1 + 1e-6:
                corners = (box.x0, box.y0, box.x1, box.y1)
                raise RoutingError(f"{where}: box {corners} um reaches out of the area {area} um")


def _check_box(where: str, box: Box) -> None:
    corners = (box.x0, box.y0, box.x1, box.y1)
    if not (all(map(math.isfinite, corners)) and box.x0 < box.x1 and box.y0 < box.y1):
        raise RoutingError(f"{where}: box {corners} um on {box.layer} is empty or turned round")
    if max(map(abs, corners)) > FARTHEST_UM:
        raise RoutingError(
            f"{where}: box {corners} um on {box.layer} reaches farther than {FARTHEST_UM:g} um from the origin"
        )


def _check_apart(nets: Sequence[Net]) -> None:
    """Pins of two nets must not overlap."""
    by_layer: dict[str, list[tuple[float, float, float, float, str]]] = {}
    for net in nets:
        for pin in net.pins:
            for box in pin:
                by_layer.setdefault(box.layer, []).append((box.x0, box.y0, box.x1, box.y1, net.name))
    for layer, boxes in by_layer.items():
        boxes.sort()
        alive: list[tuple[float, float, float, float, str]] = []
        for mine in boxes:
            alive = [other for other in alive if other[2] > mine[0] + 1e-6]
            for other in alive:
                if other[4] != mine[4] and other[1] < mine[3] - 1e-6 and mine[1] < other[3] - 1e-6:
                    raise RoutingError(
                        f"pins of {other[4]} and {mine[4]} overlap on {layer} at {mine[:4]} um: a short"
                    )
            alive.append(mine)


def _kinds(nets: Sequence[Net]) -> tuple[Array, Array]:
    """Widths and clearance of each kind of net, the process's own first, and the kind of each net."""
    least = [_rule(rules[0]) / NM for rules in METAL_RULES]
    kinds: dict[tuple[int, ...], int] = {(*map(_up, least), 0): 0}
    net_kind = []
    for net in nets:
        widths = [(net.width_um or {}).get(metal, width) for metal, width in zip(METALS, least, strict=True)]
        kind = (*map(_up, widths), _up(net.clearance_um))
        net_kind.append(kinds.setdefault(kind, len(kinds)))
    return _rows(list(kinds), 5), np.array(net_kind, dtype=np.int64)


def _shapes(drawn: Sequence[tuple[int, Box]]) -> list[tuple[int, ...]]:
    return [
        (SHAPE_LAYERS.index(box.layer), net, *_outside(box), _space(box.layer))
        for net, box in drawn
        if box.layer != "capm"
    ]


def _space(layer: str) -> int:
    if layer in METALS:
        return _rule(METAL_RULES[METALS.index(layer)][1])
    return _rule(CUT_RULES[CUTS.index(layer)][1])


def _wide(drawn: Sequence[tuple[int, Box]]) -> list[tuple[int, ...]]:
    """Metal wider than 3 um once more, with its greater space."""
    found: list[tuple[int, ...]] = []
    half = round(WIDE_UM * NM / 2)
    for index, metal in enumerate(METALS):
        for net in {net for net, box in drawn if box.layer == metal}:
            merged = _region(box for n, box in drawn if n == net and box.layer == metal)
            wide = merged.merged().sized(-half).sized(half)
            space = _rule(METAL_RULES[index][2])
            for polygon in wide.decompose_trapezoids_to_region().each():
                b = polygon.bbox()
                found.append((index, net, b.left, b.bottom, b.right, b.top, space))
    return found


def _plates(drawn: Sequence[tuple[int, Box]]) -> list[tuple[int, ...]]:
    """MIM capacitors: their bottom plates keep metal 3 farther off, their top plates cuts and metal 3."""
    plates = [box for _, box in drawn if box.layer == "capm"]
    if not plates:
        return []
    tops = _region(plates)
    found: list[tuple[int, ...]] = []
    metal3 = [(net, box) for net, box in drawn if box.layer == "met3"]
    bottoms = _region(box for _, box in metal3).merged().interacting(tops)
    for net, box in metal3:
        here = _region([box])
        if not here.inside(bottoms).is_empty():
            found.append((METALS.index("met3"), net, *_outside(box), _rule("capm.2b")))
    for box in plates:
        for cut, name in (("via2", "capm.8"), ("via3", "capm.5")):
            found.append((SHAPE_LAYERS.index(cut), -1, *_outside(box), _rule(name)))
        found.append((METALS.index("met3"), -1, *_outside(box), _rule("capm.11")))
    return found


def _region(boxes: Iterable[Box]) -> kdb.Region:
    region = kdb.Region()
    for box in boxes:
        region.insert(kdb.Box(*_outside(box)))
    return region


def _outside(box: Box) -> tuple[int, int, int, int]:
    """A box's corners in nm."""
    return round(box.x0 * NM), round(box.y0 * NM), round(box.x1 * NM), round(box.y1 * NM)


def _up(length_um: float) -> int:
    return math.ceil(length_um * NM / DRAWN_NM - 1e-6) * DRAWN_NM


def _down(length_um: float) -> int:
    return math.floor(length_um * NM / DRAWN_NM + 1e-6) * DRAWN_NM


def _rule(name: str) -> int:
    """A rule in nm, or nm2 for an area."""
    found = rule(name)
    if found.value_um is None:
        raise RoutingError(f"design rule {name} carries no number")
    return round(found.value_um * (NM * NM if found.kind in {"area", "hole_area"} else NM))


def _starts(groups: Iterable[Sequence[object]]) -> Array:
    return np.array([0, *np.cumsum([len(group) for group in groups], dtype=np.int64)], dtype=np.int64)


def _rows(rows: Sequence[Sequence[int]], width: int) -> Array:
    return np.array(rows, dtype=np.int64).reshape(-1, width)
