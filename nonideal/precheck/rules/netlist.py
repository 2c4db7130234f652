"""The rule of the netlist: the layout is that circuit."""

from __future__ import annotations

from nonideal.circuits.errors import CircuitError
from nonideal.circuits.lvs import compare
from nonideal.files import read_text
from nonideal.precheck.result import Finding, Place, fails, not_run, passes
from nonideal.precheck.tile import Tile


def lvs(tile: Tile) -> Finding:
    """Devices, nets, ports and sizes of the layout are those of the netlist's subcircuit of the same name."""
    if tile.files.netlist is None:
        return not_run(
            "no netlist given", "give --netlist, a SPICE file with a subcircuit of the tile's name"
        )
    try:
        report = compare(tile.files.gds, read_text(tile.files.netlist), tile.name)
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
