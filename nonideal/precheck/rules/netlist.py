"""The rule of the netlist: the layout is that circuit."""

from __future__ import annotations

import re

from nonideal.circuits.errors import CircuitError
from nonideal.circuits.lvs import compare
from nonideal.precheck.result import Finding, Place, fails, not_run, passes
from nonideal.precheck.rules.drawing import other_devices
from nonideal.precheck.tile import Tile
from nonideal.sky130_models.tile import GROUND


def lvs(tile: Tile) -> Finding:
    """Devices, nets, ports and sizes of the layout are those of the netlist's subcircuit of the same name.

    An output that is no port of the netlist has to be tied to ground in the layout.
    """
    text = tile.netlist
    if text is None:
        return not_run(
            "no netlist given", "give --netlist, a SPICE file with a subcircuit of the tile's name"
        )
    if others := other_devices(tile):
        return not_run(
            f"the layout has {', '.join(others)}, which our LVS does not know", "run netgen or KLayout's LVS"
        )
    try:
        report = compare(tile.files.gds, text, tile.name, tied=_tied(tile, text))
    except CircuitError as error:
        return fails(str(error), "mend the netlist, or the layout")
    if not report.matched:
        return Finding(
            state="fail",
            found=f"{report.difference_count} differences: {'; '.join(report.differences[:3])}",
            advice="mend the netlist, or the layout",
            places=tuple(Place(x_um=0.0, y_um=0.0, what=one) for one in report.differences[:10]),
            count=report.difference_count,
        )
    return passes(f"{report.device_count} devices, {report.nets} nets, {len(report.ports)} ports match")


def _tied(tile: Tile, text: str) -> dict[str, str]:
    """The template's outputs that the netlist's subcircuit has not, each with the ground that it has to be on."""
    lines = re.sub(r"\n\s*\+", " ", text).split("\n")
    heads = [line.split() for line in lines if line.lower().startswith(".subckt")]
    ports = {port.lower() for head in heads if head[1:2] == [tile.name] for port in head[2:]}
    outputs = (
        [pin.name for pin in tile.template.digital if pin.direction == "output"] if tile.template else []
    )
    return {name: GROUND for name in outputs if name.lower() not in ports}
