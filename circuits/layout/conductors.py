"""Which of a cell's shapes hang together, and on which net: what wires may land on, and what they have to keep off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import gdstk
import klayout.db as kdb

from nonideal.circuits.layout.block import Box
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.shapes import DBU, boxes_of, region_of

METALS = ("met1", "met2", "met3", "met4")
CUTS = ("mcon", "via", "via2", "via3")
"""Each below the metal of the same place."""
PLATE = "capm"
"""Where it lies a cut leads to the capacitor's upper plate, not to the metal below."""


def shapes_by_net(cell: gdstk.Cell, pins: Mapping[str, Sequence[Box]]) -> Iterable[tuple[str, Box]]:
    """(net, box) of everything that a cell has on metals 1 to 4 and the cuts between; "" where none of the pins lies on it.

    Raises ``LayoutError`` where a pin lies on no metal, and where pins of two nets lie on one.
    """
    regions = {layer: region_of(cell, layer) for layer in (*METALS, *CUTS)}
    upper = regions["via3"] & region_of(cell, PLATE)
    found = _Connected(regions | {"via3": regions["via3"] - upper})
    names: dict[int, str] = {}
    for net, boxes in pins.items():
        for box in boxes:
            cluster = found.at(box)
            if cluster is None:
                raise LayoutError(f"pin {net} at ({box.x:.2f}, {box.y:.2f}) um lies on no {box.layer}")
            if names.setdefault(cluster, net) != net:
                raise LayoutError(
                    f"pins {names[cluster]} and {net} lie on one piece of metal: they are one net already"
                )
    for layer in (*METALS, *CUTS):
        named = kdb.Region()
        for cluster, net in names.items():
            own = found.shapes(cluster, layer)
            named.insert(own)
            yield from ((net, box) for box in boxes_of(own, layer))
        yield from (("", box) for box in boxes_of(regions[layer] - named, layer))


class _Connected:
    """Shapes of metals and cuts, joined where they touch."""

    def __init__(self, regions: Mapping[str, kdb.Region]) -> None:
        layout = kdb.Layout()
        layout.dbu = DBU
        top = layout.create_cell("top")
        self._made = kdb.LayoutToNetlist(kdb.RecursiveShapeIterator(layout, top, []))
        self._layers = {}
        for name, region in regions.items():
            layer = layout.insert_layer(kdb.LayerInfo(name))
            top.shapes(layer).insert(region)
            self._layers[name] = self._made.make_layer(layer, name)
        for number, metal in enumerate(METALS):
            cut = self._layers[CUTS[number]]
            self._made.connect(self._layers[metal])
            self._made.connect(cut)
            self._made.connect(cut, self._layers[metal])
            if number:
                self._made.connect(cut, self._layers[METALS[number - 1]])
        self._made.extract_netlist()
        self._nets: dict[int, kdb.Net] = {}

    def at(self, box: Box) -> int | None:
        """The number of what lies in a box's middle."""
        net = self._made.probe_net(self._layers[box.layer], kdb.DPoint(box.x, box.y))
        if net is None:
            return None
        self._nets[net.cluster_id] = net
        return int(net.cluster_id)

    def shapes(self, cluster: int, layer: str) -> kdb.Region:
        """What of a layer belongs to a cluster."""
        found = self._made.shapes_of_net(self._nets[cluster], self._layers[layer], True)
        return found if isinstance(found, kdb.Region) else kdb.Region()
