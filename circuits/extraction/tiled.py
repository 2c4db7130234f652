"""klayout-pex with its capacitances extracted tile by tile, each kind of tile once; `launch.py` is the program.

kpex looks at every edge's surroundings, 8 um wide, in Python: a third of a second for every device, and more on large layouts.
Here the layout is cut along lines (`nonideal.circuits.layout.cuts`). A tile is what lies within two neighbouring cuts each way; it sees what is
around it, a halo wider than kpex's own. Tiles whose shapes and nets are alike, wherever they are and however their nets are
called, are extracted once, by kpex's own code; what lies in the tile is kept, moved to every place and given that place's
nets. A capacitance over an area or along an edge is proportional to it, so cutting changes no sum, but that kpex leaves out
fringes below 0.0001 fF, one by one. Devices, resistances and the distribution of capacitances over them are kpex's, of the
whole layout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing import get_context
from typing import Any

import klayout.db as kdb
import klayout_pex.rcx25.extractor as engine
from klayout_pex.rcx25.c.device_capacitor_plates import DeviceCapacitorPlates
from klayout_pex.rcx25.c.overlap_extractor import OverlapExtractor
from klayout_pex.rcx25.c.sidewall_and_fringe_extractor import SidewallAndFringeExtractor
from klayout_pex.rcx25.extraction_results import (
    CellExtractionResults,
    ExtractionResults,
    OverlapCap,
    OverlapKey,
    SideOverlapCap,
    SideOverlapKey,
    SidewallCap,
    SidewallKey,
)

MARGIN_UM = 0.05
"""How much farther than the halo a tile sees."""
PLATE = engine.DEVICE_CAPACITOR_PLATE_PROPERTY


@dataclass(frozen=True, slots=True)
class Shape:
    """A polygon of a tile, relative to the tile's corner; nets are numbers of the tile's own."""

    layer: int
    text: str
    plate: bool
    net: int


@dataclass(frozen=True, slots=True)
class Kind:
    """All that a tile's capacitances depend on."""

    width: int
    height: int
    shapes: tuple[Shape, ...]
    plate_pairs: frozenset[tuple[int, int]]
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a kind of tile lies, and the names of its nets there."""

    x: int
    y: int
    nets: tuple[str, ...]


Tables = dict[str, dict[Any, list[tuple[Any, ...]]]]
"""Table of kpex's results -> key, its nets by number -> (farads in fF and, for RC, where), in plain numbers."""
TABLES = ("overlap_table", "sidewall_table", "sideoverlap_table")


@dataclass(slots=True)
class Found:
    """The capacitances of one kind of tile, and its places."""

    places: list[Place] = field(default_factory=list)
    tables: Tables = field(default_factory=dict)


class Moved:
    """A table of kpex's results: those of every kind of tile at all its places, made when they are read."""

    def __init__(self, found: list[Found], table: str) -> None:
        self.found, self.table = found, table

    def items(self) -> Iterator[tuple[Any, list[Any]]]:
        for one in self.found:
            for place in one.places:
                for key, entries in one.tables[self.table].items():
                    yield _moved_key(key, place.nets), [_moved(key, entry, place) for entry in entries]


def _plain(results: CellExtractionResults) -> Tables:
    """The tables of a tile as numbers; without geometry a key's capacitances are summed up."""

    def entry(cap: Any) -> tuple[Any, ...]:
        if isinstance(cap, OverlapCap):
            return cap.cap_value, tuple(str(p) for p in cap.area.each())
        edges = ((e.x1, e.y1, e.x2, e.y2) for e in (cap.inside_edge, cap.outside_edge))
        return cap.cap_value, *edges

    return {
        table: {
            key: [entry(cap) for cap in caps]
            if results.keep_capacitance_geometry
            else [(sum(cap.cap_value for cap in caps),)]
            for key, caps in getattr(results, table).items()
        }
        for table in TABLES
    }


