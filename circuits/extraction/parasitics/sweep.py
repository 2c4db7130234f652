"""The native sweep over a layout: capacitances between nodes, and how much area and how many edges it saw."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.layout.errors import ExtractionFailed

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scene:
    """Shapes with upright and level edges, in units of `dbu_um`. Layers are numbers from the substrate, 0, up.

    `points` [n, 2]; `contour_start` [contours + 1] into them; `contour_shape` [contours], hull before holes; `layer`, `net` and `plate`
    [shapes]; `channels` [n, 4], boxes; `plate_pairs` [n, 2], nets.
    """

    points: Ints
    contour_start: Longs
    contour_shape: Ints
    layer: Ints
    net: Ints
    plate: NDArray[np.uint8]
    channels: Ints
    plate_pairs: Ints
    nets: int


@dataclass(frozen=True, slots=True)
class Tables:
    """Constants by layer: see `native/technology.h`. Negative: a device's model has it."""

    dbu_um: float
    halo_um: float
    least_fringe_fF: float
    plate_aF_um2: Doubles
    fringe_aF_um: Doubles
    shielding_per_um: Doubles
    sidewall_aF_um: Doubles
    sidewall_offset_um: Doubles


@dataclass(frozen=True, slots=True)
class Sites:
    """Where nodes lie: `x`, `y`, `node` of all, list by list; `start` [lists + 1]; `list_of` [nets, layers], -1 where the
    whole net is one node, which has the net's number; `net_of` [nodes]."""

    x: Doubles
    y: Doubles
    node: Ints
    start: Longs
    list_of: Ints
    net_of: Ints


@dataclass(frozen=True, slots=True)
class Swept:
    """`nodes` [n, 2], `farad` [n]; areas over something and over nothing, and the length of edges, [nets, layers], in units of `dbu_um`."""

    nodes: Ints
    farad: Doubles
    over_something: Doubles
    over_nothing: Doubles
    sides: Doubles


class _Shapes(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("points", "contour_start", "contour_shape")),
        ("contours", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("layer", "net", "plate")),
        ("count", ctypes.c_int64),
    )


class _Technology(ctypes.Structure):
    _fields_ = (
        ("layers", ctypes.c_int32),
        ("um", ctypes.c_double),
        ("halo", ctypes.c_int32),
        ("halo_um", ctypes.c_double),
        ("least_fringe_fF", ctypes.c_double),
        *(
            (name, ctypes.c_void_p)
            for name in ("plate", "fringe", "shielding", "sidewall", "sidewall_offset")
        ),
    )


_SITE = np.dtype([("x", np.float64), ("y", np.float64), ("node", np.int32)], align=True)


def sweep(library: ctypes.CDLL, scene: Scene, tables: Tables, sites: Sites, least_fF: float) -> Swept:
    """All capacitances of a scene; raises ExtractionFailed where a shape cannot be looked at."""
    layers = len(tables.sidewall_aF_um)
    held = np.zeros(len(sites.x), _SITE)
    held["x"], held["y"], held["node"] = sites.x, sites.y, sites.node
    kept: list[Any] = []

    def at(values: NDArray[Any], kind: Any) -> int:
        kept.append(np.ascontiguousarray(values, kind))
        return int(kept[-1].ctypes.data)

    shapes = _Shapes(
        at(scene.points, np.int32), at(scene.contour_start, np.int64), at(scene.contour_shape, np.int32), len(scene.contour_shape),
        at(scene.layer, np.int32), at(scene.net, np.int32), at(scene.plate, np.uint8), len(scene.layer),
    )  # fmt: skip
    constants = (
        tables.plate_aF_um2,
        tables.fringe_aF_um,
        tables.shielding_per_um,
        tables.sidewall_aF_um,
        tables.sidewall_offset_um,
    )
    technology = _Technology(
        layers,
        tables.dbu_um,
        round(tables.halo_um / tables.dbu_um) + 2,  # kpex looks at 2 nm more
        tables.halo_um,
        tables.least_fringe_fF,
        *(at(values, np.float64) for values in constants),
    )
    _declare(library)
    found = library.parasitics_find(
        ctypes.byref(shapes),
        ctypes.byref(technology),
        scene.nets,
        at(held, _SITE),
        at(sites.start, np.int64),
        len(sites.start) - 1,
        at(sites.list_of, np.int32),
        at(sites.net_of, np.int32),
        least_fF,
        at(scene.channels, np.int32),
        len(scene.channels),
        at(scene.plate_pairs, np.int32),
        len(scene.plate_pairs),
    )
    if not found:
        raise ExtractionFailed(f"the layout cannot be extracted: {library.parasitics_problem().decode()}")
    try:
        count = library.parasitics_count(found)
        nodes, femto = np.empty((count, 2), np.int32), np.empty(count)
        seen = np.empty((3, scene.nets, layers))
        library.parasitics_read(found, nodes.ctypes.data, femto.ctypes.data, seen.ctypes.data)
    finally:
        library.parasitics_free(found)
    return Swept(nodes, femto * 1e-15, *seen)


def _declare(library: ctypes.CDLL) -> None:
    pointer, count = ctypes.c_void_p, ctypes.c_int64
    library.parasitics_find.restype = pointer
    library.parasitics_find.argtypes = (
        pointer,
        pointer,
        count,
        pointer,
        pointer,
        count,
        pointer,
        pointer,
        ctypes.c_double,
        pointer,
        count,
        pointer,
        count,
    )
    library.parasitics_problem.restype = ctypes.c_char_p
    library.parasitics_count.restype, library.parasitics_count.argtypes = count, (pointer,)
    library.parasitics_read.restype, library.parasitics_read.argtypes = None, (pointer,) * 4
    library.parasitics_free.restype, library.parasitics_free.argtypes = None, (pointer,)
