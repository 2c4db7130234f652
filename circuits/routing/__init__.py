"""Wires over met1 to met4 between pins at given places, legal by the design rules.

    wires = route(area, nets, obstacles)        # raises RoutingError

A native router (`native/`) searches over a grid of 0.14 um by negotiated congestion: every net is routed cheaply, and again where nets
are in each other's way, at rising prices. The same input gives the same wires.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.box import Box
from nonideal.circuits.routing.nets import METALS, Net, RoutingError, Wire
from nonideal.circuits.routing.request import NM, SHAPE_LAYERS, Request, make_request
from nonideal.files.compiled import compiled, why_not

__all__ = ["Box", "Net", "Pin", "RoutingError", "Wire", "route"]

SOURCES = (
    "routing.cpp",
    "access.h",
    "field.h",
    "legal.h",
    "queue.h",
    "router.h",
    "rules.h",
    "search.h",
    "shapes.h",
)
ROUNDS = 60
NAMED = 10

Pin = tuple[Box, ...]
"""A pin: boxes of which any will do."""


def route(
    area: tuple[float, float, float, float],
    nets: Sequence[Net],
    obstacles: Iterable[tuple[str, Box]] = (),
    layers: Sequence[str] = METALS,
    rounds: int = ROUNDS,
) -> tuple[Wire, ...]:
    """Join the pins of every net inside an area (x0, y0, x1, y1 in um); one wire a net, in order, empty where it has fewer than two pins.

    ``obstacles`` are what is drawn already: (name of its net or "", box), metals and cuts; a net may touch its own. Wires lie on
    ``layers``; vias to a pin pass through others. Raises RoutingError, naming nets and the place, where some cannot be routed in
    so many ``rounds``, and for input that makes no sense.
    """
    request = make_request(area, nets, obstacles, layers)
    shapes = _run(request, nets, rounds)
    boxes: list[list[Box]] = [[] for _ in nets]
    for net, layer, *corners in np.unique(shapes, axis=0).tolist():
        boxes[net].append(Box(SHAPE_LAYERS[layer], *(round(value / NM, 3) for value in corners)))
    return tuple(Wire(net.name, tuple(found)) for net, found in zip(nets, boxes, strict=True))


def _run(request: Request, nets: Sequence[Net], rounds: int) -> NDArray[np.int64]:
    native = _loaded()
    given = native.routing_run(
        *(_pointer(a) for a in (request.area, request.metals, request.cuts, request.open, request.kinds)),
        len(request.kinds),
        _pointer(request.net_kind),
        len(nets),
        *(_pointer(a) for a in (request.pin_start, request.box_start, request.boxes, request.drawn)),
        len(request.drawn),
        rounds,
    )
    if not given:
        raise RoutingError(f"the router: {native.routing_problem().decode()}")
    try:
        counts = np.zeros(3, dtype=np.int64)
        native.routing_counts(given, _pointer(counts))
        shapes = np.zeros((counts[0], 6), dtype=np.int64)
        failed, where = np.zeros(counts[1], dtype=np.int64), np.zeros(4, dtype=np.int64)
        native.routing_read(given, *(_pointer(a) for a in (shapes, failed, where)))
    finally:
        native.routing_free(given)
    if counts[1]:
        names = ", ".join(nets[n].name for n in failed[:NAMED]) + (", ..." if len(failed) > NAMED else "")
        box = tuple(round(value / NM, 3) for value in where.tolist())
        if counts[2]:
            raise RoutingError(
                f"{len(failed)} nets are in each other's way after {rounds} rounds: {names}, within {box} um"
            )
        raise RoutingError(f"net {names}: no way leads to its pin at {box} um past what is drawn already")
    return shapes


@cache
def _loaded() -> ctypes.CDLL:
    try:
        path = compiled(Path(__file__).parent / "native", SOURCES, "router")
    except (OSError, subprocess.SubprocessError) as error:
        raise RoutingError(
            f"the router cannot be compiled: {why_not(error)}; run `make setup` or install g++"
        ) from error
    native = ctypes.CDLL(str(path))
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    native.routing_run.restype = pointer
    native.routing_run.argtypes = [
        *([pointer] * 5), number, pointer, number, *([pointer] * 4), number, number,
    ]  # fmt: skip
    native.routing_problem.restype = ctypes.c_char_p
    native.routing_counts.argtypes = [pointer, pointer]
    native.routing_read.argtypes = [pointer] * 4
    native.routing_free.argtypes = [pointer]
    return native


def _pointer(array: NDArray[Any]) -> int:
    return int(array.ctypes.data)