def _moved_key(key: Any, nets: tuple[str, ...]) -> Any:
    if isinstance(key, OverlapKey):
        return OverlapKey(key.layer_top, nets[int(key.net_top)], key.layer_bot, nets[int(key.net_bot)])
    if isinstance(key, SidewallKey):
        return SidewallKey(key.layer, nets[int(key.net1)], nets[int(key.net2)])
    return SideOverlapKey(
        key.layer_inside, nets[int(key.net_inside)], key.layer_outside, nets[int(key.net_outside)]
    )


def _moved(key: Any, entry: tuple[Any, ...], place: Place) -> Any:
    """kpex's object for an entry at its place; what nothing reads again is left out."""
    farads, *where = entry
    if isinstance(key, OverlapKey):
        area = kdb.Region([kdb.Polygon.from_s(text) for text in where[0]]) if where else None
        moved = None if area is None else area.moved(place.x, place.y)
        return OverlapCap(key, farads, 0.0, 0.0, None, moved)
    edges: list[Any] = [kdb.Edge(*corners).moved(place.x, place.y) for corners in where] or [None, None]
    if isinstance(key, SidewallKey):
        return SidewallCap(key, farads, 0.0, 0.0, None, *edges)
    return SideOverlapCap(key, farads, *edges)


class TileExtractor(SidewallAndFringeExtractor):  # type: ignore[misc]
    """Sidewall and fringe of the edges within a tile; `around` are shapes that only show themselves to those."""

    tile: kdb.Box
    around: dict[str, kdb.Region]

    class PEXEdgeNeighborhoodVisitor(SidewallAndFringeExtractor.PEXEdgeNeighborhoodVisitor):  # type: ignore[misc]
        tile: kdb.Box

        def on_edge(self, layout: Any, cell: Any, edge: Any, neighborhood: Any) -> None:
            there = self.to_original_trans(edge)
            index, extra = self.inside_layer_index, len(self.all_layer_names) + 1
            kept = []
            for interval, by_child in neighborhood:
                clipped = _clipped(there, interval, self.tile)
                if clipped is None or not by_child:
                    continue
                seen = dict(by_child)
                if extra in seen:
                    seen[index] = [*seen.get(index, []), *seen.pop(extra)]
                kept.append((clipped, dict(sorted(seen.items()))))
            if kept:
                super().on_edge(layout, cell, edge, kept)

    def extract(self) -> None:
        """As in kpex, but for the shapes around."""
        tech = self.tech_info
        halo = int(tech.tech.process_parasitics.side_halo / self.dbu) + 1
        node = kdb.CompoundRegionOperationNode
        for index, (name, region) in enumerate(self.layer_regions_by_name.items()):
            if name == tech.internal_substrate_layer_name or name in tech.process_diffusion_layer_names:
                continue
            if region.is_empty():
                continue
            visitor = self.PEXEdgeNeighborhoodVisitor(
                all_layer_names=self.all_layer_names,
                inside_layer_index=index,
                dbu=self.dbu,
                scale_ratio_to_fit_halo=self.scale_ratio_to_fit_halo,
                tech_info=tech,
                device_capacitor_plates=self.device_capacitor_plates,
                mos_channels=self.mos_channels,
                results=self.results,
                report=self.report,
            )
            visitor.tile = self.tile
            full = [region + self.around[other] for other, region in self.layer_regions_by_name.items()]
            children = [node.new_secondary(region) for region in full]
            children[index] = node.new_foreign()
            beside = self.around[name]
            children += [node.new_primary(), node.new_secondary(beside)]
            region.complex_op(
                node.new_edge_neighborhood(
                    children=children, visitor=visitor, bext=-1, eext=-1, din=-1, dout=halo
                )
            )


def _clipped(there: Any, interval: tuple[float, float], tile: kdb.Box) -> tuple[float, float] | None:
    """The part of an edge's interval that is the tile's own: its lower and left border are, the others its neighbours'."""
    start, end = interval
    p, q = there * kdb.Point(round(start), 0), there * kdb.Point(round(end), 0)
    if p.y == q.y:
        across, low, high, a, b, left, right = p.y, tile.bottom, tile.top, p.x, q.x, tile.left, tile.right
    elif p.x == q.x:
        across, low, high, a, b, left, right = p.x, tile.left, tile.right, p.y, q.y, tile.bottom, tile.top
    else:
        raise ValueError(f"an edge at {p} is neither upright nor level: tiles are cut along such edges only")
    if not low <= across < high:
        return None
    if a <= b:
        start, end = start + max(0, left - a), end - max(0, b - right)
    else:
        start, end = start + max(0, a - right), end - max(0, left - b)
    return (start, end) if end > start else None


@dataclass(slots=True)
class Layers:
    """The layout's merged shapes by layer, to be looked up by place."""

    names: list[str]
    shapes: list[kdb.Shapes]
    channels: kdb.Shapes
    box: kdb.Box

    @classmethod
    def of(cls, regions: dict[str, kdb.Region], channels: kdb.Region) -> Layers:
        kept, box = [], kdb.Box()
        for region in regions.values():
            shapes = kdb.Shapes()
            for polygon in region.merged().each():
                shapes.insert(polygon)
            kept.append(shapes)
            box += region.bbox()
        held = kdb.Shapes()
        held.insert(channels.merged())
        return cls(list(regions), kept, held, box)

    def within(self, box: kdb.Box) -> list[tuple[int, kdb.Polygon, bool, str]]:
        """(layer, polygon, whether a plate, net) of all that is within a box, cut at its border."""
        cut, found = kdb.Region(box), []
        for layer, shapes in enumerate(self.shapes):
            for shape in shapes.each_touching(box):
                net, plate = shape.property("net"), bool(shape.property(PLATE))
                if shape.bbox().inside(box):
                    found.append((layer, shape.polygon, plate, net))
                    continue
                found += [(layer, p, plate, net) for p in (kdb.Region(shape.polygon) & cut).each()]
        return found

    def channels_within(self, box: kdb.Box) -> list[kdb.Polygon]:
        return [shape.polygon for shape in self.channels.each_touching(box)]


def kind_of(
    layers: Layers, tile: kdb.Box, halo: int, pairs: set[frozenset[str]]
) -> tuple[Kind, tuple[str, ...]]:
    """The kind of the tile in that box, and the names of its nets."""
    away = kdb.Trans(-tile.left, -tile.bottom)
    seen = sorted(
        (layer, str(polygon.transformed(away)), plate, net)
        for layer, polygon, plate, net in layers.within(tile.enlarged(halo, halo))
    )
    numbers: dict[str, int] = {}
    shapes = tuple(
        Shape(layer, text, plate, numbers.setdefault(net, len(numbers))) for layer, text, plate, net in seen
    )
    known = [sorted(numbers[net] for net in pair) for pair in pairs if all(net in numbers for net in pair)]
    channels = tuple(
        sorted(str(p.transformed(away)) for p in layers.channels_within(tile.enlarged(halo, halo)))
    )
    made = Kind(tile.width(), tile.height(), shapes, frozenset((p[0], p[-1]) for p in known), channels)
    return made, tuple(numbers)


_worker: list[Tiles] = []
"""In a worker process: its layout's. In the others empty."""


@dataclass(slots=True)
class Tiles:
    """Extracts the kinds of tiles of a layout with the settings of the extractor it stands for."""

    overlap: Any
    fringe: Any

    def found(self, kind: Kind) -> Tables:
        """The capacitances within a tile of that kind, nets by number."""
        tile = kdb.Box(0, 0, kind.width, kind.height)
        names = self.overlap.all_layer_names
        own, inner, around = ({name: _region() for name in names} for _ in range(3))
        cut = kdb.Region(tile)
        for shape in kind.shapes:
            polygon, name = kdb.Polygon.from_s(shape.text), names[shape.layer]
            told = {"net": str(shape.net)} | ({PLATE: True} if shape.plate else {})
            touches = polygon.bbox().touches(tile)
            (inner if touches else around)[name].insert(kdb.PolygonWithProperties(polygon, told))
            if touches:
                for part in (kdb.Region(polygon) & cut).each():
                    own[name].insert(kdb.PolygonWithProperties(part, told))
        results = CellExtractionResults(
            cell_name="tile",
            keep_capacitance_geometry=self.overlap.results.keep_capacitance_geometry,
        )
        pairs = {frozenset((str(a), str(b))) for a, b in kind.plate_pairs}
        common = {
            "all_layer_names": names,
            "dbu": self.overlap.dbu,
            "tech_info": self.overlap.tech_info,
            "device_capacitor_plates": DeviceCapacitorPlates(terminal_net_pairs=pairs),
            "results": results,
            "report": self.overlap.report,
        }
        OverlapExtractor(layer_regions_by_name=own, **common).extract()
        channels = kdb.Region([kdb.Polygon.from_s(text) for text in kind.channels])
        fringe = TileExtractor(
            layer_regions_by_name=inner,
            scale_ratio_to_fit_halo=self.fringe.scale_ratio_to_fit_halo,
            mos_channels=channels,
            **common,
        )
        fringe.tile, fringe.around = tile, around
        fringe.extract()
        return _plain(results)


def _region() -> kdb.Region:
    region = kdb.Region()
    region.enable_properties()
    return region


def _between(cuts_um: list[float], low: int, high: int, dbu: float) -> list[tuple[int, int]]:
    """The stretches between the cuts, and to both ends."""
    inside = sorted({round(cut / dbu) for cut in cuts_um})
    edges = [low, *(cut for cut in inside if low < cut < high), high]
    return list(pairwise(edges))


def _in_worker(tiles: Tiles) -> None:
    _worker.append(tiles)


def _found_by_worker(kind: Kind) -> Tables:
    return _worker[0].found(kind)


def install(cuts: dict[str, list[float]], jobs: int, tell: Callable[[str, int], None]) -> None:
    """Make this process's kpex extract tiles and sum up its results once; ``tell`` gets stage and percentage."""
    waiting: list[Any] = []

    class Overlap(OverlapExtractor):  # type: ignore[misc]
        def extract(self) -> None:
            waiting.append(self)

    class Fringe(SidewallAndFringeExtractor):  # type: ignore[misc]
        def extract(self) -> None:
            overlap = waiting.pop()
            tiles = Tiles(overlap, self)
            channels = kdb.Region()
            for shape in self.mos_channels.each():
                channels.insert(shape.polygon)
            layers = Layers.of(self.layer_regions_by_name, channels)
            halo = round((self.tech_info.tech.process_parasitics.side_halo + MARGIN_UM) / self.dbu)
            box = layers.box.enlarged(1, 1)
            found: dict[Kind, Found] = {}
            count = 0
            for left, right in _between(cuts["x_um"], box.left, box.right, self.dbu):
                for bottom, top in _between(cuts["y_um"], box.bottom, box.top, self.dbu):
                    tile = kdb.Box(left, bottom, right, top)
                    kind, nets = kind_of(layers, tile, halo, self.device_capacitor_plates.terminal_net_pairs)
                    found.setdefault(kind, Found()).places.append(Place(left, bottom, nets))
                    count += 1
            print(f"tiles: {count}, kinds of them: {len(found)}", flush=True)
            # A process for each kind: kpex's engine keeps memory, some 40 MB a tile.
            with get_context("fork").Pool(jobs, _in_worker, (tiles,), maxtasksperchild=1) as pool:
                done = pool.imap(_found_by_worker, found, chunksize=1)
                for number, (one, tables) in enumerate(zip(found.values(), done, strict=True), start=1):
                    one.tables = tables
                    tell("capacitances", 100 * number // len(found))
            for table in TABLES:
                setattr(self.results, table, Moved(list(found.values()), table))

    engine.OverlapExtractor, engine.SidewallAndFringeExtractor = Overlap, Fringe
    ExtractionResults.summarize = _once(ExtractionResults.summarize)


def _once(summarize: Any) -> Any:
    """kpex sums its results up three times."""
    known: dict[int, Any] = {}

    def once(results: Any) -> Any:
        if id(results) not in known:
            known[id(results)] = summarize(results)
        return known[id(results)]

    return once
